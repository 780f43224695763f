"""Forgetting what is old, in slices so small that nobody waits for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import ColumnElement, Select, Table, and_, bindparam, delete, func, or_, select
from sqlalchemy.sql import ClauseElement

from fleetd.store import tables as t
from fleetd.store.audit_tables import audit, audit_floors, inspections
from fleetd.store.database import Database
from fleetd.store.gather import Changes, insert_all, key_is
from fleetd.store.keeping import Retention
from fleetd.store.steps import Fetch, Many, Row, Steps
from fleetd.store.views import INSPECTION_SECONDS

SLICE = 500
"""Rows in one transaction: some milliseconds."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """What of a table is over before `cutoff`, and how a row of it is named."""

    setting: str
    find: Select[tuple[object, ...]]
    removes: tuple[ClauseElement, ...]


def _rule(setting: str, table: Table, over: ColumnElement[bool], *others: Table) -> _Rule:
    key = next(iter(table.primary_key.columns)).name
    find = select(table.c[key].label("k_" + key)).where(over).limit(SLICE)
    return _Rule(setting, find, tuple(delete(one).where(key_is(one, key)) for one in (*others, table)))


_cutoff = bindparam("cutoff", type_=t.Moment())


def _closed(setting: str, table: Table) -> _Rule:
    return _rule(setting, table, and_(table.c.valid_to.is_not(None), table.c.valid_to < _cutoff))


_needed = select(t.matches.c.row_id).where(t.matches.c.event_id == t.events.c.event_id).exists()
_stands = select(t.reports.c.event_id).where(
    t.reports.c.source == t.events.c.source, t.reports.c.cluster == t.events.c.cluster, t.reports.c.event_id == t.events.c.event_id
)
_RULES = (
    # Destinations go before their matches, matches before their events, so that no row ever names one that is gone.
    _closed("matches", t.destinations),
    _closed("matches", t.matches),
    _rule("events", t.events, and_(t.events.c.detected_at < _cutoff, ~_needed, ~_stands.exists()), t.event_objects),
    _closed("events", t.report_objects),
    _closed("verdicts", t.verdicts),
    _closed("addons", t.addons),
    _closed("clusters", t.members),
    _closed("clusters", t.member_labels),
    _rule("journal", t.journal, t.journal.c.at < _cutoff),
    _rule("requests", t.requests, and_(t.requests.c.state != "waiting", t.requests.c.decided_at < _cutoff)),
    _closed("declared", t.declared),
    # The last one stays: its number is the revision of what there is now.
    _rule("changes", t.changes, and_(t.changes.c.at < _cutoff, t.changes.c.seq < select(func.max(t.changes.c.seq)).scalar_subquery())),
    _closed("incidents", t.incidents),
    _rule(
        "incidents",
        t.incident_fields,
        ~select(t.incidents.c.row_id).where(t.incidents.c.incident_id == t.incident_fields.c.incident_id).exists(),
    ),
)
_unused = and_(
    ~select(t.report_objects.c.row_id).where(t.report_objects.c.body == t.bodies.c.digest).exists(),
    ~select(t.generated.c.ref).where(t.generated.c.body == t.bodies.c.digest).exists(),
)
_UNUSED_BODIES = (
    select(t.bodies.c.digest.label("k_digest"))
    .where(t.bodies.c.digest > bindparam("after"), _unused)
    .order_by(t.bodies.c.digest)
    .limit(SLICE)
)
_REMOVE_BODY = delete(t.bodies).where(key_is(t.bodies, "digest"), _unused)


_INSPECTIONS = _rule("", inspections, inspections.c.at < _cutoff)
_first_kept = select(audit.c.seq).where(audit.c.at >= _cutoff).order_by(audit.c.seq).limit(1).scalar_subquery()
_OLD_AUDIT = (
    select(audit.c.seq, audit.c.writer, audit.c.position, audit.c.chain_hash, audit.c.at)
    .where(audit.c.at < _cutoff, or_(_first_kept.is_(None), audit.c.seq < _first_kept))
    .order_by(audit.c.seq)
    .limit(SLICE)
)
_floor = insert_all(audit_floors)
_FLOOR = _floor.on_conflict_do_update(
    index_elements=["writer"], set_={name: _floor.excluded[name] for name in ("seq", "position", "chain_hash", "at")}
)
_REMOVE_AUDIT = delete(audit).where(key_is(audit, "seq"))


async def sweep(database: Database, retention: Retention, now: datetime) -> int:
    """Deletes what is older than the settings say, and bodies that nothing names; gives the number of rows.

    Raises:
        TryLater: the database is away; what was deleted until then is.
    """
    deleted = 0
    for rule in _RULES:
        age: timedelta | None = getattr(retention, rule.setting)
        if age is not None:
            deleted += await _sweep_rule(database, rule, now - age)
    deleted += await _sweep_rule(database, _INSPECTIONS, now - timedelta(seconds=INSPECTION_SECONDS))
    if retention.audit is not None:
        deleted += await _sweep_audit(database, now - retention.audit)
    return deleted + await _sweep_bodies(database)


async def _sweep_rule(database: Database, rule: _Rule, cutoff: datetime) -> int:
    deleted = 0
    while rows := await database.read(_found(Fetch(rule.find, {"cutoff": cutoff}))):
        await _remove(database, rule.removes, rows)
        deleted += len(rows)
    return deleted


async def _sweep_audit(database: Database, cutoff: datetime) -> int:
    """Deletes the oldest rows, up to the first that is kept; each chain's floor goes with them, in the same transaction."""
    deleted = 0
    while rows := await database.read(_found(Fetch(_OLD_AUDIT, {"cutoff": cutoff}))):
        await database.write(partial(_forget, rows))
        deleted += len(rows)
    return deleted


def _forget(rows: Sequence[Row], _: Changes) -> Steps[None]:
    ends = {row["writer"]: dict(row) for row in rows}
    yield Many(_FLOOR, list(ends.values()))
    yield Many(_REMOVE_AUDIT, [{"k_seq": row["seq"]} for row in rows])


async def _sweep_bodies(database: Database) -> int:
    deleted, after = 0, ""
    while rows := await database.read(_found(Fetch(_UNUSED_BODIES, {"after": after}))):
        # The delete looks again: somebody may have named the body since.
        await _remove(database, (_REMOVE_BODY,), rows)
        deleted += len(rows)
        after = rows[-1]["k_digest"]
    return deleted


async def _remove(database: Database, removes: Sequence[ClauseElement], rows: Sequence[Row]) -> None:
    named = [dict(row) for row in rows]

    def work(_: Changes) -> Steps[None]:
        for remove in removes:
            yield Many(remove, named)

    await database.write(work)


def _found(fetch: Fetch) -> Steps[Sequence[Row]]:
    return (yield fetch)
