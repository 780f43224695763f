"""What is to be looked at again at a certain time, although nothing may happen until then."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import DampedKind

DampedKey = tuple[DampedKind, str, str, ObjectRef | None]
"""(kind, subject, cluster, object)"""


@dataclass(frozen=True, slots=True)
class Undecided:
    """Of the proposal about this subject the time is over."""

    subject: str


@dataclass(frozen=True, slots=True)
class Goes:
    """What was held back may go on, or has been quiet for long enough."""

    key: DampedKey


Alarm = Undecided | Goes


@dataclass(slots=True)
class Alarms:
    """One time for each; a later word replaces an earlier one."""

    _at: dict[Alarm, datetime] = field(default_factory=dict)
    _heap: list[tuple[datetime, int, Alarm]] = field(default_factory=list)
    _number: count[int] = field(default_factory=count)

    def put(self, alarm: Alarm, at: datetime) -> None:
        self._at[alarm] = at
        heapq.heappush(self._heap, (at, next(self._number), alarm))

    def drop(self, alarm: Alarm) -> None:
        self._at.pop(alarm, None)

    @property
    def earliest(self) -> datetime | None:
        """When the next one is; None where there is none."""
        while self._heap and self._at.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: datetime) -> list[Alarm]:
        """Takes out all whose time has come."""
        found = []
        while (at := self.earliest) is not None and at <= now:
            _, _, alarm = heapq.heappop(self._heap)
            del self._at[alarm]
            found.append(alarm)
        return found
