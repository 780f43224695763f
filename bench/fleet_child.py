"""A child that is a fleet of simulated clusters over plain HTTP, makes load in it, and stamps both ends with one monotonic clock."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
import uvloop

from bench.children import serve
from bench.objects import exported
from fleetd.kubeapi.exchange import Request, Response, Stream
from fleetd.sim.cluster import Api, ClusterSpec, SimulatedCluster
from fleetd.sim.faults import Fault, FaultKind
from fleetd.sim.fleet import SimulatedFleet
from fleetd.sim.load import service

PATIENCE = 120.0


class Stamped:
    """Passes requests on; tells of each apply of fleetd's when it comes in."""

    def __init__(self, api: Api, log: ApplyLog) -> None:
        self._api = api
        self._log = log

    async def handle(self, request: Request) -> Response | Stream:
        if request.method == "PATCH" and request.first("fieldManager") == "fleetd":
            self._log.came(request)
        return await self._api.handle(request)


class ApplyLog:
    """When each mark was applied somewhere for the first and for the last time (nanoseconds), and how often."""

    def __init__(self) -> None:
        self.count = 0
        self.first: dict[str, int] = {}
        self.last: dict[str, int] = {}
        self.times: Counter[str] = Counter()
        self._news = asyncio.Event()

    def came(self, request: Request) -> None:
        at = time.monotonic_ns()
        self.count += 1
        annotations = (orjson.loads(request.body).get("metadata") or {}).get("annotations") or {}
        mark = annotations.get("bench/mark", "")
        self.first.setdefault(mark, at)
        self.last[mark] = at
        self.times[mark] += 1
        self._news.set()

    async def until(self, marks: Iterable[str], times: int, seconds: float) -> list[str]:
        """Waits until each mark was applied so often; the marks that were not within so many seconds."""
        missing = {mark for mark in marks if self.times[mark] < times}
        try:
            async with asyncio.timeout(seconds):
                while missing:
                    self._news.clear()
                    missing = {mark for mark in missing if self.times[mark] < times}
                    if missing:
                        await self._news.wait()
        except TimeoutError:
            pass
        return sorted(missing)


