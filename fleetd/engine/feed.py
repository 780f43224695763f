"""What people declare and ask, from whichever process, brought to the loop as soon as it is committed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import structlog

from fleetd.decide.definitions import member_key
from fleetd.decide.plane.declaring import declared
from fleetd.decide.plane.membering import member_declared
from fleetd.decide.plane.requesting import requested
from fleetd.decide.plane.restoring import restore
from fleetd.decide.plane.state import Plane
from fleetd.decide.plane.turn import Turn
from fleetd.domain.declared import DeclaredObject
from fleetd.domain.errors import GiveUp, TryLater
from fleetd.domain.records import RequestRecord
from fleetd.domain.refs import ObjectRef
from fleetd.engine.loop import Loop
from fleetd.store.database import Change, Database
from fleetd.store.loading import Loaded, waiting_requests

DECLARED, REQUEST = "declared", "request"

Announce = Callable[[ObjectRef, DeclaredObject | None], None]
"""Told of every declared object that changes; None when it went."""


def unheard(_ref: ObjectRef, _found: DeclaredObject | None) -> None:
    """Where nobody else follows declared objects."""


log = structlog.get_logger(__name__)


class Feed:
    """Follows the store's changes."""

    def __init__(self, database: Database, loop: Loop, announce: Announce) -> None:
        self._database = database
        self._loop = loop
        self._announce = announce
        self._seq = 0
        self._taken: frozenset[str] = frozenset()
        """Requests that the loop has been given, as far as they waited still when they were last read."""

    async def begin(self) -> None:
        """Restores the plane from its rows and declares everything that is declared, in one turn."""
        loaded = await self._database.load()
        self._seq = loaded.seq
        self._loop.put(partial(_restore, loaded))
        self._ask(loaded.requests)

    async def run(self) -> None:
        """Follows for ever."""
        async for _ in self._database.listen():
            try:
                await self._catch_up()
            except TryLater as error:
                log.warning("changes cannot be read now", reason=str(error))

    async def _catch_up(self) -> None:
        try:
            changes, seq = await self._database.asked_since(self._seq)
        except GiveUp:
            loaded = await self._database.load()
            self._seq = loaded.seq
            self._loop.put(partial(_declare_anew, loaded.declared))
            self._ask(loaded.requests)
            return
        await self._take(changes)
        self._seq = seq

    async def _take(self, changes: Sequence[Change]) -> None:
        refs = list(dict.fromkeys(change.ref for change in changes if change.object_kind == DECLARED))
        for text in refs:
            ref = ObjectRef.parse(text)
            found = await self._database.declared.get(ref)
            self._announce(ref, found)
            self._loop.put(partial(_declare, ref, found))
        if any(change.object_kind == REQUEST for change in changes):
            self._ask(await self._database.read(waiting_requests()))

    def _ask(self, waiting: Sequence[RequestRecord]) -> None:
        """Hands each request to the loop once: one whose outcome is not committed yet is read as waiting still."""
        fresh = [request for request in waiting if request.request_id not in self._taken]
        if fresh:
            self._loop.put(partial(self._put_off, fresh))
        self._taken = frozenset(request.request_id for request in waiting)

    def _put_off(self, requests: Sequence[RequestRecord], _plane: Plane, _turn: Turn) -> None:
        """To the next turn: what was restored or declared in this one is nowhere before it is settled."""
        for request in requests:
            self._loop.put(partial(_request, request))


def _restore(loaded: Loaded, plane: Plane, turn: Turn) -> None:
    restore(plane, loaded)
    _declare_all(loaded.declared, plane, turn)


def _declare_all(objects: Sequence[DeclaredObject], plane: Plane, turn: Turn) -> None:
    for item in objects:
        _declare(item.ref, item, plane, turn)


def _declare_anew(objects: Sequence[DeclaredObject], plane: Plane, turn: Turn) -> None:
    """After changes were missed: what is not there any more was deleted meanwhile."""
    for ref in set(plane.statuses) - {item.ref for item in objects}:
        _declare(ref, None, plane, turn)
    _declare_all(objects, plane, turn)


def _declare(ref: ObjectRef, found: DeclaredObject | None, plane: Plane, turn: Turn) -> None:
    turn.caused_by()
    declared(plane, turn, ref, found.manifest if found else None, unsupported=found.unsupported if found else ())
    if ref.kind in ("SveltosCluster", "Cluster"):
        member_declared(plane, turn, member_key(ref))


def _request(request: RequestRecord, plane: Plane, turn: Turn) -> None:
    requested(plane, turn, request)
