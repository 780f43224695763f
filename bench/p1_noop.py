"""P1: an event that changes nothing costs less than decoding it."""

from __future__ import annotations

import asyncio
import cProfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.children import Child, started
from bench.daemon_child import where
from bench.harness import Bench, Check, Goal, Result, median
from bench.objects import pod_declarations
from bench.world import declare
from fleetd.cluster.connect import connect
from fleetd.cluster.port import Cluster
from fleetd.cluster.settings import ClusterSettings
from fleetd.daemon import read_kubeconfig_text
from fleetd.domain.refs import ObjectRef
from fleetd.engine.clock import Clock
from fleetd.engine.engine import Engine
from fleetd.scripts.pool import ScriptPool
from fleetd.sim.kubeconfig import kubeconfig
from fleetd.store.database import Database

REPORT = ("failing-pods", "default/busy")
LOOK_SECONDS = 0.02


@asynccontextmanager
async def engine_on(path: Path) -> AsyncIterator[Engine]:
    """The daemon's parts in this process, so that its CPU can be told from everybody else's."""

    async def open_cluster(name: str, text: str) -> Cluster:
        return await connect(name, read_kubeconfig_text(text), settings=ClusterSettings())

    database = await Database.open(str(path), daemon=True)
    try:
        async with ScriptPool() as scripts:
            engine = Engine(database, open_cluster, scripts, Clock())
            running = asyncio.create_task(engine.run())
            try:
                yield engine
            finally:
                running.cancel()
                with suppress(asyncio.CancelledError):
                    await running
    finally:
        await database.close()


async def until_reported(engine: Engine, name: str) -> None:
    """Returns when the report holds the Pod: all events before it have been through the whole way."""
    ref = ObjectRef("Pod", "", "shop", name)
    # A signal from the engine would be code that only benchmarks need; a look costs 2 µs.
    while (report := engine.plane.reports.get(REPORT)) is None or ref not in report.objects:  # noqa: ASYNC110
        await asyncio.sleep(LOOK_SECONDS)
    await engine.loop.quiet()


async def flood(engine: Engine, child: Child, count: int, rounds: range) -> list[float]:
    """Microseconds of CPU per event of each round; the rounds' numbers name the Pods that end them."""
    costs = []
    for number in rounds:
        marker = f"marker-{number}"
        began = time.process_time()
        await child.ask("say", count=count, marker=marker)
        await until_reported(engine, marker)
        costs.append((time.process_time() - began) / count * 1e6)
    return costs


async def run(bench: Bench) -> Result:
    """Rounds of events through socket, watch, decoder, loop and plane, into nothing."""
    rounds = bench.sizes.rounds
    count = bench.sizes.events // rounds
    text = ""
    async with started("bench.stream_child") as child:
        url = (await child.ask("start"))["url"]
        config = kubeconfig("busy", url, None, "admin", {"token": "bench"})
        with TemporaryDirectory(dir=bench.folder) as folder:
            path = Path(folder) / "fleetd.db"
            await declare(str(path), {"busy": {"kubeconfig": config, "labels": {"role": "source"}}}, pod_declarations())
            async with engine_on(path) as engine:
                await child.ask("watched")
                await flood(engine, child, min(count, 1_000), range(1))
                costs = await flood(engine, child, count, range(1, rounds + 1))
                if bench.profile:
                    profile = cProfile.Profile()
                    profile.enable()
                    await flood(engine, child, count, range(rounds + 1, rounds + 2))
                    profile.disable()
                    text = where(profile)
    cost, unit = median(costs), bench.calibration
    return Result(
        (Check("CPU per event", cost / unit.d_us, 1.0, "D", target=2.0),),
        {
            "cpu_us_per_event": cost,
            "cpu_us_per_event_of_each_round": costs,
            "D_us": unit.d_us,
            "T_us": unit.t_us,
            "W_us": unit.w_us,
            "floor_us (W + T)": unit.w_us + unit.t_us,
            "events": count * rounds,
            "bytes_per_event": unit.event_bytes,
        },
        ("one cluster, one watch, label filters that hold and a CEL rule that is false; SQLite, synchronous=FULL",),
        text,
    )


GOAL = Goal(
    "P1",
    "An event that changes nothing (socket bytes to nothing to do, labels and CEL asked) costs less than decoding it.",
    "CPU per event <= 1.0 D; this release <= 2 D",
    run,
)
