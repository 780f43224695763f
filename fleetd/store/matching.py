"""How matches and their destinations are written.

A slot is (trigger, cluster, object). Its newest match is open; the one before it is superseded: closed, and still the latest
version of itself, so that what came of an earlier event stays to be seen. A late word on a superseded match does not open it.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, func, insert, literal_column, select, update

from fleetd.domain.records import DestinationGone, DestinationRecord, MatchRecord
from fleetd.store import tables
from fleetd.store.gather import ChangedKind, Changes, Operation, insert_all, key_is
from fleetd.store.steps import Ask, Many, Row
from fleetd.store.tallies import Tally
from fleetd.store.view import UNACTED_STATES

_at = bindparam("at", type_=tables.Moment())
_m, _d, _e = tables.matches, tables.destinations, tables.events
_UNACTED: list[ColumnElement[str]] = [literal_column(f"'{state}'") for state in UNACTED_STATES]
_earlier = _m.alias("earlier")
# In these very words: SQLAlchemy writes a truth value as `latest = 1` on SQLite, and the partial indexes are then not used.
_latest_match: ColumnElement[bool] = literal_column("matches.latest")
_latest_destination: ColumnElement[bool] = literal_column("destinations.latest")

_SUPERSEDE = (
    update(_m)
    .where(
        key_is(_m, "trigger_name", "cluster", "object_ref"),
        _m.c.valid_to.is_(None),
        _m.c.match_id != bindparam("winner"),
        ~select(_earlier.c.row_id).where(_earlier.c.match_id == bindparam("winner"), _earlier.c.superseded_at.is_not(None)).exists(),
    )
    .values(valid_to=_at, superseded_at=_at)
)
_CLOSE_MATCH = update(_m).where(key_is(_m, "match_id"), _latest_match).values(latest=False, valid_to=func.coalesce(_m.c.valid_to, _at))
_superseded = func.coalesce(
    bindparam("superseded_at", type_=tables.Moment()),
    select(func.max(_m.c.superseded_at)).where(_m.c.match_id == bindparam("match_id")).scalar_subquery(),
)
_now = bindparam("valid_from", type_=tables.Moment())
_detected = select(_e.c.detected_at).where(_e.c.event_id == bindparam("event_id")).scalar_subquery()
_OPEN_MATCH = insert_all(_m, "row_id", "valid_to", "superseded_at", "detected_at").values(
    valid_to=case((_superseded.is_not(None), _now)),
    superseded_at=_superseded,
    detected_at=func.coalesce(_detected, bindparam("matched_at", type_=tables.Moment())),
)
_CLOSE_SUPERSEDED_DESTINATIONS = (
    update(_d)
    .where(
        _d.c.valid_to.is_(None),
        _latest_destination,
        _d.c.match_id.in_(select(_m.c.match_id).where(_m.c.superseded_at == _at)),
    )
    .values(valid_to=_at)
)
_CLOSE_DESTINATION = (
    update(_d)
    .where(key_is(_d, "match_id", "cluster"), _latest_destination)
    .values(latest=False, valid_to=func.coalesce(_d.c.valid_to, _at))
)


def _given(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=_d.c[name].type)


_waits = _given("state").in_(_UNACTED)
# One look at its match for all that it says; what does not wait keeps nothing of it.
_DESTINATION: dict[str, ColumnElement[Any]] = {
    **{name: _given(name) for name in ("match_id", "cluster", "state", "reason", "rendered_at", "applied_at", "latest")},
    "valid_from": _now,
    "valid_to": case((_m.c.valid_to.is_not(None), _now)),
    "event_id": case((_waits, _m.c.event_id)),
    "source_cluster": case((_waits, _m.c.cluster)),
    "detected_at": case((_waits, _m.c.detected_at)),
}
_one = select(literal_column("1").label("one")).subquery()
_its_match = and_(_m.c.match_id == _given("match_id"), _latest_match)
_OPEN_DESTINATION = insert(_d).from_select(
    [*_DESTINATION], select(*_DESTINATION.values()).select_from(_one.outerjoin(_m, _its_match)), include_defaults=False
)


@dataclass(slots=True)
class Matching:
    """The matches and destinations of one transaction; of several words on one key the last counts."""

    matches: dict[str, MatchRecord] = field(default_factory=dict)
    destinations: dict[tuple[str, str], Row | None] = field(default_factory=dict)

    def match(self, record: MatchRecord, changes: Changes) -> None:
        self.matches[record.match_id] = record
        changes.note(ChangedKind.MATCH, record.match_id)

    def destination(self, record: DestinationRecord, changes: Changes) -> None:
        self.destinations[record.match_id, record.cluster] = {
            "match_id": record.match_id,
            "cluster": record.cluster,
            "state": record.state,
            "reason": record.reason,
            "rendered_at": record.rendered_at,
            "applied_at": record.applied_at,
            "latest": True,
        }
        changes.note(ChangedKind.DESTINATION, f"{record.match_id}@{record.cluster}")

    def destination_gone(self, record: DestinationGone, changes: Changes) -> None:
        self.destinations[record.match_id, record.cluster] = None
        changes.note(ChangedKind.DESTINATION, f"{record.match_id}@{record.cluster}", Operation.REMOVE)

    def steps(self, at: datetime, tally: Tally) -> Generator[Ask, Sequence[Row], None]:
        if self.matches:
            yield from self._match_steps(at)
        if self.destinations:
            tally.opened(_d, (row["state"] for row in self.destinations.values() if row is not None))
            yield Many(_CLOSE_DESTINATION, [{"k_match_id": match, "k_cluster": cluster, "at": at} for match, cluster in self.destinations])
            rows = [{**row, "valid_from": at} for row in self.destinations.values() if row is not None]
            if rows:
                yield Many(_OPEN_DESTINATION, rows)

    def _match_steps(self, at: datetime) -> Generator[Ask, Sequence[Row], None]:
        winners = self._winners()
        slots = [
            {"k_trigger_name": trigger, "k_cluster": cluster, "k_object_ref": ref, "winner": winner, "at": at}
            for (trigger, cluster, ref), winner in winners.items()
        ]
        yield Many(_SUPERSEDE, slots)
        yield Many(_CLOSE_MATCH, [{"k_match_id": match, "at": at} for match in self.matches])
        rows = [_match_row(record, at, superseded=winners[_slot(record)] != match) for match, record in self.matches.items()]
        yield Many(_OPEN_MATCH, rows)
        yield Many(_CLOSE_SUPERSEDED_DESTINATIONS, [{"at": at}])

    def _winners(self) -> dict[tuple[str, str, str], str]:
        """Which match holds each slot: the last one met; a word on an earlier one may come after it."""
        winners: dict[tuple[str, str, str], MatchRecord] = {}
        for record in self.matches.values():
            held = winners.get(_slot(record))
            if held is None or record.matched_at >= held.matched_at:
                winners[_slot(record)] = record
        return {slot: record.match_id for slot, record in winners.items()}


def _slot(record: MatchRecord) -> tuple[str, str, str]:
    return record.trigger, record.cluster, str(record.object_ref or "")


def _match_row(record: MatchRecord, at: datetime, *, superseded: bool) -> Row:
    return {
        "match_id": record.match_id,
        "trigger_name": record.trigger,
        "source": record.source,
        "event_id": record.event_id,
        "cluster": record.cluster,
        "object_ref": str(record.object_ref or ""),
        "profile": record.profile,
        "state": record.state,
        "reason": record.reason,
        "matched_at": record.matched_at,
        "acted_at": record.acted_at,
        "cause_id": record.cause_id,
        "latest": True,
        "valid_from": at,
        "superseded_at": at if superseded else None,
    }
