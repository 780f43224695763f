"""A child that is the daemon as `fleetd run` starts it, on a database given, and says what it has used."""

from __future__ import annotations

import asyncio
import cProfile
import io
import os
import pstats
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

from bench.children import serve
from fleetd.cli.collector import collect_rarely
from fleetd.cli.logs import set_up_logs
from fleetd.daemon import run
from fleetd.settings import Settings

PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


def resident_kib() -> int:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_KIB


async def usage() -> dict[str, Any]:
    """CPU seconds of all threads since the start, resident memory, and open files."""
    return {"cpu_s": time.process_time(), "rss_kib": resident_kib(), "files": len(os.listdir("/proc/self/fd"))}


UNHINDERED = 999_999
"""Changes of one object in a minute: what is measured is how fast the daemon follows them, not how it holds them back."""


class Daemon:
    """The commands."""

    def __init__(self) -> None:
        self._stop = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._profile: cProfile.Profile | None = None

    async def start(self, database: str) -> dict[str, Any]:
        """Runs the daemon; answers when it has taken up its work."""
        ready = asyncio.Event()
        self._running = asyncio.create_task(
            run(Settings(database=database, changes_per_minute=UNHINDERED), ready=ready.set, stop=self._stop)
        )
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({self._running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._running.done():
            self._running.result()
        return {}

    async def stop(self) -> dict[str, Any]:
        """Stops it in order."""
        self._stop.set()
        if self._running is not None:
            await self._running
        return {}

    async def profile(self) -> dict[str, Any]:
        """The first time it begins to look where this thread's time goes, the second time it says so."""
        if self._profile is None:
            self._profile = cProfile.Profile()
            self._profile.enable()
            return {}
        self._profile.disable()
        text, self._profile = where(self._profile), None
        return {"where": text}


def where(profile: cProfile.Profile, lines: int = 45) -> str:
    """The functions that cost most, their own time first."""
    text = io.StringIO()
    stats = pstats.Stats(profile, stream=text)
    stats.strip_dirs().sort_stats("tottime").print_stats(lines)
    stats.sort_stats("cumulative").print_stats(lines)
    return text.getvalue()


async def main() -> None:
    set_up_logs("warning")
    collect_rarely()
    daemon = Daemon()
    try:
        await serve({"start": daemon.start, "stop": daemon.stop, "usage": usage, "profile": daemon.profile})
    finally:
        await daemon.stop()


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a text stream as long as nobody replaces it
    uvloop.run(main())
