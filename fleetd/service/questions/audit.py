"""The audit: its newest row, and whether what a server wrote is still there."""

from __future__ import annotations

from dataclasses import dataclass

from fleetd.service.asking import Question
from fleetd.service.questions.ground import Ground
from fleetd.store.chain import Link

_NEWEST = "SELECT seq, chain_hash FROM fleet_audit ORDER BY seq DESC LIMIT 1"
_WRITTEN = "SELECT chain_hash FROM fleet_audit WHERE writer = :writer AND position = :position"
_FORGOTTEN = "SELECT position FROM fleet_audit_floors WHERE writer = :writer"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestAudit(Question[str]):
    """The newest row as `seq:hash`; empty where there is none."""

    def answered(self, ground: Ground) -> str:
        row = ground.row(_NEWEST)
        return f"{row['seq']}:{row['chain_hash']}" if row else ""


def still_there(ground: Ground, end: Link) -> bool:
    """Whether the row that ends a chain is as it was written, or was forgotten in its time."""
    row = ground.row(_WRITTEN, writer=end.writer, position=end.position)
    if row is not None:
        return bool(row["chain_hash"] == end.chain_hash)
    floor = ground.row(_FORGOTTEN, writer=end.writer)
    return floor is not None and int(floor["position"]) >= end.position
