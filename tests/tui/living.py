"""A simulated fleet of Services that are shared, with a daemon at work on it; and a real terminal before which somebody sits."""

from __future__ import annotations

import asyncio
import runpy
import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fleetd.sim.cluster import ClusterSpec
from fleetd.sim.faults import Fault, FaultKind

SIMULATED = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "mcp" / "simulated.py")))
EXAMPLES = Path(__file__).parents[2] / "examples" / "service-discovery"
PATIENCE = 25.0
NAMESPACE, ENDPOINTS = "default", ("v1", "Endpoints", "default", "web")
SPECS = [ClusterSpec(name, labels={"role": name.partition("-")[0]}) for name in ("services", "apps-1", "apps-2")]
WRITES_FAIL = Fault(FaultKind.STATUS, status=500, verbs=frozenset({"patch", "create"}))


@asynccontextmanager
async def shared(database: Any, key_file: Path) -> AsyncIterator[Any]:
    """The Service web is on both clusters of applications."""
    async with SIMULATED.at_work(database, key_file, SPECS) as fleet:
        await fleet.declare_all(EXAMPLES)
        await fleet.clusters["services"].apply(SIMULATED.service("web", "true"))
        await fleet.until("SELECT COUNT(*) AS n FROM fleet_addons WHERE state = 'deployed' HAVING COUNT(*) = 2")
        yield fleet


async def tamper(fleet: Any, name: str) -> None:
    """Somebody writes another address into the copy."""
    wrong = {"subsets": [{"addresses": [{"ip": "192.0.2.66"}], "ports": [{"name": "http", "port": 80}]}]}
    await fleet.clusters[name].patch(*ENDPOINTS, wrong, manager="somebody")


async def fail_writes(fleet: Any, name: str) -> None:
    """A cluster refuses what is written, and there is something to write."""
    fleet.clusters[name].inject(WRITES_FAIL)
    await fleet.clusters["services"].reassign(NAMESPACE, "web")
    await fleet.until(f"SELECT 1 FROM fleet_addons WHERE cluster = 'default/{name}' AND state = 'failed'")


@dataclass
class RealTerminal:
    """A terminal of tmux: keys go in, what is painted comes out; each output of the program is heard of."""

    socket: Path
    control: asyncio.subprocess.Process

    async def tmux(self, *words: str) -> str:
        process = await asyncio.create_subprocess_exec(
            "tmux", "-S", str(self.socket), *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        return out.decode("utf-8", "replace")

    async def keys(self, *keys: str) -> None:
        """Keys by tmux' names."""
        await self.tmux("send-keys", "-t", "x", *keys)

    async def type(self, text: str) -> None:
        """A text, all at once as from a paste, and enter when it is painted."""
        await self.tmux("send-keys", "-t", "x", "-l", text)
        await self.shows(text.removeprefix(":"))
        await self.keys("Enter")

    async def confirm(self, reason: str) -> None:
        """A reason, and enter when it counts."""
        await self.tmux("send-keys", "-t", "x", "-l", reason)
        await self.shows(reason, "enter does it")
        await self.keys("Enter")

    async def screen(self) -> str:
        return await self.tmux("capture-pane", "-p", "-t", "x")

    async def shows(self, *words: str) -> str:
        """Waits until all the words are painted; the screen that has them."""
        shown = ""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    shown = await self.screen()
                    if all(word in shown for word in words):
                        return shown
                    # Whatever is painted is told on the line of the client that is attached.
                    while not (line := await self.control.stdout.readline()).startswith((b"%output", b"%window", b"%layout")):
                        assert line, f"the program has ended before {words} came:\n{shown}"
        except TimeoutError:
            raise AssertionError(f"{words} did not come:\n{shown}") from None


@asynccontextmanager
async def terminal(folder: Path, command: list[str], size: tuple[int, int] = (190, 40), **environment: str) -> AsyncIterator[RealTerminal]:
    """The command in a terminal of its own."""
    socket, (width, height) = folder / "tmux", size
    # tmux gives its programs a TERM of its own, so that they are told within.
    told = [
        "env",
        *(f"--unset={name}" for name in ("NO_COLOR", "COLORTERM", "COLUMNS", "LINES")),
        *(f"{name}={value}" for name, value in {"LC_ALL": "C.UTF-8", **environment}.items()),
    ]
    sitting = RealTerminal(socket, None)  # type: ignore[arg-type]
    await sitting.tmux(
        "-f", "/dev/null", "new-session", "-d", "-s", "x", "-x", str(width), "-y", str(height), shlex.join([*told, *command])
    )
    # The client that listens has a size of its own, which is not to be taken over.
    await sitting.tmux("set-option", "-g", "window-size", "manual", ";", "resize-window", "-x", str(width), "-y", str(height))
    sitting.control = await asyncio.create_subprocess_exec(
        "tmux", "-S", str(socket), "-C", "attach", "-t", "x", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield sitting
    finally:
        await sitting.tmux("kill-server")
        with suppress(ProcessLookupError):
            sitting.control.kill()
        # It ends when all that it said was read.
        await sitting.control.communicate()


def fleetd_tui(url: str, key_file: Path, start: str = "pulse") -> list[str]:
    """The command line of the terminal UI on a database."""
    return ["env", f"FLEETD_KEY_FILE={key_file}", sys.executable, "-m", "tui", "--database", url, "--start", start]
