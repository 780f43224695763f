"""The application in a terminal of its own, on a real database that is filled with records."""

from __future__ import annotations

import asyncio
import runpy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from fleetd.store.crypto import MasterKey
from fleetd.store.database import Database
from tui.app import FleetApp
from tui.table import SheetTable

PLANTED = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "service" / "planted.py")))
PATIENCE = 20


@dataclass
class Terminal:
    """Somebody at the application: presses keys, and waits until it shows something."""

    app: FleetApp
    pilot: Pilot[None]

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def until(self, fact: Callable[[], bool]) -> None:
        """Waits until the fact holds after some look at the database."""
        async with asyncio.timeout(PATIENCE):
            while not fact():
                self.app.looked.clear()
                await self.app.looked.wait()
        await self.pilot.pause()

    async def painted(self, *words: str) -> None:
        """Waits until all the words are on the terminal; Textual says of no widget when it was painted."""
        async with asyncio.timeout(PATIENCE):
            while not all(word in self.screen() for word in words):
                await self.pilot.pause()

    def table(self, name: str) -> SheetTable:
        return self.app.screen_stack[0].query_one(f"#table-{name}", SheetTable)

    def lines(self, name: str) -> list[list[str]]:
        """The cells of a sheet's rows, from top to bottom, as they are shown."""
        table = self.table(name)
        return [[cell.plain for cell in table.get_row_at(line)] for line in range(table.row_count)]

    def first(self, name: str) -> list[str]:
        """The identity of each row, from top to bottom."""
        return [line[0] for line in self.lines(name)]

    def text(self, place: str) -> str:
        return str(self.app.screen_stack[0].query_one(place, Static).content)

    def screen(self) -> str:
        """All that is on the terminal, with no style but with every character that would be sent."""
        lines = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text for strip in lines)


@pytest.fixture
def database_kind() -> str:
    """What is shown is the same on both databases; what the service reads is tested on both beside."""
    return "sqlite"


@pytest.fixture
def planted() -> SimpleNamespace:
    return PLANTED


@pytest.fixture
async def empty(database_url: str, master_key: MasterKey) -> AsyncIterator[Database]:
    """A database with nothing in it yet."""
    made = await Database.open(database_url, key=master_key)
    yield made
    await made.close()


@pytest.fixture
async def database(empty: Database) -> Database:
    """The planted fleet, as a daemon holds it."""
    await PLANTED.plant(empty)
    return empty


@pytest.fixture
def sit_down() -> Callable[..., Any]:
    """Starts the application: `async with sit_down(database) as terminal`."""

    @asynccontextmanager
    async def start(database: Database, size: tuple[int, int] = (140, 45)) -> AsyncIterator[Terminal]:
        app = FleetApp(database.url)
        async with app.run_test(size=size) as pilot:
            terminal = Terminal(app, pilot)
            await terminal.until(lambda: "reading" not in terminal.text("#freshness"))
            yield terminal

    return start
