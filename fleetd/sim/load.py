"""Load for simulated clusters, at steady rates: what is created, changed, tampered with and deleted, and when."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any

from fleetd.domain.errors import Conflict, InvalidInput, NotFound
from fleetd.domain.objects import Manifest
from fleetd.sim.cluster import SimulatedCluster

STAMP = "sim.fleetd.io/stamp"
"""An annotation: the deed's number and the seconds at which it was done, by the clock of the load."""
TAMPERER = "somebody"
CHANGER = "load"


class Act(StrEnum):
    """What is done to an object. `change` is its owner's, `tamper` another manager's, who takes a field away from the owner."""

    CREATE = "create"
    CHANGE = "change"
    TAMPER = "tamper"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Deed:
    """One act, done: `at` is in seconds of the load's clock, taken before the request; `version` the resourceVersion after it."""

    number: int
    act: Act
    cluster: str
    namespace: str
    name: str
    at: float
    version: str = ""


@dataclass(frozen=True, slots=True)
class Rates:
    """Acts a second, over the whole fleet."""

    create: float = 0.0
    change: float = 0.0
    tamper: float = 0.0
    delete: float = 0.0

    @property
    def whole(self) -> float:
        return self.create + self.change + self.tamper + self.delete

    def acts(self, count: int, chance: Random) -> Iterator[Act]:
        """So many acts, in the proportion of the rates."""
        rates = {Act.CREATE: self.create, Act.CHANGE: self.change, Act.TAMPER: self.tamper, Act.DELETE: self.delete}
        wanted = [act for act, rate in rates.items() if rate > 0]
        yield from chance.choices(wanted, [rates[act] for act in wanted], k=count)


def service(namespace: str, name: str, *, kind: str = "ClusterIP") -> Manifest:
    """A small Service of a type."""
    metadata = {"namespace": namespace, "name": name, "labels": {"app": name}}
    spec = {"type": kind, "selector": {"app": name}, "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


@dataclass
class Load:
    """Drives a fleet. The same seed on the same clusters does the same to the same objects in the same order.

    Args:
        namespace: where the objects are; it has to be there.
        prefix: of their names.
        make: a new object of a namespace and a name; a Service by default.
        told: hears of each deed as it is done.
    """

    clusters: Mapping[str, SimulatedCluster]
    seed: int = 0
    namespace: str = "default"
    prefix: str = "load"
    make: Callable[[str, str], Manifest] = service
    told: Callable[[Deed], None] = lambda _deed: None
    deeds: deque[Deed] = field(default_factory=lambda: deque(maxlen=1_000_000))
    _alive: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _made: int = 0
    _done: int = 0

    def __post_init__(self) -> None:
        if not self.clusters:
            raise InvalidInput("a load needs a cluster")
        self._chance = Random(f"{self.seed}/load")  # the same in each run is what is wanted

    async def run(self, count: int, rates: Rates) -> Sequence[Deed]:
        """So many acts; the rates are kept over the whole, not between neighbours: what came late is made up for.

        Raises:
            InvalidInput: all rates are 0.
        """
        if rates.whole <= 0:
            raise InvalidInput("a load needs a rate above 0")
        loop = asyncio.get_running_loop()
        start, done = loop.time(), []
        for number, act in enumerate(rates.acts(count, self._chance)):
            early = start + number / rates.whole - loop.time()
            if early > 0:
                await asyncio.sleep(early)
            done.append(await self._do(act, loop.time()))
        return done

    async def _do(self, act: Act, at: float) -> Deed:
        alive = [name for name in sorted(self._alive) if self._alive[name]]
        if act is not Act.CREATE and not alive:
            # There is nothing yet that could be changed or deleted.
            act = Act.CREATE
        where = self._chance.choice(list(self.clusters) if act is Act.CREATE else alive)
        self._done += 1
        if act is Act.CREATE:
            self._made += 1
            name = f"{self.prefix}-{self._made}"
        else:
            name = self._chance.choice(self._alive[where])
        version = await self._done_to(act, self.clusters[where], name, at)
        deed = Deed(self._done, act, where, self.namespace, name, at, version)
        self.deeds.append(deed)
        self.told(deed)
        return deed

    async def _done_to(self, act: Act, cluster: SimulatedCluster, name: str, at: float) -> str:
        """The resourceVersion afterwards; empty where the object is gone."""
        manifest, stamp = self.make(self.namespace, name), {STAMP: f"{self._done}/{at:.6f}"}
        about = (str(manifest["apiVersion"]), str(manifest["kind"]), self.namespace, name)
        try:
            match act:
                case Act.CREATE:
                    manifest["metadata"]["annotations"] = {**(manifest["metadata"].get("annotations") or {}), **stamp}
                    self._alive[cluster.name].append(name)
                    return _version(await cluster.create(manifest))
                case Act.CHANGE:
                    patch = {"metadata": {"annotations": stamp, "labels": {"load": str(self._done)}}}
                    return _version(await cluster.patch(*about, patch, manager=CHANGER))
                case Act.TAMPER:
                    patch = {"metadata": {"annotations": stamp, "labels": {"app": f"tampered-{self._done}"}}}
                    return _version(await cluster.patch(*about, patch, manager=TAMPERER))
                case Act.DELETE:
                    self._alive[cluster.name].remove(name)
                    await cluster.delete(*about)
        except (NotFound, Conflict):
            # Somebody else deleted it, or has made it before.
            return ""
        return ""


def _version(made: Mapping[str, Any]) -> str:
    return str(made["metadata"]["resourceVersion"])


async def create_services(
    cluster: SimulatedCluster, count: int, per_second: float, *, namespace: str = "default", prefix: str = "load", kind: str = "ClusterIP"
) -> float:
    """Creates `PREFIX-0` to `PREFIX-COUNT-1`; returns how many seconds it took.

    The rate is kept over the whole, not between neighbours: what came late is made up for.
    """
    loop = asyncio.get_running_loop()
    start = loop.time()
    for number in range(count):
        early = start + number / per_second - loop.time()
        if early > 0:
            await asyncio.sleep(early)
        await cluster.create(service(namespace, f"{prefix}-{number}", kind=kind))
    return loop.time() - start
