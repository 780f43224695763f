"""The demo's story: one Service and its copies, told in stages whose truth is read from the clusters themselves."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import yaml

from fleetd.cli.examples import example_files
from fleetd.domain.documents import read_documents
from fleetd.domain.objects import Manifest
from fleetd.service.admission import Admission
from fleetd.service.membership import join
from fleetd.sim.cluster import ClusterSpec, SimulatedCluster
from fleetd.sim.fleet import SimulatedFleet

NAMESPACE, NAME = "shop", "web"
SERVICE = ("v1", "Service", NAMESPACE, NAME)
ENDPOINTS = ("v1", "Endpoints", NAMESPACE, NAME)
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Stage:
    """One thing that happened: `ms` from its cause until the last cluster showed it."""

    name: str
    title: str
    detail: str
    ms: float
    ok: bool

    def as_json(self) -> dict[str, Any]:
        """As `-o json` shows it."""
        return {"name": self.name, "title": self.title, "detail": self.detail, "ms": round(self.ms, 2), "ok": self.ok}


def cluster_specs(count: int) -> list[ClusterSpec]:
    """The fleet of the demo: one cluster of services, the others of applications; the last one joins later."""
    regions = ("eu-west", "eu-north", "us-east", "ap-south")
    names = ["services", *(f"apps-{number}" for number in range(1, count))]
    return [
        ClusterSpec(name, labels={"role": name.partition("-")[0], "region": regions[place % len(regions)]})
        for place, name in enumerate(names)
    ]


@dataclass(slots=True)
class Story:
    """Plays the scenario on a running fleet and a running daemon that share a database."""

    fleet: SimulatedFleet
    admission: Admission
    late: ClusterSpec
    address: str = ""
    wrong: list[str] = field(default_factory=list)

    async def play(self) -> AsyncIterator[Stage]:
        """Every stage, in its order."""
        yield await self._stage("declare", "A fleet and two declarations", self._declare, self._all_known)
        yield await self._stage("deploy", "A LoadBalancer Service gets its address", self._create, self._copied)
        yield await self._stage("follow", "The address changes", self._readdress, self._copied)
        yield await self._stage("drift", "Somebody edits a copy", self._tamper, self._copied)
        yield await self._stage("join", "A new cluster joins", self._join, self._copied)
        yield await self._stage("withdraw", "The Service is deleted", self._delete, self._gone)

    async def _stage(
        self, name: str, title: str, act: Callable[[], Awaitable[tuple[str, float]]], true: Callable[[SimulatedCluster], Awaitable[bool]]
    ) -> Stage:
        """Acts, and waits until the fact is true on every cluster of applications."""
        detail, began = await act()
        ok = True
        for cluster in self._apps():
            try:
                await cluster.until(true, timeout=PATIENCE_SECONDS)
            except TimeoutError:
                ok = False
                self.wrong.append(f"{title}: {cluster.name} does not show it after {PATIENCE_SECONDS:.0f} s")
        return Stage(name, title, detail, (time.perf_counter() - began) * 1000, ok)

    def _apps(self) -> list[SimulatedCluster]:
        return [cluster for name, cluster in self.fleet.clusters.items() if name != "services"]

    @property
    def _services(self) -> SimulatedCluster:
        return self.fleet.clusters["services"]

    async def _declare(self) -> tuple[str, float]:
        began = time.perf_counter()
        for cluster in self.fleet.clusters.values():
            await self._register(cluster)
        for path in example_files("service-discovery"):
            for document in read_documents(path.read_text(encoding="utf-8"), source=path.name):
                await self.admission.apply(document, now=datetime.now(UTC))
        return f"{len(self.fleet.clusters)} clusters registered; EventSource, EventTrigger and a template applied", began

    async def _register(self, cluster: SimulatedCluster) -> None:
        text = yaml.safe_dump(cluster.kubeconfig())
        await join(self.admission, cluster.name, "default", dict(cluster.spec.labels), text, now=datetime.now(UTC))

    async def _all_known(self, cluster: SimulatedCluster) -> bool:
        """The daemon watches the cluster."""
        return any(request.verb == "watch" for request in cluster.requests)

    async def _create(self) -> tuple[str, float]:
        await self._services.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        service: Manifest = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": NAME, "namespace": NAMESPACE, "labels": {"fleet.example.com/export": "true"}},
            "spec": {"type": "LoadBalancer", "selector": {"app": NAME}, "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]},
        }
        await self._services.apply(service)
        await self._services.until(self._has_address, timeout=PATIENCE_SECONDS)
        began = time.perf_counter()
        return f"{NAMESPACE}/{NAME} in services has {self.address}; every other cluster gets a Service and Endpoints", began

    async def _has_address(self, cluster: SimulatedCluster) -> bool:
        live = await cluster.get(*SERVICE)
        ingress = ((live or {}).get("status") or {}).get("loadBalancer", {}).get("ingress") or []
        self.address = ingress[0].get("ip", "") if ingress else ""
        return bool(self.address)

    async def _readdress(self) -> tuple[str, float]:
        before = self.address
        began = time.perf_counter()
        self.address = await self._services.reassign(NAMESPACE, NAME)
        return f"{before} becomes {self.address}; the copies follow", began

    async def _tamper(self) -> tuple[str, float]:
        victim = self._apps()[0]
        began = time.perf_counter()
        wrong = {"subsets": [{"addresses": [{"ip": "192.0.2.66"}], "ports": [{"name": "http", "port": 80}]}]}
        await victim.patch(*ENDPOINTS, wrong, manager="somebody")
        return f"in {victim.name} somebody writes 192.0.2.66 into the Endpoints; it is put back", began

    async def _join(self) -> tuple[str, float]:
        cluster = await self.fleet.add(self.late)
        began = time.perf_counter()
        await self._register(cluster)
        return f"{cluster.name} is registered with role=apps; it gets what its like have", began

    async def _delete(self) -> tuple[str, float]:
        began = time.perf_counter()
        await self._services.delete(*SERVICE)
        return f"{NAMESPACE}/{NAME} goes in services; all copies go", began

    async def _copied(self, cluster: SimulatedCluster) -> bool:
        """A selector-less Service, and Endpoints with exactly the address."""
        service = await cluster.get(*SERVICE)
        endpoints = await cluster.get(*ENDPOINTS)
        if service is None or endpoints is None or (service.get("spec") or {}).get("selector"):
            return False
        found = [item.get("ip") for subset in endpoints.get("subsets") or [] for item in subset.get("addresses") or []]
        return found == [self.address]

    async def _gone(self, cluster: SimulatedCluster) -> bool:
        return await cluster.get(*SERVICE) is None and await cluster.get(*ENDPOINTS) is None
