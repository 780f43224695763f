"""Reach: what a command in another process declares is taken up by the daemon within milliseconds."""

from __future__ import annotations

import asyncio
import statistics
import time
from datetime import UTC, datetime

from bench.harness import Bench, Check, Goal, Result
from bench.world import world
from fleetd.domain.objects import Manifest
from fleetd.service.admission import Admission
from fleetd.store.database import Database

LIMIT_MS = 50.0
ROUNDS = {"full": 100, "quick": 30, "tiny": 3}


def source(number: int) -> Manifest:
    """An EventSource with a field that nothing acts on: the daemon takes it up, and says so on its row."""
    selector = {"group": "", "version": "v1", "kind": "ConfigMap"}
    metadata = {"name": f"source-{number}"}
    return {
        "apiVersion": "lib.projectsveltos.io/v1beta1",
        "kind": "EventSource",
        "metadata": metadata,
        "spec": {"resourceSelectors": [selector], "messagingMatchCriteria": [{"subject": "somewhere"}]},
    }


async def taken_up(database: Database, number: int) -> float:
    """Milliseconds from the commit of a declaration until the daemon's row about it is heard of here."""
    admitted = await Admission(database).apply(source(number), now=datetime.now(UTC))
    began = time.perf_counter()
    async with asyncio.timeout(10):
        while (found := await database.declared.get(admitted.ref)) is None or not found.reason:
            await database.changed()
    return (time.perf_counter() - began) * 1000


async def run(bench: Bench) -> Result:
    """Declares one thing after another."""
    rounds = ROUNDS[bench.sizes.name]
    async with world(bench.folder, [], [], bench.seed) as made:
        database = await Database.open(made.database)
        try:
            times = sorted([await taken_up(database, number) for number in range(rounds)])
        finally:
            await database.close()
    p50, p99 = statistics.median(times), times[min(len(times) - 1, int(len(times) * 0.99))]
    return Result((Check("p50", p50, LIMIT_MS, "ms"), Check("p99", p99, LIMIT_MS, "ms")), {"rounds": rounds, "ms": times})


GOAL = Goal(
    "REACH", "A declaration made by another process is taken up by the daemon.", "p99 <= 50 ms from its commit to the daemon's own", run
)
