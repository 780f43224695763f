"""The public views as they were: a query over the views of now becomes one over the versions that stood at a past time.

A kept table has the version that stood then: it began before, and has not ended or ended later. The views that a query names are
put before it as common table expressions of their own names, so that the query itself stays as it is. What a table does not keep
is NULL, or is told as a gap; a view that has no past cannot be read as of one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache

from fleetd.store.dialects import PostgresWords, SqliteWords, Words
from fleetd.store.keeping import Retention
from fleetd.store.view import UNACTED, said
from fleetd.store.views import VIEWS

THEN = "as_of"
"""The parameter that holds the time."""
PAST_STATE = "past"
"""The state of a declared object where nobody kept what it was."""
_NAME = re.compile(r"\bfleet_\w+")
_VERSION = re.compile(r"\{(kept|open|latest):(\w+)\}")


class _SqliteThen(SqliteWords):
    def now(self) -> str:
        return f":{THEN}"

    def ago(self, seconds: int) -> str:
        return f"strftime('%Y-%m-%dT%H:%M:%fZ', :{THEN}, '-{seconds} seconds')"


class _PostgresThen(PostgresWords):
    def now(self) -> str:
        return f"CAST(:{THEN} AS timestamptz)"

    def ago(self, seconds: int) -> str:
        return f"{self.now()} - interval '{seconds} seconds'"


@dataclass(frozen=True, slots=True)
class Past:
    """What a view was: its source with `{kept:table}` or `{latest:table}` for a table's versions of then, and `{now:}` for the time.

    `columns` are those whose expression differs from that of now; `settings` are those of `Retention` that it depends on; `gap` is
    what to tell where not all of it is known.
    """

    source: str
    columns: dict[str, str] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    gap: str = ""


@dataclass(frozen=True, slots=True)
class PastQuery:
    """A query as of `:as_of`, and what is not known of then."""

    sql: str
    gaps: tuple[str, ...]


def _unless_later(column: str) -> str:
    return f"CASE WHEN {column} <= {{now:}} THEN {column} END"


def _counted(table: str, condition: str) -> str:
    """Rows of then on the cluster `m`, in two parts as in `_versions`."""
    parts = ("x.valid_to IS NULL", "x.valid_to > {now:}")
    counts = (
        f"(SELECT COUNT(*) FROM {table} x WHERE x.cluster = m.cluster AND {p} AND {condition} AND x.valid_from <= {{now:}})" for p in parts
    )
    return " + ".join(counts)


_DECLARED = "FROM {kept:declared} d LEFT JOIN declared_states s ON s.ref = d.ref"
_STATE = {
    # The last word on its state holds since it was said. Where it was said later, nobody knows what was said before.
    "state": f"CASE WHEN s.at <= {{now:}} THEN s.state WHEN d.unsupported <> '[]' THEN 'unsupported'"
    f" WHEN s.ref IS NULL AND d.valid_to IS NULL THEN 'ready' ELSE '{PAST_STATE}' END",
    "reason": "CASE WHEN s.at <= {now:} THEN s.reason ELSE '' END",
}
_STATUS = {"status": "CASE WHEN s.at <= {now:} THEN COALESCE(NULLIF(s.status, ''), '{}') ELSE '{}' END"}
_FIRED = "FROM {latest:matches} m WHERE m.trigger_name = d.name AND m.matched_at <= {now:}"
_LIB, _CONFIG = "d.api_group = 'lib.projectsveltos.io'", "d.api_group = 'config.projectsveltos.io'"
_MATCH = (
    "m.event_id, m.source AS event_source, m.trigger_name AS event_trigger, m.cluster AS source_cluster,"
    " COALESCE(e.detected_at, m.matched_at) AS detected_at, m.match_id"
)
# Of a joined match there is one version of then; without the two parts of `{latest:matches}` it is found by its id.
_OF_THEN = "m.valid_from <= {now:} AND (m.latest OR m.valid_to > {now:})"
_PENDING = (
    f"SELECT {_MATCH}, d.cluster, d.state, d.reason, CASE WHEN d.rendered_at IS NULL THEN 'render' ELSE 'apply' END AS stage"
    f" FROM {{kept:destinations}} d JOIN matches m ON m.match_id = d.match_id AND {_OF_THEN}"
    f" LEFT JOIN events e ON e.event_id = m.event_id WHERE d.state IN {UNACTED}"
    f" UNION ALL SELECT {_MATCH}, CAST(NULL AS TEXT) AS cluster, m.state, m.reason, 'match' AS stage"
    f" FROM {{kept:matches}} m LEFT JOIN events e ON e.event_id = m.event_id WHERE m.state IN {UNACTED}"
    " AND NOT EXISTS (SELECT 1 FROM {open:destinations} d WHERE d.match_id = m.match_id)"
)
_UNSETTLED = f"x.state IN {UNACTED} AND NOT EXISTS (SELECT 1 FROM {{open:destinations}} d WHERE d.match_id = x.match_id)"
_MATCHES, _ALL = ("matches", "events"), ("clusters", "matches", "addons", "incidents")

PASTS = {
    "fleet_clusters": Past(
        "FROM {kept:members} m",
        {
            "last_seen_at": "CAST(NULL AS timestamptz)",
            "stale": "CAST(NULL AS BOOLEAN)",
            "pending_events": _counted("destinations", f"x.state IN {UNACTED}") + " + " + _counted("matches", _UNSETTLED),
            "failed_addons": _counted("addons", "x.state IN ('failed', 'conflict')"),
            "open_drift": _counted("incidents", "x.outcome = 'open'"),
        },
        settings=_ALL,
    ),
    "fleet_cluster_labels": Past("FROM {kept:member_labels} l", settings=("clusters",)),
    "fleet_cluster_history": Past(
        "FROM members m WHERE m.valid_from <= {now:}",
        {"ended_at": _unless_later("m.valid_to"), "lasted_seconds": f"{{lasted:m.valid_from,{_unless_later('m.valid_to')}}}"},
        settings=("clusters",),
    ),
    "fleet_event_sources": Past(f"{_DECLARED} WHERE {_LIB} AND d.kind = 'EventSource'", _STATE, settings=("declared",)),
    "fleet_event_triggers": Past(
        f"{_DECLARED} WHERE {_LIB} AND d.kind = 'EventTrigger'",
        {
            **_STATE,
            "fires_1h": f"(SELECT COUNT(*) {_FIRED} AND m.matched_at >= {{ago:3600}})",
            "last_fired_at": f"(SELECT MAX(m.matched_at) {_FIRED})",
        },
        settings=("declared", "matches"),
    ),
    "fleet_profiles": Past(f"{_DECLARED} WHERE {_CONFIG} AND d.kind IN ('ClusterProfile', 'Profile')", _STATE, settings=("declared",)),
    "fleet_cluster_sets": Past(
        f"{_DECLARED} WHERE {_LIB} AND d.kind IN ('ClusterSet', 'Set')", {**_STATE, **_STATUS}, settings=("declared",)
    ),
    "fleet_declared": Past(_DECLARED, {**_STATE, **_STATUS}, settings=("declared",)),
    "fleet_declared_history": Past(
        "FROM declared d WHERE d.valid_from <= {now:}", {"valid_to": _unless_later("d.valid_to")}, settings=("declared",)
    ),
    "fleet_verdicts": Past("FROM {kept:verdicts} v", settings=("verdicts",)),
    "fleet_events": Past("FROM events e WHERE e.detected_at <= {now:}", settings=("events",)),
    "fleet_event_objects": Past("FROM event_objects o", settings=("events",)),
    "fleet_trigger_matches": Past("FROM {latest:matches} m", {"superseded_at": _unless_later("m.superseded_at")}, settings=_MATCHES),
    "fleet_match_destinations": Past("FROM {latest:destinations} d", settings=("matches",)),
    "fleet_pending_events": Past(f"FROM ({_PENDING}) p", settings=_MATCHES),
    "fleet_waits": Past(f"FROM ({_PENDING}) w", {"waits_on": "COALESCE(w.cluster, w.source_cluster)"}, settings=_MATCHES),
    "fleet_reactions": Past(
        f"FROM {{latest:destinations}} d JOIN matches m ON m.match_id = d.match_id AND {_OF_THEN} JOIN events e ON e.event_id = m.event_id",
        {"match_id": "d.match_id"},
        settings=_MATCHES,
    ),
    "fleet_generated": Past(
        "FROM generated g WHERE g.at <= {now:}",
        gap="what a trigger generated is kept as it is now only: what was generated anew since, or is gone, is not in this answer",
    ),
    "fleet_addons": Past("FROM {kept:addons} a", settings=("addons",)),
    "fleet_addon_history": Past(
        "FROM addons a WHERE a.valid_from <= {now:}", {"valid_to": _unless_later("a.valid_to")}, settings=("addons",)
    ),
    "fleet_objects": Past(
        "FROM inventory i WHERE i.applied_at <= {now:}",
        gap="what fleetd put on clusters is kept as it is now only: objects applied anew since, or gone, are not in this answer",
    ),
    "fleet_drift_incidents": Past("FROM {kept:incidents} i", settings=("incidents",)),
    "fleet_drift_fields": Past("FROM incident_fields f", gap="the fields of an incident are those of the last word on it"),
    "fleet_journal": Past("FROM journal j WHERE j.at <= {now:}", settings=("journal",)),
    "fleet_changes": Past("FROM changes c WHERE c.at <= {now:}", settings=("changes",)),
    "fleet_schema": Past("FROM schema_versions v"),
}


def as_of(sql: str, dialect: str) -> PastQuery:
    """A SELECT over the views as one over their state at `:as_of`.

    Raises:
        LookupError: a view that it names has no past.
    """
    names = tuple(dict.fromkeys(_NAME.findall(sql)))
    if not names:
        return PastQuery(sql, ())
    parts = ", ".join(f"{name} AS NOT MATERIALIZED ({_body(name, dialect)})" for name in names)
    return PastQuery(f"WITH {parts} {sql.lstrip()}", tuple(PASTS[name].gap for name in names if PASTS[name].gap))


def window(views: tuple[str, ...], retention: Retention | None = None) -> timedelta | None:
    """How far back the views are kept whole; None where nothing of them is forgotten."""
    kept = retention or Retention()
    ages = [getattr(kept, setting) for name in views for setting in PASTS[name].settings]
    return min((age for age in ages if age is not None), default=None)


@cache
def _body(name: str, dialect: str) -> str:
    past = PASTS[name]
    [view] = [view for view in VIEWS if view.name == name]
    say: Words = _SqliteThen() if dialect == "sqlite" else _PostgresThen()
    columns = ", ".join(f"{_then(past.columns.get(column, now), say)} AS {column}" for column, now in view.columns.items())
    return f"SELECT {columns} {_then(past.source, say)}"


def _then(text: str, say: Words) -> str:
    text = _VERSION.sub(lambda found: _versions(found[1], found[2]), text)
    return said(text.replace("{now:}", say.now()), say)


def _versions(form: str, table: str) -> str:
    """The versions that stood then; in two parts, so that each finds its rows by an index.

    A superseded match and its destinations stay the latest version of themselves after they have ended; what a late word on one of
    them replaced is not found again. `open` is `kept` in the
    words of the index on the latest destinations.
    """
    now = {"kept": "valid_to IS NULL", "open": "latest AND valid_to IS NULL", "latest": "latest"}[form]
    before = "NOT latest AND valid_to > {now:}" if form == "latest" else "valid_to > {now:}"
    parts = (f"SELECT * FROM {table} WHERE {condition} AND valid_from <= {{now:}}" for condition in (now, before))
    return f"({' UNION ALL '.join(parts)})"
