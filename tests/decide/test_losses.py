"""What an edit or a read would lose: held where it is much, doubted where it is not certain."""

from __future__ import annotations

from fleetd.decide.plane.holding import decide
from fleetd.decide.proposals import Decision
from fleetd.domain.records import HeldLoss
from fleetd.domain.states import ProposalState, RequestState


def busy(fleet, said, count=1, **options):
    """Clusters `s0` … with an object each, and a trigger that copies it where it is."""
    fleet.declare(said.source(), said.template(), said.trigger(**options))
    for index in range(count):
        fleet.put(f"s{index}", said.config_map("one"))
    fleet.join(*(f"s{index}" for index in range(count)), role="source")
    fleet.run()


def holding(fleet):
    return [item.subject for item in fleet.plane.held.values()]


def copies(fleet, count):
    return sum(f"copy-s{index}-one" in fleet.standing(f"s{index}") for index in range(count))


def test_an_edited_trigger_that_loses_too_many_source_clusters_waits_for_a_person(fleet, said):
    busy(fleet, said, 12)
    fleet.declare(said.trigger(role="typo"))
    (held,) = fleet.told(HeldLoss)
    assert (held.subject, len(held.lost)) == ("EventTrigger/copy", 12)
    fleet.run()
    assert copies(fleet, 12) == 12
    assert fleet.ask("approve", held.proposal_id).state is RequestState.DONE
    fleet.run()
    assert copies(fleet, 12) == 0
    assert not fleet.plane.held


def test_an_edited_trigger_may_lose_a_few(fleet, said):
    busy(fleet, said, 10)
    fleet.declare(said.trigger(role="typo"))
    fleet.run()
    assert not fleet.told(HeldLoss)
    assert copies(fleet, 10) == 0


def test_an_edit_taken_back_lets_nothing_go_and_an_old_approval_is_none_for_the_next(fleet, said):
    busy(fleet, said, 12)
    fleet.declare(said.trigger(role="typo"))
    fleet.declare(said.trigger())
    assert holding(fleet) == []
    assert fleet.ask("approve", "EventTrigger/copy").state is RequestState.FAILED
    fleet.declare(said.trigger(role="typo"))
    fleet.run()
    assert copies(fleet, 12) == 12


def test_a_held_edit_stays_held_over_a_restart_and_over_labels(fleet, said):
    busy(fleet, said, 12)
    fleet.declare(said.trigger(role="typo"))
    fleet.run()
    turn = fleet.restart()
    assert not turn.records
    fleet.connect(*(f"s{index}" for index in range(12)))
    fleet.relabel("s0", role="source", more="x")
    fleet.run()
    assert copies(fleet, 12) == 12
    fleet.ask("approve", "EventTrigger/copy")
    fleet.run()
    assert copies(fleet, 12) == 0


def test_a_trigger_edited_while_nobody_looked_is_held_too(fleet, said):
    busy(fleet, said, 12)
    edited = said.trigger(role="typo")
    fleet.connected.clear()
    with fleet.turn():
        pass
    fleet.declared[next(ref for ref in fleet.declared if ref.kind == "EventTrigger")] = said.loaded(edited)
    fleet.restart()
    assert holding(fleet) == ["EventTrigger/copy"]
    fleet.connect(*(f"s{index}" for index in range(12)))
    fleet.run()
    assert copies(fleet, 12) == 12


def test_a_trigger_turned_to_a_source_that_reports_nothing_is_held(fleet, said):
    busy(fleet, said, 12)
    fleet.declare(said.trigger(event_source="typo"))
    assert holding(fleet) == ["EventTrigger/copy"]
    fleet.run()
    assert copies(fleet, 12) == 12


def test_a_deleted_trigger_is_somebodys_word(fleet, said):
    busy(fleet, said, 12)
    fleet.undeclare("EventTrigger.lib.projectsveltos.io//copy")
    fleet.run()
    assert copies(fleet, 12) == 0


