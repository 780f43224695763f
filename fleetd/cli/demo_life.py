"""A fleet in which something happens all the time: events, new addresses, hands that change copies, a cluster that fails for a while."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import yaml

from fleetd.cli.demo_story import ENDPOINTS, NAMESPACE
from fleetd.cli.examples import example_files
from fleetd.domain.documents import read_documents
from fleetd.domain.errors import FleetdError
from fleetd.service.admission import Admission
from fleetd.service.membership import join
from fleetd.sim.cluster import SimulatedCluster
from fleetd.sim.faults import Fault, FaultKind
from fleetd.sim.fleet import SimulatedFleet

SERVICES = ("web", "api", "auth", "cart", "search", "mail")
PAUSE_SECONDS = 4.0
FAILING_SECONDS = 40.0


class Life:
    """Goes on until it is cancelled; what it does first is the same for the same seed."""

    def __init__(self, fleet: SimulatedFleet, admission: Admission, seed: int) -> None:
        self._fleet, self._admission = fleet, admission
        self._chance = random.Random(seed)
        self._there: list[str] = []

    async def begin(self) -> None:
        """Registers the clusters and declares what should happen."""
        for cluster in self._fleet.clusters.values():
            text = yaml.safe_dump(cluster.kubeconfig())
            await join(self._admission, cluster.name, "default", dict(cluster.spec.labels), text, now=datetime.now(UTC))
        for path in example_files("service-discovery"):
            for document in read_documents(path.read_text(encoding="utf-8"), source=path.name):
                await self._admission.apply(document, now=datetime.now(UTC))
        await self._services.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        for _ in range(3):
            await self._create()

    async def go_on(self) -> None:
        """One thing after another."""
        failing = asyncio.create_task(self._fail_now_and_then())
        deeds: tuple[Callable[[], Awaitable[Any]], ...] = (self._create, self._readdress, self._tamper, self._tamper, self._delete)
        try:
            while True:
                await asyncio.sleep(PAUSE_SECONDS)
                with contextlib.suppress(FleetdError, KeyError):
                    await self._chance.choice(deeds)()
        finally:
            failing.cancel()

    @property
    def _services(self) -> SimulatedCluster:
        return self._fleet.clusters["services"]

    @property
    def _apps(self) -> list[SimulatedCluster]:
        return [cluster for name, cluster in self._fleet.clusters.items() if name != "services"]

    async def _create(self) -> None:
        absent = [name for name in SERVICES if name not in self._there]
        if not absent:
            return
        name = self._chance.choice(absent)
        self._there.append(name)
        await self._services.apply(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"fleet.example.com/export": "true"}},
                "spec": {"type": "LoadBalancer", "selector": {"app": name}, "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]},
            }
        )

    async def _delete(self) -> None:
        if len(self._there) > 2:
            await self._services.delete("v1", "Service", NAMESPACE, self._there.pop(0))

    async def _readdress(self) -> None:
        await self._services.reassign(NAMESPACE, self._chance.choice(self._there))

    async def _tamper(self) -> None:
        victim, name = self._chance.choice(self._apps), self._chance.choice(self._there)
        if await victim.get("v1", "Endpoints", NAMESPACE, name) is not None:
            wrong = {"subsets": [{"addresses": [{"ip": "192.0.2.66"}], "ports": [{"name": "http", "port": 80}]}]}
            await victim.patch(
                *ENDPOINTS[:2], NAMESPACE, name, wrong, manager=self._chance.choice(("kubectl-edit", "somebody", "old-script"))
            )

    async def _fail_now_and_then(self) -> None:
        """The last cluster refuses what is written, for a while, again and again."""
        last = self._apps[-1]
        while True:
            fault = Fault(FaultKind.STATUS, status=500, verbs=frozenset({"patch", "create"}))
            last.inject(fault)
            await asyncio.sleep(FAILING_SECONDS)
            last.heal(fault)
            await asyncio.sleep(FAILING_SECONDS)
