"""The lists that somebody scrolls in: which view each is, what its rows are told apart by, and what is urgent on it.

Every column that is named here is one of a public view; nothing in this module was written by whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SEPARATOR = "\x1f"
"""Between the parts of a key; no name holds it."""


@dataclass(frozen=True, slots=True)
class Beside:
    """Texts of another view that belong to rows of a list: those whose `column` is the statement's `value` have its `text`."""

    column: str
    value: str
    text: str
    source: str

    @property
    def sql(self) -> str:
        """All of them."""
        return f"SELECT {self.value} AS value, {self.text} AS text FROM {self.source} WHERE {self.value} IS NOT NULL"

    def matching(self, matches: str) -> str:
        """The condition of a row with such a text; `matches` is what is asked of it."""
        return f"{self.column} IN (SELECT {self.value} FROM {self.source} WHERE {self.value} IS NOT NULL AND {self.text} {matches})"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A view as a list.

    Attributes:
        key: columns that tell rows apart, none NULL after `COALESCE`.
        urgent: conditions, each never NULL: rows of an earlier one stand before those of a later one.
        order: how rows of one urgency follow each other; a direction goes with every column.
        searched: columns that a filter looks at.
        faults: the condition of a row that is not as it should be.
        cluster: the column that a cluster selector is about; empty where there is none.
        labels: whether the cluster's own labels are meant by it, which is so wherever `cluster` is set.
        of: the columns that one subject limits the list by, by the name of what the subject is; an object is `object@cluster`.
        also: what else a filter looks at: texts that belong to a value of a column.
        kinds: what `fleet_changes` calls that which can change its rows.
    """

    name: str
    view: str
    key: tuple[str, ...]
    urgent: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    faults: str = ""
    cluster: str = ""
    of: Mapping[str, str] = field(default_factory=dict)
    also: tuple[Beside, ...] = ()
    kinds: frozenset[str] = frozenset()

    @property
    def key_text(self) -> str:
        """SQL for the key as one text."""
        return f" || '{SEPARATOR}' || ".join(f"COALESCE(CAST({name} AS TEXT), '')" for name in self.key)

    def key_of(self, row: Mapping[str, object]) -> str:
        """The same of a row."""
        return SEPARATOR.join("" if row[name] is None else str(row[name]) for name in self.key)


_NOT_READY = "state <> 'ready'"
_DECLARED = frozenset({"declared", "status"})


def _declared(name: str, view: str, *more: str) -> Sheet:
    return Sheet(
        name,
        view,
        ("ref",),
        urgent=(_NOT_READY,),
        order=("namespace ASC", "name ASC", "ref ASC"),
        searched=("ref", "state", "reason", *more),
        faults=_NOT_READY,
        kinds=_DECLARED,
    )


SHEETS: Mapping[str, Sheet] = {
    sheet.name: sheet
    for sheet in (
        Sheet(
            "clusters",
            "fleet_clusters",
            ("cluster",),
            urgent=(
                "connection IN ('unreachable', 'connecting', 'degraded')",
                "(COALESCE(stale, FALSE) OR pending_events > 0 OR failed_addons > 0 OR open_drift > 0)",
            ),
            order=("cluster ASC",),
            searched=("cluster", "connection", "kubernetes_version", "reason"),
            faults="(connection NOT IN ('ready', 'paused') OR COALESCE(stale, FALSE)"
            " OR pending_events > 0 OR failed_addons > 0 OR open_drift > 0)",
            cluster="cluster",
            kinds=frozenset({"cluster", "destination", "match", "addon", "incident"}),
        ),
        Sheet(
            "events",
            "fleet_events",
            ("event_id",),
            urgent=("event_id IN (SELECT event_id FROM fleet_waits WHERE event_id IS NOT NULL)",),
            order=("detected_at DESC", "event_id DESC"),
            searched=("event_source", "cluster", "event_id"),
            also=(
                Beside("event_id", "event_id", "event_trigger", "fleet_trigger_matches"),
                Beside("event_id", "event_id", "object_ref", "fleet_event_objects"),
            ),
            faults="event_id IN (SELECT event_id FROM fleet_waits WHERE event_id IS NOT NULL)",
            cluster="cluster",
            of={"EventSource": "event_source", "cluster": "cluster"},
            kinds=frozenset({"event", "match", "destination"}),
        ),
        Sheet(
            "pending",
            "fleet_pending_events",
            ("match_id", "cluster"),
            order=("detected_at ASC", "match_id ASC", "cluster ASC"),
            searched=("event_trigger", "event_source", "source_cluster", "cluster", "state", "reason"),
            faults="state = 'failed'",
            cluster="source_cluster",
            of={"EventTrigger": "event_trigger", "EventSource": "event_source"},
            kinds=frozenset({"match", "destination"}),
        ),
        _declared("sources", "fleet_event_sources"),
        _declared("triggers", "fleet_event_triggers"),
        _declared("profiles", "fleet_profiles"),
        Sheet(
            "declared",
            "fleet_declared",
            ("ref",),
            urgent=(_NOT_READY,),
            order=("kind ASC", "ref ASC"),
            searched=("ref", "state", "reason"),
            faults=_NOT_READY,
            of={"kind": "kind"},
            kinds=_DECLARED,
        ),
        Sheet(
            "matches",
            "fleet_trigger_matches",
            ("match_id",),
            urgent=("state IN ('failed', 'blocked')", "state IN ('pending', 'acting')"),
            order=("matched_at DESC", "match_id DESC"),
            searched=("event_trigger", "event_source", "cluster", "object_ref", "state", "reason", "profile"),
            faults="state IN ('failed', 'blocked', 'pending', 'acting')",
            cluster="cluster",
            of={"EventTrigger": "event_trigger", "EventSource": "event_source", "event": "event_id", "object": "object_ref"},
            kinds=frozenset({"match", "destination"}),
        ),
        Sheet(
            "verdicts",
            "fleet_verdicts",
            ("event_source", "cluster", "object_ref"),
            urgent=("verdict = 'error'", "verdict = 'match'"),
            order=("event_source ASC", "cluster ASC", "object_ref ASC"),
            searched=("event_source", "cluster", "object_ref", "verdict", "reason", "deciding_expression"),
            faults="verdict = 'error'",
            cluster="cluster",
            of={"EventSource": "event_source", "object": "object_ref"},
            kinds=frozenset({"verdict"}),
        ),
        Sheet(
            "addons",
            "fleet_addons",
            ("profile", "cluster", "addon"),
            urgent=("state IN ('failed', 'conflict')", "state IN ('waiting', 'applying', 'removing')"),
            order=("profile ASC", "cluster ASC", "addon ASC"),
            searched=("profile", "cluster", "addon", "state", "reason"),
            also=(
                Beside(
                    "profile",
                    "REPLACE(REPLACE(ref, '.config.projectsveltos.io//', '/'), '.config.projectsveltos.io/', '/')",
                    "event_trigger || ': ' || COALESCE(object_ref, '')",
                    "fleet_generated",
                ),
            ),
            faults="state IN ('failed', 'conflict', 'waiting', 'applying', 'removing')",
            cluster="cluster",
            of={"profile": "profile", "cluster": "cluster"},
            kinds=frozenset({"addon"}),
        ),
        Sheet(
            "objects",
            "fleet_objects",
            ("cluster", "object_ref"),
            order=("cluster ASC", "object_ref ASC"),
            searched=("cluster", "object_ref", "profile", "addon"),
            cluster="cluster",
            of={"profile": "profile", "cluster": "cluster"},
            kinds=frozenset({"object"}),
        ),
        Sheet(
            "drift",
            "fleet_drift_incidents",
            ("incident_id",),
            urgent=("outcome IN ('open', 'failed')",),
            order=("detected_at DESC", "incident_id DESC"),
            searched=("object_ref", "cluster", "profile", "changed_by", "outcome"),
            also=(Beside("incident_id", "incident_id", "field_path", "fleet_drift_fields"),),
            faults="outcome IN ('open', 'failed')",
            cluster="cluster",
            of={"profile": "profile", "cluster": "cluster"},
            kinds=frozenset({"incident"}),
        ),
        Sheet(
            "journal",
            "fleet_journal",
            ("entry_id",),
            order=("entry_id DESC",),
            searched=("stage", "decision", "subject_ref", "cluster", "reason"),
            faults="decision IN ('failed', 'refused', 'conflict', 'error')",
            of={"cluster": "cluster", "subject": "subject_ref"},
            # The journal tells of itself in no change; whatever is decided changes something else, too.
            kinds=frozenset({"declared", "status", "cluster", "event", "match", "destination", "addon", "incident", "request", "proposal"}),
        ),
        Sheet(
            "requests",
            "fleet_requests",
            ("id",),
            urgent=("state = 'waiting'",),
            order=("created_at DESC", "id ASC"),
            searched=("verb", "subject", "actor", "via", "state", "reason", "outcome"),
            faults="state = 'failed'",
            kinds=frozenset({"request"}),
        ),
        Sheet(
            "proposals",
            "fleet_proposals",
            ("id",),
            urgent=("state = 'waiting'",),
            order=("created_at DESC", "id ASC"),
            searched=("subject", "actor", "via", "state", "reason"),
            faults="state = 'waiting'",
            kinds=frozenset({"proposal"}),
        ),
    )
}
