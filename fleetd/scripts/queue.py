"""Evaluations that wait for a child, taken in turn by script, so that one script's thousand objects hold up no other's one."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass

from fleetd.scripts.places import Place, Result


@dataclass(slots=True, eq=False)
class Request:
    """One evaluation that somebody waits for.

    Args:
        argument: JSON.
        deaths: how often a child ended, for no known reason, while it ran.
    """

    key: str
    script: str
    place: Place
    argument: bytes
    answer: asyncio.Future[Result]
    deaths: int = 0

    def settle(self, result: Result) -> None:
        """Tells the one who waits, when somebody still does."""
        if not self.answer.done():
            self.answer.set_result(result)


class Queue:
    """Waiting requests, by script."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[Request]] = OrderedDict()
        self._some = asyncio.Event()

    def add(self, request: Request) -> None:
        """Takes its place behind the others of its script."""
        self._waiting.setdefault(request.key, deque()).append(request)
        self._some.set()

    def put_back(self, requests: Iterable[Request]) -> None:
        """Before all others of their scripts, in the order given."""
        for request in reversed(list(requests)):
            self._waiting.setdefault(request.key, deque()).appendleft(request)
            self._some.set()

    async def take(self, count: int, size: int) -> list[Request]:
        """Waits for requests; at most `count`, of at most `size` bytes together unless the first alone is larger."""
        while not (taken := self._taken(count, size)):
            self._some.clear()
            await self._some.wait()
        return taken

    def drain(self) -> list[Request]:
        """Everything that waits, which then waits no longer."""
        waiting = [request for line in self._waiting.values() for request in line]
        self._waiting.clear()
        return waiting

    def drain_script(self, key: str) -> list[Request]:
        """What waits for this script, which then waits no longer."""
        return list(self._waiting.pop(key, ()))

    def _taken(self, count: int, size: int) -> list[Request]:
        taken: list[Request] = []
        while self._waiting and len(taken) < count:
            key, line = next(iter(self._waiting.items()))
            request = line[0]
            if not request.answer.done():
                size -= len(request.argument)
                if taken and size < 0:
                    break
                taken.append(request)
            line.popleft()
            if line:
                self._waiting.move_to_end(key)
            else:
                del self._waiting[key]
        return taken
