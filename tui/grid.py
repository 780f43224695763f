"""A table that paints lines, not rows: its cost is that of what is on the terminal, whatever the list's length."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.cells import cell_len, set_cell_size
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
from tui.columns import Column, Form, Row, Table
from tui.paint import styled
from tui.widths import fitted
from tui.window import Window
from tui.words import inert

if TYPE_CHECKING:
    from tui.app import FleetApp

GUTTER = 2
SAMPLE = 100
"""Rows that widths are taken from."""


class Grid(ScrollView, can_focus=True):
    """The rows of one list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "down", show=False, id="down"),
        Binding("up,k", "move(-1)", "up", show=False, id="up"),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False, id="page_down"),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False, id="page_up"),
        Binding("home,g", "first", "first", show=False, id="first"),
        Binding("end,G", "last", "last", show=False, id="last"),
        Binding("right", "scroll_right", "right", show=False, id="right"),
        Binding("left", "scroll_left", "left", show=False, id="left"),
        Binding("tab", "column(1)", "next column", show=False, id="next_column"),
        Binding("shift+tab", "column(-1)", "column before", show=False, id="column_before"),
        Binding("space", "mark", "mark", show=False, id="mark"),
        Binding("ctrl+@,ctrl+space", "mark_range", "mark range", show=False, id="mark_range"),
        Binding("ctrl+backslash", "unmark", "no marks", show=False, id="unmark"),
        Binding("enter", "open", "open", show=False, id="open"),
    ]
    DEFAULT_CSS = "Grid { height: 1fr; overflow-y: auto; overflow-x: auto; scrollbar-gutter: stable; }"

    class Moved(Message):
        """The cursor or the view stands elsewhere: other rows may be needed."""

    class Opened(Message):
        """Somebody wants to see more of a row of a list."""

        def __init__(self, sheet: str, row: Row) -> None:
            super().__init__()
            self.sheet, self.row = sheet, row

    def __init__(self, table: Table, clock: Callable[[], datetime]) -> None:
        super().__init__(id="grid")
        self.table = table
        self.window = Window()
        self.loaded = False
        self.partial = False
        """Whether the keys of the rows further down are still on their way."""
        self.refused = ""
        """Why the service gave no rows."""
        self.gaps: tuple[str, ...] = ()
        """What of a past time is not known."""
        self.wide = False
        self.column = 0
        self.sorted_by: tuple[str, bool] | None = None
        self.moved_at = 0.0
        self._natural: dict[str, int] = {}
        self._widths: tuple[tuple[Column, int], ...] = ()
        self._strips: LRUCache[Any, Strip] = LRUCache(512)
        self._clock = clock
        self._now = clock()
        self._epoch = 0

    # What is shown.

    def order(self, keys: Sequence[str], more: bool) -> None:
        """All keys, in the order in which their rows stand."""
        top = self.scroll_offset.y
        before = self.window.cursor
        self.window.order(keys, more)
        self._resize()
        if self.window.cursor != before:
            # What somebody reads stays where it is on the terminal.
            self.scroll_to(y=max(0, top + self.window.cursor - before), animate=False)
        self.refresh()

    def put(self, asked: Sequence[str], rows: Sequence[Row]) -> None:
        """Rows as they are now."""
        version = self.window.version
        self.window.put(asked, rows, time.monotonic())
        if rows and self._outgrown(rows):
            self.measure()
        if self.window.version != version:
            self.refresh()
        self.loaded = True

    def tick(self) -> None:
        """Says ages anew, and lets marks of changes fade."""
        self._now = self._clock()
        self._epoch += 1
        self.window.fade(time.monotonic())
        self.refresh()

    def _outgrown(self, rows: Sequence[Row]) -> bool:
        """Whether a cell is longer than all before; widths grow, and never shrink while a list is in front."""
        before = dict(self._natural)
        for column in self.table.columns:
            least = self._natural.get(column.name, max(cell_len(column.title) + 2, 0 if column.form is Form.TEXT else column.least))
            self._natural[column.name] = max([least, *(cell_len(column.cell(row, self._now)[0]) for row in rows[:SAMPLE])])
        return self._natural != before

    def measure(self) -> None:
        """Takes the widths from the rows that were read, as far as there is room."""
        columns = [column for column in self.table.columns if self.wide or not column.wide]
        natural = [self._natural.get(c.name, cell_len(c.title) + 2) for c in columns]
        room = max(20, self.size.width - GUTTER)
        widths = fitted(
            [min(n, c.most) for n, c in zip(natural, columns, strict=True)], room, [c.least for c in columns], stretch=bool(columns)
        )
        self._widths = tuple(zip(columns, widths, strict=True))
        self.column = min(self.column, len(columns) - 1)
        self._strips.clear()
        self._resize()
        self.refresh()

    def _resize(self) -> None:
        width = GUTTER + sum(width + 2 for _, width in self._widths)
        self.virtual_size = Size(width if width > self.size.width + 2 else self.size.width, len(self.window) + 1)

    @property
    def needed(self) -> tuple[int, int]:
        """The places whose rows should be there: what is seen, and a screen before and after it."""
        height = max(1, self.size.height)
        top = int(self.scroll_offset.y)
        return max(0, top - height), min(len(self.window), top + 2 * height)

    @property
    def seen(self) -> tuple[str, ...]:
        """The keys of the rows that are on the terminal."""
        top = int(self.scroll_offset.y)
        return tuple(self.window.keys[top : top + max(1, self.size.height)])

    @property
    def focused_column(self) -> Column | None:
        """The column that somebody chose to sort by."""
        return self._widths[self.column][0] if self._widths else None

    # Painting.

    def render_line(self, y: int) -> Strip:
        scroll_x, scroll_y = self.scroll_offset
        if y == 0:
            return self._line(self._head(), scroll_x)
        place = int(scroll_y) + y - 1
        if not 0 <= place < len(self.window):
            return Strip.blank(self.size.width, self.rich_style)
        row, key = self.window.at(place), self.window.keys[place]
        current = place == self.window.cursor
        ages = self._epoch if row is not None else 0
        # The style as well: a theme's colours come a little after its name.
        worn = (self._app.palette, self.rich_style)
        known = (key, id(row), self.window.version, current, key in self.window.marks, ages, worn)
        if (strip := self._strips.get(known)) is None:
            strip = self._body(key, row, current)
            self._strips[known] = strip
        return self._line(strip, scroll_x)

    def _line(self, strip: Strip, scroll_x: int) -> Strip:
        return strip.crop_extend(scroll_x, scroll_x + self.size.width, self.rich_style)

    def _head(self) -> Strip:
        text = Text(" " * GUTTER)
        for number, (column, width) in enumerate(self._widths):
            title = column.title
            if self.sorted_by and self.sorted_by[0] == column.name:
                title += "↓" if self.sorted_by[1] else "↑"
            cell = set_cell_size(title, width) if not column.right else title.rjust(width)[:width]
            text.append(cell, f"{paint.HEAD}" if number != self.column else paint.STRONG)
            text.append("  ")
        return self._painted(text, None)

    def _body(self, key: str, row: Row | None, current: bool) -> Strip:
        sign = "●" if key in self.window.marks else ("▶" if current else " ")
        text = styled(f"{sign} ", paint.MARKED if key in self.window.marks else "")
        if row is None:
            text.append(inert(" · ".join(key.split("\x1f"))), paint.QUIET)
        for column, width in self._widths if row is not None else ():
            said, role = column.cell(row, self._now)  # type: ignore[arg-type]
            changed = (key, column.name) in self.window.changed
            # The sign stands in the room between two columns, so that nothing moves.
            if changed and len(text):
                text.right_crop(1)
                text.append("Δ", paint.CHANGED)
            text.append(_fit(said, width, column), paint.CHANGED if changed and not role else role)
            text.append("  ")
        return self._painted(text, paint.CURSOR if current else None)

    def _painted(self, text: Text, over: str | None) -> Strip:
        console = self._app.painter
        segments = [Segment(one.text, (one.style or Style.null())) for one in text.render(console, end="")]
        width = max(self.virtual_size.width, self.size.width)
        strip = Strip(segments).apply_style(self.rich_style).adjust_cell_length(width, self.rich_style)
        if over is not None:
            strip = Strip([Segment(one.text, (one.style or Style.null()) + console.get_style(over)) for one in strip], width)
        return strip

    @property
    def _app(self) -> FleetApp:
        return cast("FleetApp", self.app)

    # What people do.

    def on_resize(self) -> None:
        self._strips.clear()
        if self._widths:
            self.measure()
        self._show_cursor()
        self.post_message(self.Moved())

    def on_click(self, event: Click) -> None:
        """The row under the mouse; once more: opens it."""
        place = int(self.scroll_offset.y) + event.y - 1
        if event.y == 0 or not 0 <= place < len(self.window):
            return
        again = place == self.window.cursor
        self._go(place)
        if again:
            self.action_open()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.post_message(self.Moved())

    def _go(self, place: int) -> None:
        self.moved_at = time.monotonic()
        self.window.move_to(place)
        self._show_cursor()
        self.refresh()
        self.post_message(self.Moved())

    def _show_cursor(self) -> None:
        height, top, cursor = max(1, self.size.height - 1), int(self.scroll_offset.y), self.window.cursor
        if cursor < top:
            self.scroll_to(y=cursor, animate=False, immediate=True)
        elif cursor >= top + height - self.scrollbar_size_horizontal * self.show_horizontal_scrollbar:
            self.scroll_to(
                y=cursor - height + 1 + self.scrollbar_size_horizontal * self.show_horizontal_scrollbar, animate=False, immediate=True
            )

    def action_move(self, by: int) -> None:
        self._go(self.window.cursor + by)

    def action_page(self, by: int) -> None:
        self._go(self.window.cursor + by * max(1, self.size.height - 2))

    def action_first(self) -> None:
        self._go(0)

    def action_last(self) -> None:
        self._go(len(self.window) - 1)

    def action_column(self, by: int) -> None:
        """Chooses the column that sorting is about."""
        if self._widths:
            self.column = (self.column + by) % len(self._widths)
            self.refresh()

    def action_mark(self) -> None:
        self.window.mark()
        self._go(self.window.cursor + 1)

    def action_mark_range(self) -> None:
        self.window.mark_to()
        self.refresh()

    def action_unmark(self) -> None:
        self.window.unmark()
        self.refresh()

    def action_open(self) -> None:
        if (row := self.window.row) is not None:
            self.post_message(self.Opened(self.table.name, row))


def _fit(text: str, width: int, column: Column) -> str:
    length = cell_len(text)
    if length > width:
        if not column.middle:
            return set_cell_size(text, max(0, width - 1)) + "…"
        start = max(1, (width - 1) // 2)
        end = text[-(width - 1 - start) :] if width - 1 - start > 0 else ""
        return set_cell_size(f"{set_cell_size(text, start)}…{end}", width)
    return " " * (width - length) + text if column.right else text + " " * (width - length)
