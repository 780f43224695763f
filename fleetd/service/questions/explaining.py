"""Why a trigger acts, or does not: its gates in their order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import orjson

from fleetd.decide.definitions import Trigger, compile_trigger
from fleetd.decide.members import Member, template_data
from fleetd.decide.rendering import Render
from fleetd.domain.errors import GiveUp, InvalidInput
from fleetd.domain.refs import ObjectRef
from fleetd.service.answers import Answer, Hint
from fleetd.service.arguments import About
from fleetd.service.asking import Question
from fleetd.service.foreign import plain_text, safe_ref
from fleetd.service.naming import not_declared, read_ref
from fleetd.service.questions.events import WORST_FIRST, Reached, event_row
from fleetd.service.questions.gates import Gate, Gates, first_failing
from fleetd.service.questions.ground import Ground
from fleetd.service.questions.references import count_selected, members
from fleetd.service.teaching import Code, Lesson, Taught
from fleetd.store.reading import Record

_LIB = "lib.projectsveltos.io"
_TREE = "verdicts keep which part of the condition decided, not the values of the whole expression"
_MISSES = 5


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

    def answered(self, ground: Ground) -> Answer[TriggerGates]:
        name = self.trigger.strip().rpartition("/")[2]
        ref = ObjectRef("EventTrigger", _LIB, "", name)
        row = ground.row("SELECT * FROM fleet_declared WHERE ref = :ref", ref=str(ref))
        if row is None:
            raise not_declared(ground, ref, "trigger")
        try:
            trigger = compile_trigger(orjson.loads(row["manifest"]))
        except InvalidInput as error:
            ground.mistakes.append("the declaration cannot be read")
            return ground.answer(_unreadable(name, row, str(error)))
        chosen = self._cluster(ground, name, trigger)
        case = _Case(trigger, row, members(ground, chosen)[0])
        case.object_ref = str(read_ref(self.object, "object").ref) if self.object else ""
        case.event_id = self.event
        gates = [*_gates(ground, case)]
        found = TriggerGates(
            trigger=safe_ref(name),
            cluster=safe_ref(chosen),
            event_source=safe_ref(case.source),
            first_failing=first_failing(gates),
            gates=tuple(gates),
            selected_clusters=count_selected(ground, trigger.sources),
            nearest_misses=case.misses,
            destinations=case.destinations,
        )
        return ground.answer(found, _hints(found, case))

    def _cluster(self, ground: Ground, name: str, trigger: Trigger) -> str:
        if self.event:
            return str(event_row(ground, self.event, "event")["cluster"])
        if self.cluster:
            return ground.cluster(self.cluster, "cluster")
        pending = ground.row("SELECT source_cluster FROM fleet_pending_events WHERE event_trigger = :name ORDER BY detected_at", name=name)
        first = members(ground, trigger.sources, most=1)
        anyone = ground.row("SELECT cluster FROM fleet_clusters ORDER BY cluster LIMIT 1")
        if anyone is None:
            raise Taught(
                Lesson(code=Code.NOT_FOUND, sentence="the fleet has no cluster yet: nothing can be explained of any", field="cluster")
            )
        found = str(pending["source_cluster"]) if pending else (first[0].cluster if first else str(anyone["cluster"]))
        ground.mistakes.append(f"no cluster was named: this is for {safe_ref(found)}")
        return found


def _unreadable(name: str, row: Record, sentence: str) -> TriggerGates:
    gate = Gate(gate="declared", passed=False, because="it cannot be read", said_untrusted=plain_text(row["reason"] or sentence))
    return TriggerGates(trigger=safe_ref(name), cluster="", event_source="", first_failing="declared", gates=(gate,), selected_clusters=0)


def _hints(found: TriggerGates, case: _Case) -> tuple[Hint, ...]:
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
    why_not = case.trigger.sources.why_not(case.member.labels)
    yield Gate(gate="cluster_selected", passed=why_not is None, because=plain_text(why_not) or f"{case.trigger.sources} holds")
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
    name = case.trigger.source_name
    try:
        case.source = Render(ground.now).deploy(name, template_data(case.member), "spec.eventSourceName")
    except GiveUp as error:
        return Gate(gate="source_declared", passed=False, because="its name cannot be rendered", said_untrusted=plain_text(str(error)))
    row = ground.row("SELECT state, reason FROM fleet_event_sources WHERE name = :name", name=case.source)
    if row is None:
        return Gate(gate="source_declared", passed=False, because=f"no EventSource {safe_ref(case.source)} is declared")
    sentence = f"EventSource {safe_ref(case.source)} is {row['state']}"
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
    # The worst of the newest: what is asked for is what went wrong.
    rows = ground.rows(f"SELECT * FROM fleet_trigger_matches WHERE {where} ORDER BY matched_at DESC LIMIT 50", values)
    return min(rows, key=lambda row: WORST_FIRST.index(row["state"]) if row["state"] in WORST_FIRST else 0) if rows else None


def _destinations(ground: Ground, case: _Case, match: Record) -> Iterator[Gate]:
    case.profile = match["profile"]
    rows = ground.rows("SELECT * FROM fleet_match_destinations WHERE match_id = :id ORDER BY cluster LIMIT 200", id=match["match_id"])
    case.destinations = tuple(
        Reached(
            cluster=safe_ref(row["cluster"]),
            state=row["state"],
            rendered_at=row["rendered_at"],
            applied_at=row["applied_at"],
            reason_untrusted=plain_text(row["reason"]),
        )
        for row in rows
    )
    settled = bool(rows) or match["state"] in ("acted", "withdrawn", "suppressed")
    because = f"{len(rows)} clusters" if rows else f"none is settled; the match is {match['state']}"
    yield Gate(gate="destinations_selected", passed=settled, because=because, said_untrusted="" if rows else plain_text(match["reason"]))
    shut = [one for one in case.destinations if one.state in ("pending", "blocked", "failed", "acting")]
    if shut:
        names = ", ".join(f"{one.cluster} ({one.state})" for one in shut[:5])
        yield Gate(gate="acted", passed=False, because=f"not on {names}", said_untrusted=shut[0].reason_untrusted)
    else:
        yield Gate(gate="acted", passed=bool(rows), because=f"on {len(rows)} clusters" if rows else "nowhere")
