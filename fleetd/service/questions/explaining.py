"""Why a trigger acts, or does not: its gates in their order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import orjson

from fleetd.decide.definitions import Trigger, compile_trigger
from fleetd.decide.members import Member, template_data
from fleetd.domain.errors import GiveUp, InvalidInput
from fleetd.domain.refs import ObjectRef
from fleetd.service.answers import Answer, Hint
from fleetd.service.arguments import BRIEF, About, AsOf
from fleetd.service.asking import Question
from fleetd.service.foreign import plain_text, safe_ref
from fleetd.service.naming import not_declared, read_ref
from fleetd.service.questions.eventrows import WORST_FIRST
from fleetd.service.questions.events import DESTINATIONS_OF, STATES_OF, UNACTED, Reached, event_row
from fleetd.service.questions.gates import STATE_UNKNOWN, Gate, Gates, first_failing
from fleetd.service.questions.ground import Ground
from fleetd.service.questions.references import count_heard, heard, members
from fleetd.service.questions.sets import chosen_gate
from fleetd.service.teaching import Code, Lesson, Taught, bad
from fleetd.store.past import PAST_STATE
from fleetd.store.reading import Record

_LIB = "lib.projectsveltos.io"
_TREE = "verdicts keep which part of the condition decided, not the values of the whole expression"
_MISSES = 5
_MOST = 30
_ALL = {"kinds": ["EventTrigger"]}
_OLDEST_THEN = "SELECT source_cluster FROM fleet_pending_events WHERE event_trigger = :name ORDER BY detected_at LIMIT 1"
_OLDEST = """
SELECT m.cluster AS source_cluster FROM (
 SELECT oldest_match_id FROM fleet_waiting_triggers WHERE event_trigger = :name ORDER BY oldest_at LIMIT 1
) w JOIN fleet_trigger_matches m ON m.match_id = w.oldest_match_id
"""
_REACHED = """
SELECT m.source, m.profile FROM (
 SELECT match_id, cluster AS source, profile, matched_at FROM fleet_trigger_matches WHERE event_trigger = :trigger
 ORDER BY matched_at DESC LIMIT 500
) m JOIN fleet_match_destinations d ON d.match_id = m.match_id WHERE d.cluster = :cluster ORDER BY m.matched_at DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """An object that the source looked at, and what decided."""

    object_ref: str
    verdict: str
    deciding_expression_untrusted: str = ""
    reason_untrusted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerGates:
    """The gates of a trigger for one cluster, and the first that fails; empty: it has acted."""

    trigger: str
    cluster: str
    event_source: str
    first_failing: str
    gates: tuple[Gate, ...]
    selected_clusters: int
    nearest_misses: tuple[Miss, ...] = ()
    destinations: tuple[Reached, ...] = ()
    expression_note: str = _TREE


