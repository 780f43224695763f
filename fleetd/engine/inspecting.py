"""Looks at single objects on clusters for whoever asked: one read each, a few at a time, none for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import orjson
import structlog

from fleetd.cluster.errors import TooLarge
from fleetd.cluster.port import Cluster, NoSuchKind
from fleetd.decide.drift import drifted_fields, owned_digest
from fleetd.decide.plane.drifting import left_to_others, wanted_manifest
from fleetd.decide.plane.requesting import inspected
from fleetd.decide.plane.state import Plane
from fleetd.decide.plane.turn import Turn
from fleetd.domain.errors import FleetdError, NotPermitted, TryLater
from fleetd.domain.inspection import Look, Show, Sight
from fleetd.domain.objects import Manifest, holds_secrets, ref_of
from fleetd.domain.records import InventoryRecord, RequestRecord
from fleetd.domain.refs import GroupVersionKind, ObjectRef, PlacedRef
from fleetd.engine.loop import Loop

AT_ONCE = 8
SECONDS = 10.0

log = structlog.get_logger(__name__)


def nothing_shown(_look: Look) -> str:
    """Where nobody says what may be shown of an object, nothing is."""
    return orjson.dumps({"manifest": {}}).decode()


class Inspector:
    """Takes requests that the plane let through, and hands each answer back to the loop."""

    def __init__(self, loop: Loop, connected: Callable[[str], Cluster | None], show: Show) -> None:
        self._loop = loop
        self._connected = connected
        self._show = show
        self._places = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def inspect(self, request: RequestRecord) -> None:
        """Begins a look."""
        task = asyncio.get_running_loop().create_task(self._run(request), name=f"inspect {request.subject}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Ends what runs; those requests wait for the next daemon, which tells that nobody waits for them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, request: RequestRecord) -> None:
        answer = ""
        try:
            async with asyncio.timeout(SECONDS), self._places:
                sight, said, answer = await self._look(PlacedRef.parse(request.subject))
        except TimeoutError:
            sight, said = Sight.LATE, f"no answer within {SECONDS:g} s"
        except FleetdError as error:
            sight, said = _sight(error), str(error)
        except Exception:
            log.exception("a look at an object failed in a way that nobody foresaw", subject=request.subject)
            sight, said = Sight.REFUSED, "it could not be read"
        self._loop.put(partial(_inspected, request, sight, said, answer))

    async def _look(self, placed: PlacedRef) -> tuple[Sight, str, str]:
        plane, ref = self._loop.plane, placed.ref
        cluster = self._connected(placed.cluster)
        if cluster is None:
            known = plane.known_members.get(placed.cluster)
            return Sight.AWAY, known.reason if known is not None else "", ""
        item = plane.inventory.get(placed.cluster, {}).get(ref)
        gvk = GroupVersionKind.of(item.api_version, ref.kind) if item is not None else GroupVersionKind(ref.group, "", ref.kind)
        live = await cluster.read(gvk, ref.namespace, ref.name)
        if live is None:
            return Sight.ABSENT, "", ""
        if not _is(live, ref):
            return Sight.REFUSED, "the cluster answered with another object", ""
        return Sight.SEEN, "", self._show(_compared(plane, item, live))


def _is(live: Manifest, ref: ObjectRef) -> bool:
    found = ref_of(live)
    return (found.kind, found.group, found.name) == (ref.kind, ref.group, ref.name) and found.namespace in ("", ref.namespace or "default")


def _compared(plane: Plane, item: InventoryRecord | None, live: Manifest) -> Look:
    """The live object beside what we left there."""
    wanted = wanted_manifest(plane, item) if item is not None else None
    secretive = holds_secrets(live) or (wanted is not None and holds_secrets(wanted))
    others = left_to_others(plane, item) if item is not None else ()
    left = owned_digest(live, plane.digest, others) == item.live_digest if item is not None else None
    differs = drifted_fields(live, wanted, item.fields, others) if item is not None and wanted is not None else ()
    return Look(live, left, differs, secretive, plane.digest)


def _sight(error: FleetdError) -> Sight:
    match error:
        case NotPermitted():
            return Sight.FORBIDDEN
        case NoSuchKind():
            return Sight.NO_KIND
        case TooLarge():
            return Sight.TOO_LARGE
        case TryLater():
            return Sight.AWAY
        case _:
            return Sight.REFUSED


def _inspected(request: RequestRecord, sight: Sight, said: str, answer: str, plane: Plane, turn: Turn) -> None:
    inspected(plane, turn, request, sight, said, answer)