def test_a_profile_that_would_lose_too_many_clusters_waits_and_the_approval_covers_what_was_shown(fleet, said):
    names = [f"c{index}" for index in range(12)]
    fleet.declare(said.profile(), said.content())
    fleet.join(*names, "later", env="x")
    fleet.run()
    fleet.relabel("later", env="x")
    for name in names[:11]:
        fleet.relabel(name, env="x")
    fleet.declare(said.profile(env="typo"))
    fleet.run()
    assert fleet.standing("c0") == {"base-0": "1"}
    held = fleet.plane.held["Profile/ClusterProfile/base"]
    fleet.ask("approve", held.proposal_id)
    fleet.run()
    assert all(fleet.standing(name) == {} for name in (*names, "later"))


def test_an_approval_lets_nothing_go_that_was_not_shown(fleet, said):
    names = [f"c{index}" for index in range(13)]
    fleet.declare(said.profile(env="x"), said.content())
    fleet.join(*names[:12], env="y")
    fleet.join("c12", env="z")
    fleet.declare(said.profile().replace("matchLabels: {env: x}", "matchExpressions: [{key: env, operator: In, values: [y, z]}]"))
    fleet.run()
    fleet.declare(said.profile().replace("matchLabels: {env: x}", "matchLabels: {env: z}"))
    held = fleet.plane.held["Profile/ClusterProfile/base"]
    assert len(held.lost) == 12
    with fleet.turn() as turn:
        decide(fleet.plane, turn, held.subject, ProposalState.APPROVED, Decision("somebody"))
        fleet._declare(turn, said.loaded(said.profile(env="typo")), ())
    assert fleet.plane.held[held.subject].state is ProposalState.WAITING
    assert len(fleet.plane.held["Profile/ClusterProfile/base"].lost) == 13
    fleet.run()
    assert all(fleet.standing(name) for name in names)


def test_a_held_loss_of_objects_outlives_an_ordinary_change_of_its_source(fleet, said):
    fleet.declare(said.source(), said.template(), said.trigger())
    fleet.put("s0", *(said.config_map(f"m{index:02}") for index in range(12)))
    fleet.join("s0", role="source")
    fleet.run()
    fleet.declare(said.source(mark="typo"))
    fleet.run()
    assert holding(fleet) == ["EventSource/marked@fleet/s0"]
    fleet.put("s0", said.config_map("new", mark="typo"))
    fleet.run()
    assert holding(fleet) == ["EventSource/marked@fleet/s0"]
    assert len(fleet.standing("s0")) == 13
    fleet.ask("approve", "EventSource/marked@fleet/s0")
    fleet.run()
    assert fleet.standing("s0") == {"copy-s0-new": "1"}


def test_an_object_that_came_back_does_not_go_with_an_approval(fleet, said):
    fleet.declare(said.source(), said.template(), said.trigger())
    fleet.put("s0", *(said.config_map(f"m{index:02}") for index in range(12)))
    fleet.join("s0", role="source")
    fleet.run()
    fleet.declare(said.source(mark="typo"))
    fleet.run()
    fleet.put("s0", said.config_map("m00", mark="typo"))
    fleet.ask("approve", "EventSource/marked@fleet/s0")
    fleet.run()
    assert fleet.standing("s0") == {"copy-s0-m00": "1"}


def test_a_held_loss_of_objects_is_still_held_after_a_restart(fleet, said):
    fleet.declare(said.source(), said.template(), said.trigger())
    fleet.put("s0", *(said.config_map(f"m{index:02}") for index in range(12)))
    fleet.join("s0", role="source")
    fleet.run()
    fleet.declare(said.source(mark="typo"))
    fleet.run()
    fleet.restart()
    fleet.connect("s0")
    fleet.run()
    assert len(fleet.standing("s0")) == 12
    assert holding(fleet) == ["EventSource/marked@fleet/s0"]
