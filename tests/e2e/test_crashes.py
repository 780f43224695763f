"""kill -9 between any two stages: after a restart the same end state, nothing applied twice in effect, nothing lost."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

SERVICES, APPS = {"role": "services"}, {"role": "apps"}
COPIES = (("v1", "Service", "default", "web"), ("v1", "Endpoints", "default", "web"))


class Mortal:
    """The forking daemon of `crash_daemon.py`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._pid = 0
        self.end: asyncio.Future[str]

    async def start(self, w: Any, fatal: int) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{w.url} {w.key_file} {fatal}\n".encode())
        await self._process.stdin.drain()
        self._pid = int((await self.line()).split()[1])
        self.end = asyncio.ensure_future(self.line())

    async def line(self) -> str:
        assert self._process.stdout is not None
        return (await self._process.stdout.readline()).decode().strip()

    async def stop(self) -> bool:
        """Stops it in order; whether it died of its own before."""
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGTERM)
        return await self.end == "killed"


@asynccontextmanager
async def mortal() -> AsyncIterator[Mortal]:
    script = Path(__file__).with_name("crash_daemon.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    daemon = Mortal(process)
    try:
        assert await daemon.line() == "up"
        yield daemon
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def create(w: Any) -> None:
    await w["services"].create(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web", "namespace": "default", "labels": {"fleet.example.com/export": "true"}},
            "spec": {"type": "LoadBalancer", "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]},
        }
    )


async def copied(w: Any) -> None:
    for api_version, kind, namespace, name in COPIES:
        await w.shows("app", api_version, kind, f"{namespace}/{name}")
    await w.until_row("SELECT * FROM fleet_trigger_matches", {"state": "acted"})


async def gone(w: Any) -> None:
    for api_version, kind, namespace, name in COPIES:
        await w.lacks("app", api_version, kind, f"{namespace}/{name}")
    await w.until_row("SELECT count(*) AS n FROM fleet_objects", {"n": 0})


async def first_of(*waits: Any) -> int:
    """Which of the waits ended first; the others are ended."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    done, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    first = next(iter(done))
    first.result()
    return tasks.index(first)


async def live_through(world: Any, daemon: Mortal, fatal: int) -> bool:
    """One life with a death at the crossing, and one after it; whether there was a death."""
    async with world(start=False, services=SERVICES, app=APPS) as w:
        await w.example("service-discovery")
        await create(w)
        await daemon.start(w, fatal)
        dead = await outlived(w, daemon, copied)
        written = w["app"].requests.by_verb["patch"]
        assert written <= 2 * len(COPIES), "what stands is not applied again and again"
        await w["services"].delete("v1", "Service", "default", "web")
        dead = await outlived(w, daemon, gone) or dead
        return await daemon.stop() or dead


async def outlived(w: Any, daemon: Mortal, fact: Any) -> bool:
    """Waits for the fact; when the daemon dies before, another one has to bring it about. Whether it died."""
    if await first_of(fact(w), asyncio.shield(daemon.end)) == 0:
        return False
    assert daemon.end.result() == "killed"
    await daemon.start(w, 0)
    await fact(w)
    return True


@pytest.mark.timeout(400)
async def test_kill_9_between_any_two_stages_ends_in_the_same_state(world: Any, database_kind: str) -> None:
    step = 1 if database_kind == "sqlite" else 7
    async with mortal() as daemon:
        fatal, deaths = 1, 0
        while await live_through(world, daemon, fatal):
            deaths += 1
            fatal += step
    assert deaths > 30 // step
