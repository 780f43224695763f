"""`fleetd demo`: simulated clusters, the daemon and a story, on a temporary database."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from fleetd.cli.demo_life import Life
from fleetd.cli.demo_story import Stage, Story, cluster_specs
from fleetd.domain.errors import GiveUp, InvalidInput
from fleetd.service.admission import Admission
from fleetd.settings import DATABASE, KEY_FILE
from fleetd.sim.fleet import SimulatedFleet
from fleetd.store.crypto import key_beside
from fleetd.store.database import Database

START_SECONDS = 30.0
JOURNAL = """
SELECT entry_id, at, stage, subject_ref, cluster, decision, reason FROM fleet_journal WHERE entry_id > :seen ORDER BY entry_id
"""


async def play(*, once: bool, as_json: bool, clusters: int, seed: int) -> bool:
    """Plays the story; True when the simulated clusters show at each stage what they should.

    Raises:
        InvalidInput: fewer clusters than a story needs.
    """
    if clusters < 3:
        raise InvalidInput("a story needs at least 3 clusters: one of services, one of applications, and one that joins later")
    console = Console(stderr=as_json, highlight=False)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fleetd-demo-")))
        path = folder / "fleetd.db"
        *early, late = cluster_specs(clusters)
        fleet = await stack.enter_async_context(SimulatedFleet(early, seed=seed))
        kubeconfigs = folder / "kubeconfigs"
        # Made here without a word: who keeps a copy of a key that is gone in a minute?
        key, key_file, _ = key_beside(path)
        database = await Database.open(str(path), key=key)
        stack.push_async_callback(database.close)
        began = time.perf_counter()
        await stack.enter_async_context(_daemon(path, key_file, folder / "daemon.log"))
        _say(console, f"[bold]fleetd demo[/]: {len(early)} simulated clusters over HTTPS, the daemon, and SQLite in {folder}")
        _say(console, f"[dim]the daemon was ready after {(time.perf_counter() - began) * 1000:.0f} ms[/]\n")
        story = Story(fleet, Admission(database, manager="fleetd-demo"), late)
        stages: list[Stage] = []
        async for stage in story.play():
            stages.append(stage)
            _tell(console, stage)
        ok = all(stage.ok for stage in stages)
        for sentence in story.wrong:
            _say(console, f"[red]{sentence}[/]")
        if as_json:
            sys.stdout.write(orjson.dumps(_summary(ok, clusters, seed, stages), option=orjson.OPT_INDENT_2).decode() + "\n")
        else:
            _say(console, "\n[green]Every cluster shows what it should.[/]" if ok else "\n[red]Not every cluster shows what it should.[/]")
        if not once:
            fleet.write_kubeconfigs(kubeconfigs)
            await _stay(console, path, key_file, kubeconfigs)
    return ok


async def live(*, clusters: int, seed: int) -> bool:
    """Opens the terminal UI on a fleet in which something happens all the time; True when it was left in good order.

    Raises:
        InvalidInput: fewer clusters than that needs, or no terminal.
    """
    if clusters < 3:
        raise InvalidInput("something happens with at least 3 clusters: one of services, the others of applications")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidInput("--tui needs a terminal; without it the story is told in lines")
    console = Console(stderr=True, highlight=False)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fleetd-demo-")))
        path = folder / "fleetd.db"
        specs = cluster_specs(clusters)
        _say(console, f"[dim]{len(specs)} simulated clusters over HTTPS …[/]")
        fleet = await stack.enter_async_context(SimulatedFleet(specs, seed=seed))
        key, key_file, _ = key_beside(path)
        database = await Database.open(str(path), key=key)
        stack.push_async_callback(database.close)
        _say(console, f"[dim]the daemon, and SQLite in {folder} …[/]")
        await stack.enter_async_context(_daemon(path, key_file, folder / "daemon.log"))
        _say(console, "[dim]clusters register, sources and triggers are declared …[/]")
        life = Life(fleet, Admission(database, manager="fleetd-demo"), seed)
        await life.begin()
        going = asyncio.create_task(life.go_on())
        try:
            return await _terminal(path, key_file) == 0
        finally:
            going.cancel()


async def _terminal(database: Path, key_file: Path) -> int:
    """The terminal UI, as a process of its own that has the terminal until somebody leaves it."""
    environment = {**os.environ, DATABASE: str(database), KEY_FILE: str(key_file)}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tui", env=environment)
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


def _summary(ok: bool, clusters: int, seed: int, stages: list[Stage]) -> dict[str, Any]:
    return {"ok": ok, "clusters": clusters, "seed": seed, "simulated": True, "stages": [stage.as_json() for stage in stages]}


def _say(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True)


def _tell(console: Console, stage: Stage) -> None:
    mark = "[green]✔[/]" if stage.ok else "[red]✘[/]"
    _say(console, f"{mark} [bold]{stage.title}[/]  [cyan]{stage.ms:,.1f} ms[/]\n   {stage.detail}")


@asynccontextmanager
async def _daemon(database: Path, key_file: Path, log: Path) -> AsyncIterator[None]:
    """The real daemon, as a process of its own.

    Raises:
        GiveUp: it ended before it was ready.
    """
    named = {DATABASE: str(database), KEY_FILE: str(key_file)}
    environment = {**os.environ, **named, "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as sink:
        command = [sys.executable, "-m", "fleetd.cli", "run", "--announce", "--attended"]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=sink, env=environment)
    try:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
        if not line:
            raise GiveUp(f"the daemon did not start: {_tail(log)}")
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-2000:]


async def _stay(console: Console, database: Path, key_file: Path, kubeconfigs: Path) -> None:
    """Leaves everything running, says how to play with it, and shows what the daemon decides, until it is interrupted."""
    from fleetd.store.reading import Reader

    _say(console, f"\nEverything keeps running until Ctrl-C. Try, in another terminal:\n  export KUBECONFIG={kubeconfigs / 'merged.yaml'}")
    _say(console, f"  export {DATABASE}={database} {KEY_FILE}={key_file}")
    _say(console, "  kubectl --context services -n shop create service loadbalancer api --tcp=80")
    _say(console, "  kubectl --context services -n shop label service api fleet.example.com/export=true")
    _say(
        console,
        "  kubectl --context apps-1 -n shop get services,endpoints\n  fleetd get clusters; fleetd events; fleetd addons; fleetd drift\n",
    )
    seen = 0
    watching = await Database.open(str(database), writer=False)
    try:
        with Reader.open(str(database)) as reader:
            async for _ in watching.listen():
                for row in reader.rows(JOURNAL, {"seen": seen}):
                    seen = row["entry_id"]
                    place = f"{row['stage']:<12} {row['cluster']:<18}"
                    console.print(f"{row['at'][11:23]} {place} {row['subject_ref']} {row['decision']} {row['reason']}", markup=False)
    finally:
        await watching.close()
