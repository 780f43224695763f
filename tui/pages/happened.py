"""Timeline: everything that happened to a thing or on a cluster, the newest first."""

from __future__ import annotations

from datetime import datetime

from fleetd.service.questions.timeline import Entry, GetTimeline
from fleetd.service.times import age, said
from tui.lines import Line, Page, link, plain
from tui.pages.asking import Ask
from tui.paint import BAD, HEAD, QUIET, UNDERWAY, styled
from tui.places import Place
from tui.subjects import described, of_ref
from tui.words import inert

MOST = 200
_SIGNS = {"event": ("◆", HEAD), "decision": ("→", ""), "drift": ("≠", BAD), "cluster": ("●", UNDERWAY), "edit": ("✎", HEAD)}


async def page(ask: Ask, place: Place) -> Page:
    """A day of it; `needle` of the form `since=7d` looks further back."""
    since = place.of.removeprefix("since=") or "24h"
    clusters = place.cluster or ("*" if not place.subject else "")
    until = place.as_of
    found = await ask(GetTimeline(ref=place.subject, clusters=clusters, since=_before(until, since), until=until, limit=MOST))
    lines: list[Line] = []
    day = ""
    for entry in found.items:
        if entry.at[:10] != day:
            day = entry.at[:10]
            lines.append(plain(day, HEAD))
        lines.append(_entry(entry, alone=bool(place.cluster)))
    if not lines:
        lines = [plain(f"nothing happened since {since}", QUIET)]
    lines += [plain(warning, UNDERWAY) for warning in found.warnings]
    lines += [plain(), link("a week", Place("timeline", place.subject, place.cluster, of="since=7d"))]
    about = place.subject or place.cluster or "the fleet"
    return Page(f"Timeline of {about} since {since}", tuple(lines), place.subject)


def _before(until: str, length: str) -> str:
    """A day before now, or before the past time that everything is of."""
    return said(datetime.fromisoformat(until) - age(length, "since")) if until else length


def _entry(entry: Entry, *, alone: bool) -> Line:
    sign, role = _SIGNS.get(entry.type, ("·", ""))
    text = styled(f"{entry.at[11:19]} ", QUIET) + styled(f"{sign} {entry.type:<9}", role)
    if entry.cluster and not alone:
        text.append(f"{entry.cluster}  ")
    text.append(f"{entry.ref}  " if entry.ref != entry.cluster else "")
    text.append(inert(entry.what))
    if entry.said_untrusted:
        text.append(f"  {entry.said_untrusted}", QUIET)
    placed = f"{entry.ref}@{entry.cluster}" if entry.type == "drift" else entry.ref
    return link(text, described(of_ref(placed, entry.cluster)), entry.ref, indent=0)
