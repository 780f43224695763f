"""Forgetting what is old, in slices so small that nobody waits for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, Table, and_, bindparam, delete, select
from sqlalchemy.sql import ClauseElement

from fleetd.store import tables as t
from fleetd.store.database import Database
from fleetd.store.gather import Changes, key_is
from fleetd.store.steps import Fetch, Many, Row, Steps

SLICE = 500
"""Rows in one transaction: some milliseconds."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what is over is kept; None keeps it. What is current is never forgotten."""

    events: timedelta | None = timedelta(days=30)
    verdicts: timedelta | None = timedelta(days=30)
    matches: timedelta | None = timedelta(days=30)
    addons: timedelta | None = timedelta(days=30)
    clusters: timedelta | None = timedelta(days=90)
    journal: timedelta | None = timedelta(days=30)
    requests: timedelta | None = timedelta(days=30)
    declared: timedelta | None = timedelta(days=90)
    changes: timedelta | None = timedelta(days=7)
    incidents: timedelta | None = None


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
    _rule("changes", t.changes, t.changes.c.at < _cutoff),
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
    return deleted + await _sweep_bodies(database)


async def _sweep_rule(database: Database, rule: _Rule, cutoff: datetime) -> int:
    deleted = 0
    while rows := await database.read(_found(Fetch(rule.find, {"cutoff": cutoff}))):
        await _remove(database, rule.removes, rows)
        deleted += len(rows)
    return deleted


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
