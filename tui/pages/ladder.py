"""Explain: the gates in their order, the first that fails lit, what follows it dimmed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from fleetd.service.questions.addons import ExplainAddon
from fleetd.service.questions.events import Reached
from fleetd.service.questions.explaining import ExplainTrigger, Miss
from fleetd.service.questions.gates import Gate
from tui.lines import Line, Page, facts, heading, link, plain, table
from tui.pages.asking import Ask
from tui.paint import BAD, GOOD, QUIET, STRONG, UNDERWAY, styled
from tui.places import Place
from tui.subjects import profile_ref
from tui.words import brief, inert


async def page(ask: Ask, place: Place) -> Page:
    """Why a trigger did or did not act, or what holds a profile on a cluster."""
    kind, _, name = place.subject.partition("/")
    if kind.partition(".")[0] in ("ClusterProfile", "Profile"):
        return await _of_addon(ask, place)
    return await _of_trigger(ask, place, name.rpartition("/")[2] or kind)


async def _of_trigger(ask: Ask, place: Place, name: str) -> Page:
    found = (await ask(ExplainTrigger(trigger=name, cluster=place.cluster, as_of=place.as_of))).result
    lines = [
        *facts(
            {
                "trigger": found.trigger,
                "on cluster": found.cluster,
                "event source": found.event_source,
                "clusters selected": found.selected_clusters,
            }
        ),
        *heading("Gates"),
        *gates(found.gates, found.first_failing),
        *_destinations(found.destinations),
        *_misses(found.nearest_misses, found.cluster),
        *heading("From here"),
        link("the objects that fired", Place("matches", of=f"EventTrigger={found.trigger}")),
        link("what its source says of every object", Place("verdicts", of=f"EventSource={found.event_source}")),
        link("the cluster", Place("cluster", found.cluster)),
    ]
    return Page(f"Why {found.trigger} on {found.cluster}", tuple(lines), f"EventTrigger.lib.projectsveltos.io//{found.trigger}")


async def _of_addon(ask: Ask, place: Place) -> Page:
    found = (await ask(ExplainAddon(profile=place.subject, cluster=place.cluster, as_of=place.as_of))).result
    rows = [(addon.state, addon.addon, str(addon.attempts or "-"), addon.reason_untrusted or "-") for addon in found.addons]
    lines = [
        *facts({"profile": found.profile, "on cluster": found.cluster, "made by": found.generated_by}),
        *heading("Gates"),
        *gates(found.gates, found.first_failing),
        *heading("Add-ons", len(rows)),
        *(table(("STATE", "ADD-ON", "TRIES", "REASON"), rows, [None] * len(rows)) if rows else ()),
        *heading("From here"),
        link("its objects on clusters", Place("objects", of=f"profile={found.profile}")),
        link("what it led to", Place("trace", profile_ref(found.profile))),
        link("the cluster", Place("cluster", found.cluster)),
    ]
    return Page(f"Why {found.profile} on {found.cluster}", tuple(lines), profile_ref(found.profile))


def gates(found: Sequence[Gate], first_failing: str) -> Iterator[Line]:
    """The ladder; a gate that could not be tried is unknown."""
    width = max((len(gate.gate) for gate in found), default=0) + 2
    below = False
    for gate in found:
        lit = gate.gate == first_failing
        sign, role = ("✓", GOOD) if gate.passed else (("✗", BAD) if gate.passed is False else ("?", UNDERWAY))
        role = QUIET if below and not lit else role
        text = styled(f"  {sign} ", role) + styled(gate.gate.replace("_", " ").ljust(width), BAD if lit else (QUIET if below else STRONG))
        text.append(brief(inert(gate.because)), QUIET if below else "")
        if lit:
            text.append("   ◀ the first that fails", BAD)
        yield Line(text)
        if gate.said_untrusted:
            yield plain(" " * (width + 4) + gate.said_untrusted, QUIET)
        below = below or lit


def _destinations(reached: Sequence[Reached]) -> Iterator[Line]:
    if not reached:
        return
    yield from heading("Destinations", len(reached))
    rows = [
        (
            one.state,
            one.cluster,
            one.applied_at or "-",
            f"{one.reaction_ms} ms" if one.reaction_ms is not None else "-",
            one.reason_untrusted or "-",
        )
        for one in reached
    ]
    yield from table(("STATE", "CLUSTER", "APPLIED", "REACTION", "REASON"), rows, [Place("cluster", one.cluster) for one in reached])


def _misses(misses: Sequence[Miss], cluster: str) -> Iterator[Line]:
    if not misses:
        return
    yield from heading("Nearest misses", len(misses))
    for miss in misses:
        yield link(styled(f"{miss.verdict}  ", QUIET) + Text(miss.object_ref), Place("object", f"{miss.object_ref}@{cluster}"))
        for said in (miss.deciding_expression_untrusted, miss.reason_untrusted):
            if said:
                yield plain(f"      {said}", QUIET)
