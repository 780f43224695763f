"""Why something is there, back to the event; and what came of something."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from fleetd.service.answers import Answer, Hint
from fleetd.service.arguments import About, AsOf
from fleetd.service.asking import Question
from fleetd.service.foreign import plain_text, safe_ref
from fleetd.service.naming import Named, not_declared, read_ref
from fleetd.service.questions.addons import profile_ref
from fleetd.service.questions.events import event_row
from fleetd.service.questions.ground import Ground
from fleetd.service.questions.objects import not_ours
from fleetd.service.teaching import Code, Lesson, Taught
from fleetd.store.reading import Record

MOST = 50
EVENTS, MATCHES, OF_PROFILE = 5, 10, 20
_MATCH = "SELECT * FROM fleet_trigger_matches WHERE {where} ORDER BY matched_at DESC LIMIT {most}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One step of a chain; `evidence` is the view in which it stands."""

    what: str
    ref: str
    because: str
    evidence: str
    cluster: str = ""
    at: str | None = None
    depth: int = 0
    said_untrusted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """The hops, the nearest first."""

    ref: str
    direction: str
    hops: tuple[Hop, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceLineage(Question[Answer[Lineage]]):
    """Why an object is on a cluster, hop by hop back to the event (up), or what an event, trigger or profile led to (down)."""

    ref: Annotated[
        str, About("an object on a cluster (Service/shop/web@prod/eu-1), ClusterProfile/x, EventTrigger/x, EventSource/x, or event:ID")
    ]
    direction: Annotated[Literal["up", "down"], About("up: why is it there; down: what came of it")] = "up"
    as_of: AsOf = ""

    def answered(self, ground: Ground) -> Answer[Lineage]:
        ground.back(self.as_of, "fleet_pending_events", "fleet_addons", "fleet_declared")
        hops = tuple(self._hops(ground))
        warnings: tuple[str, ...] = (f"more than {MOST} hops: the first are shown",) if len(hops) > MOST else ()
        if any(hop.what == "more" for hop in hops[:MOST]):
            warnings += ("it is more than is shown: see the hops that say so",)
        found = Lineage(
            ref=safe_ref(self.ref) if ":" not in self.ref else plain_text(self.ref, most=80), direction=self.direction, hops=hops[:MOST]
        )
        event = next((hop.ref.removeprefix("event:") for hop in hops if hop.what == "event"), "")
        hints = (Hint(why="the event with all its outcomes", tool="get_event", arguments={"event_id": event}),) if event else ()
        return ground.answer(found, hints, warnings)

    def _hops(self, ground: Ground) -> Iterator[Hop]:
        if self.ref.startswith("event:"):
            row = event_row(ground, self.ref.removeprefix("event:"), "ref")
            yield from _event_up(ground, row, 0) if self.direction == "up" else _event_down(ground, row)
            return
        if self.ref.startswith("match:"):
            yield from self._match(ground, self.ref.removeprefix("match:"))
            return
        named = read_ref(self.ref)
        if named.cluster:
            yield from _object(ground, named)
            return
        if self.direction == "down":
            _require(ground, named)
        kind, profile = named.ref.kind, f"{named.ref.kind}/{named.ref.namespace}/{named.ref.name}".replace("//", "/")
        if kind in ("ClusterProfile", "Profile"):
            yield from _profile_up(ground, profile, 0) if self.direction == "up" else _profile_down(ground, profile, 0)
        elif kind == "EventTrigger" and self.direction == "down":
            yield from _matches_down(ground, "event_trigger = :value", named.ref.name, 0)
        elif kind == "EventSource" and self.direction == "down":
            yield from _source_down(ground, named.ref.name)
        else:
            yield from _declared(ground, named, 0)

    def _match(self, ground: Ground, match_id: str) -> Iterator[Hop]:
        row = _match_row(ground, match_id)
        if self.direction == "down":
            yield from _matches_down(ground, "match_id = :value", match_id, 0)
            return
        event = ground.row("SELECT * FROM fleet_events WHERE event_id = :id", id=row["event_id"])
        yield from _declared(ground, read_ref(f"EventTrigger/{row['event_trigger']}"), 1)
        if event is not None:
            yield from _event_up(ground, event, 1)


def _require(ground: Ground, named: Named) -> None:
    """That it is declared, or was, or was generated: what came of something that never was is no question."""
    known = "SELECT 1 AS one FROM {view} WHERE ref = :ref LIMIT 1"
    if not any(ground.rows(known.format(view=view), ref=str(named.ref)) for view in ("fleet_declared_history", "fleet_generated")):
        raise not_declared(ground, named.ref, "ref")


def _match_row(ground: Ground, match_id: str) -> Record:
    row = ground.row("SELECT * FROM fleet_trigger_matches WHERE match_id = :id", id=match_id)
    if row is None:
        hint = Hint(why="the events, each with its triggers", tool="list_events")
        lesson = Lesson(
            code=Code.NOT_FOUND, sentence="there is no match of this id", field="ref", got=plain_text(match_id, most=80), next=hint
        )
        raise Taught(lesson)
    return row


def _object(ground: Ground, named: Named) -> Iterator[Hop]:
    cluster = ground.cluster(named.cluster, "ref")
    row = ground.row("SELECT * FROM fleet_objects WHERE cluster = :cluster AND object_ref = :ref", cluster=cluster, ref=str(named.ref))
    if row is None:
        raise not_ours(ground, named, cluster)
    because = f"add-on {safe_ref(row['addon'])} of {safe_ref(row['profile'])} applied it"
    yield Hop(
        what="object",
        ref=f"{safe_ref(str(named.ref))}@{safe_ref(cluster)}",
        because=because,
        evidence="fleet_objects",
        cluster=safe_ref(cluster),
        at=row["applied_at"],
    )
    yield from _template(ground, row["addon"])
    yield from _profile_up(
        ground, row["profile"], 1, ground.row("SELECT * FROM fleet_trigger_matches WHERE event_id = :id LIMIT 1", id=row["cause_id"])
    )


def _template(ground: Ground, addon: str) -> Iterator[Hop]:
    """The template that an event made the add-on's content of, as the journal has it."""
    row = ground.row(
        "SELECT at, cluster, reason FROM fleet_journal WHERE subject_ref = :ref AND stage = 'instantiate' ORDER BY entry_id DESC LIMIT 1",
        ref=addon,
    )
    if row is not None and " from " in row["reason"]:
        yield Hop(
            what="template",
            ref="",
            because="a template made the add-on's content when the event happened",
            evidence="fleet_journal",
            cluster=safe_ref(row["cluster"]),
            depth=1,
            at=row["at"],
            said_untrusted=plain_text(row["reason"]),
        )


def _profile_up(ground: Ground, profile: str, depth: int, newest: Record | None = None) -> Iterator[Hop]:
    ref = profile_ref(profile)
    made = ground.row("SELECT * FROM fleet_generated WHERE ref = :ref", ref=str(ref))
    if made is None:
        yield from _declared(ground, Named(ref), depth)
        return
    trigger = safe_ref(made["event_trigger"])
    because = f"EventTrigger {trigger} generated it for {safe_ref(made['object_ref']) or 'the whole report'} on {safe_ref(made['cluster'])}"
    yield Hop(what="profile", ref=safe_ref(profile), because=because, evidence="fleet_generated", depth=depth, at=made["generated_at"])
    yield from _declared(ground, read_ref(f"EventTrigger/{made['event_trigger']}"), depth + 1)
    match = ground.row(
        "SELECT * FROM fleet_trigger_matches WHERE event_trigger = :trigger AND cluster = :cluster AND profile = :profile"
        " ORDER BY matched_at DESC LIMIT 1",
        trigger=made["event_trigger"],
        cluster=made["cluster"],
        profile=profile,
    )
    match = match or newest
    if match is not None:
        because = f"EventTrigger {safe_ref(match['event_trigger'])} met the event; the match is {match['state']}"
        yield Hop(
            what="match",
            ref=f"match:{match['match_id']}",
            because=because,
            evidence="fleet_trigger_matches",
            cluster=safe_ref(match["cluster"]),
            depth=depth + 1,
            at=match["matched_at"],
        )
        row = ground.row("SELECT * FROM fleet_events WHERE event_id = :id", id=match["event_id"])
        if row is not None:
            yield from _event_up(ground, row, depth + 2)


def _event_up(ground: Ground, row: Record, depth: int) -> Iterator[Hop]:
    source, cluster = safe_ref(row["event_source"]), safe_ref(row["cluster"])
    because = f"EventSource {source} saw what matches change on {cluster}"
    yield Hop(
        what="event",
        ref=f"event:{row['event_id']}",
        because=because,
        evidence="fleet_events",
        cluster=cluster,
        depth=depth,
        at=row["detected_at"],
    )
    objects = ground.rows("SELECT * FROM fleet_event_objects WHERE event_id = :id ORDER BY object_ref LIMIT 10", id=row["event_id"])
    for one in objects:
        ref = f"{safe_ref(one['object_ref'])}@{cluster}"
        yield Hop(
            what="cause", ref=ref, because=f"it was {one['change']}", evidence="fleet_event_objects", cluster=cluster, depth=depth + 1
        )
    yield from _declared(ground, read_ref(f"EventSource/{row['event_source']}"), depth + 1)


def _declared(ground: Ground, named: Named, depth: int) -> Iterator[Hop]:
    row = ground.row("SELECT * FROM fleet_declared WHERE ref = :ref", ref=str(named.ref))
    if row is None:
        if depth == 0:
            raise not_declared(ground, named.ref, "ref")
        because = "it is declared no more"
        if ground.then is not None:
            because = "nobody had declared it; whether a trigger had generated it then is not kept"
        yield Hop(what="declared", ref=safe_ref(str(named.ref)), because=because, evidence="fleet_declared", depth=depth)
        return
    because = f"somebody declared it; its state is {row['state']}"
    yield Hop(
        what="declared",
        ref=safe_ref(row["ref"]),
        because=because,
        evidence="fleet_declared",
        depth=depth,
        at=row["updated_at"],
        said_untrusted=plain_text(row["reason"]),
    )


def _more(because: str, evidence: str, depth: int) -> Hop:
    return Hop(what="more", ref="", because=because, evidence=evidence, depth=depth)


def _event_down(ground: Ground, row: Record) -> Iterator[Hop]:
    yield from _matches_down(ground, "event_id = :value", row["event_id"], 0)


def _source_down(ground: Ground, name: str) -> Iterator[Hop]:
    rows = ground.rows(f"SELECT * FROM fleet_events WHERE event_source = :name ORDER BY detected_at DESC LIMIT {EVENTS + 1}", name=name)
    if len(rows) > EVENTS:
        yield _more(f"the newest {EVENTS} events are shown: list_events has all", "fleet_events", 0)
    for row in rows[:EVENTS]:
        because = f"{row['matching_count']} objects matched on {safe_ref(row['cluster'])}"
        yield Hop(
            what="event",
            ref=f"event:{row['event_id']}",
            because=because,
            evidence="fleet_events",
            cluster=safe_ref(row["cluster"]),
            at=row["detected_at"],
        )
        yield from _matches_down(ground, "event_id = :value", row["event_id"], 1)


def _matches_down(ground: Ground, where: str, value: str, depth: int) -> Iterator[Hop]:
    matches = ground.rows(_MATCH.format(where=where, most=MATCHES + 1), value=value)
    if len(matches) > MATCHES:
        yield _more(f"the newest {MATCHES} matches are shown: list_events has the events of all", "fleet_trigger_matches", depth)
    for match in matches[:MATCHES]:
        because = f"EventTrigger {safe_ref(match['event_trigger'])} met event {match['event_id']}; it is {match['state']}"
        yield Hop(
            what="match",
            ref=f"match:{match['match_id']}",
            because=because,
            evidence="fleet_trigger_matches",
            cluster=safe_ref(match["cluster"]),
            depth=depth,
            at=match["matched_at"],
            said_untrusted=plain_text(match["reason"]),
        )
        if match["profile"]:
            yield from _profile_down(ground, match["profile"], depth + 1)


def _profile_down(ground: Ground, profile: str, depth: int) -> Iterator[Hop]:
    addons = ground.rows(
        f"SELECT * FROM fleet_addons WHERE profile = :profile ORDER BY cluster, addon LIMIT {OF_PROFILE + 1}", profile=profile
    )
    if len(addons) > OF_PROFILE:
        yield _more(f"the first {OF_PROFILE} add-ons are shown: list_addons has all", "fleet_addons", depth)
    rows = ground.rows(
        f"SELECT * FROM fleet_objects WHERE profile = :profile ORDER BY cluster, object_ref LIMIT {OF_PROFILE + 1}", profile=profile
    )
    put: dict[tuple[str, str], list[Hop]] = {}
    for row in rows[:OF_PROFILE]:
        put.setdefault((row["cluster"], row["addon"]), []).append(_put(row, depth + 1))
    for addon in addons[:OF_PROFILE]:
        cluster = safe_ref(addon["cluster"])
        yield Hop(
            what="add-on",
            ref=f"{safe_ref(profile)} {safe_ref(addon['addon'])}",
            because=f"it is {addon['state']} on {cluster}",
            evidence="fleet_addons",
            cluster=cluster,
            depth=depth,
            at=addon["applied_at"],
            said_untrusted=plain_text(addon["reason"]),
        )
        yield from put.pop((addon["cluster"], addon["addon"]), ())
    if len(rows) > OF_PROFILE:
        yield _more(f"the first {OF_PROFILE} objects are shown: find_objects with this profile has all", "fleet_objects", depth + 1)
    for hops in put.values():
        yield from hops


def _put(row: Record, depth: int) -> Hop:
    return Hop(
        what="object",
        ref=f"{safe_ref(row['object_ref'])}@{safe_ref(row['cluster'])}",
        because=f"add-on {safe_ref(row['addon'])} put it there",
        evidence="fleet_objects",
        cluster=safe_ref(row["cluster"]),
        depth=depth,
        at=row["applied_at"],
    )