class Fleet:
    """The commands."""

    def __init__(self) -> None:
        self._log = ApplyLog()
        self._mark = 0
        self._fleet = SimulatedFleet(())
        self._exported: list[tuple[SimulatedCluster, str]] = []

    async def start(self, clusters: list[dict[str, Any]], seed: int) -> dict[str, Any]:
        """Starts the clusters; answers with how each is reached."""
        specs = [ClusterSpec(item["name"], labels=item["labels"]) for item in clusters]
        self._fleet = SimulatedFleet(specs, seed=seed, tls=False, load_balancers=False)
        await self._fleet.start()
        for cluster in self._fleet.clusters.values():
            cluster.api = Stamped(cluster.api, self._log)
        return {
            "clusters": {
                name: {
                    "url": cluster.url,
                    "token": cluster.admin_token,
                    "labels": dict(cluster.spec.labels),
                    "kubeconfig": cluster.kubeconfig(),
                }
                for name, cluster in self._fleet.clusters.items()
            }
        }

    async def stop(self) -> dict[str, Any]:
        """Ends all clusters."""
        await self._fleet.stop()
        return {}

    async def fill(self, per_cluster: int, names: list[str]) -> dict[str, Any]:
        """Sees to it that each cluster holds so many Services that nobody exports."""
        for name in names:
            cluster = self._fleet.clusters[name]
            have = len(await cluster.objects("v1", "Service", "default", selector="!bench/export"))
            for number in range(have, per_cluster):
                await cluster.create(service("default", f"filler-{number}"))
        return {}

    async def export(self, names: list[str], per_cluster: int, destinations: list[str]) -> dict[str, Any]:
        """Makes exported Services; each has one of the destinations as its label, in turn."""
        marks = []
        for place, name in enumerate(names):
            for _ in range(per_cluster):
                short = f"exported-{len(self._exported)}"
                mark = self._new_mark()
                marks.append(mark)
                await self._fleet.clusters[name].create(exported(short, mark, destinations[place % len(destinations)]))
                self._exported.append((self._fleet.clusters[name], short))
        return {"marks": marks}

    def _new_mark(self) -> str:
        self._mark += 1
        return f"m{self._mark}"

    async def applied(self, marks: list[str], times: int) -> dict[str, Any]:
        """Waits until each mark was applied so often."""
        return {"missing": await self._log.until(marks, times, PATIENCE), "count": self._log.count}

    async def watched(self, resource: str, names: list[str]) -> dict[str, Any]:
        """Waits until each of these clusters has an open watch of the resource."""
        for name in names:
            await self._fleet.clusters[name].until(lambda cluster: cluster.requests.watching[resource] > 0, timeout=PATIENCE)
        return {}

    async def watches(self, names: list[str]) -> dict[str, Any]:
        """Open watches of each resource, over all these clusters."""
        total: Counter[str] = Counter()
        for name in names:
            total.update(self._fleet.clusters[name].requests.watching)
        return {"watches": {resource: count for resource, count in total.items() if count}}

    async def asked(self) -> dict[str, Any]:
        """How often each verb was asked, over all clusters."""
        total: Counter[str] = Counter()
        for cluster in self._fleet.clusters.values():
            total.update(cluster.requests.by_verb)
        return {"verbs": dict(total), "applies": self._log.count}

    async def load(self, per_second: float, seconds: float, drain_seconds: float) -> dict[str, Any]:
        """Changes one exported Service after another at a steady rate; latencies from the change to its apply, in order of the changes.

        The rate is kept over the whole: what comes late is made up for, and its latency counts from when it was made.
        """
        loop = asyncio.get_running_loop()
        began, count = loop.time(), int(per_second * seconds)
        made: dict[str, int] = {}
        for number in range(count):
            early = began + number / per_second - loop.time()
            if early > 0:
                await asyncio.sleep(early)
            cluster, name = self._exported[number % len(self._exported)]
            mark = self._new_mark()
            made[mark] = time.monotonic_ns()
            await _mark(cluster, name, mark)
        took = loop.time() - began
        missing = await self._log.until(made, 1, drain_seconds)
        latencies = [(self._log.first[mark] - at) / 1e6 for mark, at in made.items() if mark in self._log.first]
        return {"latencies_ms": latencies, "missing": len(missing), "made": count, "took_s": took, "drained_s": loop.time() - began - took}

    async def fan_out(self, name: str, times: int) -> dict[str, Any]:
        """Changes the first exported Service of a cluster; milliseconds until the first and the last of so many applies came in."""
        service_name = next(short for cluster, short in self._exported if cluster.name == name)
        mark = self._new_mark()
        at = time.monotonic_ns()
        await _mark(self._fleet.clusters[name], service_name, mark)
        missing = await self._log.until([mark], times, PATIENCE)
        if missing:
            return {"failed": f"{self._log.times[mark]} of {times} applies came within {PATIENCE:.0f} s"}
        return {"first_ms": (self._log.first[mark] - at) / 1e6, "last_ms": (self._log.last[mark] - at) / 1e6, "mark": mark}

    async def again(self, name: str) -> dict[str, Any]:
        """Makes whoever watches the cluster list everything anew: connections are cut, and the next watch is told that it is too old."""
        cluster = self._fleet.clusters[name]
        lists = cluster.requests.by_verb["list"]
        cluster.inject(Fault(FaultKind.STATUS, status=410, verbs=frozenset({"watch"}), times=1))
        cluster.inject(Fault(FaultKind.CUT))
        await cluster.until(lambda it: it.requests.by_verb["list"] > lists and it.requests.watching["services"] > 0, timeout=PATIENCE)
        return {}

    async def touch(self, name: str) -> dict[str, Any]:
        """Writes a status, which no template here reads, to the first exported Service of a cluster."""
        short = next(short for cluster, short in self._exported if cluster.name == name)
        status = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}
        await self._fleet.clusters[name].patch("v1", "Service", "default", short, status, subresource="status")
        return {}


async def _mark(cluster: SimulatedCluster, name: str, mark: str) -> None:
    await cluster.patch("v1", "Service", "default", name, {"metadata": {"annotations": {"bench/mark": mark}}})


def _commands(fleet: Fleet, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(fleet, name) for name in names}


NAMES = ("start", "stop", "fill", "export", "applied", "watched", "watches", "asked", "load", "fan_out", "again", "touch")


async def main() -> None:
    await serve(_commands(Fleet(), NAMES))


if __name__ == "__main__":
    uvloop.run(main())
