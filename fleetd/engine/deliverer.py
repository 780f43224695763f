"""Deliveries: serial for one profile on one cluster, parallel otherwise, never before their rows are durable."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from functools import partial

import structlog

from fleetd.cluster.port import Cluster
from fleetd.decide.plane.delivering import Failure, Outcome, delivered
from fleetd.decide.plane.state import DeliveryKey, Plane
from fleetd.decide.plane.turn import Turn
from fleetd.engine.clock import Clock
from fleetd.engine.delivery import Delivery, Order
from fleetd.engine.loop import Loop

PER_CLUSTER = 8
"""Deliveries at a time on one cluster."""

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

    def deliver(self, key: DeliveryKey) -> None:
        """Begins a delivery, or remembers to when the one that runs has ended."""
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        plane = self._loop.plane
        if key in plane.in_flight:
            self._again.add(key)
            return
        if plane.placements.get(key[0], {}).get(key[1]) is None or self._connected(key[1]) is None:
            return
        plane.in_flight.add(key)
        task = asyncio.get_running_loop().create_task(self._run(key), name=f"deliver {key[0]} to {key[1]}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, key: DeliveryKey) -> None:
        plane = self._loop.plane
        async with self._places[key[1]]:
            order = self._order(plane, key)
            cluster = self._connected(key[1])
            if order is None or cluster is None:
                plane.in_flight.discard(key)
                return
            try:
                outcome = await Delivery(order, cluster, self._clock).run()
            except asyncio.CancelledError:
                plane.in_flight.discard(key)
                raise
            except Exception:
                log.exception("a delivery failed in a way that nobody foresaw", profile=key[0], cluster=key[1])
                outcome = Outcome(key=key, placement=order.placement, failure=Failure(refused=True))
        self._loop.put(partial(self._delivered, outcome))

    def _order(self, plane: Plane, key: DeliveryKey) -> Order | None:
        """Takes all that the delivery needs, as it is at this moment."""
        name, cluster = key
        placement = plane.placements.get(name, {}).get(cluster)
        member = plane.members.get(cluster)
        if placement is None or member is None:
            return None
        inventory = plane.inventory.get(cluster, {})
        live, placement.suspects = placement.suspects, {}
        unread, placement.unread = placement.unread, set()
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
        )

    def _delivered(self, outcome: Outcome, plane: Plane, turn: Turn) -> None:
        again = delivered(plane, turn, outcome, chance=self._clock.chance())
        key = outcome.key
        if key in self._again:
            self._again.discard(key)
            placement = plane.placements.get(key[0], {}).get(key[1])
            if placement is not None and (not placement.settled or placement.suspects or placement.unread):
                turn.due.setdefault(key, placement.cause)
        if again is not None:
            self._later(key, again)

    def _later(self, key: DeliveryKey, at: datetime) -> None:
        seconds = max(0.0, (at - self._clock.now()).total_seconds())
        known = self._timers.pop(key, None)
        if known is not None:
            known.cancel()
        self._timers[key] = asyncio.get_running_loop().call_later(seconds, self.deliver, key)

    async def stop(self) -> None:
        """Lets what runs end; begins nothing more."""
        for timer in self._timers.values():
            timer.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
