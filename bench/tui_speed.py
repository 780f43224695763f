"""The terminal UI: how soon it paints and has data, how it moves in a list of 100,000 rows, and what it costs while nothing happens."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from bench.harness import Bench, Check, Goal, Result, median, percentile
from bench.planted_rows import Scale
from bench.seeding import seed
from tui.app import FleetApp
from tui.collector import collect_seldom
from tui.given import Given
from tui.grid import Grid
from tui.narrowing import LONG

ROOT = Path(__file__).parents[1]
SCALES = {"full": Scale(10_000, 2_000, 200, 10), "quick": Scale(5_000, 1_000, 100, 10), "tiny": Scale(20, 50, 5, 4)}
TURNS = {"full": 40, "quick": 15, "tiny": 2}
SECONDS = {"full": 20.0, "quick": 8.0, "tiny": 0.5}
CHANGES = 2_000
PAINT_S, DATA_S, MOVE_MS, LAG_MS, MEMORY_MB, IDLE = 1.0, 1.5, 150.0, 150.0, 150.0, 1.0
NEEDLES = ("base-0001", "trigger", "!deployed", "prod", "-f bs0003", "refused", "c-00042", "test/c")
PATIENCE = 60.0
_TICK, _PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Seen:
    """The program in a terminal: seconds to the first paint and to data, megabytes with the long list, percent of a processor at rest."""

    paint: float
    data: float
    memory: float = 0.0
    idle: float = 0.0


class Terminal:
    """A pseudo terminal in which the program runs."""

    def __init__(self, url: str, start: str) -> None:
        self.side, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 45, 140, 0, 0))
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tui", "--database", url, "--start", start],
            stdin=other,
            stdout=other,
            stderr=other,
            cwd=ROOT,
            env={**environment, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(other)
        self._shown = b""

    def until(self, words: bytes) -> float:
        """Seconds from the start until the words were painted; a program that paints other things for ever is not waited for."""
        while words not in self._shown:
            left = self.began + PATIENCE - time.perf_counter()
            if left <= 0 or not select.select([self.side], [], [], left)[0]:
                raise TimeoutError(f"{words!r} was not painted in {PATIENCE:g} s")
            self._shown = self._shown[-4096:] + os.read(self.side, 65_536)
        return time.perf_counter() - self.began

    def rest(self, seconds: float) -> float:
        """CPU seconds of the process in the next seconds."""
        before, ends = self._cpu(), time.perf_counter() + seconds
        while (left := ends - time.perf_counter()) > 0:
            if select.select([self.side], [], [], left)[0]:
                os.read(self.side, 65_536)
        return self._cpu() - before

    def resident(self) -> float:
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * _PAGE / 2**20

    def _cpu(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    def end(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.side)


def started(url: str) -> Seen:
    """A start from the shell, on the screen that comes first."""
    terminal = Terminal(url, "pulse")
    try:
        return Seen(terminal.until(b"fleetd"), terminal.until(b"clusters ready"))
    finally:
        terminal.end()


def at_rest(url: str, seconds: float) -> Seen:
    """With the long list in front, and nothing that happens."""
    terminal = Terminal(url, "addons")
    try:
        paint, data = terminal.until(b"fleetd"), terminal.until(b"policyRefs/")
        terminal.rest(8.0)
        return Seen(paint, data, terminal.resident(), 100 * terminal.rest(seconds) / seconds)
    finally:
        terminal.end()


@dataclass
class Mover:
    """Somebody who moves about in a list, in this process, and takes the time until what was asked for is painted."""

    app: FleetApp

    @property
    def grid(self) -> Grid:
        body = self.app.body
        assert isinstance(body, Grid)
        return body

    async def timed(self, act: Callable[[], Awaitable[None]], there: Callable[[], bool]) -> float:
        """Milliseconds until it is there, and painted."""
        began = time.perf_counter()
        async with asyncio.timeout(PATIENCE):
            await act()
            while not there():
                self.app.looking.looked.clear()
                await self.app.looking.looked.wait()
            painted = asyncio.Event()
            self.app.call_after_refresh(painted.set)
            await painted.wait()
        return (time.perf_counter() - began) * 1000

    async def jump(self, place: int) -> float:
        """To a place, with its rows."""

        async def act() -> None:
            self.grid._go(place)  # noqa: SLF001  # what the keys for the first, the last and the next page do

        return await self.timed(act, lambda: self.grid.window.row is not None)

    async def at_ease(self) -> None:
        """Until the list was read whole, and what a filter looks at: a second or two after it came."""
        async with asyncio.timeout(PATIENCE):
            while not self._at_ease:
                self.app.looking.now()
                self.app.looking.looked.clear()
                await self.app.looking.looked.wait()

    @property
    def _at_ease(self) -> bool:
        return not self.grid.partial and (len(self.grid.window) < LONG or self.app.looking.narrowing.texts is not None)

    async def narrow(self, needle: str) -> float:
        """A filter that was typed."""

        async def act() -> None:
            await self.app._change(replace(self.app.place, needle=needle))  # noqa: SLF001  # what each sign in the line does

        return await self.timed(act, lambda: self.grid.loaded)


@asynccontextmanager
async def sitting(url: str) -> AsyncIterator[Mover]:
    """The application without a terminal, at the list of add-ons."""
    app = FleetApp(Given(url, start="addons"))
    collect_seldom()
    async with app.run_test(size=(140, 45)):
        mover = Mover(app)
        await mover.narrow("")
        await mover.at_ease()
        yield mover


async def moving(url: str, turns: int, chance: Random) -> tuple[list[float], list[float], int]:
    """Jumps and filters; how many rows there are."""
    async with sitting(url) as mover:
        rows = len(mover.grid.window)
        jumps = [await mover.jump(chance.randrange(rows)) for _ in range(turns)]
        filters = [await mover.narrow(NEEDLES[number % len(NEEDLES)]) for number in range(turns)]
    return jumps, filters, rows


async def stormed(url: str, seconds: float) -> tuple[list[float], int]:
    """Each step of the cursor while rows change, until it is painted; and how many rows were changed."""
    async with sitting(url) as mover:
        command = [sys.executable, "-m", "bench.tui_storm", url, str(CHANGES), str(seconds)]
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        ended = asyncio.create_task(process.stdout.read())
        steps: list[float] = []
        while not ended.done():
            steps.append(await mover.jump(len(steps) % 30))
            await asyncio.wait([ended], timeout=0.05)
        await process.wait()
    return steps, int(ended.result() or 0)


async def run(bench: Bench) -> Result:
    """One database with a long list of add-ons."""
    name, url = bench.sizes.name, str(bench.folder / "tui.db")
    await seed(url, SCALES[name], seed=bench.seed)
    starts = [await asyncio.to_thread(started, url) for _ in range(1 if name == "tiny" else 5)]
    resting = await asyncio.to_thread(at_rest, url, SECONDS[name])
    jumps, filters, rows = await moving(url, TURNS[name], Random(bench.seed))
    steps, changed = await stormed(url, SECONDS[name] / 2)
    checks = (
        Check("first paint from the shell", median([one.paint for one in starts]), PAINT_S, "s"),
        Check("data from the shell", median([one.data for one in starts]), DATA_S, "s"),
        Check(f"jump in {rows} rows, p95", percentile(jumps, 0.95), MOVE_MS, "ms"),
        Check(f"filter of {rows} rows, p95", percentile(filters, 0.95), MOVE_MS, "ms"),
        Check(f"step of the cursor while {CHANGES} rows change a second, p95", percentile(steps, 0.95), LAG_MS, "ms"),
        Check("memory with the long list", resting.memory, MEMORY_MB, "MB"),
        Check("processor at rest", resting.idle, IDLE, "%"),
    )
    raw = {"starts": [(one.paint, one.data) for one in starts], "jumps_ms": jumps, "filters_ms": filters, "steps_ms": steps}
    return Result(checks, {**raw, "rows": rows, "changed_rows": changed, "storm_seconds": SECONDS[name] / 2})


GOAL = Goal(
    "TUI",
    "The terminal UI paints at once, moves in 100,000 rows without waiting, keeps up with a busy fleet, and costs nothing at rest.",
    f"first paint < {PAINT_S:g} s, data < {DATA_S:g} s; jump and filter to paint p95 < {MOVE_MS:g} ms; {CHANGES} row changes a second,"
    f" step to paint p95 < {LAG_MS:g} ms; memory < {MEMORY_MB:g} MB; processor at rest < {IDLE:g} %",
    run,
)
