"""Asks the service for what is in front, at most some times a second, and drops answers that came too late."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from fleetd.domain.errors import FleetdError, TryLater
from fleetd.service.asking import Question, Questions
from fleetd.service.feed import Changed
from fleetd.service.questions.overview import FleetOverview
from fleetd.service.questions.windows import Choice, Keys, ListKeys, ReadRows
from fleetd.service.teaching import Code, Taught
from tui.equivalents import Asked, Log, call_of, command_of
from tui.grid import Grid
from tui.local_pages import lesson_line, lesson_page
from tui.narrowing import Narrowing
from tui.paper import Paper
from tui.screens import PAGES
from tui.summary import freshness, summary

if TYPE_CHECKING:
    from tui.app import FleetApp

T = TypeVar("T")
PACE = 0.22
"""Seconds between two looks while commits follow each other: four and a half frames a second."""

SILENCE = 60.0
"""Seconds after which it looks without having heard anything: that nobody writes is to be shown, too."""

AGAIN = 2.0
"""Seconds until a database that is away is tried again."""

OVERVIEW = 1.0
"""Seconds between two looks at the fleet as a whole."""

RESTS = 1.5
"""Seconds that a cursor rests before rows change their places."""

HEAD = 200
"""Rows of a list that are read and painted before all the others are."""


@dataclass
class Looking:
    """The one that asks. `keys_due` is set where rows may have come or gone."""

    app: FleetApp
    questions: Questions
    log: Log = field(default_factory=Log)
    narrowing: Narrowing = field(default_factory=Narrowing)
    due: asyncio.Event = field(default_factory=asyncio.Event)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    looked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set after each look, when what was found is shown."""
    committed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when somebody committed something."""
    asking: bool = False
    epoch: int = 0
    keys_due: bool = True
    _overview_at: float = 0.0
    _keys_at: float = 0.0
    _keys_took: float = 0.0

    @property
    def idle(self) -> bool:
        """Whether nothing is asked for, and nothing is due."""
        return not self.asking and not self.due.is_set()

    def now(self) -> None:
        """Looks at once."""
        self.due.set()
        self.hurry.set()

    def moved(self) -> None:
        """Another place: what was asked for before is not wanted any more."""
        self.epoch += 1
        self.keys_due, self._keys_at = True, 0.0
        self.now()

    async def forever(self) -> None:
        """Looks whenever it is due: first at what is in front, and at the fleet as a whole when nobody is in a hurry."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SILENCE):
                    await self.due.wait()
            self.due.clear()
            self.hurry.clear()
            rest = PACE if await self._tried(self._look) else AGAIN
            if await self._hurried(rest) or time.monotonic() - self._overview_at < OVERVIEW:
                continue
            await self._tried(self._overview)

    async def _tried(self, look: Callable[[], Awaitable[None]]) -> bool:
        """Whether it could be looked; otherwise it is said why not, and due again."""
        self.asking, went_well = True, True
        try:
            await look()
        except FleetdError as error:
            went_well, self._overview_at = False, 0.0
            self.app.frame.trouble(error)
            self.due.set()
        self.asking = False
        self.looked.set()
        return went_well

    async def _hurried(self, rest: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(rest):
                return await self.hurry.wait()
        return False

    async def _look(self) -> None:
        body = self.app.body
        if isinstance(body, Grid) and body.table.name == self.app.place.screen:
            await self._list(body)
        elif isinstance(body, Paper):
            await self._page(body)
        if not self._overview_at:
            await self._overview()

    async def _overview(self) -> None:
        overview = await self.questions.ask(FleetOverview())
        self._overview_at = time.monotonic()
        self.app.frame.overview(summary(overview), freshness(overview))

    async def _list(self, grid: Grid) -> None:
        epoch, choice = self.epoch, self.app.place.choice
        if self.keys_due and self._rests(grid):
            self.keys_due = False
            started = time.monotonic()
            found, refused, partial = await self._keys(choice, begins=not grid.loaded)
            if epoch != self.epoch:
                return
            grid.partial = partial
            self._keys_at = time.monotonic()
            self._keys_took = self._keys_at - started
            grid.order(found.keys, found.more)
            grid.refused, grid.gaps = refused, found.gaps
        elif self.keys_due:
            self.app.set_timer(OVERVIEW, self.due.set)
        first, last = grid.needed
        keys = tuple(grid.window.keys[first:last])
        rows = await self._ask(ReadRows(choice=choice, keys=keys)) if keys else ()
        if epoch == self.epoch:
            grid.put(keys, rows)
            self.app.frame.status()
            self._on(grid, choice)

    def _rests(self, grid: Grid) -> bool:
        """Whether rows may change their places now. The longer a list takes, the seldomer it is made anew."""
        if not grid.loaded or grid.partial:
            return True
        resting = time.monotonic() - grid.moved_at >= RESTS or self.app.follows
        return resting and time.monotonic() - self._keys_at >= max(OVERVIEW, 5 * self._keys_took)

    def _on(self, grid: Grid, choice: Choice) -> None:
        """What the list needs when its first rows were shown: the rest of it, and what a filter will look at."""
        if grid.partial:
            self.keys_due = True
            self.now()
        elif self.narrowing.wanted(choice, Keys(tuple(grid.window.keys), grid.window.more)):
            self.learn(choice)

    def learn(self, choice: Choice) -> None:
        """Reads what a filter looks at, beside all that is shown."""
        learning = self.narrowing.learn(self.questions, choice, self._keys_in_front)
        self.app.run_worker(learning, group="learning", exclusive=True)

    def _keys_in_front(self) -> Sequence[str]:
        return self.app.body.window.keys if isinstance(self.app.body, Grid) else ()

    def before_filter(self) -> None:
        """Somebody is about to type a filter: what it looks at should be of now."""
        known = self.narrowing
        if known.stale and known.choice is not None and known.choice == replace(self.app.place.choice, needle=""):
            self.learn(known.choice)

    async def _keys(self, choice: Choice, *, begins: bool) -> tuple[Keys, str, bool]:
        """The keys, or none and why not; and whether the rest is to come. Where a list begins, it begins with what is at hand."""
        if begins and (known := self.narrowing.keys(choice)) is not None:
            if self.narrowing.stale:
                self.keys_due = True
                self.app.set_timer(OVERVIEW, self.due.set)
            return known, "", False
        try:
            if begins and not choice.needle and not choice.sort:
                head = await self._ask(ListKeys(choice=choice, most=HEAD))
                return head, "", head.more
            return await self._ask(ListKeys(choice=choice)), "", False
        except FleetdError as error:
            if _passes(error):
                raise
            return Keys(()), lesson_line(error), False

    async def _page(self, paper: Paper) -> None:
        epoch, place = self.epoch, self.app.place
        screen = PAGES.get(place.screen)
        if screen is None or (paper.loaded and not screen.live):
            return
        try:
            page = await screen.make(self._ask, place)
        except FleetdError as error:
            if _passes(error) or epoch != self.epoch:
                raise
            page = lesson_page(error)
        if epoch == self.epoch:
            paper.show(page)
            self.app.frame.status()

    async def _ask(self, question: Question[T]) -> T:
        answer = await self.questions.ask(question)
        call = call_of(question)
        place = self.app.place
        self.log.note(Asked(self.app.given.clock(), place.screen, call, command_of(place)))
        return answer

    async def listen(self, feed: Callable[[], AsyncGenerator[Changed, None]]) -> None:
        """Hears of commits, and looks when one could have changed what is in front."""
        while True:
            with contextlib.suppress(FleetdError):  # the look that is due says what is wrong
                async with contextlib.aclosing(feed()) as changes:
                    async for changed in changes:
                        self.heard(changed)
            self.due.set()
            await asyncio.sleep(AGAIN)

    def heard(self, changed: Changed) -> None:
        """Something was committed."""
        body = self.app.body
        kinds = {one.object_kind for one in changed.changes}
        if changed.lost or not kinds or not isinstance(body, Grid) or kinds & body.table.sheet.kinds:
            self.keys_due = True
        self.narrowing.heard(set() if changed.lost else kinds)
        self.committed.set()
        self.due.set()


def _passes(error: FleetdError) -> bool:
    """Whether it is the database that is away, and not what was asked for that is wrong."""
    return isinstance(error, TryLater) or (isinstance(error, Taught) and error.lesson.code is Code.UNAVAILABLE)
