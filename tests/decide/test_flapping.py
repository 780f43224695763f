"""What begins and stops, or is changed back, again and again: held back for a while, and never taken away for that."""

from __future__ import annotations

import pytest

from fleetd.domain.held_back import Damped, DampedGone
from fleetd.domain.records import EventRecord, VerdictRecord
from fleetd.domain.states import DampedKind, RequestState


@pytest.fixture
def copying(fleet, said):
    fleet.declare(said.source(), said.template(), said.trigger())
    fleet.put("a", said.config_map("one"), said.config_map("two"))
    fleet.join("a", role="source")
    fleet.run()
    return fleet


def flap(fleet, said, times, name="one"):
    """It stops matching and begins again, a second apart."""
    for _ in range(times):
        fleet.put("a", said.config_map(name, mark="no"))
        fleet.run()
        fleet.put("a", said.config_map(name))
        fleet.run()


def flapping(fleet):
    return [item for item in fleet.plane.damped.values() if item.kind is DampedKind.FLAPPING]


def test_a_few_times_cost_nothing(copying, said):
    flap(copying, said, 4)
    assert not flapping(copying)
    assert len(copying.standing("a")) == 2


def test_an_object_that_flaps_stands_as_it_is_and_the_row_says_why(copying, said):
    flap(copying, said, 5)
    (held,) = copying.told(Damped) or flapping(copying)
    assert (held.subject, held.cluster, held.object_ref) == ("EventSource/marked", "fleet/a", said.ref("one"))
    assert "stopped matching and began again" in held.reason
    written, events = copying.writes, len([item for item in copying.history if isinstance(item, EventRecord)])
    copying.put("a", said.config_map("one", mark="no"))
    assert [item.reason for item in copying.told(VerdictRecord)] == [flapping(copying)[0].reason]
    copying.run()
    assert copying.writes == written
    assert len([item for item in copying.history if isinstance(item, EventRecord)]) == events
    assert len(copying.standing("a")) == 2
    copying.put("a", said.config_map("two", "goes on"))
    copying.run()
    assert copying.standing("a")["copy-a-two"] == "goes on"


def test_what_is_gone_after_the_pause_goes_then_and_what_is_there_stays(copying, said):
    flap(copying, said, 5)
    copying.put("a", said.config_map("one", mark="no"))
    copying.run()
    copying.wait(seconds=5)
    copying.run()
    assert len(copying.standing("a")) == 1
    copying.wait(minutes=5)
    assert not copying.plane.damped
    assert [item.kind for item in copying.history if isinstance(item, DampedGone)] == [DampedKind.FLAPPING]


def test_what_is_back_when_its_pause_ends_was_never_away(copying, said):
    flap(copying, said, 5)
    written = copying.writes
    copying.put("a", said.config_map("one", mark="no"))
    copying.put("a", said.config_map("one"))
    copying.wait(minutes=5)
    copying.run()
    assert copying.writes == written
    assert len(copying.standing("a")) == 2
    assert not copying.plane.damped


def test_pauses_grow_while_it_flaps(copying, said):
    flap(copying, said, 300)
    (held,) = flapping(copying)
    assert held.pauses >= 6
    gone = [item for item in copying.history if isinstance(item, EventRecord)]
    assert len(gone) < 40


def test_a_deleted_source_lets_go_at_once_what_was_held_back(copying, said):
    flap(copying, said, 5)
    copying.undeclare("EventSource.lib.projectsveltos.io//marked")
    copying.run()
    assert copying.standing("a") == {}


def test_it_is_still_held_back_after_a_restart_and_goes_on_when_it_is_quiet(copying, said):
    flap(copying, said, 12)
    copying.restart()
    copying.put("a", said.config_map("one", mark="no"))
    copying.connect("a")
    copying.run()
    assert len(copying.standing("a")) == 2
    copying.wait(minutes=10)
    copying.run()
    assert len(copying.standing("a")) == 1
    assert not copying.plane.damped
    assert not copying.kept.damped


def test_somebody_may_let_it_go_on_now(copying, said):
    flap(copying, said, 12)
    copying.put("a", said.config_map("one", mark="no"))
    assert copying.ask("requeue", "EventSource/marked").state is RequestState.DONE
    copying.run()
    assert len(copying.standing("a")) == 1


def test_an_object_that_is_changed_back_each_time_is_told_with_who_does_it(fleet, said):
    fleet.declare(said.profile(more="syncMode: ContinuousWithDriftDetection"), said.content())
    fleet.join("c", env="x")
    fleet.run()
    ref = said.ref("base-0", "made")
    for number in range(6):
        live = fleet.live["fleet/c"][ref]
        other = [{"manager": "hpa", "operation": "Update", "time": f"2030-01-01T12:00:{number:02}Z"}]
        managed = [*live["metadata"]["managedFields"], *other]
        fleet.put("c", {**live, "metadata": {**live["metadata"], "managedFields": managed}, "data": {"value": f"theirs {number}"}})
        fleet.run()
    (held,) = fleet.plane.damped.values()
    assert (held.kind, held.subject, held.object_ref) == (DampedKind.DRIFT, "ClusterProfile/base", ref)
    assert held.reason.startswith("hpa changes it back each time: pause ")
    assert fleet.standing("c") == {"base-0": "1"}
    fleet.wait(minutes=10)
    assert not fleet.plane.damped
