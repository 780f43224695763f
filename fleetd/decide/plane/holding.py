"""Losses too large to follow without a person's word.

For each subject there is at most one proposal that is open (`plane.held`: it waits, is approved, or has expired), and at most one that
a person rejected while the loss lasts (`plane.rejected`). What is known to be lost and was rejected or has expired is not asked again;
what goes beyond it is another proposal.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from fleetd.decide.plane.alarms import Undecided
from fleetd.decide.plane.state import Plane
from fleetd.decide.plane.turn import Turn
from fleetd.decide.proposals import NOBODY, Decision, moved
from fleetd.decide.removal import Loss, weigh
from fleetd.domain.records import HeldLoss, Stage
from fleetd.domain.states import ProposalState


def held(plane: Plane, turn: Turn, stage: Stage, subject: str, lost: Collection[str], total: int, where: str = "") -> bool:
    """Whether the loss waits. An approval lets go what it was shown, once, and nothing that came later.

    Args:
        subject: what loses, with its kind before it; one loss waits for each.
        where: the cluster that it is about, if it is one.
    """
    loss = weigh(lost, total)
    gone = set(loss.lost)
    known = plane.held.get(subject)
    if known is not None and known.state is ProposalState.APPROVED and gone <= set(known.lost):
        _close(plane, turn, subject, ProposalState.APPLIED)
        _forget_rejected(plane, turn, subject)
        return False
    refused = plane.rejected.get(subject)
    if refused is not None and not gone & set(refused.lost):
        _forget_rejected(plane, turn, subject)
        refused = None
    if refused is None and not loss.held:
        _close(plane, turn, subject, ProposalState.STALE)
        return False
    if refused is not None and gone <= set(refused.lost):
        _close(plane, turn, subject, ProposalState.STALE)
    elif known is None or known.state is not ProposalState.EXPIRED or not gone <= set(known.lost):
        _propose(plane, turn, stage, subject, loss, where)
    return True


def _propose(plane: Plane, turn: Turn, stage: Stage, subject: str, loss: Loss, where: str) -> None:
    known = plane.held.get(subject)
    if known is not None and known.state is ProposalState.EXPIRED:
        _close(plane, turn, subject, ProposalState.STALE)
        known = None
    if known is not None and known.lost == loss.lost and known.state is ProposalState.WAITING:
        return
    cause = turn.caused_by()
    if known is None:
        known = HeldLoss(
            proposal_id=turn.new_id(),
            subject=subject,
            summary="",
            lost=(),
            created_at=turn.now,
            cause_id=cause,
            expires_at=turn.now + plane.limits.proposals,
        )
        watch(plane, known)
    elif known.state is ProposalState.APPROVED:
        known = moved(known, ProposalState.WAITING, turn.now)
    record = replace(known, summary=f"{subject}: {loss}", lost=loss.lost, cause_id=cause)
    _put(plane, turn, record)
    turn.tell(stage, subject, where, "held", str(loss))


def watch(plane: Plane, proposal: HeldLoss) -> None:
    """Lets its time end; what is restored goes this way, too."""
    if proposal.state is ProposalState.WAITING and proposal.expires_at is not None:
        plane.alarms.put(Undecided(proposal.subject), proposal.expires_at)


def kept(plane: Plane, subject: str) -> set[str]:
    """What is lost and stays, for nobody has let it go."""
    return {name for known in (plane.held.get(subject), plane.rejected.get(subject)) if known is not None for name in known.lost}


def nothing_lost(plane: Plane, turn: Turn, subject: str) -> None:
    """What was to be lost is no longer: no proposal of it waits, and none that was decided holds it back any more."""
    _close(plane, turn, subject, ProposalState.STALE)
    _forget_rejected(plane, turn, subject)


def decide(plane: Plane, turn: Turn, subject: str, to: ProposalState, said: Decision) -> None:
    """A person's word on what waits."""
    known = plane.held[subject]
    record = moved(known, to, turn.now, said)
    if to is ProposalState.REJECTED:
        del plane.held[subject]
        plane.alarms.drop(Undecided(subject))
        _forget_rejected(plane, turn, subject)
        plane.rejected[subject] = record
        turn.records.append(record)
    else:
        _put(plane, turn, record)


def expire(plane: Plane, turn: Turn, subject: str) -> None:
    """Nobody decided in time: nothing follows, and it is proposed anew when somebody asks for it or when it becomes more."""
    known = plane.held.get(subject)
    if known is None or known.state is not ProposalState.WAITING:
        return
    turn.caused_by(known.cause_id)
    _put(plane, turn, moved(known, ProposalState.EXPIRED, turn.now, NOBODY))
    turn.tell(Stage.REQUEST, subject, "", "expired", f"nobody decided; nothing goes ({known.summary})")


def drop(plane: Plane, turn: Turn, known: HeldLoss) -> None:
    """What was decided counts no more: the loss, if it still is, is proposed anew by the next look."""
    if plane.rejected.get(known.subject) is known:
        _forget_rejected(plane, turn, known.subject)
    else:
        _close(plane, turn, known.subject, ProposalState.STALE)


def _put(plane: Plane, turn: Turn, record: HeldLoss) -> None:
    plane.held[record.subject] = record
    turn.records.append(record)


def _close(plane: Plane, turn: Turn, subject: str, state: ProposalState) -> None:
    known = plane.held.pop(subject, None)
    if known is None:
        return
    plane.alarms.drop(Undecided(subject))
    over = known.state is ProposalState.EXPIRED
    turn.records.append(replace(known, ended_at=turn.now) if over else moved(known, state, turn.now, _said(known, state)))


def _said(known: HeldLoss, state: ProposalState) -> Decision | None:
    """An approval stays beside what it let go; what merely ended was nobody's decision."""
    return None if state is ProposalState.APPLIED or known.state is ProposalState.APPROVED else NOBODY


def _forget_rejected(plane: Plane, turn: Turn, subject: str) -> None:
    known = plane.rejected.pop(subject, None)
    if known is not None:
        turn.records.append(replace(known, ended_at=turn.now))
