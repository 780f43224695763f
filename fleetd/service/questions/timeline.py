"""What happened around an object, on clusters or in the whole fleet, in one order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import orjson

from fleetd.service.answers import Page, Total
from fleetd.service.arguments import BRIEF, About, Clusters, Limit, When
from fleetd.service.asking import Question
from fleetd.service.foreign import plain_text, safe_ref
from fleetd.service.naming import Named, read_ref, require_once
from fleetd.service.questions.ground import Ground, Part
from fleetd.service.questions.objects import not_ours
from fleetd.service.questions.paging import in_order
from fleetd.service.teaching import bad
from fleetd.service.times import point, said
from fleetd.store.moments import moment
from fleetd.store.past import window
from fleetd.store.reading import Record

_WORDS = re.compile(r"[a-z]+([ -][a-z]+){0,2}")
_ALL = ("", "*")
Kind = Literal["event", "apply", "add-on", "drift", "cluster", "edit", "request", "decision"]


def _newest(view: str, at: str, order: str = "", columns: str = "*") -> str:
    """Rows of a view in a time, the newest first; the condition is to be filled in."""
    return f"SELECT {columns} FROM {view} WHERE {{where}} AND {at} >= :since AND {at} < :until ORDER BY {order or at} DESC LIMIT :most"


_EVENTS = _newest("fleet_events", "detected_at")
_DRIFT = _newest("fleet_drift_incidents", "detected_at")
_STATES = _newest("fleet_cluster_history", "at")
_ADDONS = _newest("fleet_addon_history", "valid_from", columns="profile, cluster, addon, state, reason, valid_from")
_EDITS = _newest("fleet_declared_history", "valid_from", columns="ref, resource_version, valid_from, valid_to")
_ENDS = _newest("fleet_declared_history h", "valid_to", columns="ref, resource_version, valid_to").replace(
    "{where}",
    "{where} AND NOT EXISTS (SELECT 1 FROM fleet_declared_history l WHERE l.ref = h.ref AND l.valid_from >= h.valid_to)",
)
_DECISIONS = _newest("fleet_journal", "at", "entry_id")
_APPLIED = _newest("fleet_journal", "at").replace("{where}", "{where} AND stage IN ('apply', 'withdraw')")
_REQUESTS = _newest("fleet_requests", "created_at")
_OURS = (
    "SELECT 1 AS one FROM fleet_objects WHERE cluster = :cluster AND object_ref = :ref",
    "SELECT 1 AS one FROM fleet_journal WHERE subject_ref = :ref AND cluster = :cluster LIMIT 1",
)
_REMOVED = "SELECT principal FROM fleet_audit WHERE at = :at AND subject_ref = :ref AND outcome = 'deleted'"
_MANIFEST = "SELECT manifest FROM fleet_declared_history WHERE ref = :ref AND valid_from = :at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened, and by whom where that is known: a field manager, or the name of a caller."""

    at: str
    type: str
    ref: str
    what: str
    cluster: str = ""
    by: str = ""
    said_untrusted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTimeline(Question[Page[Entry]]):
    """What happened and who did it, the newest first: in the whole fleet, around an object (ref), or on clusters.

    Events, what was applied, states of clusters, drift, edits of what is declared, requests; decisions of a ref, or where types has them.
    """

    ref: Annotated[str, About("EventTrigger/x, EventSource/x, ClusterProfile/x or any declared object; empty: the whole fleet")] = ""
    clusters: Clusters = ""
    types: Annotated[tuple[Kind, ...], About("only these")] = ()
    since: When = "-24h"
    until: When = ""
    limit: Limit = 50

    def answered(self, ground: Ground) -> Page[Entry]:
        since = point(self.since, "since", ground.now) or ground.now - timedelta(days=1)
        until = point(self.until, "until", ground.now) or _end(ground)
        if until <= since:
            raise bad("until", plain_text(self.until, most=60), f"until lies before since ({said(since)}): nothing can be between them")
        _forgotten(ground, since)
        values: dict[str, Any] = {"since": since, "until": until, "most": self.limit + 1}
        entries = [*self._of_object(ground, values)] if self.ref else []
        if self.ref and not entries:
            _known(ground, read_ref(self.ref))
        if self.clusters or not self.ref:
            entries += self._of_fleet(ground, values)
        entries.sort(key=lambda entry: entry.at, reverse=True)
        more = len(entries) > self.limit
        shown = tuple(_signed(ground, entry) for entry in _whole_moments(entries, self.limit))
        warnings = (f"more than {self.limit} entries: the newest are shown; go on with until={shown[-1].at}",) if more else ()
        return ground.page(Part((), Total(count=len(entries), exact=not more), warnings=warnings), shown)

    def _of_fleet(self, ground: Ground, values: dict[str, Any]) -> Iterator[Entry]:
        values = dict(values)
        chosen = in_order(ground.choose(self.clusters, "cluster", values), ground.reader.dialect)
        asked = [
            ("event", _EVENTS.format(where=chosen), _event),
            ("drift", _DRIFT.format(where=chosen), _drift),
            ("cluster", _STATES.format(where=chosen), _state),
            ("apply", _APPLIED.format(where=chosen), _applied),
        ]
        if "decision" in self.types:
            asked.append(("decision", _DECISIONS.format(where=chosen), _decision))
        if self.clusters.strip() in _ALL and not self.ref:
            asked += [
                ("edit", _EDITS.format(where="1 = 1"), _edit),
                ("edit", _ENDS.format(where="1 = 1"), _end_of),
                ("request", _REQUESTS.format(where="1 = 1"), _request),
            ]
        yield from self._read(ground, asked, values)

    def _of_object(self, ground: Ground, values: dict[str, Any]) -> Iterator[Entry]:
        named = read_ref(self.ref)
        values = {**values, "ref": str(named.ref), "name": named.ref.name, "subject": f"{named.ref.kind}/{named.ref.name}"}
        if named.ref.namespace and named.ref.kind == "Profile":
            values["subject"] = f"Profile/{named.ref.namespace}/{named.ref.name}"
        asked = [
            ("decision", _DECISIONS.format(where="subject_ref = :subject"), _decision),
            ("edit", _EDITS.format(where="ref = :ref"), _edit),
            ("edit", _ENDS.format(where="ref = :ref"), _end_of),
        ]
        if named.ref.kind in ("ClusterProfile", "Profile"):
            asked.append(("add-on", _ADDONS.format(where="profile = :subject"), _addon))
            asked.append(("request", _REQUESTS.format(where="subject = :subject"), _request))
        if named.ref.kind == "EventSource":
            asked.append(("event", _EVENTS.format(where="event_source = :name"), _event))
        if named.cluster:
            values["cluster"] = ground.cluster(named.cluster, "ref")
            asked = [
                ("drift", _DRIFT.format(where="cluster = :cluster AND object_ref = :ref"), _drift),
                ("apply", _APPLIED.format(where="subject_ref = :ref AND cluster = :cluster"), _applied),
            ]
        yield from self._read(ground, asked, values)

    def _read(self, ground: Ground, asked: Sequence[tuple[str, str, Callable[[Record], Entry]]], values: dict[str, Any]) -> Iterator[Entry]:
        for kind, sql, entry in asked:
            if not self.types or kind in self.types:
                used = {name: value for name, value in values.items() if re.search(rf":{name}\b", sql)}
                yield from map(entry, ground.rows(sql, used))


