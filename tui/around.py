"""What stands around a list or page: the way that led here, how many rows there are, the keys."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from rich.text import Text
from textual.widget import Widget

from fleetd.domain.errors import FleetdError
from fleetd.service.questions.windows import MOST_KEYS
from tui.bar import Bar
from tui.grid import Grid
from tui.keys import KEYS
from tui.paint import BAD, BANNER, HEAD, QUIET, STRONG, styled
from tui.places import History, Place
from tui.screens import TITLES
from tui.summary import trouble_said
from tui.words import inert

if TYPE_CHECKING:
    from tui.app import FleetApp

LAYOUT = """
#top { height: 2; padding: 0 1; }
#crumbs { height: 1; padding: 0 1; }
#body { height: 1fr; }
#status, #keys { height: 1; padding: 0 1; }
.plain #top { display: none; }
#small { display: none; height: 1fr; padding: 1 2; }
.small > * { display: none; }
.small > #small { display: block; }
"""

READ = 6.0
"""Seconds that a sentence stands before the count of rows comes back."""

WAY = 3
"""So many places of the way are named."""


def way(history: History, *, follows: bool) -> Text:
    """The screen, and the way that led there; in the past, its time."""
    place = history.place
    title = TITLES[place.screen]
    if place.as_of:
        return Text(f" AS OF {place.as_of[:19]} · read only · esc returns to now · {title} {inert(place.subject or place.of)}")
    led = " › ".join(inert(one.crumb) for one in history.places[max(0, history.now - WAY + 1) : history.now + 1])
    shown = styled(title, HEAD) + styled(f"   {led}", QUIET)
    for words in (f"@{place.clusters}" if place.clusters else "", "only faults" if place.faults else "", "follows" if follows else ""):
        shown.append(f"   {words}" if words else "", STRONG)
    return shown


def hints() -> Text:
    """The keys that are named at the bottom."""
    # A narrow terminal cuts the line: how to ask for more, and how to leave, come first.
    hinted = sorted((key for key in KEYS if key.hint), key=lambda key: key.id not in ("help", "quit", "command", "filter"))
    named = [styled(key.shown or key.keys, STRONG) + styled(f" {key.hint}", QUIET) for key in hinted]
    return Text("  ").join(named)


def status(body: Widget | None, place: Place) -> Text:
    """How many rows there are, and how they were chosen."""
    if not isinstance(body, Grid):
        return Text("")
    chosen = bool(place.needle or place.of or place.clusters or place.faults)
    if body.refused:
        return styled(body.refused, BAD)
    if not body.loaded:
        text = "reading…"
    elif not body.window.keys:
        text = "nothing was there then" if place.as_of else body.table.empty
        text = "nothing matches: esc shows all" if chosen else text
    else:
        text = f"{body.window.cursor + 1} of {len(body.window)}"
        beyond = " so far" if body.partial else f", the first {MOST_KEYS}: a filter looks at all"
        text += beyond if body.window.more else ""
    text += f"   {inert(place.of)}" if place.of else ""
    text += f"   /{inert(place.needle)}" if place.needle else ""
    text += f"   {len(body.window.marks)} marked" if body.window.marks else ""
    text += "".join(f"   {gap}" for gap in body.gaps)
    return styled(text, QUIET)


class Frame:
    """Says things around what is in front."""

    def __init__(self, app: FleetApp) -> None:
        self._app = app
        self._until = 0.0

    def overview(self, *texts: Text) -> None:
        """The fleet in counts, and how fresh all this is."""
        self._on("top", *texts)

    def trouble(self, error: FleetdError) -> None:
        """Why what is shown may be old."""
        self._on("top", styled("fleetd", STRONG), trouble_said(str(error)))

    def way(self) -> None:
        """The way that led here, or the time that is shown."""
        app = self._app
        self._on("crumbs", way(app.history, follows=app.follows), over=BANNER if app.place.as_of else "")
        self._on("keys", hints())

    def arrived(self) -> None:
        """At another place: what was said at the one before is over."""
        self._until = 0.0
        self.way()
        self.status()

    def status(self) -> None:
        """How many rows there are, unless a sentence still stands there."""
        if time.monotonic() >= self._until:
            self._on("status", status(self._app.body, self._app.place))

    def ask(self, text: str) -> None:
        """A question, until it was answered."""
        self.say(text)
        self._until = math.inf

    def answered(self) -> None:
        """The question is over."""
        self._until = 0.0
        self.status()

    def say(self, text: str, *, bad: bool = False) -> None:
        """A sentence, for as long as it takes to read."""
        self._until = time.monotonic() + READ
        self._on("status", styled(inert(text), BAD if bad else STRONG))

    def _on(self, name: str, *texts: Text, over: str = "") -> None:
        # While the program ends, an answer may come after the lines are gone.
        for screen in self._app.screen_stack[:1]:
            for bar in screen.query(f"#{name}").results(Bar):
                bar.say(*texts, over=over)
