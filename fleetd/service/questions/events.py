"""What happened, what cares for it, and what has not been acted on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fleetd.service.answers import COUNTED, Answer, Hint, Page
from fleetd.service.arguments import DEFAULT_LIMIT, About, Clusters, Cursor, Limit, OlderThan, When
from fleetd.service.asking import Question
from fleetd.service.foreign import plain_text, safe_ref
from fleetd.service.questions.ground import Ground, Listing, any_of
from fleetd.service.teaching import Code, Lesson, Taught, bad
from fleetd.service.times import age, point, said
from fleetd.store.moments import moment
from fleetd.store.reading import Record

EventState = Literal["detected", "matched", "pending", "blocked", "acting", "acted", "failed", "suppressed", "withdrawn"]
UNACTED: tuple[EventState, ...] = ("pending", "blocked", "acting", "failed")
WORST_FIRST = ("failed", "blocked", "pending", "acting", "suppressed", "withdrawn", "acted")
_SHOWN = 5
_NEWEST_OF_TRIGGER = (
    "SELECT event_id FROM fleet_trigger_matches WHERE event_trigger = :trigger AND matched_at < :before_match"
    f" ORDER BY matched_at DESC LIMIT {COUNTED + 1}"
)
_MATCHES = (
    "SELECT event_id, event_trigger, match_id, state, reason, cluster, object_ref, profile, matched_at, acted_at FROM fleet_trigger_matches"
)
_PENDING = (
    "SELECT event_id, event_trigger, cluster, stage, state, reason FROM fleet_pending_events WHERE {of} ORDER BY event_trigger, cluster"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A trigger and a destination where it should act and has not; no cluster while none is settled."""

    event_trigger: str
    cluster: str
    stage: str
    state: str
    reason_untrusted: str = ""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class EventObject:
    """An object of an event, and what became of it."""

    ref: str
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How far a match is on one destination; `reaction_ms` is from detection to apply."""

    cluster: str
    state: str
    rendered_at: str | None = None
    applied_at: str | None = None
    reaction_ms: int | None = None
    reason_untrusted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one trigger made of an event."""

    event_trigger: str
    match_id: str
    state: str
    matched_at: str
    object_ref: str = ""
    profile: str = ""
    destinations: tuple[Reached, ...] = ()
    reason_untrusted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """One event, its objects, and each trigger's outcome."""

    event: EventRow
    cause_id: str
    objects: tuple[EventObject, ...]
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEvents(Question[Page[EventRow]]):
    """Which events happened, the newest first; with state=["pending","blocked","failed"] which have not been acted on, and why.

    An event is a change of what matches an EventSource on a cluster; Kubernetes' own Events are something else.
    """

    state: Annotated[tuple[EventState, ...], About("only these; matched: some trigger cares; acting: on its way")] = ()
    source: Annotated[str, About("name of an EventSource")] = ""
    trigger: Annotated[str, About("name of an EventTrigger that cares")] = ""
    clusters: Clusters = ""
    since: When = ""
    until: When = ""
    older_than: OlderThan = ""
    group_by: Annotated[Literal["", "event_source", "cluster"], About("counts instead of rows")] = ""
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor = ""

    def answered(self, ground: Ground) -> Page[EventRow]:
        values: dict[str, Any] = {}
        where = self._where(ground, values)
        key = {"detected_at": "e.detected_at", "event_id": "e.event_id"}
        listing = Listing(self, "e.*", "fleet_events e", key, tuple(where), values, descending=True)
        part = ground.part(listing, limit=self.limit, cursor=self.cursor, group_by=f"e.{self.group_by}" if self.group_by else "")
        items = _rows(ground, part.rows)
        if self.trigger and not part.total.exact:
            ground.mistakes.append(f"of a trigger the newest {COUNTED} matches are looked at: for older ones give until")
        waiting = next((row for row in items if row.waiting), None)
        hints: tuple[Hint, ...] = ()
        if waiting is not None:
            arguments = {"trigger": waiting.waiting[0].event_trigger, "event": waiting.event_id}
            hints = (Hint(why="why it has not been acted on", tool="explain_trigger", arguments=arguments),)
        return ground.page(part, items, hints)

    def _where(self, ground: Ground, values: dict[str, Any]) -> list[str]:
        where = []
        if self.clusters:
            where.append(ground.choose(self.clusters, "e.cluster", values))
        if self.source:
            where.append("e.event_source = :source")
            values["source"] = self.source.rpartition("/")[2]
        if self.trigger:
            where.append(f"e.event_id IN ({_NEWEST_OF_TRIGGER})")
            values["trigger"] = self.trigger.rpartition("/")[2]
            values["before_match"] = point(self.until, "until", ground.now) or ground.now + timedelta(minutes=1)
        if self.state:
            where.append(_state(self.state, values))
        where += _times(ground.now, self.since, self.until, self.older_than, values)
        return where


def _times(now: datetime, since: str, until: str, older_than: str, values: dict[str, Any]) -> list[str]:
    where = []
    if start := point(since, "since", now):
        where.append("e.detected_at >= :since")
        values["since"] = start
    if end := point(until, "until", now):
        where.append("e.detected_at < :until")
        values["until"] = end
    if older_than:
        where.append("e.detected_at < :before")
        values["before"] = now - age(older_than, "older_than")
    return where


