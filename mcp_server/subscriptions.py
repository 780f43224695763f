"""Who wants to hear of which address, and the task that tells them; it runs only while somebody listens."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
from mcp.server import ServerRequestContext
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourceUpdated
from mcp_types import (
    EmptyResult,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    UnsubscribeRequestParams,
)

from fleetd.domain.errors import FleetdError
from fleetd.service.feed import Changed
from mcp_server.resources import touched

Context = ServerRequestContext[Any, Any]
Feed = Callable[[], AsyncIterator[Changed]]
_AGAIN_SECONDS = 1.0
_log = logging.getLogger("mcp_server")


class Subscriptions:
    """One for each server; `feed` tells of changes from when it is listened to. Close it at the end."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._bus = InMemorySubscriptionBus()
        self._listen = ListenHandler(self._bus)
        self._streams: Counter[str] = Counter()
        self._sessions: dict[str, set[Any]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self._started = asyncio.Event()

    async def listen(self, context: Context, params: SubscriptionsListenRequestParams) -> SubscriptionsListenResult:
        """One stream of a client of 2026-07-28, until it ends."""
        with self._wanted(params.notifications.resource_subscriptions or []):
            await self._begin()
            return await self._listen(context, params)

    @contextmanager
    def _wanted(self, uris: list[str]) -> Iterator[None]:
        self._streams.update(uris)
        try:
            yield
        finally:
            self._streams.subtract(uris)
            self._streams += Counter()

    async def subscribe(self, context: Context, params: SubscribeRequestParams) -> EmptyResult:
        """A client of an older protocol wants to hear of an address."""
        self._sessions[str(params.uri)].add(context.session)
        await self._begin()
        return EmptyResult()

    async def unsubscribe(self, context: Context, params: UnsubscribeRequestParams) -> EmptyResult:
        self._sessions[str(params.uri)].discard(context.session)
        return EmptyResult()

    async def _begin(self) -> None:
        """Returns when changes are heard: what is committed after the client has its answer reaches it."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="fleetd-feed")
        await self._started.wait()

    async def _run(self) -> None:
        missed, said = False, ""
        while True:
            try:
                async with contextlib.aclosing(self._feed()) as feed:  # type: ignore[type-var]
                    async for changed in feed:
                        self._started.set()
                        # What was committed while nobody listened is not told again.
                        await self._tell(Changed(changed.changes, lost=True) if missed else changed)
                        missed, said = False, ""
            except FleetdError as error:
                if str(error) != said:
                    _log.warning("changes cannot be heard now: %s", error)
                said = str(error)
            except Exception:  # noqa: BLE001  # whoever subscribed must not wait for ever in silence
                _log.exception("the feed of changes failed in a way that nobody foresaw")
            missed = True
            self._started.set()
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _tell(self, changed: Changed) -> None:
        wanted = {*self._streams, *(uri for uri, sessions in self._sessions.items() if sessions)}
        for uri in sorted(touched(wanted, changed)):
            await self._bus.publish(ResourceUpdated(uri=uri))
            for session in tuple(self._sessions.get(uri, ())):
                try:
                    await session.send_resource_updated(uri)
                except (anyio.ClosedResourceError, anyio.BrokenResourceError):
                    self._sessions[uri].discard(session)

    async def close(self) -> None:
        """Ends the streams and the task."""
        self._listen.close()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
