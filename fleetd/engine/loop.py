"""The one loop: inputs in, one turn of the plane, one group commit, then what is due.

Nothing is done to a cluster before the rows that say so are durable. While a commit is on its way the next turn already
runs; what waits for commits is bounded, and who feeds the loop waits when it is full.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from fleetd.decide.engines.answers import Rendering
from fleetd.decide.plane.declaring import settle
from fleetd.decide.plane.elapsing import elapsed
from fleetd.decide.plane.state import DeliveryKey, Plane
from fleetd.decide.plane.turn import Ask, Selecting, Turn
from fleetd.domain.errors import TryLater
from fleetd.domain.records import Record, RequestRecord
from fleetd.domain.refs import GroupVersionKind
from fleetd.engine.clock import Clock

Input = Callable[[Plane, Turn], object]
"""Something that happened: called once, in its turn."""

MAX_INPUTS = 20_000
MAX_TURNS = 64
BATCH = 2_000
AT_ONCE = 32
"""Deliveries begun before others have their turn."""

LONGEST_ALARM_SECONDS = 86_400.0
"""A clock may be put right meanwhile: what is far away is looked at again each day."""

log = structlog.get_logger(__name__)


class Committing(Protocol):
    """The store, as the loop needs it."""

    async def commit(self, records: Sequence[Record]) -> None:
        """Returns when the records are durable."""


class Consequences(Protocol):
    """Who acts on what a turn concluded, once it is durable."""

    def deliver(self, key: DeliveryKey) -> None: ...
    def ask(self, ask: Ask) -> None: ...
    def select(self, asked: Selecting) -> None: ...
    def render(self, renderings: Sequence[Rendering]) -> None: ...
    def read_again(self, cluster: str, gvk: GroupVersionKind) -> None: ...
    def reconnect(self, cluster: str) -> None: ...

    def renew(self, cluster: str) -> None: ...
    def adjust_watches(self, cluster: str) -> None: ...
    def rejudge(self, cluster: str, gvk: GroupVersionKind) -> None: ...
    def inspect(self, request: RequestRecord) -> None: ...


class Loop:
    """Owns the plane."""

    def __init__(self, plane: Plane, store: Committing, clock: Clock) -> None:
        self.plane = plane
        self._store = store
        self._clock = clock
        self._inputs: deque[Input] = deque()
        self._woken = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._turns: asyncio.Queue[Turn] = asyncio.Queue(MAX_TURNS)
        self._busy = 0
        self._quiet = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at: datetime | None = None
        self.consequences: Consequences | None = None

    def put(self, item: Input) -> None:
        """Takes an input at once, whatever waits; for what must not be lost and is bounded by its nature."""
        self._inputs.append(item)
        self._quiet.clear()
        self._woken.set()
        if len(self._inputs) >= MAX_INPUTS:
            self._room.clear()

    async def feed(self, item: Input) -> None:
        """Takes an input when there is room: what watches bring."""
        await self._room.wait()
        self.put(item)

    async def quiet(self) -> None:
        """Until no input and no commit is on its way."""
        await self._quiet.wait()

    async def run(self) -> None:
        """Runs for ever."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._turn_round())
                group.create_task(self._commit_all())
        finally:
            if self._alarm is not None:
                self._alarm.cancel()

    async def _turn_round(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._inputs:
                turn = self._one_turn()
                self._set_alarm()
                self._busy += 1
                await self._turns.put(turn)
                await asyncio.sleep(0)
            if not self._busy:
                self._quiet.set()

    def _one_turn(self) -> Turn:
        turn = Turn(self._clock.now(), self._clock.new_id)
        for _ in range(min(BATCH, len(self._inputs))):
            item = self._inputs.popleft()
            turn.cause = ""
            try:
                item(self.plane, turn)
            except Exception:
                log.exception("an input failed and was left out")
        if len(self._inputs) < MAX_INPUTS:
            self._room.set()
        try:
            settle(self.plane, turn)
        except Exception:
            log.exception("settling failed; what follows from the last inputs may be missing until the next")
        return turn

    def _set_alarm(self) -> None:
        """Comes back to the plane when the first of what it waits for is due."""
        at = self.plane.alarms.earliest
        if at == self._alarm_at:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._alarm_at = None, at
        if at is not None:
            seconds = max(0.0, (at - self._clock.now()).total_seconds())
            self._alarm = asyncio.get_running_loop().call_later(min(seconds, LONGEST_ALARM_SECONDS), self._ring)

    def _ring(self) -> None:
        self._alarm = self._alarm_at = None
        self.put(elapsed)

    async def _commit_all(self) -> None:
        while True:
            turns = [await self._turns.get()]
            while not self._turns.empty():
                turns.append(self._turns.get_nowait())
            records = [record for turn in turns for record in turn.records]
            if records:
                await self._commit(records)
            for turn in turns:
                await self._release(turn)
            self._busy -= len(turns)
            if not self._busy and not self._inputs:
                self._quiet.set()

    async def _commit(self, records: list[Record]) -> None:
        """Tries until it is done: nothing may be acted on before, and nothing dropped."""
        delay = 0.1
        while True:
            try:
                await self._store.commit(records)
            except TryLater as error:
                log.error("the store does not take what happened; deliveries wait", reason=str(error), again_in=delay)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 10.0)
            else:
                return

    async def _release(self, turn: Turn) -> None:
        acting = self.consequences
        if acting is None:
            return
        _let_members_change(acting, turn)
        for number, key in enumerate(turn.due, 1):
            acting.deliver(key)
            if not number % AT_ONCE:
                await asyncio.sleep(0)  # What was begun reaches its sockets before more is begun.
        for cluster, gvk in turn.doubts:
            acting.read_again(cluster, gvk)
        for ask in turn.asks:
            acting.ask(ask)
        for asked in turn.selections:
            acting.select(asked)
        if turn.renderings:
            acting.render(turn.renderings)
        for request in turn.inspect:
            acting.inspect(request)


def _let_members_change(acting: Consequences, turn: Turn) -> None:
    for cluster in turn.reconnect:
        acting.reconnect(cluster)
    for cluster in turn.renew:
        acting.renew(cluster)
    # In this order: a watch that was only just opened need not be opened again.
    for cluster, gvk in turn.rejudge:
        acting.rejudge(cluster, gvk)
    for cluster in turn.rewatch:
        acting.adjust_watches(cluster)
