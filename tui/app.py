"""The application: where somebody is, what is in front, and what keys and commands do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar

from rich.text import Text
from textual import on
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.events import Resize
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.worker import WorkerCancelled

from fleetd.domain.errors import FleetdError
from fleetd.service.local import LocalQuestions
from tui import local_pages, subjects
from tui.acting import Acting
from tui.around import LAYOUT, Frame
from tui.bar import Bar
from tui.columns import TABLES
from tui.commands import dated, read_command
from tui.completion import Commands
from tui.given import Given
from tui.grid import Grid
from tui.hangup import hung_up
from tui.hearing import commits
from tui.keys import BY_ID, KEYS
from tui.looking import Looking
from tui.obeying import obey
from tui.paint import NO_COLOUR, QUIET, STRONG, THEMES, painter, styled
from tui.palette import system_commands
from tui.paper import Paper
from tui.places import LOCAL, History, Place
from tui.sorting import sorting
from tui.sql import SqlPane
from tui.subjects import Subject
from tui.typed import TypedLine

AGES = 5.0
LEAST_SIZE = (60, 15)
TYPED = frozenset({"command", "filter", "time", "star", "act"})
"""Actions of keys that are signs where somebody types."""


class FleetApp(App[None]):
    """The fleet of one database."""

    TITLE = "fleetd"
    AUTO_FOCUS = None
    COMMAND_PALETTE_BINDING = "ctrl+p"
    CSS = LAYOUT
    BINDINGS: ClassVar[list[BindingType]] = [
        *(key.binding for key in KEYS),
        Binding("ctrl+c", "quit", "quit", show=False, priority=True),
    ]

    def __init__(self, given: Given) -> None:
        super().__init__(ansi_color=True if given.palette == NO_COLOUR else None)
        self.given = given
        self.palette = given.palette
        self.painter = painter(given.palette)
        self.history = History([dated(read_place(given.start), given.clock())])
        self.follows = False
        self.looking = Looking(self, LocalQuestions(given.url, clock=given.clock))
        self.acting = Acting(self)
        self.frame = Frame(self)
        self.helped = Subject()
        self._arriving = asyncio.Lock()

    # The frame.

    def compose(self) -> ComposeResult:
        yield Bar(styled("fleetd", STRONG), styled("reading…", QUIET), id="top")
        yield Bar(Text(""), id="crumbs")
        yield Container(id="body")
        yield Bar(Text(""), id="status")
        yield TypedLine(Commands(self.looking.questions))
        yield Bar(Text(""), id="keys")
        yield Static(id="small", markup=False)

    async def on_mount(self) -> None:
        """Starts to look and to listen; the frame is painted before anything is read."""
        self.theme = THEMES[self.palette]
        if self.given.key_map:
            self.set_keymap(self.given.key_map)
        await self._arrive()
        self.set_interval(AGES, self._tick)
        self.run_worker(self.looking.forever(), group="looking")
        self.run_worker(self.looking.listen(lambda: commits(self.given.url)), group="listening")

    async def on_unmount(self) -> None:
        """Ends what reads, before the loop does."""
        self.workers.cancel_all()
        for worker in list(self.workers):
            with contextlib.suppress(WorkerCancelled):
                await worker.wait()
        await self.acting.close()
        await self.looking.questions.close()

    # Where somebody is.

    @property
    def place(self) -> Place:
        return self.history.place

    @property
    def body(self) -> Widget | None:
        """The list or page in front."""
        return next((child for screen in self.screen_stack[:1] for child in screen.query("#body > *")), None)

    async def go(self, place: Place) -> None:
        """On to a place."""
        if not place.as_of and place.screen not in LOCAL:
            place = place.at(self.history.as_of)
        self.history.go(place)
        await self._arrive()

    async def _change(self, place: Place) -> None:
        """The same list, narrowed down or ordered in another way."""
        self.history.change(place)
        if isinstance(self.body, Grid):
            self.body.loaded = False
            self.body.sorted_by = (place.sort, place.descending) if place.sort else None
            self.looking.moved()
            self.frame.way()
        else:
            await self._arrive()

    async def _arrive(self) -> None:
        # A key, the mouse and the palette may lead on at the same time: one after the other, the last place stands.
        async with self._arriving:
            await self._unfold()

    async def _unfold(self) -> None:
        place, box = self.place, self.screen_stack[0].query_one("#body", Container)
        await box.remove_children()
        body: Widget = SqlPane(self.given.sql_history) if place.screen == "sql" else Paper()
        if place.screen in TABLES:
            body = Grid(TABLES[place.screen], self.given.clock)
        if isinstance(body, Grid):
            body.sorted_by = (place.sort, place.descending) if place.sort else None
        await box.mount(body)
        if isinstance(body, Paper) and place.screen in local_pages.PAGES:
            body.show(local_pages.PAGES[place.screen](self))
        if not self._line.has_class("open") and body.can_focus:
            body.focus()
        self.looking.moved()
        self.frame.arrived()

    @property
    def subject(self) -> Subject:
        """What somebody points at."""
        body = self.body
        if isinstance(body, Grid):
            return subjects.of_row(body.table.name, body.window.row) if body.window.row is not None else Subject()
        if isinstance(body, Paper) and body.line is not None and body.line.ref:
            return subjects.of_ref(body.line.ref)
        return subjects.of_page(body.page) if isinstance(body, Paper) else Subject()

    @property
    def _line(self) -> TypedLine:
        return self.screen_stack[0].query_one(TypedLine)

    def _tick(self) -> None:
        if not self.is_headless and hung_up():
            self.exit(return_code=1)
            return
        if isinstance(self.body, Grid):
            self.body.tick()
        self.frame.status()

    # Lists and pages.

    @on(Grid.Moved)
    def _moved(self) -> None:
        body = self.body
        if isinstance(body, Grid):
            if body.window.unread(*body.needed):
                self.looking.now()
            self.frame.status()

    @on(Grid.Opened)
    async def _opened(self, event: Grid.Opened) -> None:
        place = subjects.opened(event.sheet, event.row, subjects.of_row(event.sheet, event.row))
        if place is not None:
            await self.go(place)

    @on(Paper.Opened)
    async def _followed(self, event: Paper.Opened) -> None:
        if event.line.leads is not None:
            await self.go(event.line.leads)

    async def action_to(self, where: str) -> None:
        """From what somebody points at: describe, YAML, why, trace, timeline, used by."""
        place = getattr(subjects, where)(self.subject)
        if place is None:
            self.frame.say(f"{BY_ID[where].said}: not of {self.subject.ref or 'this'}", bad=True)
            return
        await self.go(place)

    async def action_matrix(self) -> None:
        """Add-ons as a matrix, and back as a list."""
        await self.go(Place("addons" if self.place.screen == "matrix" else "matrix", clusters=self.place.clusters))

    # Narrowing down.

    async def action_faults(self) -> None:
        if isinstance(self.body, Grid):
            await self._change(replace(self.place, faults=not self.place.faults))

    async def action_sort(self, what: str) -> None:
        """By name, age, state or the chosen column; again: the other way round."""
        body = self.body
        if not isinstance(body, Grid):
            return
        column = sorting(body, what)
        if not column:
            self.frame.say(f"{body.table.title.lower()} cannot be sorted by that", bad=True)
            return
        descending = not self.place.descending if self.place.sort == column else what == "age"
        await self._change(replace(self.place, sort=column, descending=descending))

    def action_wide(self) -> None:
        if isinstance(self.body, Grid):
            self.body.wide = not self.body.wide
            self.body.measure()

    def action_follow(self) -> None:
        self.follows = not self.follows
        self.frame.way()
        self.looking.now()

    def action_again(self) -> None:
        self.looking.keys_due = True
        self.looking.now()

    # The way.

    async def action_back(self) -> None:
        """One step back; in a manifest, the revision before."""
        if isinstance(self.body, Paper) and self.body.page.earlier is not None:
            await self._change(self.body.page.earlier)
        elif self.history.back():
            await self._arrive()

    async def action_forward(self) -> None:
        """One step forward; in a manifest, the next revision."""
        if isinstance(self.body, Paper) and self.body.page.later is not None:
            await self._change(self.body.page.later)
        elif self.history.forward():
            await self._arrive()

    async def action_last_place(self) -> None:
        """The place before, whatever it was."""
        if self.history.back():
            await self._arrive()

    async def action_up(self) -> None:
        """Ends the narrowest thing first: a filter, time travel, the place."""
        place = self.place
        if place.needle or place.faults:
            await self._change(replace(place, needle="", faults=False))
        elif place.as_of and not place.revision:
            await self.go_now()
        else:
            await self.action_last_place()

    async def go_now(self) -> None:
        """Out of the past."""
        self.history.go(self.place.at(""))
        await self._arrive()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where somebody types, signs are signs; and one key means to approve where proposals are, and to sort everywhere else."""
        if action in TYPED and isinstance(self.focused, Input):
            return False
        if self.history.place.screen in ("proposals", "proposal"):
            return (action, *parameters) != ("sort", "age")
        return (action, *parameters) != ("act", "approve")

    # What people do.

    def action_act(self, verb: str) -> None:
        """Asks why, before anything is done."""
        try:
            self._line.open("!", hint=self.acting.begin(verb))
            # What is typed hides the question in its line.
            self.frame.ask(self.acting.question)
        except FleetdError as error:
            self.frame.say(str(error), bad=True)

    # The line that is typed in.

    def action_command(self) -> None:
        self._line.open(":")

    def action_filter(self) -> None:
        self.looking.before_filter()
        self._line.open("/", self.place.needle)

    def action_time(self) -> None:
        self._line.open("~", self.place.as_of)

    def action_star(self) -> None:
        self._line.open("*")

    @on(TypedLine.Typed)
    async def _typed(self, event: TypedLine.Typed) -> None:
        if event.what == "/" and isinstance(self.body, Grid):
            await self._change(replace(self.place, needle=event.text))
        elif event.what == "/" and isinstance(self.body, Paper):
            self.body.search(event.text)

    @on(TypedLine.Done)
    async def _done(self, event: TypedLine.Done) -> None:
        self._left()
        try:
            await obey(self, event.what, event.text)
        except FleetdError as error:
            self.frame.say(local_pages.lesson_line(error), bad=True)

    @on(TypedLine.Hasty)
    def _hasty(self) -> None:
        self.frame.say("nothing was done yet: read what it asks, and press enter once more", bad=True)

    @on(TypedLine.Read)
    def _read(self) -> None:
        if self._line.has_class("open") and self.acting.question:
            self.frame.ask(f"{self.acting.question} enter does it, esc does not")

    @on(TypedLine.Left)
    def _given_up(self) -> None:
        self.acting.forget()
        self.frame.answered()
        self._left()

    def _left(self) -> None:
        if self.body is not None:
            self.body.focus()

    async def action_help(self) -> None:
        self.helped = self.subject
        await self.go(Place("help", self.place.screen))

    async def action_aliases(self) -> None:
        await self.go(Place("aliases"))

    async def action_log(self) -> None:
        await self.go(Place("log"))

    def action_copy(self) -> None:
        """Puts the reference onto the clipboard of the terminal (OSC 52)."""
        if ref := self.subject.ref:
            self.copy_to_clipboard(ref)
            self.frame.say(f"copied {ref}")

    def action_header(self) -> None:
        self.screen_stack[0].toggle_class("plain")

    def on_resize(self, event: Resize) -> None:
        """In a terminal that is too small, says so instead of painting what nobody could read."""
        width, height = event.size
        small = width < LEAST_SIZE[0] or height < LEAST_SIZE[1]
        said = f"This terminal is {width}×{height}: fleetd needs {LEAST_SIZE[0]}×{LEAST_SIZE[1]}. Make it larger, or press q to quit."
        self.screen_stack[0].query_one("#small", Static).update(said)
        self.screen_stack[0].set_class(small, "small")

    def wear(self, name: str) -> None:
        """Another theme."""
        self.palette = name
        self.painter = painter(name)
        self.ansi_color = True if name == NO_COLOUR else None
        self.theme = THEMES[name]
        self.refresh(layout=True)
        for widget in self.screen_stack[0].query("*"):
            widget.refresh()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:  # noqa: ARG002  # Textual's
        return system_commands(self)


def read_place(text: str) -> Place:
    """A command that leads to a place; what does something else leads to the beginning."""
    meant = read_command(text)
    return meant if isinstance(meant, Place) else Place("pulse")
