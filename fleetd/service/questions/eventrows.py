"""Events as rows of a list: each with what its triggers made of it, and what it still waits for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from fleetd.service.arguments import BRIEF
from fleetd.service.foreign import plain_text, safe_ref
from fleetd.service.questions.ground import Ground, any_of
from fleetd.store.moments import moment
from fleetd.store.reading import Record

WORST_FIRST = ("failed", "blocked", "pending", "acting", "suppressed", "withdrawn", "acted")
_SHOWN = 5
_OBJECTS_SHOWN = 10
MATCHED = (
    "SELECT event_id, event_trigger, match_id, state, reason, cluster, object_ref, profile, matched_at, acted_at FROM fleet_trigger_matches"
)
_PENDING = (
    "SELECT event_id, event_trigger, cluster, stage, state, reason FROM fleet_pending_events WHERE {of} ORDER BY event_trigger, cluster"
)
# The last row of an event is the one that is kept.
_REACTIONS = (
    "SELECT event_id, event_trigger, cluster, reaction_ms, detected_at, matched_at, rendered_at, applied_at FROM fleet_reactions"
    " WHERE {of} AND reaction_ms IS NOT NULL ORDER BY reaction_ms"
)
_OBJECTS = f"""
SELECT * FROM (
 SELECT event_id, object_ref, change, ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY object_ref) AS place FROM fleet_event_objects
 WHERE {{of}}
) w WHERE place <= {_OBJECTS_SHOWN} ORDER BY event_id, place
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A trigger and a destination where it should act and has not; no cluster while none is settled."""

    event_trigger: str
    cluster: str
    stage: str
    state: str
    reason_untrusted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slowest:
    """The destination that was reached last, and the stage that took most of the time: match, render or apply."""

    event_trigger: str
    cluster: str
    reaction_ms: int
    stage: str
    stage_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventObject:
    """An object of an event, and what became of it."""

    ref: str
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """An event. `state` is the worst of what its triggers made of it; detected: no trigger cared."""

    event_id: str
    event_source: str
    cluster: str
    detected_at: str
    age_seconds: int
    matching_count: int
    state: str
    triggers: tuple[str, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    waiting_count: int = 0
    slowest: Slowest | None = None
    cause_id: str = ""
    objects: tuple[EventObject, ...] = ()


def event_rows(ground: Ground, rows: Sequence[Record], *, full: bool) -> tuple[EventRow, ...]:
    """Rows of `fleet_events` with what came of each; in brief the first thing only that each waits for, and how many there are."""
    if not rows:
        return ()
    values: dict[str, Any] = {}
    of = any_of("event_id", "event", tuple(row["event_id"] for row in rows), values)
    matches: dict[str, list[Record]] = defaultdict(list)
    for found in ground.rows(f"{MATCHED} WHERE {of}", values):
        matches[found["event_id"]].append(found)
    waiting: dict[str, list[Record]] = defaultdict(list)
    for found in ground.rows(_PENDING.format(of=of), values):
        waiting[found["event_id"]].append(found)
    slowest = {found["event_id"]: found for found in ground.rows(_REACTIONS.format(of=of), values)}
    found_rows = (_row(row, matches[row["event_id"]], waiting[row["event_id"]], slowest.get(row["event_id"])) for row in rows)
    if not full:
        return tuple(replace(row, waiting=tuple(_briefly(one) for one in row.waiting[:1])) for row in found_rows)
    objects: dict[str, list[EventObject]] = defaultdict(list)
    for found in ground.rows(_OBJECTS.format(of=of), values):
        objects[found["event_id"]].append(EventObject(ref=safe_ref(found["object_ref"]), change=found["change"]))
    causes = {row["event_id"]: row["cause_id"] for row in rows}
    return tuple(replace(row, cause_id=causes[row.event_id], objects=tuple(objects[row.event_id])) for row in found_rows)


def _briefly(waiting: Waiting) -> Waiting:
    return replace(waiting, reason_untrusted=plain_text(waiting.reason_untrusted, most=BRIEF))


def _row(row: Record, matches: list[Record], waiting: list[Record], slowest: Record | None) -> EventRow:
    states = {one["state"] for one in (*matches, *waiting)}
    return EventRow(
        event_id=row["event_id"],
        event_source=safe_ref(row["event_source"]),
        cluster=safe_ref(row["cluster"]),
        detected_at=row["detected_at"],
        age_seconds=row["age_seconds"],
        matching_count=row["matching_count"],
        state=next((state for state in WORST_FIRST if state in states), "detected"),
        triggers=tuple(sorted({safe_ref(one["event_trigger"]) for one in matches})),
        waiting=tuple(_waiting(one) for one in waiting[:_SHOWN]),
        waiting_count=len(waiting),
        slowest=_slowest(slowest) if slowest else None,
    )


def _slowest(row: Record) -> Slowest:
    times = [moment(row[name]) if row[name] else None for name in ("detected_at", "matched_at", "rendered_at", "applied_at")]
    took = [
        (round((end - start).total_seconds() * 1000), stage)
        for stage, start, end in zip(("match", "render", "apply"), times, times[1:], strict=False)
        if start and end
    ]
    longest, stage = max(took, default=(0, ""))
    return Slowest(
        event_trigger=safe_ref(row["event_trigger"]),
        cluster=safe_ref(row["cluster"]),
        reaction_ms=row["reaction_ms"],
        stage=stage,
        stage_ms=longest,
    )


def _waiting(row: Record) -> Waiting:
    return Waiting(
        event_trigger=safe_ref(row["event_trigger"]),
        cluster=safe_ref(row["cluster"]),
        stage=row["stage"],
        state=row["state"],
        reason_untrusted=plain_text(row["reason"]),
    )