def _forgotten(ground: Ground, since: datetime) -> None:
    """Says it, where not everything of the time is kept."""
    held = window(("fleet_events", "fleet_journal"))
    if held is not None and since < ground.now - held:
        ground.remark(f"events and decisions are kept for {held.days} days by default: of the time before that there may be more than this")


def _known(ground: Ground, named: Named) -> None:
    """That nothing happened is said only of what there is, or was."""
    if not named.cluster:
        require_once(ground, named.ref, "ref")
        return
    cluster, ref = ground.cluster(named.cluster, "ref"), str(named.ref)
    if not any(ground.rows(sql, cluster=cluster, ref=ref) for sql in _OURS):
        raise not_ours(ground, named, cluster)


def _whole_moments(entries: list[Entry], limit: int) -> list[Entry]:
    """The first of them, without those of a moment of which not all fit: `until` goes on before a moment, and would pass over the rest."""
    if len(entries) <= limit:
        return entries
    cut = entries[limit].at
    # One moment with more than that can only be shown in part, or not at all.
    return [entry for entry in entries[:limit] if entry.at > cut] or entries[:limit]


def _end(ground: Ground) -> datetime:
    """A little ahead, so that nothing of this very moment is missing."""
    return ground.now + timedelta(minutes=1)


def _signed(ground: Ground, entry: Entry) -> Entry:
    """An edit with who made it: the field manager that wrote last in that revision; of what was taken away, who decided it."""
    if entry.type != "edit" or entry.by:
        return entry
    row = ground.row(_MANIFEST, ref=entry.ref, at=moment(entry.at))
    if row is None:
        removed = ground.row(_REMOVED, ref=entry.ref, at=moment(entry.at))
        return replace(entry, by=safe_ref(removed["principal"])) if removed else entry
    managers = (orjson.loads(row["manifest"]).get("metadata") or {}).get("managedFields") or () if row else ()
    last = max(managers, key=lambda one: str(one.get("time") or ""), default=None)
    return replace(entry, by=safe_ref(str(last.get("manager") or ""))) if last else entry


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
        by=safe_ref(row["changed_by"]),
        said_untrusted=plain_text(row["changed_by"], most=100),
    )


def _state(row: Record) -> Entry:
    unready = not row["ready"] and row["connection"] not in ("unreachable", "connecting")
    what = f"it became {row['connection']}" + (", not ready" if unready else "") + (", paused" if row["paused"] else "")
    cluster = safe_ref(row["cluster"])
    return Entry(
        at=row["at"], type="cluster", ref=cluster, what=what, cluster=cluster, said_untrusted=plain_text(row["reason"], most=BRIEF)
    )


def _applied(row: Record) -> Entry:
    entry = _decision(row)
    return replace(entry, type="apply", what=entry.what.partition(": ")[2])


def _addon(row: Record) -> Entry:
    return Entry(
        at=row["valid_from"],
        type="add-on",
        ref=safe_ref(row["profile"]),
        what=f"{safe_ref(row['addon'])} is {row['state']}",
        cluster=safe_ref(row["cluster"]),
        said_untrusted=plain_text(row["reason"], most=BRIEF),
    )


def _request(row: Record) -> Entry:
    what = f"{row['verb']} was asked for over {row['via']}; it is {row['state']}"
    return Entry(
        at=row["created_at"],
        type="request",
        ref=safe_ref(row["subject"]),
        what=what,
        by=safe_ref(row["actor"]),
        said_untrusted=plain_text(row["reason"], most=BRIEF),
    )


def _end_of(row: Record) -> Entry:
    what = f"it was taken away; revision {row['resource_version']} was the last"
    return Entry(at=row["valid_to"], type="edit", ref=safe_ref(row["ref"]), what=what)


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
