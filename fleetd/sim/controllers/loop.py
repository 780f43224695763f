"""What every controller does: watch a collection, and settle one object after another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import orjson

from fleetd.domain.errors import FleetdError
from fleetd.domain.objects import Manifest
from fleetd.kubeapi.exchange import Stream
from fleetd.sim.inprocess import InProcess

log = logging.getLogger(__name__)

Key = tuple[str, str]
"""Namespace (empty for what has none) and name."""

Settle = Callable[[Key, Manifest | None], Awaitable[None]]


class ControlLoop:
    """Calls `settle` with the newest state of each object that was changed, or None when it is gone; never twice at a time.

    Args:
        path: of the collection, like `/api/v1/services`.
    """

    def __init__(self, api: InProcess, path: str, settle: Settle) -> None:
        self._api = api
        self._path = path
        self._settle = settle
        self._known: set[Key] = set()
        self._waiting: dict[Key, Manifest | None] = {}
        self._woken = asyncio.Event()
        self._stream: Stream | None = None
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Lists, then watches; returns when no change can be missed any more."""
        await self._open()
        self._running = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        if self._stream is not None:
            self._stream.stop()
            self._stream = None

    def again(self, key: Key, state: Manifest) -> None:
        """Has the object settled once more, if nothing newer waits."""
        self._waiting.setdefault(key, state)
        self._woken.set()

    async def _open(self) -> None:
        listed = await self._api.listed(self._path)
        found = {_key(item): item for item in listed["items"]}
        for key in self._known - found.keys():
            self._hear(key, None)
        for key, item in found.items():
            self._hear(key, item)
        self._stream = await self._api.watch(self._path, listed["metadata"]["resourceVersion"])
        self._stream.start(self._heard, self._closed)

    def _hear(self, key: Key, state: Manifest | None) -> None:
        self._waiting[key] = state
        if state is None:
            self._known.discard(key)
        else:
            self._known.add(key)
        self._woken.set()

    def _heard(self, frame: bytes) -> None:
        for line in frame.splitlines():
            event = orjson.loads(line)
            match event["type"]:
                case "ADDED" | "MODIFIED":
                    self._hear(_key(event["object"]), event["object"])
                case "DELETED":
                    self._hear(_key(event["object"]), None)
                case "ERROR":
                    self._closed()

    def _closed(self) -> None:
        if self._stream is not None:
            self._stream.stop()
            self._stream = None
        self._woken.set()

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            if self._stream is None:
                await self._open()
            while self._waiting:
                key = next(iter(self._waiting))
                try:
                    await self._settle(key, self._waiting.pop(key))
                except FleetdError:
                    log.exception("%s: %s/%s could not be settled", self._path, *key)


def _key(item: Manifest) -> Key:
    metadata = item["metadata"]
    return metadata.get("namespace", ""), metadata["name"]
