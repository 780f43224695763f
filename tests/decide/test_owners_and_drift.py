"""Whose an object is, what is put back, and what is said of it."""

from __future__ import annotations

from fleetd.domain.records import (
    DeclaredStatus,
)
from fleetd.domain.states import AddonState, DeclaredState


def test_a_lower_tier_takes_an_object_and_the_one_before_says_so(fleet, said):
    fleet.declare(said.profile("aaa"), said.profile("bbb", more="tier: 50"), said.content("aaa"))
    fleet.join("c", env="x")
    fleet.run()
    shared = said.loaded(said.content("aaa", "2"))
    shared["metadata"]["name"] = "bbb"
    fleet.declare(shared)
    for key in list(fleet.due):
        order = fleet.begin(key)
        fleet.finish(order)
    assert fleet.standing("c") == {"aaa-0": "2"}
    assert ("ClusterProfile/aaa", "fleet/c") in fleet.due
    fleet.finish(fleet.begin(("ClusterProfile/aaa", "fleet/c")))
    (addon,) = fleet.plane.addons["ClusterProfile/aaa", "fleet/c"].values()
    assert addon.state is AddonState.CONFLICT
    assert "ClusterProfile bbb" in addon.reason
    assert fleet.standing("c") == {"aaa-0": "2"}
    fleet.undeclare("ClusterProfile.config.projectsveltos.io//bbb")
    fleet.run()
    assert fleet.standing("c") == {"aaa-0": "1"}


def drifting(fleet, said):
    fleet.declare(said.profile(more="syncMode: ContinuousWithDriftDetection"), said.content())
    fleet.join("c", env="x")
    fleet.run()
    return said.ref("base-0", "made")


def changed(fleet, ref, value):
    live = fleet.live["fleet/c"][ref]
    return {**live, "data": {"value": value}}


def test_a_change_by_hand_is_put_back_even_when_the_first_attempt_fails(fleet, said):
    ref = drifting(fleet, said)
    fleet.put("c", changed(fleet, ref, "mine"))
    (incident,) = fleet.plane.incidents.values()
    assert [field.path for field in incident.fields] == [".data.value"]
    fleet.finish(fleet.begin(("ClusterProfile/base", "fleet/c")), away=True)
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}
    assert not fleet.plane.incidents


def test_a_change_that_somebody_takes_back_ends_without_a_write(fleet, said):
    ref = drifting(fleet, said)
    before, writes = fleet.live["fleet/c"][ref], fleet.writes
    fleet.put("c", changed(fleet, ref, "mine"))
    fleet.put("c", before)
    fleet.run()
    assert not fleet.plane.incidents
    assert fleet.writes == writes


def test_drift_mode_switched_on_watches_what_is_there_already(fleet, said):
    fleet.declare(said.profile(), said.content())
    fleet.join("c", env="x")
    fleet.run()
    with fleet.turn() as turn:
        fleet._declare(turn, said.loaded(said.profile(more="syncMode: ContinuousWithDriftDetection")), ())
    assert turn.rewatch == {"fleet/c"}


def test_a_status_is_said_once(fleet, said):
    fleet.declare(said.profile(), unsupported=("spec.helmCharts",))
    assert [item.state for item in fleet.told(DeclaredStatus)] == [DeclaredState.UNSUPPORTED]
    fleet.declare(said.profile(), unsupported=("spec.helmCharts",))
    assert not fleet.told(DeclaredStatus)
    fleet.declare(said.profile())
    assert [item.state for item in fleet.told(DeclaredStatus)] == [DeclaredState.READY]
    fleet.undeclare("ClusterProfile.config.projectsveltos.io//base")
    fleet.declare(said.profile())
    assert [item.state for item in fleet.told(DeclaredStatus)] == [DeclaredState.READY]
