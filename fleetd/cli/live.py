"""Lists that go on: each row when it is new or changed, as it is committed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

from fleetd.cli.asked import Pages, Rows, pages_of, tell
from fleetd.cli.output import Form, Row, spared, write_json, write_rows, write_table
from fleetd.cli.places import existing_url, questions
from fleetd.cli.tables import cells_of

_OF_EVENTS = frozenset({"event", "match", "destination"})
_SPOKEN_OF: dict[str, frozenset[str]] = {
    "fleet_events": frozenset({"event"}),
    "fleet_pending_events": _OF_EVENTS,
    "fleet_drift_incidents": frozenset({"incident"}),
    "fleet_addons": frozenset({"addon", "generated"}),
}
"""Of which changes (`object_kind` in `fleet_changes`) a list speaks; of others, of all."""


class News:
    """What was committed since somebody last waited for it."""

    def __init__(self) -> None:
        self._kinds: set[str] = set()
        self._any = False
        self._heard = asyncio.Event()
        self._ended: asyncio.Task[None] | None = None

    def hear(self, kinds: set[str], *, lost: bool) -> None:
        """Takes in a commit; `lost` says that anything may have changed."""
        self._kinds |= kinds
        self._any |= lost
        self._heard.set()

    def end(self, told: asyncio.Task[None]) -> None:
        """There will be no more: who told it has ended, for a reason."""
        self._ended = told
        self._heard.set()

    async def of(self, kinds: frozenset[str] | None = None) -> None:
        """Waits for a change of these kinds, of any without them.

        Raises:
            FleetdError: the database went away.
        """
        while True:
            await self._heard.wait()
            if self._ended is not None:
                self._ended.result()
            found = self._any or kinds is None or bool(self._kinds & kinds)
            self._kinds, self._any = set(), False
            self._heard.clear()
            if found:
                return


@asynccontextmanager
async def following(database: str | None) -> AsyncIterator[News]:
    """What others commit from now on; nothing is missed between this and a question asked inside."""
    from fleetd.service.listening import changes  # what listens to a database loads what writing to it needs

    news, listens = News(), asyncio.Event()

    async def pump() -> None:
        async with aclosing(changes(existing_url(database))) as feed:
            async for changed in feed:
                if listens.is_set():
                    news.hear({one.object_kind for one in changed.changes}, lost=changed.lost)
                listens.set()

    def ended(task: asyncio.Task[None]) -> None:
        news.end(task)
        listens.set()

    pumping = asyncio.create_task(pump())
    pumping.add_done_callback(ended)
    try:
        await listens.wait()
        if pumping.done():
            pumping.result()
        yield news
    finally:
        pumping.cancel()
        await asyncio.gather(pumping, return_exceptions=True)


async def watch(asked: Pages, view: str, database: str | None, output: Form, *, most: int) -> None:
    """Writes each row when it is new or changed, the oldest first; in JSON one object a line."""
    shown: set[str] = set()
    paper, told = _Paper(view, output), False
    async with following(database) as news, questions(database) as service:
        while True:
            found = await pages_of(service, asked, most)
            if not told:
                tell(found.warnings, found.coverage)
                told = True
            rows, shown = _unseen(found, shown)
            if rows:
                paper.write(rows)
            await news.of(_SPOKEN_OF.get(view))


def _unseen(found: Rows, shown: set[str]) -> tuple[list[Row], set[str]]:
    marks = [(_mark(row), row) for row in found.rows[::-1]]
    return [row for mark, row in marks if mark not in shown], {mark for mark, _ in marks}


def _mark(row: Row) -> str:
    return repr({name: value for name, value in row.items() if not name.startswith("age_")})


class _Paper:
    """What was written before, so that what comes stands under the same titles."""

    def __init__(self, view: str, output: Form) -> None:
        self._view, self._output = view, output
        self._columns: Sequence[str] = ()
        self._widths: Sequence[int] = ()

    def write(self, rows: list[Row]) -> None:
        match self._output:
            case "json":
                for row in rows:
                    write_json(row, lines=True)
            case "table" | "wide":
                every = cells_of(self._view, rows, wide=self._output == "wide")
                columns, lines = spared(*every) if self._output == "table" else every
                same = columns == self._columns
                self._widths = write_table(columns, lines, header=not same, least=self._widths if same else ())
                self._columns = columns
            case form:
                write_rows(rows, view=self._view, form=form)
        sys.stdout.flush()
