"""Watches: started and stopped as the plane wants them, their sightings fed to the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

import structlog

from fleetd.cluster.port import Away, Changed, Changes, ChangeType, Cluster, NoSuchKind, Resumed, Snapshot
from fleetd.decide.plane.observing import listed, seen
from fleetd.decide.plane.state import Plane
from fleetd.decide.plane.turn import Turn
from fleetd.domain.errors import FleetdError
from fleetd.domain.objects import Observed, Reads
from fleetd.domain.refs import GroupVersionKind
from fleetd.engine.loop import Loop
from fleetd.engine.watches import wanted_watches

DEFINITIONS = GroupVersionKind("apiextensions.k8s.io", "v1", "CustomResourceDefinition")
"""Watched while a kind that somebody wants is not served."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Watching:
    """A watch that runs, and what it decodes."""

    reads: Reads
    task: asyncio.Task[None]


class Observer:
    """All watches of one cluster. `trouble` is called with a sentence when a watch breaks, and with "" when all go on."""

    def __init__(self, cluster: Cluster, loop: Loop, trouble: Callable[[str], None]) -> None:
        self._cluster = cluster
        self._loop = loop
        self._trouble = trouble
        self._watches: dict[GroupVersionKind, Watching] = {}
        self._broken: dict[GroupVersionKind, str] = {}
        self._missing: set[GroupVersionKind] = set()
        self._second: dict[GroupVersionKind, asyncio.Task[None]] = {}

    def adjust(self) -> None:
        """Starts what is wanted and does not run, stops what is no longer wanted."""
        wanted = wanted_watches(self._loop.plane, self._cluster.name)
        if self._missing & wanted.keys():
            wanted.setdefault(DEFINITIONS, Reads())
        for gvk in [gvk for gvk, watch in self._watches.items() if gvk not in wanted or not watch.reads.covers(wanted[gvk])]:
            self._watches.pop(gvk).task.cancel()
        for gvk in list(self._broken):
            if gvk not in wanted:
                self._mend(gvk)
        for gvk, reads in wanted.items():
            if gvk not in self._watches:
                task = asyncio.get_running_loop().create_task(self._watch(gvk, reads), name=f"watch {gvk} on {self._cluster.name}")
                self._watches[gvk] = Watching(reads, task)

    def rejudge(self, gvk: GroupVersionKind) -> None:
        """Lists a kind anew: some source is new or has changed, and no object's whole text is kept."""
        watch = self._watches.pop(gvk, None)
        if watch is not None:
            watch.task.cancel()
        self.adjust()

    def read_again(self, gvk: GroupVersionKind) -> None:
        """A second, fresh, complete read, for what the first lacked."""
        if gvk in self._second or gvk not in self._watches:
            return
        task = asyncio.get_running_loop().create_task(self._confirm(gvk), name=f"confirm {gvk} on {self._cluster.name}")
        self._second[gvk] = task

        def done(_: asyncio.Task[None]) -> None:
            self._second.pop(gvk, None)

        task.add_done_callback(done)

    async def stop(self) -> None:
        """Ends every watch."""
        tasks = [watch.task for watch in self._watches.values()] + list(self._second.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._watches.clear()

    async def _watch(self, gvk: GroupVersionKind, reads: Reads) -> None:
        name = self._cluster.name
        try:
            async with aclosing(self._cluster.watch(gvk, reads)) as sightings:
                async for sighting in sightings:
                    match sighting:
                        case Changes(changes):
                            await self._loop.feed(partial(_seen, name, gvk, changes, reads))
                            if gvk == DEFINITIONS:
                                self._try_missing()
                        case Snapshot(objects):
                            self._missing.discard(gvk)
                            await self._loop.feed(partial(_listed, name, gvk, objects, reads, False))
                            self._mend(gvk)
                        case Resumed():
                            self._mend(gvk)
                        case Away(reason):
                            self._broken[gvk] = reason
                            self._trouble(reason)
        except NoSuchKind as error:
            self._lack(gvk, str(error))
        except FleetdError as error:
            self._broken[gvk] = str(error)
            self._trouble(str(error))
        except Exception:
            log.exception("a watch ended in a way that nobody foresaw", cluster=name, kind=str(gvk))
            self._watches.pop(gvk, None)

    async def _confirm(self, gvk: GroupVersionKind) -> None:
        reads = self._watches[gvk].reads
        try:
            async with aclosing(self._cluster.watch(gvk, reads)) as sightings:
                async for sighting in sightings:
                    if isinstance(sighting, Snapshot):
                        await self._loop.feed(partial(_listed, self._cluster.name, gvk, sighting.objects, reads, True))
                        return
        except FleetdError as error:
            log.info("the second read did not succeed; nothing is concluded", cluster=self._cluster.name, reason=str(error))

    def _lack(self, gvk: GroupVersionKind, reason: str) -> None:
        """The kind is not served: it has no objects, and is tried again when definitions change."""
        log.info("a kind is not served", cluster=self._cluster.name, kind=str(gvk), reason=reason)
        self._missing.add(gvk)
        if gvk != DEFINITIONS:
            self.adjust()

    def _try_missing(self) -> None:
        for gvk in list(self._missing):
            self._missing.discard(gvk)
            watch = self._watches.pop(gvk, None)
            if watch is not None:
                watch.task.cancel()
        self.adjust()

    def _mend(self, gvk: GroupVersionKind) -> None:
        if self._broken.pop(gvk, None) is not None:
            self._trouble(next(iter(self._broken.values()), ""))


def _seen(name: str, gvk: GroupVersionKind, changes: tuple[Changed, ...], reads: Reads, plane: Plane, turn: Turn) -> None:
    seen(plane, turn, name, gvk, [(change.type is not ChangeType.DELETED, change.observed) for change in changes], reads=reads)


def _listed(
    name: str, gvk: GroupVersionKind, objects: tuple[Observed, ...], reads: Reads, confirming: bool, plane: Plane, turn: Turn
) -> None:
    listed(plane, turn, name, gvk, objects, confirming=confirming, reads=reads)
