"""A fleet in one child, the daemon in another, and a database between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from bench.children import Child, started
from fleetd.domain.objects import Manifest
from fleetd.service.admission import Admission
from fleetd.service.membership import join
from fleetd.store.database import Database
from fleetd.store.reading import Reader

LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class World:
    """What goals on a whole fleet need; `database` is the path of a SQLite file."""

    fleet: Child
    daemon: Child
    database: str
    members: Mapping[str, Mapping[str, Any]]

    async def usage(self) -> dict[str, Any]:
        """What the daemon has used."""
        return await self.daemon.ask("usage")

    async def settled(self) -> None:
        """Waits until every add-on is deployed, as the database says."""
        await self._until("SELECT profile FROM fleet_addons WHERE state <> 'deployed'", lambda rows: not rows)

    async def connected(self) -> None:
        """Waits until every member is ready, as the database says."""
        names = set(self.members)
        ready = "SELECT name FROM fleet_clusters WHERE connection = 'ready'"
        await self._until(ready, lambda rows: names <= {row["name"] for row in rows})

    async def reported(self, events: int) -> None:
        """Waits until the database has so many events."""
        await self._until("SELECT event_id FROM fleet_events", lambda rows: len(rows) >= events)

    async def _until(self, query: str, true: Callable[[list[Mapping[str, Any]]], bool]) -> None:
        # Another process writes; a look costs it nothing.
        while not true(await asyncio.to_thread(self._rows, query)):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)

    def _rows(self, query: str) -> list[Mapping[str, Any]]:
        with Reader.open(self.database) as reader:
            return list(reader.rows(query, {}))


@asynccontextmanager
async def fleet_of(specs: Sequence[tuple[str, Mapping[str, str]]], seed: int) -> AsyncIterator[tuple[Child, Mapping[str, Any]]]:
    """A fleet in a child; yields the child and how each cluster is reached."""
    async with started("bench.fleet_child") as child:
        clusters = [{"name": name, "labels": dict(labels)} for name, labels in specs]
        yield child, (await child.ask("start", clusters=clusters, seed=seed))["clusters"]


async def declare(path: str, members: Mapping[str, Mapping[str, Any]], manifests: Sequence[Manifest]) -> None:
    """Makes members and declarations, before a daemon runs."""
    database = await Database.open(path)
    try:
        admission = Admission(database, manager="bench")
        now = datetime.now(UTC)
        # Together, for they share commits then.
        await asyncio.gather(*(_join(admission, name, access, now) for name, access in members.items()))
        for manifest in manifests:
            await admission.apply(manifest, now=now)
    finally:
        await database.close()


async def _join(admission: Admission, name: str, access: Mapping[str, Any], now: datetime) -> None:
    kubeconfig = yaml.dump(access["kubeconfig"], Dumper=yaml.CSafeDumper)
    await join(admission, name, "default", access["labels"], kubeconfig, now=now)


@asynccontextmanager
async def daemon_on(path: str) -> AsyncIterator[Child]:
    """The daemon in a child, stopped in order at the end."""
    async with started("bench.daemon_child") as child:
        await child.ask("start", database=path)
        yield child
        await child.ask("stop")


@asynccontextmanager
async def world(
    folder: Path, specs: Sequence[tuple[str, Mapping[str, str]]], manifests: Sequence[Manifest], seed: int
) -> AsyncIterator[World]:
    """Fleet, declarations and daemon."""
    async with AsyncExitStack() as stack:
        place = stack.enter_context(TemporaryDirectory(dir=folder))
        fleet, members = await stack.enter_async_context(fleet_of(specs, seed))
        path = str(Path(place) / "fleetd.db")
        await declare(path, members, manifests)
        daemon = await stack.enter_async_context(daemon_on(path))
        yield World(fleet, daemon, path, members)
