"""What happened, what cares for it, and what has not been acted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fleetd.service.answers import Answer, Hint, Page
from fleetd.service.arguments import DEFAULT_LIMIT, About, AsOf, Clusters, Cursor, Detail, Limit, OlderThan, When
from fleetd.service.asking import Question
from fleetd.service.foreign import plain_text, safe_ref
from fleetd.service.questions.eventrows import MATCHED, EventObject, EventRow, event_rows
from fleetd.service.questions.ground import Ground, Listing, any_of
from fleetd.service.questions.paging import in_order
from fleetd.service.teaching import Code, Lesson, Taught, bad
from fleetd.service.times import age, point, said
from fleetd.store.moments import moment
from fleetd.store.past import window
from fleetd.store.reading import Record

EventState = Literal["detected", "matched", "pending", "blocked", "acting", "acted", "failed", "suppressed", "withdrawn"]
UNACTED: tuple[EventState, ...] = ("pending", "blocked", "acting", "failed")
MATCHES = 1_000
"""So many matches stand behind a list at most; what has more of them is looked at event by event, the newest first."""
_MORE_MATCHES = f"SELECT 1 AS one FROM fleet_trigger_matches WHERE {{of}} LIMIT 1 OFFSET {MATCHES}"
_RARE = "state IN ('suppressed', 'withdrawn')"
_NEWEST_OF_TRIGGER = (
    "SELECT event_id, detected_at, cluster FROM fleet_trigger_matches WHERE event_trigger = :trigger AND matched_at < :before_match"
    f" ORDER BY matched_at DESC LIMIT {MATCHES}"
)
_OUTCOMES = 50
_OBJECTS_OF = "SELECT object_ref, change FROM fleet_event_objects WHERE event_id = :id ORDER BY object_ref"
STATES_OF = "SELECT state, COUNT(*) AS n FROM fleet_match_destinations WHERE match_id = :id GROUP BY state ORDER BY state"
DESTINATIONS_OF = (
    "SELECT * FROM fleet_match_destinations WHERE match_id = :id"
    " ORDER BY CASE state WHEN 'failed' THEN 0 WHEN 'blocked' THEN 1 WHEN 'acted' THEN 3 ELSE 2 END, cluster"
)


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
    destination_states: dict[str, int] = field(default_factory=dict)
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
    slower_than: Annotated[str, About("only where from detection to apply it took longer than this: 5s, 1m; with the stage that did")] = ""
    as_of: AsOf = ""
    group_by: Annotated[Literal["", "event_source", "cluster"], About("counts instead of rows")] = ""
    detail: Annotated[Detail, About("full adds the objects, the cause, and all that an event waits for")] = "brief"
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor = ""

    def answered(self, ground: Ground) -> Page[EventRow]:
        group = f"e.{self.group_by}" if self.group_by else ""
        part = ground.part(self.listing(ground), limit=self.limit, cursor=self.cursor, group_by=group)
        items = event_rows(ground, part.rows, full=self.detail == "full")
        self._kept(ground, part.total.count)
        if not part.total.count:
            self._known(ground)
        waiting = next((row for row in items if row.waiting), None)
        hints: tuple[Hint, ...] = ()
        if waiting is not None:
            arguments = {"trigger": waiting.waiting[0].event_trigger, "event": waiting.event_id}
            hints = (Hint(why="why it has not been acted on", tool="explain_trigger", arguments=arguments),)
        return ground.page(part, items, hints)

    def _kept(self, ground: Ground, count: int) -> None:
        """Says it, where events of the time that is asked about may be forgotten."""
        start, end = (point(text, name, ground.now) for text, name in ((self.since, "since"), (self.until, "until")))
        held = window(("fleet_events",))
        if held is None or min(start or ground.now, end or ground.now) >= ground.now - held:
            return
        oldest = ground.row("SELECT MIN(detected_at) AS at FROM fleet_events")
        if oldest is None or not oldest["at"]:
            return
        first = moment(oldest["at"])
        if end and end <= first and not count:
            hint = Hint(why="all that are kept", tool="list_events", arguments={"since": said(first)})
            sentence = f"there are events since {said(first)}: nothing from before is kept"
            raise Taught(Lesson(code=Code.AS_OF_OUT_OF_RANGE, sentence=sentence, field="until", got=said(end), next=hint))
        if start and start < first:
            ground.remark(f"there are events since {said(first)}: nothing from before is kept")

    def _known(self, ground: Ground) -> None:
        from fleetd.service.naming import require_known  # all kinds: a short command that names none starts in half the time

        for kind, name, argument in (("EventSource", self.source, "source"), ("EventTrigger", self.trigger, "trigger")):
            if name:
                require_known(ground, kind, name.rpartition("/")[2], argument)

    def listing(self, ground: Ground) -> Listing:
        """The rows that are meant."""
        ground.back(self.as_of, "fleet_pending_events", "fleet_cluster_labels")
        values: dict[str, Any] = {}
        behind = self._behind(values)
        where, looked_at = self._where(ground, values)
        if behind:
            # A label is looked up for each of the few.
            where = [in_order(one, ground.reader.dialect) for one in where]
        key = {"detected_at": "e.detected_at", "event_id": "e.event_id"}
        rows = Listing(self, "e.*", "fleet_events e", key, tuple(where), values, descending=True, looked_at=tuple(looked_at))
        return replace(rows, behind=behind)

    def _behind(self, values: dict[str, Any]) -> str:
        """What has all that the list is narrowed and ordered by, and is few among the events; empty where there is no such thing."""
        if self.source or self.slower_than or self.group_by == "event_source" or bool(self.trigger) == bool(self.state):
            return ""
        if self.trigger:
            return f"(SELECT DISTINCT n.event_id, n.detected_at, n.cluster FROM ({_NEWEST_OF_TRIGGER}) n) e"
        if not all(state in UNACTED for state in self.state):
            return ""
        states = any_of("w.state", "unacted", self.state, values)
        return f"(SELECT DISTINCT w.event_id, w.detected_at, w.source_cluster AS cluster FROM fleet_waits w WHERE {states}) e"

    def _where(self, ground: Ground, values: dict[str, Any]) -> tuple[list[str], list[str]]:
        """What indexes find, and what must be looked at event by event."""
        where: list[str] = []
        looked_at: list[str] = []
        if self.clusters:
            where.append(ground.choose(self.clusters, "e.cluster", values))
        if self.source:
            where.append("e.event_source = :source")
            values["source"] = self.source.rpartition("/")[2]
        if self.trigger:
            if not self._behind(values):
                where.append(f"e.event_id IN (SELECT event_id FROM ({_NEWEST_OF_TRIGGER}) n)")
            values["trigger"] = self.trigger.rpartition("/")[2]
            values["before_match"] = point(self.until, "until", ground.now) or ground.now + timedelta(minutes=1)
            of = "event_trigger = :trigger AND matched_at < :before_match"
            if ground.row(_MORE_MATCHES.format(of=of), trigger=values["trigger"], before_match=values["before_match"]):
                ground.mistakes.append(f"of a trigger the newest {MATCHES} matches are looked at: for older ones give until")
        if self.state and not self._behind(values):
            ended = _ended(self.state)
            rare = bool(ended) and "acted" not in ended and not ground.row(_MORE_MATCHES.format(of=_RARE))
            known = "matched" not in self.state and "detected" not in self.state and (rare or not ended)
            (where if known else looked_at).append(_state(self.state, values, rare=rare))
        if self.slower_than:
            values["slower"] = round(age(self.slower_than, "slower_than").total_seconds() * 1000)
            looked_at.append("EXISTS (SELECT 1 FROM fleet_reactions r WHERE r.event_id = e.event_id AND r.reaction_ms > :slower)")
        where += _times(ground.now, self.since, self.until, self.older_than, values)
        return where, looked_at


def _times(now: datetime, since: str, until: str, older_than: str, values: dict[str, Any]) -> list[str]:
    where = []
    if start := point(since, "since", now):
        where.append("e.detected_at >= :since")
        values["since"] = start
    if end := point(until, "until", now):
        if start and end <= start:
            raise bad("until", until, f"until lies before since ({said(start)}): nothing can be between them")
        where.append("e.detected_at < :until")
        values["until"] = end
    if older_than:
        where.append("e.detected_at < :before")
        values["before"] = now - age(older_than, "older_than")
    return where


def _ended(states: Sequence[str]) -> tuple[str, ...]:
    return tuple(state for state in states if state in ("acted", "suppressed", "withdrawn"))


def _state(states: Sequence[str], values: dict[str, Any], *, rare: bool) -> str:
    parts = []
    unacted = tuple(state for state in states if state in UNACTED)
    ended = _ended(states)
    if unacted:
        parts.append(f"e.event_id IN (SELECT event_id FROM fleet_waits WHERE {any_of('state', 'unacted', unacted, values)})")
    matches = "EXISTS (SELECT 1 FROM fleet_trigger_matches m WHERE m.event_id = e.event_id"
    if ended and rare:
        # Its states in these very words, by which an index has its rows.
        newest = f"SELECT m.event_id FROM fleet_trigger_matches m WHERE m.{_RARE}"
        parts.append(f"e.event_id IN ({newest} AND {any_of('m.state', 'ended', ended, values)})")
    elif ended:
        parts.append(f"{matches} AND {any_of('m.state', 'ended', ended, values)})")
    if "matched" in states:
        parts.append(f"{matches})")
    if "detected" in states:
        parts.append(f"NOT {matches})")
    return f"({' OR '.join(parts)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class GetEvent(Question[Answer[EventPage]]):
    """What one event was about, which triggers cared, and when each stage was reached on each destination."""

    event_id: Annotated[str, About("as list_events gives it")]
    as_of: AsOf = ""
    detail: Annotated[Detail, About("full: 100 objects, and 200 destinations of each trigger; brief: 20 of each")] = "brief"

    def answered(self, ground: Ground) -> Answer[EventPage]:
        ground.back(self.as_of, "fleet_pending_events")
        row = event_row(ground, self.event_id, "event_id")
        most, wide = (100, 200) if self.detail == "full" else (20, 20)
        objects = ground.rows(f"{_OBJECTS_OF} LIMIT {most + 1}", id=row["event_id"])
        matches = ground.rows(f"{MATCHED} WHERE event_id = :id ORDER BY event_trigger, match_id LIMIT {_OUTCOMES + 1}", id=row["event_id"])
        outcomes = tuple(_outcome(ground, found, wide) for found in matches[:_OUTCOMES])
        page = EventPage(
            event=replace(event_rows(ground, [row], full=True)[0], objects=(), cause_id=""),
            cause_id=row["cause_id"],
            objects=tuple(EventObject(ref=safe_ref(one["object_ref"]), change=one["change"]) for one in objects[:most]),
            outcomes=outcomes,
        )
        cut = [f"objects: the first {most} are shown"] if len(objects) > most else []
        cut += [f"outcomes: the first {_OUTCOMES} are shown"] if len(matches) > _OUTCOMES else []
        if any(sum(one.destination_states.values()) > len(one.destinations) for one in outcomes):
            cut.append(f"destinations: {wide} of a trigger are shown, those first that it has not acted on; destination_states counts all")
        if cut and self.detail == "brief":
            cut.append("detail=full shows more")
        return ground.answer(page, warnings=tuple(cut))


def _outcome(ground: Ground, row: Record, wide: int) -> Outcome:
    reactions = {
        one["cluster"]: one["reaction_ms"]
        for one in ground.rows("SELECT cluster, reaction_ms FROM fleet_reactions WHERE match_id = :id", id=row["match_id"])
    }
    states = {one["state"]: one["n"] for one in ground.rows(STATES_OF, id=row["match_id"])}
    destinations = ground.rows(f"{DESTINATIONS_OF} LIMIT {wide}", id=row["match_id"])
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
        destination_states=states,
        reason_untrusted=plain_text(row["reason"]),
    )


def event_row(ground: Ground, event_id: str, field: str) -> Record:
    """The event with this id.

    Raises:
        Taught: there is none, or none any more.
    """
    event_id = event_id.strip().removeprefix("event:")
    found = ground.row("SELECT * FROM fleet_events WHERE event_id = :id", id=event_id)
    if found is not None:
        return found
    later = ground.row_now("SELECT detected_at FROM fleet_events WHERE event_id = :id", id=event_id) if ground.then is not None else None
    if later is not None:
        sentence = f"this event was not there yet: it was detected at {said(moment(later['detected_at']))}"
        raise Taught(Lesson(code=Code.NOT_FOUND, sentence=sentence, field=field, got=plain_text(event_id, most=80)))
    if not event_id:
        raise bad(field, "", "name an event by its id", next=Hint(why="the events that there are", tool="list_events"))
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
