"""Trace: how an object came about, or what came of a cause; hops over the border of a cluster are marked."""

from __future__ import annotations

from typing import Literal

from fleetd.service.questions.lineage import Hop, TraceLineage
from fleetd.service.teaching import Taught
from tui import subjects
from tui.lines import Line, Page, heading, link, plain
from tui.pages.asking import Ask
from tui.pages.thing import described
from tui.paint import HOP, QUIET, STRONG, UNDERWAY, styled
from tui.places import Place
from tui.subjects import of_ref
from tui.words import brief, inert

DOWN = "down"


async def page(ask: Ask, place: Place) -> Page:
    """Up from an object on a cluster; down from whatever causes something. `of` says the other direction."""
    direction: Literal["up", "down"] = "down" if (place.of or ("up" if "@" in place.subject else DOWN)) == DOWN else "up"
    try:
        found = (await ask(TraceLineage(ref=place.subject, direction=direction, as_of=place.as_of))).result
    except Taught:
        if "@" not in place.subject:
            raise
        # Nothing of ours: what led nowhere here may have led elsewhere, so its events are shown.
        return await described(ask, place)
    lines = [plain(found.ref, STRONG)]
    before = place.subject.partition("@")[2]
    for hop in found.hops:
        crossed = bool(hop.cluster and before and hop.cluster != before)
        lines.append(_hop(hop, crossed=crossed, up=direction != DOWN))
        if hop.said_untrusted:
            lines.append(plain(" " * (6 + 2 * hop.depth) + hop.said_untrusted, QUIET))
        before = hop.cluster or before
    if not found.hops:
        lines.append(plain("  nothing is known beyond this", QUIET))
    other = "up" if direction == DOWN else DOWN
    said = "what it is there for, back to the event" if other == "up" else "what came of it"
    lines += [*heading("From here"), link(f"the other way: {said}", Place("trace", place.subject, of=other))]
    return Page(f"Trace {direction} {found.ref}", tuple(lines), place.subject)


def _hop(hop: Hop, *, crossed: bool, up: bool) -> Line:
    subject = of_ref(
        hop.ref
        if "@" in hop.ref or not hop.cluster or hop.what in ("event", "trigger", "source", "profile")
        else f"{hop.ref}@{hop.cluster}"
    )
    text = styled("  " * hop.depth + ("↑ " if up else "↓ "), QUIET)
    if crossed:
        text.append(f"⇄ {hop.cluster} ", HOP)
    text.append(f"{hop.what} ", QUIET)
    text.append(inert(hop.ref), STRONG)
    text.append(f"  {brief(inert(hop.because))}")
    if "gone" in hop.because or "deleted" in hop.because:
        text.append("  † gone", UNDERWAY)
    if hop.at:
        text.append(f"  {brief(hop.at)}", QUIET)
    return link(text, subjects.described(subject), hop.ref)
