"""What every controller does: hear of changes, and settle one object after another. While nothing changes it costs nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from fleetd.domain.errors import FleetdError
from fleetd.kubeapi.storage import Change

log = logging.getLogger(__name__)

Key = tuple[str, str]
"""Namespace (empty for what has none) and name."""


class Controller(Protocol):
    """One controller."""

    @property
    def resources(self) -> Sequence[str]:
        """Of which it hears changes: `services`, `deployments.apps`."""

    def concerned(self, change: Change) -> Iterable[Key]:
        """The objects of the controller's own kind that have to be settled anew."""

    async def settle(self, key: Key) -> None:
        """Brings about what the newest state of an object asks for, whatever was before."""


def itself(change: Change) -> Iterator[Key]:
    """The object that was changed."""
    yield change.namespace, change.key.partition("/")[2]


class Controllers:
    """The controllers of one cluster: `told` is to hear every change of its storage."""

    __slots__ = ("_by_resource", "_running", "_waiting")

    def __init__(self, controllers: Iterable[Controller]) -> None:
        self._by_resource: dict[str, list[Controller]] = {}
        for controller in controllers:
            for resource in controller.resources:
                self._by_resource.setdefault(resource, []).append(controller)
        self._waiting: dict[tuple[Controller, Key], None] = {}
        self._running: asyncio.Task[None] | None = None

    def told(self, change: Change) -> None:
        for controller in (*self._by_resource.get(change.resource, ()), *self._by_resource.get("*", ())):
            for key in controller.concerned(change):
                self.again(controller, key)

    def begin(self, namespaces: Iterable[str]) -> None:
        """Settles what has to be seen to in namespaces that were there before anything changed."""
        for controller in self._by_resource.get("namespaces", ()):
            for name in namespaces:
                self.again(controller, ("", name))

    def again(self, controller: Controller, key: Key) -> None:
        """Has an object settled, once for all changes that came since it was settled last."""
        self._waiting[controller, key] = None
        if self._running is None or self._running.done():
            self._running = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Nothing runs any more when it returns."""
        self._by_resource.clear()
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None

    async def _run(self) -> None:
        while self._waiting:
            controller, key = next(iter(self._waiting))
            del self._waiting[controller, key]
            try:
                await controller.settle(key)
            except FleetdError:
                log.exception("%s could not settle %s/%s", type(controller).__name__, *key)
            # Others have their turn between two objects.
            await asyncio.sleep(0)
