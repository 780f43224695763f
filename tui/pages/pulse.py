"""Pulse: is the fleet well, is it fast, and what is worst."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from rich.text import Text

from fleetd.service.questions.overview import FleetOverview, Overview, Trouble
from fleetd.service.questions.pulse import Beat, FleetThen, Pulse
from tui.lines import Line, Page, heading, link, plain
from tui.pages.asking import Ask
from tui.paint import BAD, GOOD, QUIET, STRONG, UNDERWAY, styled
from tui.places import Place
from tui.words import inert, role_of, span, state_text

WIDTH = 40
_EMPTY = """nothing is here yet. Make a cluster a member, and declare what should happen:

  fleetd cluster register NAME --kubeconfig FILE
  fleetd apply -f examples/
  fleetd run

or see it work on simulated clusters: fleetd demo --tui"""


async def page(ask: Ask, place: Place) -> Page:
    """The last hour, or another window: `pulse 15m`."""
    beat = (await ask(Pulse(window=place.subject or "1h", as_of=place.as_of))).result
    if place.as_of:
        then = (await ask(FleetThen(as_of=place.as_of))).result
        return Page("Pulse", (*_bars(then["clusters"], then["addons"]), *_funnel(beat), *_open_then(then)))
    overview = (await ask(FleetOverview())).result
    if not overview.clusters and not overview.addons:
        return Page("Pulse", tuple(plain(line, QUIET) for line in _EMPTY.splitlines()))
    return Page("Pulse", (*_bars(overview.clusters, overview.addons), *_funnel(beat), *_open(overview), *_troubles(overview)))


def _bars(clusters: Mapping[str, int], addons: Mapping[str, int]) -> Iterator[Line]:
    for title, counts, screen in (("Clusters", clusters, "clusters"), ("Add-ons", addons, "addons")):
        total = sum(counts.values())
        yield from heading(title, total)
        if total:
            yield link(_bar(counts, total), Place(screen))
        for state, count in sorted(counts.items(), key=lambda one: (-len(role_of(one[0])), one[0])):
            yield link(state_text(state) + styled(f"  {count}", STRONG), Place(screen, needle=state))


def _bar(counts: Mapping[str, int], total: int) -> Text:
    text = Text()
    for role, sign in ((GOOD, "█"), (UNDERWAY, "▒"), (BAD, "░"), ("", "·")):
        part = sum(count for state, count in counts.items() if role_of(state) == role)
        # Whatever there is at all is seen.
        text.append(sign * (max(1, round(WIDTH * part / total)) if part else 0), role)
    return text + styled(f" {100 * sum(n for s, n in counts.items() if role_of(s) == GOOD) // total} % as they should be", QUIET)


def _funnel(beat: Beat) -> Iterator[Line]:
    yield from heading(f"Events of the last {span(timedelta(seconds=beat.window_seconds))}, and how long each stage took")
    most = max([1, *(stage.count for stage in beat.stages)])
    for stage in beat.stages:
        text = Text(f"{stage.stage:<10}") + styled("█" * max(int(stage.count > 0), round(WIDTH * stage.count / most)), GOOD)
        text.append(f" {stage.count}", STRONG)
        if stage.p50_ms is not None:
            text.append(f"   p50 {stage.p50_ms} ms  p95 {stage.p95_ms} ms", QUIET)
        yield link(text, Place("events" if stage.stage == "detected" else "matches"))
    if not beat.exact:
        yield plain("  the newest were counted; there are more", QUIET)


def _open(overview: Overview) -> Iterator[Line]:
    yield from heading("Open")
    pending = sum(overview.pending_events.values())
    rows = (
        (pending, "events pending", Place("pending")),
        (overview.open_drift, "objects drifted", Place("drift", faults=True)),
        (overview.waiting_proposals, "losses held until a person decides", Place("proposals")),
        (overview.waiting_requests, "requests waiting for the daemon", Place("requests")),
        (overview.declared_not_in_force, "declared objects not in force", Place("declared", faults=True)),
    )
    yield from (_counted(*row) for row in rows)


def _open_then(then: Mapping[str, Mapping[str, int]]) -> Iterator[Line]:
    yield from heading("Open")
    yield _counted(sum(then["pending_events"].values()), "events pending", Place("pending"))
    yield _counted(sum(then["drift"].values()), "objects drifted", Place("drift", faults=True))
    yield plain("  held losses, requests and what is worst are told of now only", QUIET)


def _counted(count: int, said: str, place: Place) -> Line:
    return link(styled(f"{'…' if count else '✓'} {count:>6} ", UNDERWAY if count else GOOD) + Text(said), place)


def _troubles(overview: Overview) -> Iterator[Line]:
    if overview.troubles:
        yield from heading("Worst first", len(overview.troubles))
    for trouble in overview.troubles:
        yield link(_trouble(trouble), _place(trouble), trouble.ref)


def _trouble(trouble: Trouble) -> Text:
    text = styled("✗ ", BAD) + Text(trouble.what) + styled(f"  {trouble.count}× ", STRONG) + Text(inert(trouble.ref))
    if trouble.cluster:
        text.append(f" on {inert(trouble.cluster)}", QUIET)
    if trouble.oldest_seconds is not None:
        text.append(f", for {span(timedelta(seconds=trouble.oldest_seconds))}", UNDERWAY)
    return text + styled(f"  {trouble.reason_untrusted}", QUIET)


def _place(trouble: Trouble) -> Place:
    if trouble.ref.startswith("EventTrigger/"):
        return Place("pending", of=f"EventTrigger={trouble.ref.removeprefix('EventTrigger/')}")
    if trouble.ref.startswith("proposal:"):
        return Place("proposal", trouble.ref.removeprefix("proposal:"))
    if trouble.what.startswith("held back") and trouble.ref.startswith("EventSource/"):
        return Place("verdicts", of=f"EventSource={trouble.ref.removeprefix('EventSource/')}")
    if trouble.what.startswith("held back"):
        return Place("drift", of=f"profile={trouble.ref}")
    if trouble.what.startswith("clusters"):
        return Place("clusters", faults=True)
    if trouble.what.startswith("add-ons"):
        return Place("addons", of=f"profile={trouble.ref}")
    return Place("declared", faults=True)
