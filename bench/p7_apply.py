"""P7: the way from a conclusion to a finished apply costs little more than the PATCH itself, and one event reaches a thousand clusters."""

from __future__ import annotations

import resource
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.children import Failed
from bench.harness import Bench, Check, Goal, Result, median
from bench.objects import copy_declarations
from bench.world import World, world

FILES_PER_CLUSTER = 5
"""What the fleet's process has open for a cluster: two sockets of its own, a watch, requests."""
FILES_BESIDE = 200
ALL_TARGETS = {"destinationClusterSelector": {"matchLabels": {"role": "target"}}}


@dataclass(frozen=True, slots=True)
class FanOut:
    """One event to so many clusters, several times."""

    clusters: int
    cpu_us: list[float]
    last_ms: list[float]
    first_ms: list[float]
    replayed: int
    verbs: Mapping[str, int]
    where: str = ""


def fitting(clusters: int) -> int:
    """So many clusters, or as many as one process may have sockets for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(clusters, (hard - FILES_BESIDE) // FILES_PER_CLUSTER)


async def fan_out(bench: Bench, clusters: int) -> FanOut:
    """Measures one size."""
    targets = [f"target-{number}" for number in range(clusters)]
    specs = [("source", {"role": "source"})] + [(name, {"role": "target"}) for name in targets]
    cpu, first, last = [], [], []
    text = ""
    async with world(bench.folder, specs, copy_declarations(ALL_TARGETS), bench.seed) as made:
        marks = (await made.fleet.ask("export", names=["source"], per_cluster=1, destinations=["all"]))["marks"]
        missing = (await made.fleet.ask("applied", marks=marks, times=clusters))["missing"]
        if missing:
            raise Failed("the first copies were not made")
        await made.fleet.ask("watched", resource="services", names=targets)
        await quiet(made)
        asked = await made.fleet.ask("asked")
        for _ in range(bench.sizes.applies):
            before = await made.usage()
            seen = await made.fleet.ask("fan_out", name="source", times=clusters)
            after = await quiet(made)
            cpu.append((after["cpu_s"] - before["cpu_s"]) / clusters * 1e6)
            first.append(seen["first_ms"])
            last.append(seen["last_ms"])
        asked_after = await made.fleet.ask("asked")
        verbs = {
            verb: count - asked["verbs"].get(verb, 0) for verb, count in asked_after["verbs"].items() if count > asked["verbs"].get(verb, 0)
        }
        replayed = await replay(made, clusters)
        if bench.profile:
            await made.daemon.ask("profile")
            await made.fleet.ask("fan_out", name="source", times=clusters)
            await quiet(made)
            text = (await made.daemon.ask("profile"))["where"]
    return FanOut(clusters, cpu, last, first, replayed, verbs, text)


async def quiet(made: World) -> dict[str, Any]:
    """Waits until the daemon has written down what came of its applies; its usage then."""
    await made.settled()
    return await made.usage()


async def replay(made: World, clusters: int) -> int:
    """PATCHes that follow when the source's objects are listed anew, and when a status changes that no template reads.

    A second Service, exported afterwards, goes the same way behind them: when it is everywhere, they have been dealt with.
    """
    before = (await made.fleet.ask("asked"))["applies"]
    await made.fleet.ask("again", name="source")
    await made.fleet.ask("touch", name="source")
    marks = (await made.fleet.ask("export", names=["source"], per_cluster=1, destinations=["all"]))["marks"]
    answer = await made.fleet.ask("applied", marks=[marks[-1]], times=clusters)
    await quiet(made)
    after = (await made.fleet.ask("asked"))["applies"]
    return int(after - before - clusters) if not answer["missing"] else -1


async def run(bench: Bench) -> Result:
    """All sizes; the largest one is gated."""
    seen = []
    for clusters in bench.sizes.fan_out:
        bench.say(f"   one event to {fitting(clusters)} clusters")
        seen.append(await fan_out(bench, fitting(clusters)))
    largest, h = seen[-1], bench.calibration.h_us
    cost = median(largest.cpu_us)
    limit_ms = 500.0 * max(1.0, largest.clusters / 1000)
    return Result(
        (
            Check("CPU per apply", cost / h, 2.0, "H"),
            Check(f"one event to {largest.clusters} clusters", median(largest.last_ms), limit_ms, "ms"),
            Check("PATCHes after a replayed event", float(max(abs(item.replayed) for item in seen)), 0.0, ""),
        ),
        {
            "H_us": h,
            "applies_per_cpu_second": 1e6 / cost,
            "sizes": [
                {
                    "clusters": item.clusters,
                    "cpu_us_per_apply": [round(value, 1) for value in item.cpu_us],
                    "first_patch_ms": [round(value, 1) for value in item.first_ms],
                    "last_patch_ms": [round(value, 1) for value in item.last_ms],
                    "patches_after_replay": item.replayed,
                    "requests": dict(item.verbs),
                }
                for item in seen
            ],
            "open_file_limit": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        },
        (
            "CPU of the daemon from the event until all results are committed, over the applies: condition, render, plan, PATCH, rows",
            "the fleet runs on the other core and needs about as long for its own side of the fan-out",
        ),
        seen[-1].where,
    )


GOAL = Goal(
    "P7",
    "An apply costs little more than its PATCH, one event reaches a thousand clusters at once, and a replayed event writes nothing.",
    "CPU per apply <= 2.0 H, 1,000 clusters <= 0.5 s, replay = 0 PATCHes",
    run,
)
