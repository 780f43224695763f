"""What a cluster was asked: a bounded log, counters, and the watches that are open."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass

from fleetd.sim.asked import Asked

LOG_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class Served:
    """One request that was answered; `at` is on the monotonic clock, in nanoseconds.

    The status is 0 where a fault cut the connection instead; the user is empty where a fault came before the question who asks.
    """

    at: int
    verb: str
    resource: str
    path: str
    user: str
    status: int


class RequestLog:
    """The last requests, and how many there were of each verb since the start."""

    def __init__(self, size: int = LOG_SIZE) -> None:
        self._served: deque[Served] = deque(maxlen=size)
        self.by_verb: Counter[str] = Counter()
        self.watching: Counter[str] = Counter()
        """Open watches of each resource."""

    def __iter__(self) -> Iterator[Served]:
        return iter(tuple(self._served))

    def __len__(self) -> int:
        return len(self._served)

    def add(self, asked: Asked, at: int, user: str, status: int) -> None:
        self.by_verb[asked.verb] += 1
        self._served.append(Served(at, asked.verb, asked.resource, asked.path, user, status))

    def clear(self) -> None:
        """Forgets requests and counts; open watches stay counted."""
        self._served.clear()
        self.by_verb.clear()
