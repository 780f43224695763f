"""Clusters that leave, come back, are others by now, or change their labels."""

from __future__ import annotations

from fleetd.domain.records import (
    InventoryGone,
    MemberGone,
)


def busy(fleet, said, count=1, **options):
    """Clusters `s0` … with an object each, and a trigger that copies it where it is."""
    fleet.declare(said.source(), said.template(), said.trigger(**options))
    for index in range(count):
        fleet.put(f"s{index}", said.config_map("one"))
    fleet.join(*(f"s{index}" for index in range(count)), role="source")
    fleet.run()


def test_a_cluster_that_leaves_during_a_delivery_and_comes_back_gets_what_it_should(fleet, said):
    fleet.declare(said.profile(), said.content())
    fleet.join("c", env="x")
    order = fleet.begin(("ClusterProfile/base", "fleet/c"))
    fleet.leave("c")
    fleet.join("c", env="x")
    fleet.declare(said.content("base", "2"))
    fleet.finish(order)
    fleet.run()
    assert fleet.standing("c") == {"base-0": "2"}


def test_another_cluster_under_a_name_that_left_gets_everything(fleet, said):
    fleet.declare(said.profile(), said.content())
    fleet.join("c", env="x")
    fleet.run()
    fleet.leave("c")
    assert fleet.told(InventoryGone)
    assert fleet.told(MemberGone)
    fleet.live["fleet/c"].clear()
    fleet.join("c", env="x")
    fleet.run()
    assert fleet.live["fleet/c"]


def test_a_cluster_that_left_and_comes_back_as_it_was_is_not_written_to(fleet, said):
    fleet.declare(said.profile(), said.content())
    fleet.join("c", env="x")
    fleet.run()
    fleet.leave("c")
    writes = fleet.writes
    fleet.join("c", env="x")
    fleet.run()
    assert (fleet.writes, fleet.standing("c")) == (writes, {"base-0": "1"})


def test_a_cluster_that_left_while_nobody_looked_is_gone_from_the_records(fleet, said):
    busy(fleet, said)
    fleet.declared = {ref: item for ref, item in fleet.declared.items() if ref.kind != "SveltosCluster"}
    fleet.restart()
    assert fleet.told(MemberGone)
    assert not any(fleet.kept.rows[name] for name in ("members", "inventory", "addons", "matches", "generated", "destinations"))
    assert not fleet.kept.reports["marked", "fleet/s0"].by_ref


def test_labels_changed_while_nobody_looked_do_not_make_a_cluster_reachable(fleet, said):
    fleet.declare(said.profile(), said.content())
    fleet.join("c", env="y")
    fleet.run()
    with fleet.turn():
        pass
    ref = next(ref for ref in fleet.declared if ref.kind == "SveltosCluster")
    manifest = fleet.declared[ref]
    fleet.declared[ref] = {**manifest, "metadata": {**manifest["metadata"], "labels": {"env": "x"}}}
    turn = fleet.restart()
    assert not turn.due
    fleet.connect("c")
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}


def test_a_destination_relabelled_to_and_fro_during_deliveries_ends_as_its_labels_say(fleet, said):
    fleet.declare(said.profile(), said.content())
    fleet.join("c", env="x")
    key = ("ClusterProfile/base", "fleet/c")
    order = fleet.begin(key)
    fleet.relabel("c", env="y")
    fleet.finish(order)
    fleet.run()
    assert (fleet.standing("c"), fleet.live["fleet/c"]) == ({}, {})
    fleet.relabel("c", env="x")
    order = fleet.begin(key)
    fleet.relabel("c", env="y")
    fleet.relabel("c", env="x")
    fleet.finish(order)
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}
