"""Sync modes and pauses: what stands as it was, and what goes on."""

from __future__ import annotations

from fleetd.domain.records import (
    AddonRecord,
)
from fleetd.domain.states import AddonState


def test_a_one_time_profile_stays_as_it_was_deployed_whatever_is_edited_and_restarted(fleet, said):
    fleet.declare(said.profile(more="syncMode: OneTime"), said.content())
    fleet.join("c", env="x")
    fleet.run()
    fleet.declare(said.content("base", "2"), said.profile(more="syncMode: OneTime\n  tier: 5"))
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}
    fleet.restart()
    fleet.connect("c")
    fleet.ask("requeue", "ClusterProfile/base")
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}


def test_a_paused_profile_stands_still_over_a_restart_and_goes_on_when_it_is_let(fleet, said):
    paused = said.profile(annotations='{profile.projectsveltos.io/paused: "true"}')
    fleet.declare(said.profile(), said.content())
    fleet.join("c", env="x")
    fleet.run()
    fleet.declare(paused, said.content("base", "2"))
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}
    fleet.restart()
    fleet.connect("c")
    fleet.ask("requeue", "ClusterProfile/base")
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}
    fleet.declare(said.profile())
    fleet.run()
    assert fleet.standing("c") == {"base-0": "2"}


def test_what_was_due_when_a_profile_was_paused_is_done_when_it_goes_on(fleet, said):
    fleet.declare(said.content())
    fleet.join("c", env="x")
    fleet.declare(said.profile())
    fleet.due.clear()
    fleet.declare(said.profile(annotations='{profile.projectsveltos.io/paused: "true"}'))
    assert [item.state for item in fleet.told(AddonRecord)] == [AddonState.WAITING]
    fleet.run()
    assert fleet.standing("c") == {}
    fleet.declare(said.profile())
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}


def test_nothing_is_delivered_to_a_paused_cluster_whatever_is_asked(fleet, said):
    fleet.declare(said.profile(), said.content())
    fleet.join("c", env="x")
    fleet.run()
    cluster = said.loaded(
        "{apiVersion: lib.projectsveltos.io/v1beta1, kind: SveltosCluster, metadata: {name: c, namespace: fleet, labels: {env: x}}}"
    )
    fleet.declare({**cluster, "spec": {"paused": True}})
    fleet.declare(said.content("base", "2"))
    fleet.ask("requeue", "ClusterProfile/base")
    assert not fleet.due
    fleet.relabel("c", env="x")
    fleet.run()
    assert fleet.standing("c") == {"base-0": "2"}
