"""What may become of a proposal, whatever it is about."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from fleetd.domain.records import HeldLoss
from fleetd.domain.states import ProposalState

NEXT: Mapping[ProposalState, frozenset[ProposalState]] = {
    ProposalState.DRAFT: frozenset({ProposalState.WAITING, ProposalState.STALE}),
    ProposalState.WAITING: frozenset({ProposalState.APPROVED, ProposalState.REJECTED, ProposalState.EXPIRED, ProposalState.STALE}),
    # It waits again when it has grown beyond what was approved before it could follow.
    ProposalState.APPROVED: frozenset({ProposalState.APPLIED, ProposalState.FAILED, ProposalState.WAITING, ProposalState.STALE}),
    ProposalState.REJECTED: frozenset(),
    ProposalState.APPLIED: frozenset(),
    ProposalState.FAILED: frozenset(),
    ProposalState.EXPIRED: frozenset(),
    ProposalState.STALE: frozenset(),
}


class Decision(NamedTuple):
    """Who said so, through which face, and why; nobody where time or the facts did."""

    by: str = ""
    via: str = ""
    reason: str = ""


NOBODY = Decision()


def moved(proposal: HeldLoss, to: ProposalState, at: datetime, said: Decision | None = None) -> HeldLoss:
    """The proposal in another state. Without `said` the decision that was made stays beside it.

    Raises:
        ValueError: no proposal goes this way.
    """
    if to not in NEXT[proposal.state]:
        raise ValueError(f"a proposal that is {proposal.state} does not become {to}")
    now = replace(proposal, state=to)
    if to is ProposalState.WAITING:
        return replace(now, decided_by="", decided_via="", decision="", decided_at=None)
    lasts = to in (ProposalState.APPROVED, ProposalState.REJECTED, ProposalState.EXPIRED)
    now = replace(now, decided_at=at, ended_at=None if lasts else at)
    return now if said is None else replace(now, decided_by=said.by, decided_via=said.via, decision=said.reason)


def mark_of(lost: Iterable[str]) -> str:
    """A short name of what was shown, so that an approval covers it and nothing that came later."""
    return hashlib.sha256("\0".join(sorted(lost)).encode()).hexdigest()[:12]


def short_id(proposal_id: str) -> str:
    """What a person types to say that they mean this one: the end of an id, for its beginning is a time."""
    return proposal_id[-6:]
