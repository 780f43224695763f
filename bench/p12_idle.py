"""P12 (its idle half): a fleet where nothing happens costs next to nothing: no requests, and one write a minute."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

from bench.harness import Bench, Check, Goal, Result
from bench.objects import watch_declarations
from bench.world import World, world

HEARTBEAT_SECONDS = 60.0
LOOK_SECONDS = 0.25
STILL_SECONDS = 0.5
CORE_SHARE = 0.01
"""Of one core, for 1,000 clusters."""


async def commits(path: str, seconds: float) -> list[float]:
    """When, in seconds from now, another connection committed to the database."""
    seen: list[float] = []
    with sqlite3.connect(f"file:{Path(path)}?mode=ro", uri=True) as reader:
        began = time.monotonic()
        before = reader.execute("PRAGMA data_version").fetchone()[0]
        while (now := time.monotonic() - began) < seconds:
            await asyncio.sleep(min(LOOK_SECONDS, seconds - now))
            version = reader.execute("PRAGMA data_version").fetchone()[0]
            if version != before:
                seen.append(round(time.monotonic() - began, 1))
                before = version
    return seen


def rows(path: str) -> dict[str, int]:
    """How many rows each table has."""
    with sqlite3.connect(f"file:{Path(path)}?mode=ro", uri=True) as reader:
        names = [name for (name,) in reader.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: reader.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}


async def still(made: World) -> dict[str, int]:
    """Waits until nothing was asked for a while: the start is over; how often each verb was asked then."""
    before: dict[str, int] = {}
    while (asked := (await made.fleet.ask("asked"))["verbs"]) != before:
        before = asked
        await asyncio.sleep(STILL_SECONDS)
    return before


async def run(bench: Bench) -> Result:
    """Watches are open, and then nobody does anything."""
    clusters, seconds = bench.sizes.idle_clusters, bench.sizes.idle_seconds
    specs = [(f"member-{number}", {"role": "member"}) for number in range(clusters)]
    async with world(bench.folder, specs, watch_declarations(("Service",)), bench.seed) as made:
        await made.fleet.ask("watched", resource="services", names=list(made.members))
        await made.connected()
        asked = await still(made)
        rows_before = rows(made.database)
        before = await made.usage()
        written = await commits(made.database, seconds)
        after = await made.usage()
        asked_after, rows_after = (await made.fleet.ask("asked"))["verbs"], rows(made.database)
    verbs = {verb: count - asked.get(verb, 0) for verb, count in asked_after.items() if count > asked.get(verb, 0)}
    share = (after["cpu_s"] - before["cpu_s"]) / seconds
    heartbeats = int(seconds // HEARTBEAT_SECONDS) + 1
    return Result(
        (
            Check(f"commits in {seconds:g} s", float(len(written)), float(heartbeats), ""),
            Check("requests other than open watches", float(sum(verbs.values()) - verbs.get("watch", 0)), 0.0, ""),
            Check("CPU of a core", share * 100, CORE_SHARE * 100, "%"),
        ),
        {
            "clusters": clusters,
            "seconds": seconds,
            "commits_at_s": written,
            "rows_added": {name: rows_after[name] - count for name, count in rows_before.items() if rows_after[name] != count},
            "requests": verbs,
            "cpu_ms_per_s": share * 1e3,
            "cpu_us_per_cluster_and_s": share / clusters * 1e6,
        },
        ("commits are counted by SQLite's data_version, looked at four times a second",),
    )


GOAL = Goal(
    "P12",
    "An idle fleet costs nothing but one heartbeat a minute for all clusters together.",
    "1 commit a minute, 0 requests beside open watches, <= 1 % of a core",
    run,
)
