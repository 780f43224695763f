"""P8: memory follows a law: a floor, and a price for each cluster, watch and watched object."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.children import Child, started
from bench.harness import Bench, Check, Goal, Result
from bench.objects import watch_declarations
from bench.world import daemon_on, declare, fleet_of

BASE_KIB = 20 * 1024.0
CLUSTER_KIB, WATCH_KIB, OBJECT_KIB = 40.0, 60.0, 1.5
KINDS = ("Service", "ConfigMap", "Secret")
TRIGGERS = 3


@dataclass(frozen=True, slots=True)
class Point:
    """The daemon's resident memory with so many clusters, open watches and watched objects."""

    clusters: int
    watches: int
    objects: int
    rss_kib: int

    def allowed(self, floor: int) -> float:
        """What the law allows."""
        return floor + BASE_KIB + CLUSTER_KIB * self.clusters + WATCH_KIB * self.watches + OBJECT_KIB * self.objects


async def point(bench: Bench, fleet: Child, members: dict[str, Any], per_cluster: int, kinds: Sequence[str]) -> Point:
    """A fresh daemon on a part of the fleet, measured when all its watches are open."""
    names = list(members)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(dir=bench.folder))
        path = str(Path(folder) / "fleetd.db")
        await declare(path, members, watch_declarations(tuple(kinds), TRIGGERS))
        daemon = await stack.enter_async_context(daemon_on(path))
        for kind in kinds:
            await fleet.ask("watched", resource=f"{kind.lower()}s", names=names)
        watches = (await fleet.ask("watches", names=names))["watches"]
        rss = (await daemon.ask("usage"))["rss_kib"]
    return Point(len(names), sum(watches.values()), per_cluster * len(names), rss)


async def import_floor() -> int:
    """Resident memory with everything imported and nothing run."""
    async with started("bench.daemon_child") as child:
        return int((await child.ask("usage"))["rss_kib"])


async def run(bench: Bench) -> Result:
    """Clusters by objects with one kind, and all fleets but the largest with three kinds, which tells watches from clusters."""
    sizes = bench.sizes
    floor = await import_floor()
    points = []
    largest = max(sizes.memory_clusters)
    specs = [(f"member-{number}", {"role": "member"}) for number in range(largest)]
    async with fleet_of(specs, bench.seed) as (fleet, members):
        for objects in sizes.memory_objects:
            await fleet.ask("fill", per_cluster=objects, names=list(members))
            for clusters in sizes.memory_clusters:
                bench.say(f"   {clusters} clusters with {objects} objects")
                points.append(await point(bench, fleet, dict(list(members.items())[:clusters]), objects, KINDS[:1]))
        for clusters in sizes.memory_clusters[:-1]:
            part = dict(list(members.items())[:clusters])
            points += [await point(bench, fleet, part, sizes.memory_objects[-1], KINDS)]
    base, per_cluster, per_watch, per_object = fitted(points)
    single = points[: len(sizes.memory_clusters) * len(sizes.memory_objects)]
    over = max(item.rss_kib - item.allowed(floor) for item in points)
    watches = max(item.watches / item.clusters / (1 if item in single else len(KINDS)) for item in points)
    return Result(
        (
            Check("most above the law", over / 1024, 0.0, "MiB"),
            Check("base above the import floor", (base - floor) / 1024, BASE_KIB / 1024, "MiB"),
            Check("slope per cluster and its watch", per_cluster + per_watch, CLUSTER_KIB + WATCH_KIB, "KiB"),
            Check("slope per further watch", per_watch, WATCH_KIB, "KiB"),
            Check("slope per watched object", per_object, OBJECT_KIB, "KiB"),
            Check("watches per cluster and kind", watches, 1.0, ""),
        ),
        {
            "import_floor_mib": floor / 1024,
            "fitted_base_mib": base / 1024,
            "fitted_kib_per_cluster": per_cluster,
            "fitted_kib_per_watch": per_watch,
            "fitted_kib_per_object": per_object,
            "points": [
                {
                    "clusters": item.clusters,
                    "watches": item.watches,
                    "objects": item.objects,
                    "rss_mib": round(item.rss_kib / 1024, 1),
                    "law_mib": round(item.allowed(floor) / 1024, 1),
                }
                for item in points
            ],
        },
        (
            f"each point is a fresh daemon, read when its watches are open; {TRIGGERS} triggers for each kind; nothing matches",
            "plain HTTP: a TLS connection costs its own 46 KiB and a context more",
        ),
    )


def fitted(points: Sequence[Point]) -> tuple[float, float, float, float]:
    """Least squares of memory on 1, clusters, watches and objects: KiB each."""
    rows = [(1.0, float(item.clusters), float(item.watches), float(item.objects)) for item in points]
    width = len(rows[0])
    system = [
        [sum(row[i] * row[j] for row in rows) for j in range(width)]
        + [sum(row[i] * item.rss_kib for row, item in zip(rows, points, strict=True))]
        for i in range(width)
    ]
    solved = _solve(system)
    return solved[0], solved[1], solved[2], solved[3]


def _solve(system: list[list[float]]) -> list[float]:
    """Gauss' elimination with pivots, of rows that end with the right-hand side."""
    size = len(system)
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(system[row][column]))
        system[column], system[pivot] = system[pivot], system[column]
        for row in range(size):
            if row != column and system[column][column]:
                factor = system[row][column] / system[column][column]
                system[row] = [mine - factor * theirs for mine, theirs in zip(system[row], system[column], strict=True)]
    return [row[-1] / row[place] if row[place] else 0.0 for place, row in enumerate(system)]


GOAL = Goal(
    "P8",
    "The daemon's memory: a floor, and a small price for each cluster, watch and watched object; one watch for each kind.",
    "RSS <= import floor + 20 MB + 40 KiB x clusters + 60 KiB x watches + 1.5 KiB x objects",
    run,
)
