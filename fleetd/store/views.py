"""The public views: the interface for scripts, dashboards and `fleetd sql`. Columns may be added at the end; none is renamed or dropped."""

from __future__ import annotations

from fleetd.store.view import STALE_SECONDS, UNACTED, View, same
from fleetd.store.view_counts import COUNT_VIEWS

INSPECTION_SECONDS = 600
"""As long is what a cluster answered about an object shown; then it is deleted."""

TRUTHS = frozenset({"met", "ready", "paused", "stale", "resolved"})
"""Columns that hold a truth value; SQLite knows numbers only, so that readers turn them."""


def _count(table: str) -> str:
    """Open rows on the cluster `m`; the bracket stays open for more conditions."""
    return f"(SELECT COUNT(*) FROM {table} x WHERE x.cluster = m.cluster AND x.valid_to IS NULL"


_UNSETTLED = "NOT EXISTS (SELECT 1 FROM destinations d WHERE d.match_id = x.match_id AND d.latest)"
"""Of an open match `x`: no destination is settled (the latest of an open one are open), so that it waits where its event happened."""

# Not joined: who only counts clusters or declared objects must not look for these.
_HEARD = "(SELECT h.last_seen_at FROM heartbeats h WHERE h.cluster = m.cluster)"
# What the table keeps is that it was ready once, from when on selectors choose it.
_READY = "(m.ready AND m.state NOT IN ('unreachable', 'connecting'))"
_SAID = "(SELECT s.state FROM declared_states s WHERE s.ref = d.ref)"
_STATE = f"COALESCE({_SAID}, CASE WHEN d.unsupported <> '[]' THEN 'unsupported' ELSE 'ready' END)"
_STATUS = "COALESCE((SELECT NULLIF(s.status, '') FROM declared_states s WHERE s.ref = d.ref), '{}')"
_REASON = "COALESCE((SELECT s.reason FROM declared_states s WHERE s.ref = d.ref), '')"
_DECLARED_COLUMNS = {
    **same("d", "ref", "namespace", "name", "generation"),
    "spec": "{part:d.manifest,spec}",
    **same("d", "created_at", "updated_at"),
    "state": _STATE,
    "reason": _REASON,
}
_DECLARED_SOURCE = "FROM declared d WHERE d.valid_to IS NULL"
_FIRED = "FROM matches m WHERE m.latest AND m.trigger_name = d.name"
_ADDON_COLUMNS = {
    **same("a", "profile", "cluster", "addon"),
    "addon_kind": "a.kind",
    **same("a", "state", "reason", "attempts", "wanted_digest", "applied_at", "next_attempt_at", "cause_id"),
}


_PENDING_MATCH = (
    "SELECT m.event_id, m.source AS event_source, m.trigger_name AS event_trigger, m.cluster AS source_cluster,"
    " COALESCE(e.detected_at, m.matched_at) AS detected_at, m.match_id"
)
_PENDING_ON_CLUSTERS = (
    f"{_PENDING_MATCH}, d.cluster, d.state, d.reason, CASE WHEN d.rendered_at IS NULL THEN 'render' ELSE 'apply' END AS stage"
    " FROM destinations d JOIN matches m ON m.match_id = d.match_id AND m.latest LEFT JOIN events e ON e.event_id = m.event_id"
    f" WHERE d.valid_to IS NULL AND d.state IN {UNACTED}"
)
_PENDING_BEFORE = (
    f"{_PENDING_MATCH}, CAST(NULL AS TEXT) AS cluster, m.state, m.reason, 'match' AS stage"
    " FROM matches m LEFT JOIN events e ON e.event_id = m.event_id"
    f" WHERE m.valid_to IS NULL AND m.state IN {UNACTED}"
    " AND NOT EXISTS (SELECT 1 FROM destinations d WHERE d.match_id = m.match_id AND d.latest)"
)


def _declared(name: str, sentence: str, kinds: str, more: dict[str, str] | None = None) -> View:
    return View(name, sentence, {**_DECLARED_COLUMNS, **(more or {})}, f"{_DECLARED_SOURCE} AND {kinds}")


