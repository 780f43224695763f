"""A page on the terminal: lines that wrap, a cursor that goes from line to line, and a search."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui import paint
from tui.lines import Line, Page
from tui.paint import styled

if TYPE_CHECKING:
    from tui.app import FleetApp

HANGING = 4
"""Columns by which what is wrapped stands in."""

_NOTHING = Page("", ())


class Paper(ScrollView, can_focus=True):
    """A page, followed while it changes; what somebody reads stays where it is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "down", show=False, id="down"),
        Binding("up,k", "move(-1)", "up", show=False, id="up"),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False, id="page_down"),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False, id="page_up"),
        Binding("home,g", "first", "first", show=False, id="first"),
        Binding("end,G", "last", "last", show=False, id="last"),
        Binding("tab", "link(1)", "next link", show=False, id="next_column"),
        Binding("shift+tab", "link(-1)", "link before", show=False, id="column_before"),
        Binding("n", "found(1)", "next match", show=False, id="next_match"),
        Binding("N", "found(-1)", "match before", show=False, id="match_before"),
        Binding("w", "wrap", "wrap", show=False, id="wrap"),
        Binding("enter", "open", "open", show=False, id="open"),
    ]
    DEFAULT_CSS = "Paper { height: 1fr; overflow-y: auto; overflow-x: auto; scrollbar-gutter: stable; }"

    class Opened(Message):
        """Somebody follows a line."""

        def __init__(self, line: Line) -> None:
            super().__init__()
            self.line = line

    def __init__(self) -> None:
        super().__init__(id="paper")
        self.page = _NOTHING
        self.cursor = 0
        self.wrapped = True
        self.loaded = False
        self._needle = ""
        self._folded: list[tuple[int, Text]] = []
        self._strips: LRUCache[Any, Strip] = LRUCache(512)

    def show(self, page: Page) -> None:
        """This page instead of the one before."""
        self.loaded = True
        if page.lines and not page.lines[0].text.plain:
            page = replace(page, lines=page.lines[1:])
        if page == self.page:
            return
        self.page = page
        self.cursor = max(0, min(self.cursor, len(page.lines) - 1))
        self._fold()

    @property
    def line(self) -> Line | None:
        """The line under the cursor."""
        return self.page.lines[self.cursor] if self.page.lines else None

    def search(self, needle: str) -> None:
        """Marks what was searched for; `n` and `N` go from one to the next."""
        self._needle = needle.strip().removeprefix("!").lower()
        self._strips.clear()
        if self._needle and self._needle not in self._text(self.cursor):
            self.action_found(1)
        self.refresh()

    def _text(self, place: int) -> str:
        return self.page.lines[place].text.plain.lower() if self.page.lines else ""

    def _fold(self) -> None:
        width = max(20, self.size.width - HANGING)
        folded: list[tuple[int, Text]] = []
        console = self._app.painter
        for place, line in enumerate(self.page.lines):
            if self.wrapped and line.text.cell_len > width:
                folded += [(place, part) for part in line.text.wrap(console, width, overflow="fold")]
            else:
                folded.append((place, line.text))
        self._folded = folded
        longest = max((text.cell_len for _, text in folded), default=0)
        self.virtual_size = Size(self.size.width if self.wrapped else max(longest + 2, self.size.width), len(folded))
        self.styles.overflow_x = "hidden" if self.wrapped else "auto"
        self._strips.clear()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        scroll_x, scroll_y = self.scroll_offset
        number = int(scroll_y) + y
        if not 0 <= number < len(self._folded):
            return Strip.blank(self.size.width, self.rich_style)
        place, text = self._folded[number]
        first = not number or self._folded[number - 1][0] != place
        # The style as well: a theme's colours come a little after its name.
        known = (number, place == self.cursor, self._app.palette, self.rich_style)
        if (strip := self._strips.get(known)) is None:
            strip = self._painted(place, text, first=first)
            self._strips[known] = strip
        return strip.crop_extend(scroll_x, scroll_x + self.size.width, self.rich_style)

    def _painted(self, place: int, text: Text, *, first: bool) -> Strip:
        line, console = self.page.lines[place], self._app.painter
        sign = "▶ " if place == self.cursor else ("› " if line.leads else "  ")
        shown = styled(sign if first else " " * HANGING, paint.QUIET) + text
        if self._needle:
            shown.highlight_words([self._needle], paint.CHANGED, case_sensitive=False)
        over = console.get_style(paint.CURSOR) if place == self.cursor and line.leads else Style.null()
        if place == self.cursor and not line.leads:
            over = console.get_style(paint.STRONG)
        segments = [Segment(one.text, self.rich_style + (one.style or Style.null()) + over) for one in shown.render(console, end="")]
        return Strip(segments)

    @property
    def _app(self) -> FleetApp:
        return cast("FleetApp", self.app)

    def on_resize(self) -> None:
        self._fold()

    def on_click(self, event: Click) -> None:
        number = int(self.scroll_offset.y) + event.y
        if 0 <= number < len(self._folded):
            place = self._folded[number][0]
            again = place == self.cursor
            self._go(place)
            if again:
                self.action_open()

    def _go(self, place: int) -> None:
        self.cursor = max(0, min(place, len(self.page.lines) - 1))
        numbers = [number for number, (of, _) in enumerate(self._folded) if of == self.cursor]
        if numbers:
            top, height = int(self.scroll_offset.y), max(1, self.size.height)
            if numbers[0] < top:
                self.scroll_to(y=numbers[0], animate=False, immediate=True)
            elif numbers[-1] >= top + height:
                self.scroll_to(y=numbers[-1] - height + 1, animate=False, immediate=True)
        self.refresh()

    def action_move(self, by: int) -> None:
        self._go(self.cursor + by)

    def action_page(self, by: int) -> None:
        self._go(self.cursor + by * max(1, self.size.height - 1))

    def action_first(self) -> None:
        self._go(0)

    def action_last(self) -> None:
        self._go(len(self.page.lines) - 1)

    def action_link(self, by: int) -> None:
        """The next line that leads somewhere."""
        self._step(by, lambda place: self.page.lines[place].leads is not None)

    def action_found(self, by: int) -> None:
        """The next line with what was searched for."""
        if self._needle:
            self._step(by, lambda place: self._needle in self._text(place))

    def _step(self, by: int, wanted: Any) -> None:
        count = len(self.page.lines)
        for far in range(1, count + 1):
            place = (self.cursor + by * far) % count
            if wanted(place):
                self._go(place)
                return

    def action_wrap(self) -> None:
        """Long lines are wrapped, or scrolled to."""
        self.wrapped = not self.wrapped
        self._fold()

    def action_open(self) -> None:
        if self.line is not None and self.line.leads is not None:
            self.post_message(self.Opened(self.line))
