"""The application: it shows sheets, hears of commits, and asks the service again, at most some times a second."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer, Input, Static, TabbedContent, TabPane
from textual.worker import WorkerCancelled

from fleetd.domain.errors import FleetdError
from fleetd.service.local import LocalQuestions
from fleetd.service.questions.overview import FleetOverview
from tui.asked import MOST, Look, Looked, Read
from tui.detail import Detail, help_page
from tui.sheets import SHEETS, Sheet
from tui.summary import freshness, summary, trouble_said
from tui.table import SheetTable
from tui.words import inert

if TYPE_CHECKING:
    from fleetd.store.database import Database

PACE = 0.2
"""Seconds between two looks at the database, while commits follow each other."""

SILENCE = 60.0
"""Seconds after which it looks without having heard anything: that nobody writes is to be shown, too."""

AGES = 10.0
AGAIN = 2.0
"""Seconds until a database that is away is tried again."""


class FleetApp(App[None]):
    """The fleet of one database, read only."""

    TITLE = "fleetd"
    CSS = """
    #summary { height: auto; max-height: 2; padding: 0 1; }
    #freshness, #status { height: 1; padding: 0 1; }
    #needle { display: none; height: 1; border: none; padding: 0 1; }
    #needle.open { display: block; }
    TabbedContent, ContentSwitcher, TabPane { height: 1fr; padding: 0; }
    SheetTable { height: 1fr; }
    Reading { align: center middle; }
    #page { width: 90%; height: 85%; border: round $accent; background: $surface; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(place), f"sheet('{sheet.name}')", sheet.title, show=False) for place, sheet in enumerate(SHEETS, 1)),
        Binding("slash", "filter", "filter", key_display="/"),
        Binding("escape", "unfilter", "clear", show=False),
        Binding("ctrl+r", "again", "look again", show=False),
        Binding("question_mark", "keys", "help", key_display="?"),
        Binding("q", "quit", "quit"),
        Binding("ctrl+c", "quit", "quit", show=False, priority=True),
    ]

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._questions = LocalQuestions(url)
        self._due, self._hurry = asyncio.Event(), asyncio.Event()
        self._needles: dict[str, str] = {}
        self._looked: dict[str, Looked] = {}
        self.looked = asyncio.Event()
        """Set after each look at the database, when what was found is shown."""

    def compose(self) -> ComposeResult:
        """The summary, a tab for each sheet, the filter and the keys."""
        yield Static(Text("fleetd"), id="summary", markup=False)
        yield Static(Text("reading…"), id="freshness", markup=False)
        with TabbedContent(id="sheets"):
            for place, sheet in enumerate(SHEETS, 1):
                with TabPane(f"{place} {sheet.title}", id=sheet.name):
                    yield SheetTable(sheet)
        yield Static(id="status", markup=False)
        yield Input(id="needle", placeholder="words in any column; !words for those without", compact=True)
        yield Footer()

    def on_mount(self) -> None:
        """Starts to look and to listen; the frame is painted before anything is read."""
        self._table.focus()
        self.set_interval(AGES, self._say_ages)
        self._due.set()
        self.run_worker(self._keep_looking(), group="looking")
        self.run_worker(self._listen(), group="listening")

    async def on_unmount(self) -> None:
        """Ends what reads, before the loop does."""
        self.workers.cancel_all()
        for worker in list(self.workers):
            with contextlib.suppress(WorkerCancelled):
                await worker.wait()
        await self._questions.close()

    # What is shown.

    @property
    def sheet(self) -> Sheet:
        """The sheet in front."""
        active = self._at("#sheets", TabbedContent).active
        return next(sheet for sheet in SHEETS if sheet.name == (active or SHEETS[0].name))

    @property
    def _table(self) -> SheetTable:
        table: SheetTable = self._at(f"#table-{self.sheet.name}", SheetTable)
        return table

    def _at(self, place: str, kind: type[Any]) -> Any:
        # A page that lies over the sheets has a tree of its own.
        return self.screen_stack[0].query_one(place, kind)

    def _say_ages(self) -> None:
        self._table.show_ages()

    def _say_status(self) -> None:
        sheet, needle = self.sheet, self._needles.get(self.sheet.name, "")
        looked = self._looked.get(sheet.name)
        if looked is None:
            text = ""
        elif not looked.rows:
            text = f"nothing matches {inert(needle)}" if needle else sheet.empty
        else:
            text = f"the first {MOST} rows, the most urgent before the others" if looked.more else f"rows: {len(looked.rows)}"
            text += f", filtered by {inert(needle)}" if needle else ""
        self._at("#status", Static).update(Text(text))

    # Looking.

    async def _keep_looking(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SILENCE):
                    await self._due.wait()
            self._due.clear()
            self._hurry.clear()
            rest = PACE
            try:
                await self._look()
            except FleetdError as error:
                self._at("#freshness", Static).update(trouble_said(str(error)))
                rest = AGAIN
                self._due.set()
            self.looked.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(rest):
                    await self._hurry.wait()

    async def _look(self) -> None:
        sheet, needle = self.sheet, self._needles.get(self.sheet.name, "")
        found = await self._questions.ask(Look(sheet=sheet, needle=needle))
        if needle == self._needles.get(sheet.name, ""):  # else somebody typed on, and it is due again
            self._looked[sheet.name] = found
            self._at(f"#table-{sheet.name}", SheetTable).show_rows(found.rows)
            self._say_status()
        overview = await self._questions.ask(FleetOverview())
        self._at("#summary", Static).update(summary(overview))
        self._at("#freshness", Static).update(freshness(overview))
        if isinstance(self.screen, Detail):
            detail = self.screen
            page = await self._questions.ask(Read(sheet=detail.sheet, identity=detail.identity))
            if detail.is_attached:
                detail.show_page(page)

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(FleetdError):  # the look that is due says what is wrong
                async with contextlib.aclosing(_commits(self._url)) as feed:
                    async for _ in feed:
                        self._due.set()
            self._due.set()
            await asyncio.sleep(AGAIN)

    def _look_now(self) -> None:
        self._due.set()
        self._hurry.set()

    # What people do.

    def action_sheet(self, name: str) -> None:
        """Brings a sheet to the front."""
        self._at("#sheets", TabbedContent).active = name

    @on(TabbedContent.TabActivated)
    def _sheet_changed(self) -> None:
        box = self._at("#needle", Input)
        with box.prevent(Input.Changed):
            box.value = self._needles.get(self.sheet.name, "")
        box.set_class(bool(box.value), "open")
        self._table.focus()
        self._say_status()
        self._look_now()

    def action_filter(self) -> None:
        """Opens the filter of this sheet."""
        box = self._at("#needle", Input)
        box.add_class("open")
        box.focus()

    def action_unfilter(self) -> None:
        """Ends the filter of this sheet."""
        box = self._at("#needle", Input)
        box.value = ""
        box.remove_class("open")
        self._table.focus()

    @on(Input.Changed, "#needle")
    def _needle_changed(self, event: Input.Changed) -> None:
        self._needles[self.sheet.name] = event.value
        self._look_now()

    @on(Input.Submitted, "#needle")
    def _needle_done(self) -> None:
        self._table.focus()

    @on(SheetTable.RowSelected)
    def _open(self) -> None:
        table = self._table
        if table.current is not None:
            self.push_screen(Detail(table.sheet, table.sheet.identity(table.current)))
            self._look_now()

    def action_again(self) -> None:
        """Looks again."""
        self._look_now()

    def action_keys(self) -> None:
        """Shows the keys."""
        self.push_screen(help_page())


async def _commits(url: str) -> AsyncGenerator[None, None]:
    """Yields when it listens, and after each commit of anybody; also those of the journal and of heartbeats alone."""
    database = await (await asyncio.to_thread(_opener))(url, writer=False)
    try:
        yield
        async for _ in database.listen():
            yield
    finally:
        await database.close()


def _opener() -> Callable[..., Awaitable[Database]]:
    # SQLAlchemy takes longer to import than the first paint: it comes after that, in a thread.
    from fleetd.store.database import Database

    return Database.open