def _state(states: Sequence[str], values: dict[str, Any]) -> str:
    parts = []
    unacted = tuple(state for state in states if state in UNACTED)
    ended = tuple(state for state in states if state in ("acted", "suppressed", "withdrawn"))
    if unacted:
        parts.append(f"e.event_id IN (SELECT event_id FROM fleet_pending_events WHERE {any_of('state', 'unacted', unacted, values)})")
    matches = "EXISTS (SELECT 1 FROM fleet_trigger_matches m WHERE m.event_id = e.event_id"
    if ended:
        parts.append(f"{matches} AND {any_of('m.state', 'ended', ended, values)})")
    if "matched" in states:
        parts.append(f"{matches})")
    if "detected" in states:
        parts.append(f"NOT {matches})")
    return f"({' OR '.join(parts)})"


def _rows(ground: Ground, rows: Sequence[Record]) -> tuple[EventRow, ...]:
    if not rows:
        return ()
    values: dict[str, Any] = {}
    of = any_of("event_id", "event", tuple(row["event_id"] for row in rows), values)
    matches: dict[str, list[Record]] = defaultdict(list)
    for found in ground.rows(f"{_MATCHES} WHERE {of}", values):
        matches[found["event_id"]].append(found)
    waiting: dict[str, list[Record]] = defaultdict(list)
    for found in ground.rows(_PENDING.format(of=of), values):
        waiting[found["event_id"]].append(found)
    return tuple(_row(row, matches[row["event_id"]], waiting[row["event_id"]]) for row in rows)


def _row(row: Record, matches: list[Record], waiting: list[Record]) -> EventRow:
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
    )


def _waiting(row: Record) -> Waiting:
    return Waiting(
        event_trigger=safe_ref(row["event_trigger"]),
        cluster=safe_ref(row["cluster"]),
        stage=row["stage"],
        state=row["state"],
        reason_untrusted=plain_text(row["reason"]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GetEvent(Question[Answer[EventPage]]):
    """What one event was about, which triggers cared, and when each stage was reached on each destination."""

    event_id: Annotated[str, About("as list_events gives it")]

    def answered(self, ground: Ground) -> Answer[EventPage]:
        row = event_row(ground, self.event_id, "event_id")
        objects = ground.rows(
            "SELECT object_ref, change FROM fleet_event_objects WHERE event_id = :id ORDER BY object_ref LIMIT 101", id=self.event_id
        )
        outcomes = [_outcome(ground, found) for found in ground.rows(f"{_MATCHES} WHERE event_id = :id LIMIT 50", id=self.event_id)]
        page = EventPage(
            event=_rows(ground, [row])[0],
            cause_id=row["cause_id"],
            objects=tuple(EventObject(ref=safe_ref(one["object_ref"]), change=one["change"]) for one in objects[:100]),
            outcomes=tuple(outcomes),
        )
        return ground.answer(page, warnings=("it has more than 100 objects; the first 100 are shown",) if len(objects) > 100 else ())


def _outcome(ground: Ground, row: Record) -> Outcome:
    reactions = {
        one["cluster"]: one["reaction_ms"]
        for one in ground.rows("SELECT cluster, reaction_ms FROM fleet_reactions WHERE match_id = :id", id=row["match_id"])
    }
    destinations = ground.rows("SELECT * FROM fleet_match_destinations WHERE match_id = :id ORDER BY cluster LIMIT 200", id=row["match_id"])
    return Outcome(
        event_trigger=safe_ref(row["event_trigger"]),
        match_id=row["match_id"],
        state=row["state"],
        matched_at=row["matched_at"],
        object_ref=safe_ref(row["object_ref"]),
        profile=safe_ref(row["profile"]),
        destinations=tuple(
            Reached(
                cluster=safe_ref(one["cluster"]),
                state=one["state"],
                rendered_at=one["rendered_at"],
                applied_at=one["applied_at"],
                reaction_ms=reactions.get(one["cluster"]),
                reason_untrusted=plain_text(one["reason"]),
            )
            for one in destinations
        ),
        reason_untrusted=plain_text(row["reason"]),
    )


def event_row(ground: Ground, event_id: str, field: str) -> Record:
    """The event with this id.

    Raises:
        Taught: there is none, or none any more.
    """
    found = ground.row("SELECT * FROM fleet_events WHERE event_id = :id", id=event_id)
    if found is not None:
        return found
    oldest = ground.row("SELECT MIN(detected_at) AS at FROM fleet_events")
    kept = f"; events are kept since {said(moment(oldest['at']))}" if oldest and oldest["at"] else ""
    hint = Hint(why="the events that there are", tool="list_events")
    if len(event_id) > 80:
        raise bad(field, "", "this is no event id", next=hint)
    raise Taught(
        Lesson(
            code=Code.NOT_FOUND, sentence=f"there is no event of this id{kept}", field=field, got=plain_text(event_id, most=80), next=hint
        )
    )
