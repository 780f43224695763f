"""What must hold of the whole store at any time, checked after every test that used one, and by `fleetd db check`."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Select, Table, and_, func, literal_column, not_, or_, select

from fleetd.store import tables as t
from fleetd.store.audit_check import broken_links
from fleetd.store.audit_tables import audit, audit_floors
from fleetd.store.bodies import json_value, redacted
from fleetd.store.database import Database
from fleetd.store.steps import Fetch, Steps
from fleetd.store.tallies import COUNTED, counted
from fleetd.store.view import UNACTED

_KEYS = {
    t.declared: ("ref",),
    t.members: ("cluster",),
    t.member_labels: ("cluster", "label_key"),
    t.verdicts: ("source", "cluster", "object_ref"),
    t.report_objects: ("source", "cluster", "object_ref"),
    t.matches: ("match_id",),
    t.destinations: ("match_id", "cluster"),
    t.addons: ("profile", "cluster", "addon"),
    t.incidents: ("incident_id",),
}


def _kept(table: Table, key: tuple[str, ...]) -> Iterator[tuple[str, Select[tuple[object, ...]]]]:
    name = table.name
    what = [table.c[column] for column in key]
    yield f"{name}: two open versions of one key", select(*what).where(table.c.valid_to.is_(None)).group_by(*what).having(func.count() > 1)
    yield f"{name}: a version that ended before it began", select(*what).where(table.c.valid_to < table.c.valid_from)
    earlier = table.alias()
    same = and_(*(earlier.c[column] == table.c[column] for column in key), earlier.c.row_id < table.c.row_id)
    overlap = and_(same, earlier.c.valid_to.is_(None))
    yield f"{name}: an open version with a later one", select(*what).where(select(earlier.c.row_id).where(overlap).exists())


def _miscounted() -> Iterator[tuple[str, Select[tuple[object, ...]]]]:
    """The numbers that are kept equal what they count; a state of which nothing is left may stay, with none."""
    kept = t.tallies
    for table in COUNTED:
        right = counted(table).where(table.c.valid_to.is_(None)).subquery()
        here = and_(kept.c.subject == right.c.subject, kept.c.state == right.c.state)
        yield (
            f"tallies: not all of {table.name} are counted",
            select(right).where(~select(kept).where(here, kept.c.tally == right.c.tally).exists()),
        )
        more = and_(kept.c.subject == table.name, kept.c.tally != 0, ~select(right).where(here).exists())
        yield f"tallies: {table.name} are counted that are not there", select(kept).where(more)


_m, _d, _r = t.matches, t.destinations, t.report_objects
_waits: ColumnElement[bool] = literal_column(f"destinations.state IN {UNACTED}")
_SLOT = (_m.c.trigger_name, _m.c.cluster, _m.c.object_ref)
_OF_SECRETS = "Secret/%"
_a = audit
_NEWEST = select(_a, _a.c.subject.label("subject_ref")).order_by(_a.c.seq.desc()).limit(1_000)
_GAPS = (
    select(_a.c.writer, func.max(_a.c.position))
    .outerjoin(audit_floors, audit_floors.c.writer == _a.c.writer)
    .group_by(_a.c.writer, audit_floors.c.position)
    .having(func.max(_a.c.position) - func.coalesce(audit_floors.c.position, 0) != func.count())
)
_CHECKS: tuple[tuple[str, Select[tuple[object, ...]]], ...] = (
    *(check for table, key in _KEYS.items() for check in _kept(table, key)),
    *_miscounted(),
    (
        "destinations: open, and its match is not",
        select(_d.c.match_id, _d.c.cluster).where(
            _d.c.valid_to.is_(None),
            not_(select(_m.c.row_id).where(_m.c.match_id == _d.c.match_id, _m.c.latest, _m.c.valid_to.is_(None)).exists()),
        ),
    ),
    (
        "destinations: closed and still the latest, and its match is open",
        select(_d.c.match_id, _d.c.cluster).where(
            _d.c.latest,
            _d.c.valid_to.is_not(None),
            select(_m.c.row_id).where(_m.c.match_id == _d.c.match_id, _m.c.latest, _m.c.valid_to.is_(None)).exists(),
        ),
    ),
    (
        "destinations: of a match that is not there",
        select(_d.c.match_id, _d.c.cluster).where(
            _d.c.latest, not_(select(_m.c.row_id).where(_m.c.match_id == _d.c.match_id, _m.c.latest).exists())
        ),
    ),
    (
        "destinations: what waits does not say its match's event, or no time",
        select(_d.c.match_id, _d.c.cluster)
        .join(_m, and_(_m.c.match_id == _d.c.match_id, _m.c.latest))
        .where(
            _d.c.valid_to.is_(None),
            _waits,
            or_(_d.c.event_id.is_distinct_from(_m.c.event_id), _d.c.detected_at.is_(None)),
        ),
    ),
    (
        "matches: two are open on one object",
        select(*_SLOT).where(_m.c.valid_to.is_(None)).group_by(*_SLOT).having(func.count() > 1),
    ),
    ("matches: two latest versions", select(_m.c.match_id).where(_m.c.latest).group_by(_m.c.match_id).having(func.count() > 1)),
    (
        "matches: open, and its event is not there",
        select(_m.c.match_id, _m.c.event_id).where(
            _m.c.valid_to.is_(None), _m.c.latest, not_(select(t.events.c.event_id).where(t.events.c.event_id == _m.c.event_id).exists())
        ),
    ),
    (
        "event_objects: of an event that is not there",
        select(t.event_objects.c.event_id).where(
            not_(select(t.events.c.event_id).where(t.events.c.event_id == t.event_objects.c.event_id).exists())
        ),
    ),
    (
        "reports: its last event is not there",
        select(t.reports.c.source, t.reports.c.cluster).where(
            not_(select(t.events.c.event_id).where(t.events.c.event_id == t.reports.c.event_id).exists())
        ),
    ),
    (
        "report_objects: open, and there is no report",
        select(_r.c.source, _r.c.cluster, _r.c.object_ref).where(
            _r.c.valid_to.is_(None),
            not_(select(t.reports.c.event_id).where(t.reports.c.source == _r.c.source, t.reports.c.cluster == _r.c.cluster).exists()),
        ),
    ),
    (
        "report_objects: its body is not there",
        select(_r.c.object_ref).where(
            _r.c.body.is_not(None), not_(select(t.bodies.c.digest).where(t.bodies.c.digest == _r.c.body).exists())
        ),
    ),
    (
        "generated: its body is not there",
        select(t.generated.c.ref).where(not_(select(t.bodies.c.digest).where(t.bodies.c.digest == t.generated.c.body).exists())),
    ),
    (
        "report_objects: a Secret in clear",
        select(_r.c.object_ref).where(
            _r.c.object_ref.like(_OF_SECRETS),
            select(t.bodies.c.digest).where(t.bodies.c.digest == _r.c.body, not_(t.bodies.c.encrypted)).exists(),
        ),
    ),
    (
        "generated: a Secret in clear",
        select(t.generated.c.ref).where(
            t.generated.c.ref.like(_OF_SECRETS),
            select(t.bodies.c.digest).where(t.bodies.c.digest == t.generated.c.body, not_(t.bodies.c.encrypted)).exists(),
        ),
    ),
    (
        "member_labels: open, and the cluster has left",
        select(t.member_labels.c.cluster).where(
            t.member_labels.c.valid_to.is_(None),
            not_(
                select(t.members.c.row_id).where(t.members.c.cluster == t.member_labels.c.cluster, t.members.c.valid_to.is_(None)).exists()
            ),
        ),
    ),
    (
        "declared_references: from an object that is not there",
        select(t.declared_references.c.from_ref).where(
            not_(
                select(t.declared.c.row_id)
                .where(t.declared.c.ref == t.declared_references.c.from_ref, t.declared.c.valid_to.is_(None))
                .exists()
            )
        ),
    ),
    (
        "incidents: open, and corrected",
        select(t.incidents.c.incident_id).where(
            t.incidents.c.valid_to.is_(None), t.incidents.c.outcome == "open", t.incidents.c.corrected_at.is_not(None)
        ),
    ),
    ("audit: rows are missing in a chain", _GAPS),
)
_SECRETS = select(t.declared.c.ref, t.declared.c.manifest, t.declared.c.sealed).where(
    t.declared.c.kind == "Secret", t.declared.c.api_group == ""
)


async def violations(database: Database) -> list[str]:
    """Every broken invariant as a line, with the rows that break it; none when all is well."""
    return await database.read(_violations())


def _violations() -> Steps[list[str]]:
    found: list[str] = []
    for sentence, statement in _CHECKS:
        for row in (yield Fetch(statement)):
            found.append(f"{sentence}: {', '.join(str(value) for value in tuple(dict(row).values()))}")  # noqa: PERF401  # a generator
    found += broken_links([dict(row) for row in (yield Fetch(_NEWEST))])
    for row in (yield Fetch(_SECRETS)):
        manifest = json_value(row["manifest"])
        if row["sealed"] is None or redacted(manifest) != manifest:
            found.append(f"declared: a Secret in clear: {row['ref']}")
    return found
