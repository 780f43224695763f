"""What happened around an object or on clusters, in one order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fleetd.service.answers import Page, Total
from fleetd.service.arguments import About, Clusters, Limit, When
from fleetd.service.asking import Question
from fleetd.service.foreign import plain_text, safe_ref
from fleetd.service.naming import read_ref
from fleetd.service.questions.ground import Ground, Part
from fleetd.service.teaching import bad
from fleetd.service.times import point
from fleetd.store.reading import Record

_WORDS = re.compile(r"[a-z]+([ -][a-z]+){0,2}")
Kind = Literal["event", "decision", "drift", "cluster", "edit"]


def _newest(view: str, at: str, order: str = "") -> str:
    """Rows of a view in a time, the newest first; the condition is to be filled in."""
    return f"SELECT * FROM {view} WHERE {{where}} AND {at} >= :since AND {at} < :until ORDER BY {order or at} DESC LIMIT :most"


_EVENTS = _newest("fleet_events", "detected_at")
_DRIFT = _newest("fleet_drift_incidents", "detected_at")
_STATES = _newest("fleet_cluster_history", "at")
_EDITS = _newest("fleet_declared_history", "valid_from")
_DECISIONS = _newest("fleet_journal", "at", "entry_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened."""

    at: str
    type: str
    ref: str
    what: str
    cluster: str = ""
    said_untrusted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTimeline(Question[Page[Entry]]):
    """What happened around an object or on clusters in a time: events, decisions, drift, changes of state and edits; the newest first."""

    ref: Annotated[str, About("EventTrigger/x, EventSource/x, ClusterProfile/x or any declared object; or give clusters")] = ""
    clusters: Clusters = ""
    types: Annotated[tuple[Kind, ...], About("only these")] = ()
    since: When = "-24h"
    until: When = ""
    limit: Limit = 50

    def answered(self, ground: Ground) -> Page[Entry]:
        if not (self.ref or self.clusters):
            raise bad("ref", "", "name an object (ref) or clusters; all of them: clusters=*")
        since = point(self.since, "since", ground.now) or ground.now - timedelta(days=1)
        values: dict[str, Any] = {"since": since, "until": point(self.until, "until", ground.now) or _end(ground), "most": self.limit + 1}
        entries = [*(self._of_clusters(ground, values) if self.clusters else ()), *(self._of_object(ground, values) if self.ref else ())]
        entries.sort(key=lambda entry: entry.at, reverse=True)
        shown = entries[: self.limit]
        more = len(entries) > len(shown)
        warnings = (f"more than {self.limit} entries: the newest are shown; go on with until={shown[-1].at}",) if more else ()
        return ground.page(Part((), Total(count=len(entries), exact=not more), warnings=warnings), tuple(shown))

    def _of_clusters(self, ground: Ground, values: dict[str, Any]) -> Iterator[Entry]:
        where = ground.choose(self.clusters, "cluster", values)
        for kind, sql, entry in (("event", _EVENTS, _event), ("drift", _DRIFT, _drift), ("cluster", _STATES, _state)):
            if not self.types or kind in self.types:
                yield from _entries(ground, sql.format(where=where), values, entry)

    def _of_object(self, ground: Ground, values: dict[str, Any]) -> Iterator[Entry]:
        named = read_ref(self.ref)
        values = {**values, "ref": str(named.ref), "name": named.ref.name, "subject": f"{named.ref.kind}/{named.ref.name}"}
        if named.ref.namespace and named.ref.kind == "Profile":
            values["subject"] = f"Profile/{named.ref.namespace}/{named.ref.name}"
        asked = [
            ("decision", _DECISIONS.format(where="subject_ref = :subject"), _decision),
            ("edit", _EDITS.format(where="ref = :ref"), _edit),
        ]
        if named.ref.kind == "EventSource":
            asked.append(("event", _EVENTS.format(where="event_source = :name"), _event))
        if named.cluster:
            values["cluster"] = ground.cluster(named.cluster, "ref")
            asked = [("drift", _DRIFT.format(where="cluster = :cluster AND object_ref = :ref"), _drift)]
        for kind, sql, entry in asked:
            if not self.types or kind in self.types:
                used = {name: value for name, value in values.items() if f":{name}" in sql}
                yield from _entries(ground, sql, used, entry)


def _end(ground: Ground) -> datetime:
    """A little ahead, so that nothing of this very moment is missing."""
    return ground.now + timedelta(minutes=1)


def _entries(ground: Ground, sql: str, values: dict[str, Any], entry: Callable[[Record], Entry]) -> Iterator[Entry]:
    return map(entry, ground.rows(sql, values))


def _event(row: Record) -> Entry:
    what = f"EventSource {safe_ref(row['event_source'])} saw a change: {row['matching_count']} match now"
    return Entry(at=row["detected_at"], type="event", ref=f"event:{row['event_id']}", what=what, cluster=safe_ref(row["cluster"]))


def _drift(row: Record) -> Entry:
    what = f"somebody changed it; {row['outcome']}"
    return Entry(
        at=row["detected_at"],
        type="drift",
        ref=safe_ref(row["object_ref"]),
        what=what,
        cluster=safe_ref(row["cluster"]),
        said_untrusted=plain_text(row["changed_by"], most=100),
    )


def _state(row: Record) -> Entry:
    what = f"it became {row['connection']}" + ("" if row["ready"] else ", not ready")
    cluster = safe_ref(row["cluster"])
    return Entry(at=row["at"], type="cluster", ref=cluster, what=what, cluster=cluster, said_untrusted=plain_text(row["reason"]))


def _edit(row: Record) -> Entry:
    what = f"revision {row['resource_version']} was declared" + ("" if row["valid_to"] is None else f", it stood until {row['valid_to']}")
    return Entry(at=row["valid_from"], type="edit", ref=safe_ref(row["ref"]), what=what)


def _decision(row: Record) -> Entry:
    decision, reason = row["decision"], row["reason"]
    if not _WORDS.fullmatch(decision):
        decision, reason = "decided", f"{decision}: {reason}"
    return Entry(
        at=row["at"],
        type="decision",
        ref=safe_ref(row["subject_ref"]),
        what=f"{row['stage']}: {decision}",
        cluster=safe_ref(row["cluster"]),
        said_untrusted=plain_text(reason),
    )
