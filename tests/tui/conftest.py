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

from fleetd.store.crypto import MasterKey
from fleetd.store.database import Database
from tui.app import FleetApp
from tui.bar import Bar
from tui.given import Given
from tui.grid import Grid
from tui.paper import Paper
from tui.places import Place

PLANTED = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "service" / "planted.py")))
PATIENCE = 20


@dataclass
class Terminal:
    """Somebody at the application: presses keys, and waits until it shows something."""

    app: FleetApp
    pilot: Pilot[None]

    def patience(self) -> asyncio.Timeout:
        """As long as anything may take."""
        return asyncio.timeout(PATIENCE)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Into the line that is open, and enter."""
        for sign in text:
            await self.pilot.press(sign)
        line = self.app._line
        async with self.patience():
            while line.what == "!" and not line.seen:
                await self.pilot.pause()
        await self.pilot.press("enter")

    async def command(self, text: str) -> None:
        """What follows `:`."""
        await self.press("colon")
        await self.type(text)

    async def at(self, place: Place) -> None:
        """Goes there, and waits until it is filled."""
        await self.app.go(place)
        await self.until(lambda: getattr(self.app.body, "loaded", True))

    async def until(self, fact: Callable[[], bool]) -> None:
        """Waits until the fact holds after some look at the database."""
        async with asyncio.timeout(PATIENCE):
            while not fact():
                self.app.looking.looked.clear()
                await self.app.looking.looked.wait()
                await self.pilot.pause()

    async def settled(self) -> None:
        """Waits until there is nothing left to ask, to lay out or to paint: the same picture twice, with nothing due."""
        before = ""
        async with asyncio.timeout(PATIENCE):
            while not (self.still and self.screen() == before):
                before = self.screen()
                if not self.app.looking.idle:
                    self.app.looking.looked.clear()
                    await self.app.looking.looked.wait()
                # All messages that are under way, and what they made dirty.
                await self.pilot._wait_for_screen()
                self.app.screen._on_timer_update()

    @property
    def still(self) -> bool:
        """Whether all that is in front was read, and laid out for the size that it has."""
        body, screen = self.app.body, self.app.screen
        if not self.app.looking.idle or screen._layout_required or screen._dirty_widgets:
            return False
        if isinstance(body, Grid):
            return body.loaded and not body.window.unread(*body.needed)
        return getattr(body, "loaded", True)

    async def painted(self, *words: str) -> None:
        """Waits until all the words are on the terminal; Textual says of no widget when it was painted."""
        async with asyncio.timeout(PATIENCE):
            while not all(word in self.screen() for word in words):
                await self.pilot.pause()

    @property
    def grid(self) -> Grid:
        """The list in front."""
        assert isinstance(self.app.body, Grid)
        return self.app.body

    @property
    def paper(self) -> Paper:
        """The page in front."""
        assert isinstance(self.app.body, Paper)
        return self.app.body

    def page(self) -> str:
        """What the page in front says, whole."""
        return "\n".join(line.text.plain for line in self.paper.page.lines)

    def bar(self, name: str) -> str:
        """What stands around: top, crumbs, status, keys."""
        return self.app.screen_stack[0].query_one(f"#{name}", Bar).text

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


@pytest.fixture(scope="session")
def living() -> SimpleNamespace:
    """What `living.py` has: a simulated fleet with a daemon, and a real terminal."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("living.py"))))


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
    async def start(database: Database, size: tuple[int, int] = (140, 45), **given: Any) -> AsyncIterator[Terminal]:
        app = FleetApp(Given(database.url, **{"start": "clusters", **given}))
        async with app.run_test(size=size) as pilot:
            terminal = Terminal(app, pilot)
            async with asyncio.timeout(PATIENCE):
                await app.looking.looked.wait()
            await pilot.pause()
            yield terminal

    return start
