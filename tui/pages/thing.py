"""Describe and YAML of one object: declared ones with their revisions, those on clusters with who put them there."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import Any

from rich.text import Text

from fleetd.service.questions.objects import GetObject, ObjectPage
from fleetd.service.questions.references import ListReferences
from fleetd.service.teaching import Taught
from tui.lines import Line, Page, facts, heading, link, plain, table
from tui.pages.asking import Ask, listed
from tui.pages.generated import generated
from tui.paint import BAD, GOOD, HEAD, QUIET, UNDERWAY, styled
from tui.places import Place
from tui.subjects import of_ref, profile_ref, why
from tui.words import said_whole


async def described(ask: Ask, place: Place) -> Page:
    """What is known of it, and where it leads."""
    if "@" in place.subject:
        return await _on_cluster(ask, place)
    try:
        found = (await ask(GetObject(ref=place.subject, view="summary", as_of=place.revision or place.as_of))).result
    except Taught as error:
        return await generated(ask, place, error)
    lines = [
        *facts(
            {
                "ref": found.ref,
                "state": found.state,
                "reason": found.reason_untrusted,
                "revision": found.resource_version,
                "set by": ", ".join(found.set_by),
                "not acted on": ", ".join(found.unsupported),
            },
            states=("state",),
        )
    ]
    lines += _revisions(found)
    lines += heading("From here")
    lines.append(link("as it is declared", Place("yaml", found.ref)))
    gates = why(of_ref(found.ref))
    if gates is not None:
        lines.append(link("why it acts, or does not", gates))
    lines.append(link("what happened to it", Place("timeline", found.ref)))
    lines += await _edges(ask, found.ref, place.as_of)
    return Page(found.ref, tuple(lines), found.ref)


async def _on_cluster(ask: Ask, place: Place) -> Page:
    """An object on a cluster: who put it there, what sources say of it, and which events it made."""
    lines: list[Line] = []
    try:
        found = (await ask(GetObject(ref=place.subject, view="summary", as_of=place.as_of))).result
    except Taught as error:
        lines += [plain(error.lesson.sentence, UNDERWAY)]
        placed, profile = place.subject, ""
    else:
        placed, profile = found.ref, found.profile
        lines += facts(
            {
                "ref": placed,
                "state": found.state,
                "reason": found.reason_untrusted,
                "profile": profile,
                "add-on": found.addon,
                "applied": found.applied_at,
            },
            states=("state",),
        )
    verdicts = await listed(ask, "verdicts", f"object={placed}", place.as_of)
    matches = await listed(ask, "matches", f"object={placed}", place.as_of)
    if not profile and not verdicts and not matches:
        return Page("Not found", tuple(lines), placed)
    lines += heading("What sources say of it", len(verdicts))
    if verdicts:
        cells = [(row["verdict"], row["event_source"], row["since"], row["reason"]) for row in verdicts]
        leads = [Place("verdicts", of=f"EventSource={row['event_source']}") for row in verdicts]
        lines += table(("VERDICT", "SOURCE", "SINCE", "REASON"), cells, leads)
    lines += heading("Events that it made", len(matches))
    if matches:
        cells = [(row["state"], row["event_trigger"], row["matched_at"], row["reason"]) for row in matches]
        lines += table(("STATE", "TRIGGER", "AT", "REASON"), cells, [Place("event", row["event_id"]) for row in matches])
    lines += heading("From here")
    lines.append(link("why it is there, back to the event", Place("trace", placed, of="up")))
    if profile:
        lines.append(link(f"the profile {profile}", Place("object", profile_ref(profile))))
    lines.append(link("the cluster", Place("cluster", placed.partition("@")[2])))
    return Page(placed, tuple(lines), placed)


def _revisions(found: ObjectPage) -> list[Line]:
    if not found.revisions:
        return []
    lines = list(heading("Revisions", len(found.revisions)))
    for one in found.revisions:
        said = f"{one.resource_version:>6}  generation {one.generation}  since {one.valid_from}"
        said += f" until {one.valid_to}" if one.valid_to else "  (now)"
        then = "" if one.valid_to is None else one.valid_from
        lines.append(link(said, Place("yaml", found.ref, revision=then)))
        lines.append(link("       what it changed", Place("diff", found.ref, revision=then)))
    return lines


async def _edges(ask: Ask, ref: str, as_of: str) -> list[Line]:
    found = await ask(ListReferences(ref=ref, direction="both", as_of=as_of))
    lines = list(heading("References", found.total.count))
    for edge in found.items:
        outward = edge.from_ref == ref
        other = edge.to_ref if outward else edge.from_ref
        text = styled("→ " if outward else "← ", HEAD) + Text(other) + styled(f"  {edge.field_path}", QUIET)
        if not edge.resolved:
            text.append("  ✗ broken", UNDERWAY)
        if edge.for_cluster:
            text.append(f"  for {edge.for_cluster}", QUIET)
        lines.append(link(text, Place("object", other), other))
    return lines


async def used_by(ask: Ask, place: Place) -> Page:
    """What names it, and what it names."""
    try:
        lines = await _edges(ask, place.subject, place.as_of)
    except Taught as error:
        return await generated(ask, place, error)
    return Page(f"References of {place.subject}", tuple(lines), place.subject)


async def manifest(ask: Ask, place: Place) -> Page:
    """Its YAML, of now or of a past revision."""
    try:
        found = (await ask(GetObject(ref=place.subject, view="manifest", as_of=place.revision or place.as_of))).result
    except Taught as error:
        return await generated(ask, place, error) if "@" not in place.subject else await _on_cluster(ask, place)
    lines = [plain(line) for line in yaml_lines(found.manifest_untrusted)]
    if not lines:
        lines = [plain("fleetd keeps no manifest of it; press d for what is known", QUIET)]
    version = f"  revision {found.resource_version}" if found.resource_version else ""
    earlier, later = await _beside(ask, found, place)
    return Page(f"{found.ref}{version}", tuple(_coloured(line) for line in lines), found.ref, earlier, later)


async def changes(ask: Ask, place: Place) -> Page:
    """What a revision changed against the one before it."""
    found = (await ask(GetObject(ref=place.subject, view="manifest", as_of=place.revision or place.as_of))).result
    earlier, later = await _beside(ask, found, place)
    if earlier is None:
        return Page(found.ref, (plain("this is the first revision that is kept", QUIET),), found.ref, later=later)
    before = (await ask(GetObject(ref=place.subject, view="manifest", as_of=earlier.revision))).result
    lines = []
    for line in difflib.unified_diff(yaml_lines(before.manifest_untrusted), yaml_lines(found.manifest_untrusted), n=3, lineterm=""):
        role = {"+": GOOD, "-": BAD, "@": HEAD}.get(line[:1], "")
        if not line.startswith(("---", "+++")):
            lines.append(plain(line, role))
    lines = lines or [plain("nothing but bookkeeping", QUIET)]
    return Page(
        f"{found.ref}  revision {found.resource_version} against {before.resource_version}", tuple(lines), found.ref, earlier, later
    )


async def _beside(ask: Ask, found: ObjectPage, place: Place) -> tuple[Place | None, Place | None]:
    """The revisions before and after the one that is shown; they stand the newest first."""
    revisions = found.revisions
    if place.revision:
        # A past revision knows only of those before it.
        revisions = (await ask(GetObject(ref=place.subject, view="summary", as_of=place.as_of))).result.revisions
    numbers = [one.resource_version for one in revisions]
    if found.resource_version not in numbers:
        return None, None
    at = numbers.index(found.resource_version)
    before = revisions[at + 1] if at + 1 < len(numbers) else None
    after = revisions[at - 1] if at > 0 else None
    earlier = replace(place, revision=before.valid_from) if before is not None else None
    later = replace(place, revision=after.valid_from if after.valid_to else "") if after is not None else None
    return earlier, later


def yaml_lines(manifest: dict[str, Any]) -> list[str]:
    """A manifest as YAML, its lines inert."""
    if not manifest:
        return []
    import yaml

    dumped = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=10_000)
    return [
        said_whole(line) if not line.startswith(" ") else f"{' ' * (len(line) - len(line.lstrip()))}{said_whole(line.lstrip())}"
        for line in dumped.splitlines()
    ]


def _coloured(line: Line) -> Line:
    text = line.text.plain
    name, colon, _ = text.partition(":")
    if not colon or (name.strip().startswith(("-", '"', "'")) and " " in name.strip()):
        return line
    shown = Text(text)
    shown.stylize(HEAD, 0, len(name))
    return Line(shown)
