"""SQL over the public views: a query, its rows, and what was asked before."""

from __future__ import annotations

import contextlib
import csv
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

import orjson
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from fleetd.domain.errors import FleetdError
from fleetd.service.questions.sql import MOST_ROWS, DescribeSchema, Rows, RunSql
from tui.lines import Line, Page, heading, plain, table
from tui.local_pages import lesson_page
from tui.paint import QUIET, STRONG, UNDERWAY, styled
from tui.paper import Paper

if TYPE_CHECKING:
    from tui.app import FleetApp

KEPT = 100
FIRST = "SELECT cluster, connection, pending_events FROM fleet_clusters ORDER BY pending_events DESC LIMIT 20"


class SqlPane(Vertical):
    """A query in one line, and below it what it gave; up and down go through what was asked before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+j", "run", "run", show=False, id="sql_run"),
        Binding("up", "before(-1)", "query before", show=False, id="sql_before"),
        Binding("down", "before(1)", "next query", show=False, id="sql_next"),
        Binding("ctrl+s", "export", "export as CSV", show=False, id="sql_export"),
    ]
    DEFAULT_CSS = """
    SqlPane { height: 1fr; }
    SqlPane Input { border: round $accent; padding: 0 1; }
    """

    def __init__(self, history: Path | None) -> None:
        super().__init__(id="sql")
        self._history_file = history
        self.history = read_history(history)
        self._at = len(self.history)
        self.found: Rows | None = None

    def compose(self) -> ComposeResult:
        yield Input(
            value=self.history[-1] if self.history else FIRST, placeholder="one SELECT over the fleet_* views; enter runs it", id="query"
        )
        yield Paper()

    async def on_mount(self) -> None:
        """Shows what can be asked."""
        self.query_one("#query", Input).focus()
        with contextlib.suppress(FleetdError):
            schema = (await self._app.looking.questions.ask(DescribeSchema())).result
            lines = [
                plain("enter runs the query; tab goes to the rows; ctrl-s writes them to a file; up and down: what was asked before", QUIET)
            ]
            lines += heading("Views", len(schema.views))
            lines += [
                Line(styled(f"  {view.view:<26}", STRONG) + Text(view.row_is) + styled(f"  {', '.join(view.columns)}", QUIET))
                for view in schema.views
            ]
            self.query_one(Paper).show(Page("SQL", tuple(lines)))

    @property
    def _app(self) -> FleetApp:
        return cast("FleetApp", self.app)

    @on(Input.Submitted, "#query")
    async def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        await self.action_run()

    @on(Input.Changed, "#query")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()

    async def action_run(self) -> None:
        """Asks, and shows the rows."""
        text = self.query_one("#query", Input).value.strip()
        if not text:
            return
        self._keep(text)
        try:
            self.found = (await self._app.looking.questions.ask(RunSql(sql=text, limit=MOST_ROWS, timeout_ms=5000))).result
        except FleetdError as error:
            self.query_one(Paper).show(lesson_page(error))
            return
        self.query_one(Paper).show(_page(self.found))

    def action_before(self, by: int) -> None:
        """What was asked before, or after that."""
        if self.history:
            self._at = max(0, min(self._at + by, len(self.history) - 1))
            self.query_one("#query", Input).value = self.history[self._at]

    def action_export(self) -> None:
        """Writes the rows as CSV into the folder in which the program was started."""
        if self.found is None:
            self._app.frame.say("run a query first", bad=True)
            return
        path = Path.cwd() / "fleetd-rows.csv"
        try:
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(self.found.columns)
                writer.writerows(self.found.rows_untrusted)
        except OSError as error:
            self._app.frame.say(f"{path} cannot be written: {error.strerror}", bad=True)
        else:
            self._app.frame.say(f"{self.found.returned} rows in {path}")

    def _keep(self, text: str) -> None:
        self.history = [*(one for one in self.history if one != text), text][-KEPT:]
        self._at = len(self.history)
        if self._history_file is not None:
            with contextlib.suppress(OSError):
                self._history_file.parent.mkdir(parents=True, exist_ok=True)
                self._history_file.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in self.history))


def read_history(path: Path | None) -> list[str]:
    """What was asked before; a file that is none is as if nothing was."""
    if path is None:
        return []
    try:
        return [text for line in path.read_bytes().splitlines() if isinstance(text := orjson.loads(line), str)]
    except (OSError, orjson.JSONDecodeError):
        return []


def _page(found: Rows) -> Page:
    more = f", the first {found.returned}: ORDER BY and LIMIT" if found.truncated else ""
    lines = [plain(f"{found.returned} rows in {found.elapsed_ms} ms{more}", UNDERWAY if found.truncated else QUIET), plain()]
    if found.rows_untrusted:
        cells = [["" if cell is None else str(cell) for cell in row] for row in found.rows_untrusted]
        lines += table(found.columns, cells, [None] * len(cells), states=())
    return Page("SQL", tuple(lines))
