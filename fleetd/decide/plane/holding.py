"""Losses too large to follow without a person's word."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from fleetd.decide.plane.state import Plane
from fleetd.decide.plane.turn import Turn
from fleetd.decide.removal import weigh
from fleetd.domain.records import HeldLoss, Stage
from fleetd.domain.states import ProposalState


def held(plane: Plane, turn: Turn, stage: Stage, subject: str, lost: Collection[str], total: int, where: str = "") -> bool:
    """Whether the loss waits. An approval lets go what it was shown, once, and nothing that came later.

    Args:
        subject: what loses, with its kind before it; one loss waits for each.
        where: the cluster that it is about, if it is one.
    """
    loss = weigh(lost, total)
    known = plane.held.get(subject)
    granted = subject in plane.approved and known is not None and set(loss.lost) <= set(known.lost)
    actor = plane.approved.pop(subject, "")
    if granted or not loss.held:
        _end(plane, turn, subject, ProposalState.APPLIED if granted else ProposalState.STALE, actor)
        return False
    if known is None or known.lost != loss.lost:
        cause = turn.caused_by()
        plane.held[subject] = record = HeldLoss(
            proposal_id=known.proposal_id if known else turn.new_id(),
            subject=subject,
            summary=f"{subject}: {loss}",
            lost=loss.lost,
            created_at=known.created_at if known else turn.now,
            cause_id=cause,
        )
        turn.records.append(record)
        turn.tell(stage, subject, where, "held", str(loss))
    return True


def nothing_lost(plane: Plane, turn: Turn, subject: str) -> None:
    """What was to be lost is no longer: neither it nor an approval of it waits."""
    plane.approved.pop(subject, None)
    _end(plane, turn, subject, ProposalState.STALE, "")


def _end(plane: Plane, turn: Turn, subject: str, state: ProposalState, actor: str) -> None:
    known = plane.held.pop(subject, None)
    if known is not None:
        turn.records.append(replace(known, state=state, decided_by=actor, decided_at=turn.now))
