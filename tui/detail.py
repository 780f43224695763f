"""Everything about one row, followed while it changes; and the page of keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.asked import Page, Part
from tui.sheets import Sheet
from tui.words import QUIET_STYLE, said_whole, state_said

_STATES = frozenset({"state", "connection", "outcome", "verdict"})
HELP = """\
1 … 5      Clusters, Events, Add-ons, Drift, Journal
/          show only rows that have these words in some column; !words: only those that do not
           enter goes back to the table, esc ends the filter
enter      everything about the row
j k g G    down, up, first, last (or the arrows, home, end, page up, page down)
ctrl-r     look again now (what changes is shown by itself)
ctrl-p     all commands, themes among them
esc        back
q          quit (on a page like this: back)
ctrl-c     quit

Signs: ✓ as it should be   … under way, or waits for something   ✗ failed

A sheet shows 500 rows at most: the most urgent first, then the newest. A filter looks at all of them.
Nothing can be changed here."""


class Reading(ModalScreen[None]):
    """A page of text over the sheets."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "back"),
        Binding("j,down", "down", "down", show=False),
        Binding("k,up", "up", "up", show=False),
    ]

    def __init__(self, title: str, text: Text) -> None:
        super().__init__()
        self._title, self._text = title, text

    def compose(self) -> ComposeResult:
        """A frame with the text in it."""
        with VerticalScroll(id="page") as page:
            page.border_title = Text(self._title).markup
            page.border_subtitle = "esc: back"
            yield Static(self._text, id="text", markup=False)

    def action_down(self) -> None:
        self.query_one("#page").scroll_down(animate=False)

    def action_up(self) -> None:
        self.query_one("#page").scroll_up(animate=False)


class Detail(Reading):
    """One row of a sheet."""

    def __init__(self, sheet: Sheet, identity: tuple[Any, ...]) -> None:
        super().__init__(f"{sheet.title}: {said_whole(' '.join(map(str, identity)))}", Text("…"))
        self.sheet, self.identity = sheet, identity
        self.shown = Text("…")

    def show_page(self, page: Page) -> None:
        """Shows what is known of it now."""
        self.shown = Text("\n").join(_lines(page))
        self.query_one("#text", Static).update(self.shown)


def help_page() -> Reading:
    """The page of keys."""
    return Reading("Keys", Text(HELP))


def _lines(page: Page) -> Iterator[Text]:
    if page.row is None:
        yield Text("this row is no more")
        return
    width = max(map(len, page.row)) + 2
    for name, value in page.row.items():
        yield Text(name.ljust(width), QUIET_STYLE) + _whole(name, value)
    for part in page.parts:
        yield Text()
        yield Text(f"{part.title} ({len(part.rows) or 'none'})", "bold")
        yield from _part(part)


def _part(part: Part) -> Iterator[Text]:
    for row in part.rows:
        line = Text("  ")
        for name in part.columns:
            value = row.get(name)
            if value is not None and value not in ("", []):
                line += Text(f"{name} ", QUIET_STYLE) + _whole(name, value) + Text("  ")
        yield line


def _whole(name: str, value: Any) -> Text:
    return state_said(str(value)) if name in _STATES and value else Text(said_whole(value))
