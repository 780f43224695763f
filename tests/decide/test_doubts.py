"""What is merely not known takes nothing down."""

from __future__ import annotations

import pytest

from fleetd.domain.records import (
    DeclaredStatus,
    EventRecord,
)
from fleetd.domain.states import AddonState, DeclaredState, MatchState


def busy(fleet, said, count=1, **options):
    """Clusters `s0` … with an object each, and a trigger that copies it where it is."""
    fleet.declare(said.source(), said.template(), said.trigger(**options))
    for index in range(count):
        fleet.put(f"s{index}", said.config_map("one"))
    fleet.join(*(f"s{index}" for index in range(count)), role="source")
    fleet.run()


def copies(fleet, count):
    return sum(f"copy-s{index}-one" in fleet.standing(f"s{index}") for index in range(count))


def test_what_a_list_lacks_is_gone_only_when_a_second_read_agrees(fleet, said):
    busy(fleet, said)
    fleet.list_all("s0", without={said.ref("one")})
    assert not fleet.told(EventRecord)
    assert fleet.doubts
    fleet.run()
    assert copies(fleet, 1) == 1
    fleet.drop("s0", said.ref("one"), unseen=True)
    fleet.list_all("s0")
    assert not fleet.told(EventRecord)
    fleet.run()
    assert copies(fleet, 1) == 0


def test_a_broken_source_keeps_what_it_reported(fleet, said):
    busy(fleet, said)
    fleet.declare(said.source().replace("operation: Equal", "operation: Wrong"))
    (status,) = fleet.told(DeclaredStatus)
    assert status.state is DeclaredState.FAILED
    fleet.run()
    assert copies(fleet, 1) == 1
    fleet.restart()
    fleet.connect("s0")
    fleet.run()
    assert copies(fleet, 1) == 1


@pytest.mark.parametrize("restarted", [False, True])
def test_a_trigger_or_profile_that_cannot_be_read_keeps_what_it_led_to(fleet, said, restarted):
    busy(fleet, said)
    fleet.declare(said.profile(env="x"), said.content())
    fleet.join("d", env="x")
    fleet.run()
    wrong = "matchExpressions: [{key: a, operator: Wrong}]"
    fleet.declare(said.trigger().replace("matchLabels: {role: source}", wrong), said.profile().replace("matchLabels: {env: x}", wrong))
    assert [item.state for item in fleet.told(DeclaredStatus)] == [DeclaredState.FAILED] * 2
    if restarted:
        assert not fleet.restart().records
        fleet.connect("s0", "d")
    fleet.run()
    assert (copies(fleet, 1), fleet.standing("d")) == (1, {"base-0": "1"})
    fleet.declare(said.trigger(), said.profile())
    fleet.run()
    assert (copies(fleet, 1), fleet.standing("d")) == (1, {"base-0": "1"})


def test_content_that_vanishes_takes_nothing_down(fleet, said):
    fleet.declare(said.profile(), said.content())
    fleet.join("c", env="x")
    fleet.run()
    fleet.undeclare("ConfigMap/default/base")
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}
    (addon,) = fleet.plane.addons["ClusterProfile/base", "fleet/c"].values()
    assert addon.state is AddonState.FAILED
    assert "does not exist" in addon.reason
    assert not fleet.restart().records
    fleet.connect("c")
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}


def test_a_template_that_no_longer_renders_takes_nothing_down(fleet, said):
    busy(fleet, said)
    fleet.declare(said.template(extra="{{ .Resource.none.none }}"))
    fleet.run()
    assert copies(fleet, 1) == 1
    (match,) = fleet.plane.matches.values()
    assert match.state is MatchState.FAILED
    assert not fleet.restart().records
    fleet.declare(said.template())
    fleet.connect("s0")
    fleet.run()
    assert next(iter(fleet.plane.matches.values())).state is MatchState.ACTED


def test_a_reference_that_no_longer_renders_takes_nothing_down(fleet, said):
    named = said.profile().replace("name: base}]", 'name: "base{{ .Cluster.metadata.labels.tail }}"}]')
    fleet.declare(named, said.content())
    fleet.join("c", env="x", tail="")
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}
    fleet.declare(named.replace("labels.tail", "labels.none.none"))
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}
    assert {item.state for item in fleet.plane.addons["ClusterProfile/base", "fleet/c"].values()} <= {
        AddonState.FAILED,
        AddonState.DEPLOYED,
    }