VIEWS = (
    View("fleet_schema", "A revision of the schema that was applied.", same("v", "version", "applied_at"), "FROM schema_versions v"),
    View(
        "fleet_clusters",
        "A cluster of the fleet, with what is not in order on it.",
        {
            **same("m", "cluster", "namespace", "name", "kind"),
            "ready": _READY,
            "connection": "m.state",
            "paused": "m.paused",
            "kubernetes_version": "m.version",
            "mode": "m.mode",
            "last_seen_at": _HEARD,
            "stale": f"COALESCE({_HEARD} < {{ago:{STALE_SECONDS}}}, TRUE)",
            "pending_events": f"{_count('destinations')} AND x.state IN {UNACTED})"
            f" + {_count('matches')} AND x.state IN {UNACTED} AND {_UNSETTLED})",
            "failed_addons": f"{_count('addons')} AND x.state IN ('failed', 'conflict'))",
            "open_drift": f"{_count('incidents')} AND x.outcome = 'open')",
            **same("m", "reason", "since"),
            "met": "m.ready",
        },
        "FROM members m WHERE m.valid_to IS NULL",
    ),
    View(
        "fleet_cluster_labels",
        "A label of a cluster.",
        same("l", "cluster", "label_key", "label_value", "owner"),
        "FROM member_labels l WHERE l.valid_to IS NULL",
    ),
    View(
        "fleet_cluster_history",
        "A change of a cluster's state.",
        {
            "cluster": "m.cluster",
            "at": "m.valid_from",
            "ready": _READY,
            "connection": "m.state",
            "reason": "m.reason",
            "ended_at": "m.valid_to",
            "lasted_seconds": "{lasted:m.valid_from,m.valid_to}",
            "paused": "m.paused",
        },
        "FROM members m",
    ),
    _declared(
        "fleet_event_sources",
        "An EventSource: what counts as an event.",
        "d.api_group = 'lib.projectsveltos.io' AND d.kind = 'EventSource'",
    ),
    _declared(
        "fleet_event_triggers",
        "An EventTrigger: what follows from an event, and how often it did.",
        "d.api_group = 'lib.projectsveltos.io' AND d.kind = 'EventTrigger'",
        {
            "fires_1h": f"(SELECT COUNT(*) {_FIRED} AND m.matched_at >= {{ago:3600}})",
            "last_fired_at": f"(SELECT MAX(m.matched_at) {_FIRED})",
        },
    ),
    _declared(
        "fleet_profiles",
        "A ClusterProfile or Profile that somebody declared.",
        "d.api_group = 'config.projectsveltos.io' AND d.kind IN ('ClusterProfile', 'Profile')",
        {"profile": "CASE WHEN d.namespace = '' THEN d.kind || '/' || d.name ELSE d.kind || '/' || d.namespace || '/' || d.name END"},
    ),
    _declared(
        "fleet_cluster_sets",
        "A ClusterSet or Set: some of the clusters that match, and which it has now.",
        "d.api_group = 'lib.projectsveltos.io' AND d.kind IN ('ClusterSet', 'Set')",
        {"kind": "d.kind", "status": _STATUS},
    ),
    View(
        "fleet_declared",
        "Any declared object, whole; the values of Secrets are redacted.",
        {
            **same("d", "ref", "kind", "api_group", "api_version", "namespace", "name", "uid", "resource_version", "generation"),
            **same("d", "created_at", "updated_at", "manifest", "unsupported"),
            "state": _STATE,
            "reason": _REASON,
            "status": _STATUS,
        },
        _DECLARED_SOURCE,
    ),
    View(
        "fleet_declared_history",
        "A version of a declared object, and how long it stood.",
        same("d", "ref", "kind", "resource_version", "generation", "valid_from", "valid_to", "manifest"),
        "FROM declared d",
    ),
    View(
        "fleet_references",
        "One declared object names another. Templates stand as they are written.",
        {
            **same("r", "from_ref", "field_path", "to_ref"),
            "resolved": "EXISTS (SELECT 1 FROM declared d WHERE d.ref = r.to_ref AND d.valid_to IS NULL)",
        },
        "FROM declared_references r",
    ),
    View(
        "fleet_verdicts",
        "What a source says of an object now, and which part of its condition decided.",
        {
            "event_source": "v.source",
            **same("v", "cluster", "object_ref"),
            "verdict": "v.state",
            "reason": "v.reason",
            "deciding_expression": "v.deciding",
            "since": "v.since",
        },
        "FROM verdicts v WHERE v.valid_to IS NULL",
    ),
    View(
        "fleet_events",
        "An event: a change of what matches a source on a cluster.",
        {
            "event_id": "e.event_id",
            "event_source": "e.source",
            **same("e", "cluster", "detected_at", "matching_count", "cause_id", "revision"),
            "age_seconds": "{age:e.detected_at}",
        },
        "FROM events e",
    ),
    View(
        "fleet_event_objects",
        "An object of an event, and what became of it.",
        {"event_id": "o.event_id", "object_ref": "o.object_ref", "change": "o.change", "api_version": "o.api_version"},
        "FROM event_objects o",
    ),
    View(
        "fleet_trigger_matches",
        "A trigger met by an event. A newer event on the same object supersedes the match.",
        {
            "match_id": "m.match_id",
            "event_trigger": "m.trigger_name",
            **same("m", "event_id", "cluster"),
            "object_ref": "NULLIF(m.object_ref, '')",
            **same("m", "state", "reason", "matched_at", "acted_at", "profile", "cause_id"),
            "event_source": "m.source",
            **same("m", "superseded_at", "detected_at"),
        },
        "FROM matches m WHERE m.latest",
    ),
    View(
        "fleet_match_destinations",
        "A cluster that a match acts on, and how far it is there.",
        same("d", "match_id", "cluster", "state", "reason", "rendered_at", "applied_at"),
        "FROM destinations d WHERE d.latest",
    ),
    View(
        "fleet_pending_events",
        "An event, a trigger and a destination where the trigger should act and has not; without a cluster where none is settled yet.",
        same("p", "event_id", "event_source", "event_trigger", "source_cluster", "cluster", "stage", "detected_at")
        | {"age_seconds": "{age:p.detected_at}"}
        | same("p", "state", "reason", "match_id"),
        f"FROM ({_PENDING_ON_CLUSTERS} UNION ALL {_PENDING_BEFORE}) p",
    ),
    View(
        "fleet_reactions",
        "A match on one destination, with the time of each stage.",
        {
            "match_id": "m.match_id",
            "event_id": "m.event_id",
            "event_trigger": "m.trigger_name",
            "source_cluster": "m.cluster",
            "cluster": "d.cluster",
            "detected_at": "e.detected_at",
            "matched_at": "m.matched_at",
            "rendered_at": "d.rendered_at",
            "applied_at": "d.applied_at",
            "reaction_ms": "{ms:e.detected_at,d.applied_at}",
        },
        "FROM destinations d JOIN matches m ON m.match_id = d.match_id AND m.latest"
        " JOIN events e ON e.event_id = m.event_id WHERE d.latest",
    ),
    View(
        "fleet_generated",
        "An object that a trigger made in the management plane: a profile, or what one refers to.",
        {
            "ref": "g.ref",
            "event_trigger": "g.trigger_name",
            "cluster": "g.cluster",
            "object_ref": "NULLIF(g.object_ref, '')",
            "digest": "g.digest",
            "generated_at": "g.at",
            "cause_id": "g.cause_id",
        },
        "FROM generated g",
    ),
    View("fleet_addons", "An add-on of a profile on a cluster, as it stands.", _ADDON_COLUMNS, "FROM addons a WHERE a.valid_to IS NULL"),
    View(
        "fleet_addon_history",
        "A state that an add-on was in, and how long.",
        {**_ADDON_COLUMNS, **same("a", "valid_from", "valid_to")},
        "FROM addons a",
    ),
    View(
        "fleet_objects",
        "An object that fleetd put on a cluster.",
        {
            **same("i", "cluster", "object_ref", "api_group", "api_version", "object_kind", "namespace", "name"),
            **same("i", "profile", "addon", "applied_at"),
            "digest": "i.wanted_digest",
            "cause_id": "i.cause_id",
        },
        "FROM inventory i",
    ),
    View(
        "fleet_drift_incidents",
        "Somebody else changed an object of ours: who, when, and how it ended.",
        same("i", "incident_id", "cluster", "object_ref", "profile", "changed_by", "detected_at", "corrected_at")
        | same("i", "outcome", "flap_count", "cause_id"),
        "FROM incidents i WHERE i.valid_to IS NULL",
    ),
    View(
        "fleet_drift_fields",
        "A field that somebody else changed, as wanted and as found.",
        same("f", "incident_id", "field_path", "wanted", "found"),
        "FROM incident_fields f",
    ),
    View(
        "fleet_proposals",
        "A set of changes that needs a second look.",
        {
            "id": "p.proposal_id",
            **same("p", "actor", "via", "created_at", "state"),
            "reason": "p.summary",
            **same("p", "decided_by", "decided_at", "applied_at", "subject", "lost", "cause_id", "kind", "decided_via", "decision"),
            **same("p", "expires_at", "ended_at"),
        },
        "FROM proposals p",
    ),
    View(
        "fleet_damped",
        "What goes round, comes too often or flaps, and is held back: since when, until when, why, and how to let it go on.",
        {
            "kind": "h.kind",
            "subject_ref": "h.subject",
            **same("h", "cluster", "object_ref", "pauses", "since", "until", "reason", "cause_id"),
        },
        "FROM damped h",
    ),
    View(
        "fleet_requests",
        "A small thing asked of the daemon, and what came of it.",
        {"id": "r.request_id", **same("r", "actor", "via", "created_at", "state", "reason", "decided_at", "verb", "subject", "outcome")},
        "FROM requests r",
    ),
    View(
        "fleet_journal",
        "A decision, with the cause that led to it.",
        {
            "entry_id": "j.entry_id",
            "at": "j.at",
            "stage": "j.stage",
            "subject_ref": "j.subject",
            **same("j", "cluster", "decision", "reason", "cause_id"),
        },
        "FROM journal j",
    ),
    View(
        "fleet_audit",
        "One call through a face, or one decision; each row is tied to the one before it of its writer.",
        {
            **same("a", "seq", "at", "principal", "via", "action"),
            "subject_ref": "a.subject",
            **same("a", "outcome", "chain_hash", "client", "arguments_digest", "reference", "result_size", "ms", "writer", "position"),
        },
        "FROM audit a",
    ),
    View(
        "fleet_audit_floors",
        "Where a writer's chain of the audit begins now: the last row of it that retention deleted.",
        same("f", "writer", "seq", "position", "chain_hash", "at"),
        "FROM audit_floors f",
    ),
    View(
        "fleet_inspections",
        "What a cluster answered about one of its objects, for some minutes; secrets and secretive texts are withheld.",
        same("i", "request_id", "at", "answer"),
        f"FROM inspections i WHERE i.at >= {{ago:{INSPECTION_SECONDS}}}",
    ),
    *COUNT_VIEWS,
    View(
        "fleet_changes",
        "A committed change, for incremental loads and live faces.",
        same("c", "seq", "at", "object_kind", "ref", "operation"),
        "FROM changes c",
    ),
)


def create_statements(dialect: str) -> list[str]:
    """Makes or renews every view."""
    return [statement for view in VIEWS for statement in view.create(dialect)]


def views() -> list[tuple[str, str, tuple[str, ...]]]:
    """Name, one sentence and the columns of each view."""
    return [(view.name, view.sentence, tuple(view.columns)) for view in VIEWS]
