"""What becomes of a held loss: approved, rejected, expired, or no loss any more."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.decide.proposals import NEXT, mark_of, moved
from fleetd.domain.records import HeldLoss
from fleetd.domain.states import ProposalState, RequestState

TRIGGER = "EventTrigger/copy"


@pytest.fixture
def losing(fleet, said):
    """A trigger that an edit would make lose all its twelve clusters."""
    fleet.declare(said.source(), said.template(), said.trigger())
    for index in range(14):
        fleet.put(f"s{index:02}", said.config_map("one"))
    fleet.join(*(f"s{index:02}" for index in range(14)), role="source")
    for index in (12, 13):
        fleet.relabel(f"s{index}", role="other")
    fleet.run()
    fleet.declare(said.trigger(role="typo"))
    fleet.run()
    return fleet


@pytest.fixture
def leaving(fleet, said):
    """A source that an edit would make lose all its twelve objects."""
    fleet.declare(said.source(), said.template(), said.trigger())
    fleet.put("s0", *(said.config_map(f"m{index:02}") for index in range(12)))
    fleet.join("s0", role="source")
    fleet.run()
    fleet.declare(said.source(mark="typo"))
    fleet.run()
    return fleet


SOURCE = "EventSource/marked@fleet/s0"


def copies(fleet):
    return sum(len(fleet.standing(cluster.removeprefix("fleet/"))) for cluster in list(fleet.plane.members))


def proposals(fleet):
    return [(item.proposal_id, item.state) for item in fleet.kept.held]


def test_what_was_approved_says_who_how_and_why(losing):
    (held,) = losing.plane.held.values()
    losing.ask("approve", held.proposal_id)
    losing.run()
    (record,) = losing.kept.held
    assert (record.state, record.decided_by, record.decided_via) == (ProposalState.APPLIED, "a", "b")
    assert record.ended_at is not None
    assert copies(losing) == 0


def test_what_was_rejected_is_neither_followed_nor_asked_again(losing, said):
    (held,) = losing.plane.held.values()
    assert losing.ask("reject", held.proposal_id).state is RequestState.DONE
    losing.run()
    losing.declare(said.trigger(role="typo2"))
    losing.relabel("s00", role="source", more="x")
    losing.run()
    assert proposals(losing) == [(held.proposal_id, ProposalState.REJECTED)]
    assert copies(losing) == 12


def test_a_part_of_what_was_rejected_is_not_followed_however_small(losing, said):
    losing.ask("reject", TRIGGER)
    every = ", ".join(f"s{index:02}" for index in range(9))
    some = said.trigger().replace("matchLabels: {role: source}", f"matchExpressions: [{{key: n, operator: In, values: [{every}]}}]")
    for index in range(9):
        losing.relabel(f"s{index:02}", role="source", n=f"s{index:02}")
    losing.declare(some)
    losing.run()
    assert copies(losing) == 12
    assert [state for _, state in proposals(losing)] == [ProposalState.REJECTED]


def test_a_rejection_outlives_a_restart(losing):
    losing.ask("reject", TRIGGER)
    losing.run()
    turn = losing.restart()
    assert not [item for item in turn.records if isinstance(item, HeldLoss)]
    losing.connect(*(f"s{index:02}" for index in range(12)))
    losing.run()
    assert copies(losing) == 12
    assert [state for _, state in proposals(losing)] == [ProposalState.REJECTED]


def test_a_rejected_loss_of_objects_outlives_a_restart_and_news(leaving, said):
    leaving.ask("reject", SOURCE)
    leaving.run()
    leaving.restart()
    leaving.connect("s0")
    leaving.run()
    leaving.put("s0", said.config_map("new", mark="typo"))
    leaving.run()
    assert copies(leaving) == 13
    assert [state for _, state in proposals(leaving)] == [ProposalState.REJECTED]


def test_a_larger_loss_than_the_rejected_one_is_another_proposal(leaving, said):
    leaving.ask("reject", SOURCE)
    leaving.put("s0", *(said.config_map(f"n{index:02}", mark="typo") for index in range(2)))
    leaving.run()
    leaving.declare(said.source(mark="typo2"))
    leaving.run()
    (first, second) = leaving.kept.held
    assert (first.state, second.state) == (ProposalState.REJECTED, ProposalState.WAITING)
    assert (len(first.lost), len(second.lost)) == (12, 14)
    assert copies(leaving) == 14
    leaving.ask("reject", second.proposal_id)
    assert [state for _, state in proposals(leaving)] == [ProposalState.REJECTED, ProposalState.REJECTED]
    assert leaving.kept.held[0].ended_at is not None
    assert leaving.kept.held[1].ended_at is None


def test_when_the_rejected_loss_is_no_more_it_is_over_and_the_next_one_is_asked(losing, said):
    losing.ask("reject", TRIGGER)
    losing.declare(said.trigger())
    losing.run()
    (record,) = losing.kept.held
    assert (record.state, record.ended_at is not None) == (ProposalState.REJECTED, True)
    losing.declare(said.trigger(role="typo"))
    losing.run()
    assert [state for _, state in proposals(losing)] == [ProposalState.REJECTED, ProposalState.WAITING]
    assert copies(losing) == 12


def test_a_loss_of_objects_that_is_no_more_is_over_whatever_their_source_reports_of_them(fleet, said):
    plain = said.source().replace("collectResources: true", "collectResources: false")
    fleet.declare(plain, said.template().replace("{{ .Resource.data.value }}", "1"), said.trigger())
    fleet.put("s0", *(said.config_map(f"m{index:02}") for index in range(12)))
    fleet.join("s0", role="source")
    fleet.run()
    fleet.declare(plain.replace('value: "yes"', 'value: "typo"'))
    fleet.run()
    assert fleet.plane.held[SOURCE].state is ProposalState.WAITING
    fleet.declare(plain)
    fleet.run()
    assert [state for _, state in proposals(fleet)] == [ProposalState.STALE]


def test_what_nobody_decided_in_a_week_expires_and_takes_nothing_away(losing, said):
    (held,) = losing.plane.held.values()
    losing.wait(days=6)
    assert losing.plane.held[TRIGGER].state is ProposalState.WAITING
    losing.wait(days=2)
    losing.declare(said.trigger(role="typo2"))
    losing.run()
    assert proposals(losing) == [(held.proposal_id, ProposalState.EXPIRED)]
    assert copies(losing) == 12


@pytest.mark.parametrize("restarted", [False, True])
def test_an_expired_one_is_not_approved_but_proposed_anew_with_todays_facts(losing, restarted):
    (held,) = losing.plane.held.values()
    losing.wait(days=8)
    if restarted:
        losing.restart()
        losing.connect(*(f"s{index:02}" for index in range(12)))
    losing.leave("s11")
    losing.run()
    asked = losing.ask("approve", held.proposal_id)
    assert asked.state is RequestState.FAILED
    (old, new) = losing.kept.held
    assert (old.state, new.state, len(new.lost)) == (ProposalState.EXPIRED, ProposalState.WAITING, 11)
    assert asked.outcome.endswith(f"is proposed anew: 11, as {new.proposal_id}")
    losing.run()
    assert copies(losing) == 11
    losing.ask("approve", new.proposal_id)
    losing.run()
    assert copies(losing) == 0


def test_an_expired_loss_of_objects_is_proposed_anew(leaving):
    (held,) = leaving.plane.held.values()
    leaving.wait(days=8)
    asked = leaving.ask("approve", held.proposal_id)
    new = leaving.plane.held[SOURCE]
    assert asked.outcome.endswith(f"12, as {new.proposal_id}")
    assert copies(leaving) == 12


def test_an_approval_that_comes_when_the_time_is_just_over_is_none(losing):
    (held,) = losing.plane.held.values()
    losing.now = held.expires_at
    asked = losing.ask("approve", held.proposal_id)
    assert asked.state is RequestState.FAILED
    assert "it is expired already" in asked.outcome
    losing.run()
    assert copies(losing) == 12


def test_a_daemon_that_was_away_for_long_lets_it_expire_when_it_is_back(losing):
    losing.now = losing.plane.held[TRIGGER].expires_at
    losing.restart()
    losing.wait(seconds=1)
    assert losing.plane.held[TRIGGER].state is ProposalState.EXPIRED


def test_who_rejected_may_be_asked_anew(losing):
    losing.ask("reject", TRIGGER)
    asked = losing.ask("approve", TRIGGER)
    assert asked.state is RequestState.FAILED
    assert "it is rejected already" in asked.outcome
    new = losing.plane.held[TRIGGER]
    assert new.proposal_id in asked.outcome
    losing.run()
    assert copies(losing) == 12


def test_an_expired_one_whose_loss_is_no_more_says_so(losing, said):
    losing.wait(days=8)
    losing.declare(said.trigger())
    (record,) = losing.kept.held
    assert (record.state, record.ended_at is not None) == (ProposalState.EXPIRED, True)
    assert "nothing is held" in losing.ask("approve", record.proposal_id).outcome


def test_an_approval_of_what_was_shown_is_none_of_what_it_has_become(leaving, said):
    (held,) = leaving.plane.held.values()
    shown = mark_of(held.lost)
    leaving.put("s0", said.config_map("new", mark="typo"))
    leaving.run()
    leaving.declare(said.source(mark="typo2"))
    leaving.run()
    asked = leaving.ask("approve", f"{held.proposal_id}#{shown}")
    assert (asked.state, "another loss than the one that was shown" in asked.outcome) == (RequestState.FAILED, True)
    leaving.run()
    assert copies(leaving) == 13
    assert leaving.ask("approve", f"{held.proposal_id}#{mark_of(leaving.plane.held[SOURCE].lost)}").state is RequestState.DONE
    leaving.run()
    assert copies(leaving) == 0


def test_what_was_approved_and_cannot_follow_yet_follows_later_even_after_a_restart(fleet, said):
    paused = said.profile(env="typo", annotations='{profile.projectsveltos.io/paused: "true"}')
    names = [f"c{index:02}" for index in range(12)]
    fleet.declare(said.profile(), said.content())
    fleet.join(*names, env="x")
    fleet.run()
    fleet.declare(said.profile(env="typo"))
    (held,) = fleet.plane.held.values()
    fleet.declare(paused)
    fleet.ask("approve", held.proposal_id)
    assert fleet.plane.held[held.subject].state is ProposalState.APPROVED
    fleet.restart()
    fleet.connect(*names)
    fleet.declare(said.profile(env="typo"))
    fleet.run()
    assert copies(fleet) == 0
    assert [state for _, state in proposals(fleet)] == [ProposalState.APPLIED]


@given(st.lists(st.sampled_from(ProposalState), max_size=6))
def test_a_proposal_that_has_ended_never_becomes_another_one(states):
    at = datetime(2030, 1, 1, tzinfo=UTC)
    proposal = HeldLoss(proposal_id="p", subject="s", summary="", lost=("a",), created_at=at, cause_id="c")
    for state in states:
        before = proposal.state
        if state in NEXT[before]:
            proposal = moved(proposal, state, at)
            assert NEXT[before]
        else:
            with pytest.raises(ValueError, match="does not become"):
                moved(proposal, state, at)
            assert proposal.state is before
