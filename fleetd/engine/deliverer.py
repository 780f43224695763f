"""Deliveries: serial for one profile on one cluster, parallel otherwise, never before their rows are durable.

An object that somebody keeps changing back is put right ever more seldom; the rest of its profile does not wait for it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog

from fleetd.cluster.port import Cluster
from fleetd.decide.plane.delivering import Failure, Outcome, delivered
from fleetd.decide.plane.drifting import drift_key
from fleetd.decide.plane.pausing import not_before
from fleetd.decide.plane.placing import hold
from fleetd.decide.plane.state import DeliveryKey, Placement, Plane
from fleetd.decide.plane.turn import Turn
from fleetd.domain.refs import ObjectRef
from fleetd.engine.clock import Clock
from fleetd.engine.delivery import Delivery, Order
from fleetd.engine.loop import Loop

PER_CLUSTER = 8
"""Deliveries at a time on one cluster."""
RECONNECTING = timedelta(seconds=1)
"""When to look again at a cluster that counts as reachable and has no open connection just now."""
HELD = timedelta(minutes=1)
"""When to look again at what is held; who lets go of it makes it due at once."""
DEFINITION = "CustomResourceDefinition"

log = structlog.get_logger(__name__)


class Deliverer:
    """Starts what is due, and hands what came of it back to the loop."""

    def __init__(self, loop: Loop, connected: Callable[[str], Cluster | None], clock: Clock, *, observe: bool) -> None:
        self._loop = loop
        self._connected = connected
        self._clock = clock
        self._observe = observe
        self._again: set[DeliveryKey] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._places: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(PER_CLUSTER))
        self._timers: dict[DeliveryKey, asyncio.TimerHandle] = {}
        self._failing: set[DeliveryKey] = set()

    def deliver(self, key: DeliveryKey) -> None:
        """Begins a delivery, or remembers to when the one that runs has ended."""
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        plane = self._loop.plane
        if key in plane.in_flight:
            self._again.add(key)
            return
        placement = plane.placements.get(key[0], {}).get(key[1])
        if placement is None:
            return
        if hold(plane, key[1], key[0]):
            self._later(key, self._clock.now() + HELD)
            return
        if self._connected(key[1]) is None:
            self._later(key, self._clock.now() + RECONNECTING)
            return
        waiting = _waiting(plane, key, placement, self._clock.now())
        if placement.settled and waiting and waiting.keys() == placement.suspects.keys() | placement.unread:
            self._later(key, min(waiting.values()))
            return
        plane.in_flight.add(key)
        task = asyncio.get_running_loop().create_task(self._run(key), name=f"deliver {key[0]} to {key[1]}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, key: DeliveryKey) -> None:
        plane = self._loop.plane
        async with self._places[key[1]]:
            cluster = None if hold(plane, key[1], key[0]) else self._connected(key[1])
            order = self._order(plane, key) if cluster is not None else None
            if order is None or cluster is None:
                self._loop.put(partial(self._left_out, key))
                return
            try:
                outcome = await Delivery(order, cluster, self._clock).run()
            except asyncio.CancelledError:
                plane.in_flight.discard(key)
                raise
            except Exception:
                log.exception("a delivery failed in a way that nobody foresaw", profile=key[0], cluster=key[1])
                looked = frozenset((*order.live, *order.unread))
                outcome = Outcome(key=key, placement=order.placement, looked=looked, failure=Failure(refused=True))
        self._loop.put(partial(self._delivered, outcome))

    def _order(self, plane: Plane, key: DeliveryKey) -> Order | None:
        """Takes all that the delivery needs, as it is at this moment."""
        name, cluster = key
        placement = plane.placements.get(name, {}).get(cluster)
        member = plane.members.get(cluster)
        if placement is None or member is None:
            return None
        inventory = plane.inventory.get(cluster, {})
        waiting = _waiting(plane, key, placement, self._clock.now())
        live = {ref: found for ref, found in placement.suspects.items() if ref not in waiting}
        unread = placement.unread - waiting.keys()
        placement.suspects = {ref: found for ref, found in placement.suspects.items() if ref in waiting}
        placement.unread &= waiting.keys()
        if waiting:
            self._later(key, min(waiting.values()))
        return Order(
            key=key,
            placement=placement,
            profile=plane.profiles.get(name),
            member=member,
            inventory={ref: inventory[ref] for ref in plane.owned.get(key, ()) if ref in inventory},
            live=live,
            unread=unread,
            adopt=frozenset(ref for where, ref in plane.adopted if where == cluster),
            addons=tuple(plane.addons.get(key, ())),
            epoch=plane.epoch,
            observe=self._observe,
            digest=plane.digest,
        )

    def _left_out(self, key: DeliveryKey, plane: Plane, turn: Turn) -> None:
        """Nothing was delivered, for the cluster went away or was paused meanwhile, and nothing is forgotten."""
        placement = plane.placements.get(key[0], {}).get(key[1]) or Placement(None, "", "")
        self._delivered(Outcome(key=key, placement=placement, failure=Failure(refused=False)), plane, turn)

    def _delivered(self, outcome: Outcome, plane: Plane, turn: Turn) -> None:
        again = delivered(plane, turn, outcome, chance=self._clock.chance())
        key = outcome.key
        if again is None:
            self._failing.discard(key)
        else:
            self._failing.add(key)
        if outcome.gone or any(item.ref.kind == DEFINITION for item in outcome.put):
            # What went, or the kind that came, may be what another delivery has been waiting for.
            for other in self._failing - {key}:
                if other[1] == key[1]:
                    turn.due.setdefault(other, turn.cause)
        if key in self._again:
            self._again.discard(key)
            placement = plane.placements.get(key[0], {}).get(key[1])
            if placement is not None and (not placement.settled or placement.suspects or placement.unread):
                turn.due.setdefault(key, placement.cause)
        if again is not None:
            self._later(key, again)

    def _later(self, key: DeliveryKey, at: datetime) -> None:
        seconds = max(0.0, (at - self._clock.now()).total_seconds())
        loop = asyncio.get_running_loop()
        known = self._timers.pop(key, None)
        if known is not None:
            seconds = max(0.0, min(seconds, known.when() - loop.time()))
            known.cancel()
        self._timers[key] = loop.call_later(seconds, self.deliver, key)

    async def stop(self) -> None:
        """Lets what runs end; begins nothing more."""
        for timer in self._timers.values():
            timer.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _waiting(plane: Plane, key: DeliveryKey, placement: Placement, now: datetime) -> dict[ObjectRef, datetime]:
    """What is not as it was left, and was put right too often of late to be put right now; and when it may be."""
    name, cluster = key
    times = ((ref, not_before(plane, drift_key(name, cluster, ref), now)) for ref in (*placement.suspects, *placement.unread))
    return {ref: at for ref, at in times if at is not None}