@dataclass(slots=True)
class _Case:
    """What is explained: a trigger on a source cluster, for one object or event, or whatever is there."""

    trigger: Trigger
    row: Record
    member: Member
    source: str = ""
    object_ref: str = ""
    event_id: str = ""
    profile: str = ""
    destinations: tuple[Reached, ...] = ()
    misses: tuple[Miss, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainTrigger(Question[Answer[TriggerGates]]):
    """Why an EventTrigger did or did not act: its gates in order, the first that fails, and what decided the condition."""

    trigger: Annotated[str, About("name of an EventTrigger")]
    cluster: Annotated[str, About("the cluster where the event happens; empty: one with something pending, or the first selected")] = ""
    object: Annotated[str, About("one object there: Kind.group/namespace/name")] = ""
    event: Annotated[str, About("one event, by its id")] = ""
    as_of: AsOf = ""

    def answered(self, ground: Ground) -> Answer[TriggerGates]:
        ground.back(self.as_of, "fleet_pending_events", "fleet_clusters", "fleet_declared", "fleet_verdicts")
        name = _trigger_name(self.trigger)
        ref = ObjectRef("EventTrigger", _LIB, "", name)
        row = ground.row("SELECT * FROM fleet_declared WHERE ref = :ref", ref=str(ref))
        if row is None:
            raise not_declared(ground, ref, "trigger")
        try:
            trigger = compile_trigger(orjson.loads(row["manifest"]))
        except InvalidInput as error:
            ground.mistakes.append("the declaration cannot be read")
            return ground.answer(_unreadable(name, row, str(error)))
        meant = read_ref(self.object, "object") if self.object else None
        chosen = self._cluster(ground, name, trigger, meant.cluster if meant else "")
        case = _Case(trigger, row, members(ground, chosen)[0])
        case.object_ref = str(meant.ref) if meant else ""
        case.event_id = self.event.removeprefix("event:")
        gates = [*_gates(ground, case)]
        found = TriggerGates(
            trigger=safe_ref(name),
            cluster=safe_ref(chosen),
            event_source=safe_ref(case.source),
            first_failing=first_failing(gates),
            gates=tuple(gates),
            selected_clusters=count_heard(ground, trigger.sources, trigger.set_refs),
            nearest_misses=case.misses,
            destinations=case.destinations,
        )
        if not found.selected_clusters:
            sets = " and its sets have none" if trigger.set_refs else ""
            ground.mistakes.append(f"its sourceClusterSelector chooses no cluster of the fleet{sets}: it can act nowhere")
        return ground.answer(found, _hints(ground, found, case))

    def _cluster(self, ground: Ground, name: str, trigger: Trigger, of_object: str) -> str:
        named = [ground.cluster(self.cluster, "cluster")] if self.cluster else []
        named += [ground.cluster(of_object, "object")] if of_object else []
        named += [str(event_row(ground, self.event, "event")["cluster"])] if self.event else []
        if len(set(named)) > 1:
            places = ", ".join(dict.fromkeys(map(safe_ref, named)))
            sentence = f"cluster, object and event are of several clusters ({places}): name the one where the event happened"
            raise bad("cluster", plain_text(self.cluster, most=80), sentence)
        if named:
            return named[0]
        pending = ground.row(_OLDEST_THEN if ground.then else _OLDEST, name=name)
        first = heard(ground, trigger.sources, trigger.set_refs, most=1)
        anyone = ground.row("SELECT cluster FROM fleet_clusters ORDER BY cluster LIMIT 1")
        if anyone is None:
            raise Taught(
                Lesson(code=Code.NOT_FOUND, sentence="the fleet has no cluster yet: nothing can be explained of any", field="cluster")
            )
        found = str(pending["source_cluster"]) if pending else (first[0].cluster if first else str(anyone["cluster"]))
        ground.mistakes.append(f"no cluster was named: this is for {safe_ref(found)}")
        return found


def _trigger_name(text: str) -> str:
    kind, slash, _ = text.strip().partition("/")
    name = text.strip().rpartition("/")[2]
    if slash and kind.partition(".")[0].lower().removesuffix("s") != "eventtrigger":
        ref = safe_ref(text.strip())
        hint = Hint(
            why="the triggers that name it",
            tool="list_references",
            arguments={"ref": ref, "direction": "in", "kinds": ["EventTrigger"]},
        )
        raise bad("trigger", plain_text(text, most=80), "this is no EventTrigger: write its name, or EventTrigger/name", next=hint)
    if not name:
        raise bad("trigger", "", "name an EventTrigger", next=Hint(why="all of them", tool="find_objects", arguments=_ALL))
    return name


def _unreadable(name: str, row: Record, sentence: str) -> TriggerGates:
    gate = Gate(gate="declared", passed=False, because="it cannot be read", said_untrusted=plain_text(row["reason"] or sentence))
    return TriggerGates(trigger=safe_ref(name), cluster="", event_source="", first_failing="declared", gates=(gate,), selected_clusters=0)


def _hints(ground: Ground, found: TriggerGates, case: _Case) -> tuple[Hint, ...]:
    shut = found.first_failing
    source = f"EventSource/{found.event_source}"
    if shut == "cluster_selected":
        reached = ground.row(_REACHED, trigger=case.trigger.name, cluster=case.member.cluster)
        if reached is None:
            return (Hint(why="the labels of the clusters", tool="list_clusters", arguments={"detail": "full"}),)
        ground.mistakes.append(f"{found.cluster} is where it acts, not where its events happen: that is {safe_ref(reached['source'])}")
        arguments = {"profile": safe_ref(reached["profile"]), "cluster": found.cluster}
        return (Hint(why=f"what it did on {found.cluster}", tool="explain_addon", arguments=arguments),)
    if shut == "source_declared":
        return (Hint(why="the sources that there are", tool="find_objects", arguments={"kinds": ["EventSource"]}),)
    if shut in ("cluster_ready", "cluster_not_paused"):
        return (Hint(why="since when", tool="get_timeline", arguments={"clusters": found.cluster, "types": ["cluster"]}),)
    if shut in ("object_matched", "event_detected"):
        return (Hint(why="what the source looks for", tool="get_object", arguments={"ref": source}),)
    return _stuck(found, case)


def _stuck(found: TriggerGates, case: _Case) -> tuple[Hint, ...]:
    stuck = next((one for one in found.destinations if one.state != "acted"), None)
    if stuck is None:
        return ()
    if case.profile:
        arguments = {"profile": safe_ref(case.profile), "cluster": stuck.cluster}
        return (Hint(why="what stands in the way there", tool="explain_addon", arguments=arguments),)
    return (Hint(why="what stands in the way there", tool="get_cluster", arguments={"cluster": stuck.cluster}),)


def _gates(ground: Ground, case: _Case) -> Iterator[Gate]:
    """In the order in which an event passes them; what lies behind a shut gate is shown too, as far as it is known."""
    yield Gates.declared(case.row)
    yield chosen_gate(ground, case.trigger.sources, case.trigger.set_refs, case.member)
    yield from Gates.cluster(ground, case.member.cluster)
    yield _source(ground, case)
    yield _object(ground, case)
    yield _event(ground, case)
    match = _match(ground, case)
    if match is None:
        yield Gate(gate="matched", passed=False, because="no match of this trigger is there")
        return
    yield Gate(gate="matched", passed=True, because=f"event {match['event_id']} met it", said_untrusted="")
    yield from _destinations(ground, case, match)


def _source(ground: Ground, case: _Case) -> Gate:
    from fleetd.decide.rendering import Render  # the template engine: a server starts without it

    name = case.trigger.source_name
    try:
        case.source = Render(ground.now).deploy(name, template_data(case.member), "spec.eventSourceName")
    except GiveUp as error:
        return Gate(gate="source_declared", passed=False, because="its name cannot be rendered", said_untrusted=plain_text(str(error)))
    row = ground.row("SELECT state, reason FROM fleet_event_sources WHERE name = :name", name=case.source)
    if row is None:
        return Gate(gate="source_declared", passed=False, because=f"no EventSource {safe_ref(case.source)} is declared")
    sentence = f"EventSource {safe_ref(case.source)} is {row['state']}"
    if row["state"] == PAST_STATE:
        return Gate(gate="source_declared", passed=None, because=f"EventSource {safe_ref(case.source)} was declared; {STATE_UNKNOWN}")
    return Gate(gate="source_declared", passed=row["state"] == "ready", because=sentence, said_untrusted=plain_text(row["reason"]))


def _object(ground: Ground, case: _Case) -> Gate:
    where = "event_source = :source AND cluster = :cluster"
    values: dict[str, Any] = {"source": case.source, "cluster": case.member.cluster}
    if case.object_ref:
        where += " AND object_ref = :object_ref"
        values["object_ref"] = case.object_ref
    counts = {
        row["verdict"]: row["n"]
        for row in ground.rows(f"SELECT verdict, COUNT(*) AS n FROM fleet_verdicts WHERE {where} GROUP BY verdict", values)
    }
    rows = ground.rows(f"SELECT * FROM fleet_verdicts WHERE {where} AND verdict <> 'match' ORDER BY object_ref LIMIT {_MISSES}", values)
    case.misses = tuple(
        Miss(
            object_ref=safe_ref(row["object_ref"]),
            verdict=row["verdict"],
            deciding_expression_untrusted=plain_text(row["deciding_expression"]),
            reason_untrusted=plain_text(row["reason"]),
        )
        for row in rows
    )
    if not counts:
        what = (
            f"the source has not seen {safe_ref(case.object_ref)} there" if case.object_ref else "the source has seen no such object there"
        )
        return Gate(gate="object_matched", passed=False, because=what)
    said = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
    return Gate(gate="object_matched", passed=bool(counts.get("match")), because=f"verdicts of the source there: {said}")


def _event(ground: Ground, case: _Case) -> Gate:
    row = ground.row(
        "SELECT event_id, detected_at FROM fleet_events WHERE event_source = :source AND cluster = :cluster"
        " ORDER BY detected_at DESC LIMIT 1",
        source=case.source,
        cluster=case.member.cluster,
    )
    if row is None:
        return Gate(gate="event_detected", passed=False, because="no event of the source was detected there")
    return Gate(gate="event_detected", passed=True, because=f"the last one is {row['event_id']}, at {row['detected_at']}")


def _match(ground: Ground, case: _Case) -> Record | None:
    where = "event_trigger = :trigger AND cluster = :cluster"
    values: dict[str, Any] = {"trigger": case.trigger.name, "cluster": case.member.cluster}
    for column, value in (("object_ref", case.object_ref), ("event_id", case.event_id)):
        if value:
            where += f" AND {column} = :{column}"
            values[column] = value
    # The worst of the newest that are not over, else the newest: what is asked for is what went wrong, and not what ended.
    rows = ground.rows(f"SELECT * FROM fleet_trigger_matches WHERE {where} ORDER BY matched_at DESC LIMIT 50", values)
    unacted = [row for row in rows if row["state"] in UNACTED]
    if unacted:
        return min(unacted, key=lambda row: WORST_FIRST.index(row["state"]))
    return next((row for row in rows if row["state"] == "acted"), next(iter(rows), None))


def _destinations(ground: Ground, case: _Case, match: Record) -> Iterator[Gate]:
    case.profile = match["profile"]
    rows = ground.rows(f"{DESTINATIONS_OF} LIMIT {_MOST}", id=match["match_id"])
    count = sum(row["n"] for row in ground.rows(STATES_OF, id=match["match_id"]))
    if count > len(rows):
        ground.remark(f"of {count} destinations {len(rows)} are shown, those first that it has not acted on")
    case.destinations = tuple(
        Reached(
            cluster=safe_ref(row["cluster"]),
            state=row["state"],
            rendered_at=row["rendered_at"],
            applied_at=row["applied_at"],
            reason_untrusted=plain_text(row["reason"], most=BRIEF),
        )
        for row in rows
    )
    settled = bool(rows) or match["state"] in ("acted", "withdrawn", "suppressed")
    because = f"{count} clusters" if rows else f"none is settled; the match is {match['state']}"
    yield Gate(gate="destinations_selected", passed=settled, because=because, said_untrusted="" if rows else plain_text(match["reason"]))
    shut = [one for one in case.destinations if one.state in ("pending", "blocked", "failed", "acting")]
    if shut:
        names = ", ".join(f"{one.cluster} ({one.state})" for one in shut[:5])
        yield Gate(gate="acted", passed=False, because=f"not on {names}", said_untrusted=shut[0].reason_untrusted)
    else:
        yield Gate(gate="acted", passed=bool(rows), because=f"on {count} clusters" if rows else "nowhere")
