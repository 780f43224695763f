"""One event with its whole story: objects, each trigger's outcome, destinations, and when each stage was reached."""

from __future__ import annotations

from collections.abc import Iterator

from fleetd.service.questions.events import EventPage, GetEvent, Outcome
from fleetd.service.questions.windows import WhoLooksAfter
from tui.lines import Line, Page, facts, heading, link, plain, table
from tui.pages.asking import Ask
from tui.paint import QUIET, STRONG, styled
from tui.places import Place
from tui.words import state_text


async def page(ask: Ask, place: Place) -> Page:
    """From the object that fired to each destination."""
    found = (await ask(GetEvent(event_id=place.subject, detail="full", as_of=place.as_of))).result
    event = found.event
    known = await ask(WhoLooksAfter(event_id=event.event_id, as_of=place.as_of))
    lines = [
        *facts(
            {
                "event": event.event_id,
                "state": event.state,
                "source": event.event_source,
                "cluster": event.cluster,
                "detected": event.detected_at,
                "matching": event.matching_count,
                "looked after by": known,
                "cause": found.cause_id,
            },
            states=("state",),
        ),
        *_objects(found),
        *heading("What triggers made of it", len(found.outcomes)),
    ]
    for outcome in found.outcomes:
        lines += _outcome(outcome, event.cluster)
    if not found.outcomes:
        lines.append(plain("  no trigger cared", QUIET))
    lines += [
        *heading("From here"),
        link("everything that came of it", Place("trace", f"event:{event.event_id}", of="down")),
        link("the source and all it says", Place("verdicts", of=f"EventSource={event.event_source}")),
        link("the cluster", Place("cluster", event.cluster)),
    ]
    return Page(f"Event {event.event_source} on {event.cluster}", tuple(lines), f"event:{event.event_id}")


def _objects(found: EventPage) -> Iterator[Line]:
    yield from heading("Objects", len(found.objects))
    for one in found.objects:
        placed = f"{one.ref}@{found.event.cluster}"
        yield link(styled(f"{one.change:<8} ", QUIET) + styled(one.ref, STRONG), Place("object", placed), placed)


def _outcome(outcome: Outcome, cluster: str) -> Iterator[Line]:
    text = state_text(outcome.state) + styled(f"  {outcome.event_trigger}", STRONG)
    text.append(f"  {outcome.profile}" if outcome.profile else "")
    text.append(f"  {outcome.reason_untrusted}", QUIET)
    yield link(text, Place("why", f"EventTrigger/{outcome.event_trigger}", cluster))
    rows = [
        (
            one.state,
            one.cluster,
            one.rendered_at or "-",
            one.applied_at or "-",
            f"{one.reaction_ms} ms" if one.reaction_ms is not None else "-",
            one.reason_untrusted or "-",
        )
        for one in outcome.destinations
    ]
    leads = [
        Place("why", outcome.profile, one.cluster) if outcome.profile else Place("cluster", one.cluster) for one in outcome.destinations
    ]
    if rows:
        yield from table(("  STATE", "CLUSTER", "RENDERED", "APPLIED", "REACTION", "REASON"), rows, leads)
