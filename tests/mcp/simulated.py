"""A simulated fleet with a daemon at work on it, and a scripted client that counts what its questions cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from mcp import Client

from fleetd.daemon import run
from fleetd.domain.documents import read_documents
from fleetd.service.admission import Admission
from fleetd.service.membership import join
from fleetd.settings import Settings
from fleetd.sim.cluster import ClusterSpec, SimulatedCluster
from fleetd.sim.fleet import SimulatedFleet
from fleetd.store.database import Database
from fleetd.store.reading import Reader

PATIENCE = 30.0


def service(name: str, export: str, **spec: Any) -> dict[str, Any]:
    """A Service of type LoadBalancer, exported or not."""
    metadata = {"name": name, "namespace": "default", "labels": {"fleet.example.com/export": export}}
    plain = {"type": "LoadBalancer", "selector": {"app": name}, "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {**plain, **spec}}


@dataclass
class Fleet:
    """The simulated clusters, and a daemon at work on them."""

    clusters: dict[str, SimulatedCluster]
    database: Database
    admission: Admission

    async def until(self, sql: str) -> None:
        """Waits until the query has a row."""
        async with asyncio.timeout(PATIENCE):
            while not await asyncio.to_thread(self._rows, sql):
                await self.database.changed()

    def _rows(self, sql: str) -> list[Any]:
        with Reader.open(self.database.url) as reader:
            return reader.rows(sql)

    async def have(self, kind: str, name: str) -> set[str]:
        """Which clusters have the object by now."""
        return {cluster.name for cluster in self.clusters.values() if await cluster.get("v1", kind, "default", name)}

    async def declare(self, text: str, manager: str = "") -> None:
        """What is in the YAML is declared, by somebody of this name."""
        admission = Admission(self.database, manager=manager) if manager else self.admission
        for document in read_documents(text, source="test"):
            await admission.apply(document, now=datetime.now(UTC))

    async def declare_all(self, folder: Path) -> None:
        """As `declare`, of each file there."""
        for text in await asyncio.to_thread(lambda: [path.read_text("utf-8") for path in sorted(folder.glob("*.yaml"))]):
            await self.declare(text)


@asynccontextmanager
async def at_work(database: Database, key_file: Path, specs: Sequence[ClusterSpec]) -> AsyncIterator[Fleet]:
    """The clusters of these kinds have joined, and a daemon watches them."""
    async with SimulatedFleet(specs) as simulated:
        fleet = Fleet(dict(simulated.clusters), database, Admission(database, manager="test"))
        ready, stop = asyncio.Event(), asyncio.Event()
        daemon = asyncio.create_task(run(Settings(database=database.url, key_file=key_file), ready=ready.set, stop=stop))
        await ready.wait()
        for spec in specs:
            config = yaml.safe_dump(fleet.clusters[spec.name].kubeconfig())
            await join(fleet.admission, spec.name, "default", dict(spec.labels), config, now=datetime.now(UTC))
            await fleet.until(f"SELECT 1 FROM fleet_clusters WHERE name = '{spec.name}' AND connection = 'ready'")
        yield fleet
        stop.set()
        await daemon


@dataclass
class Asking:
    """A scripted client that counts what it costs."""

    client: Client
    fleet: Fleet
    calls: int = 0
    tokens: int = 0
    answers: list[Any] = field(default_factory=list)

    async def call(self, tool: str, **arguments: Any) -> Any:
        """The structured content of an answer."""
        answer = await self.client.call_tool(tool, arguments)
        self.calls += 1
        self.tokens += len(answer.content[0].text.encode()) // 4
        self.answers.append(answer)
        return answer.structured_content
