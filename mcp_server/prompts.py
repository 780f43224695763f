"""Prompts: a question that people often have, with the facts already in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from mcp_types import GetPromptResult, Prompt, PromptArgument, PromptMessage, TextContent

from fleetd.service.foreign import plain_text, safe_ref
from fleetd.service.questions.clusters import ListClusters
from fleetd.service.questions.events import UNACTED, ListEvents
from fleetd.service.questions.explaining import ExplainTrigger
from fleetd.service.questions.lineage import TraceLineage
from fleetd.service.questions.overview import FleetOverview
from fleetd.service.teaching import Code, Lesson, Taught, near
from mcp_server.calls import Desk
from mcp_server.principals import Principal


@dataclass(frozen=True, slots=True)
class Ready:
    """A prompt, and how its text is made."""

    described: Prompt
    write: Callable[[Desk, Principal, Mapping[str, str]], Awaitable[str]]


async def _triage(desk: Desk, principal: Principal, _given: Mapping[str, str]) -> str:
    facts = [
        await desk.text(question, principal)
        for question in (FleetOverview(), ListClusters(has=("pending_events",)), ListEvents(state=UNACTED))
    ]
    return _joined(
        "What in this fleet needs attention first, and why? Say what is certain, what is not known, and what to look at next.", facts
    )


async def _why_here(desk: Desk, principal: Principal, given: Mapping[str, str]) -> str:
    facts = [await desk.text(TraceLineage(ref=given["ref"]), principal)]
    return _joined(f"Why is {safe_ref(given['ref'][:200])} there? Tell the chain from the cause to the object.", facts)


async def _why_not_fired(desk: Desk, principal: Principal, given: Mapping[str, str]) -> str:
    facts = [await desk.text(ExplainTrigger(trigger=given["trigger"], cluster=given.get("cluster", "")), principal)]
    trigger = safe_ref(given["trigger"][:120])
    return _joined(f"Why did EventTrigger {trigger} not act? Name the first gate that fails, and the smallest change that opens it.", facts)


def _joined(asked: str, facts: list[str]) -> str:
    return "\n\n".join((asked, "The facts, as fleetd has them now:", *facts))


_REF = PromptArgument(name="ref", description="an object on a cluster: Service/shop/web@prod/eu-1", required=True)
_TRIGGER = PromptArgument(name="trigger", description="name of an EventTrigger", required=True)
_CLUSTER = PromptArgument(name="cluster", description="the cluster where the event happens", required=False)
PROMPTS = {
    ready.described.name: ready
    for ready in (
        Ready(Prompt(name="triage_fleet", title="Triage the fleet", description="What needs attention first.", arguments=[]), _triage),
        Ready(Prompt(name="why_here", title="Why is this here?", description="Back to the event.", arguments=[_REF]), _why_here),
        Ready(
            Prompt(name="why_not_fired", title="Why did it not act?", description="Gate by gate.", arguments=[_TRIGGER, _CLUSTER]),
            _why_not_fired,
        ),
    )
}


async def get_prompt(desk: Desk, principal: Principal, name: str, given: Mapping[str, str]) -> GetPromptResult:
    """The message of a prompt.

    Raises:
        Taught: there is no such prompt, or an argument is missing or unknown.
    """
    ready = PROMPTS.get(name)
    if ready is None:
        raise _wrong("there is no prompt of this name", name, tuple(PROMPTS))
    arguments = {one.name: bool(one.required) for one in ready.described.arguments or ()}
    for one in given:
        if one not in arguments:
            raise _wrong("the prompt has no argument of this name", one, tuple(arguments))
    for one, required in arguments.items():
        if required and not given.get(one, "").strip():
            raise _wrong(f"{one} is missing", one, ())
    text = await ready.write(desk, principal, given)
    return GetPromptResult(description=ready.described.description, messages=[PromptMessage(role="user", content=TextContent(text=text))])


def _wrong(sentence: str, got: str, allowed: tuple[str, ...]) -> Taught:
    lesson = Lesson(
        code=Code.UNKNOWN_ARGUMENT, sentence=sentence, got=plain_text(got, most=60), allowed=allowed, did_you_mean=near(got[:60], allowed)
    )
    return Taught(lesson)
