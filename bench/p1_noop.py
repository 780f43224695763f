"""P1: an event that changes nothing costs less than decoding it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from bench.children import Child, started
from bench.harness import Bench, Check, Goal, Result, median
from bench.objects import pod_declarations
from bench.world import World, daemon_on, declare
from fleetd.sim.kubeconfig import kubeconfig


async def flood(made: World, count: int, first: int, rounds: int) -> list[float]:
    """Microseconds of the daemon's CPU per event of each round.

    A round ends with one Pod that matches, named after the round's number (from `first` on): when its event is in the
    database, all before it have been through the whole way.
    """
    costs = []
    for number in range(first, first + rounds):
        before = await made.usage()
        await made.fleet.ask("say", count=count, marker=f"marker-{number}")
        await made.reported(number)
        after = await made.usage()
        costs.append((after["cpu_s"] - before["cpu_s"]) / count * 1e6)
    return costs


async def measured(bench: Bench, child: Child, path: str) -> tuple[list[float], str]:
    """The costs of all rounds, and where the time goes."""
    rounds = bench.sizes.rounds
    count = bench.sizes.events // rounds
    text = ""
    async with daemon_on(path) as daemon:
        made = World(child, daemon, path, {})
        await child.ask("watched")
        await flood(made, min(count, 1_000), 1, 1)
        costs = await flood(made, count, 2, rounds)
        if bench.profile:
            await daemon.ask("profile")
            await flood(made, count, 2 + rounds, 1)
            text = (await daemon.ask("profile"))["where"]
    return costs, text


async def run(bench: Bench) -> Result:
    """Rounds of events through socket, watch, decoder, loop and plane, into nothing."""
    async with started("bench.stream_child") as child:
        url = (await child.ask("start"))["url"]
        config = kubeconfig("busy", url, None, "admin", {"token": "bench"})
        with TemporaryDirectory(dir=bench.folder) as folder:
            path = str(Path(folder) / "fleetd.db")
            await declare(path, {"busy": {"kubeconfig": config, "labels": {"role": "source"}}}, pod_declarations())
            costs, text = await measured(bench, child, path)
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
            "events": bench.sizes.events,
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
