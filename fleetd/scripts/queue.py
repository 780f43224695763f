"""Evaluations that wait for a child, taken in turn by script, so that one script's thousand objects hold up no other's one."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass

from fleetd.scripts.places import Result
from fleetd.scripts.standing import QUICK, Standings


@dataclass(slots=True, eq=False)
class Request:
    """One evaluation that somebody waits for.

    Args:
        argument: JSON.
        deaths: how often a child ended, for no known reason, while it ran.
    """

    key: str
    script: str
    place: str
    argument: bytes
    answer: asyncio.Future[Result]
    deaths: int = 0

    def settle(self, result: Result) -> None:
        """Tells the one who waits, when somebody still does."""
        if not self.answer.done():
            self.answer.set_result(result)


class Queue:
    """Waiting requests, by script.

    A batch holds requests of proven scripts only, as many as will not take long, or one request of a script that is not proven.
    """

    def __init__(self, standings: Standings) -> None:
        self._standings = standings
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

    async def take(self, count: int, size: int, *, proven_only: bool) -> list[Request]:
        """Waits for requests; at most `count`, of at most `size` bytes together unless the first alone is larger."""
        while not (taken := self._taken(count, size, proven_only=proven_only)):
            if self._waiting and not proven_only:
                continue  # nobody waited any more for what stood in front
            self._some.clear()
            await self._some.wait()
        return taken

    def look_again(self) -> None:
        """A script is proven now; who left it to others may take it."""
        self._some.set()

    def drain(self) -> list[Request]:
        """Everything that waits, which then waits no longer."""
        waiting = [request for line in self._waiting.values() for request in line]
        self._waiting.clear()
        return waiting

    def drain_script(self, key: str) -> list[Request]:
        """What waits for this script, which then waits no longer."""
        return list(self._waiting.pop(key, ()))

    def _taken(self, count: int, size: int, *, proven_only: bool) -> list[Request]:
        unproven = None if proven_only else self._unproven_first()
        if unproven is not None:
            request = self._next(unproven)
            return [request] if request is not None else []
        taken: list[Request] = []
        keys = deque(key for key in self._waiting if self._standings.proven(key))
        seconds = QUICK
        while keys and len(taken) < count:
            key = keys.popleft()
            seconds -= self._standings.expected(key)
            size -= len(self._waiting[key][0].argument)
            if taken and (size < 0 or seconds < 0):
                break
            request = self._next(key)
            if request is not None:
                taken.append(request)
            if key in self._waiting:
                keys.append(key)
        return taken

    def _unproven_first(self) -> str | None:
        """The script at the front, where it is not proven."""
        key = next(iter(self._waiting), None)
        return key if key is not None and not self._standings.proven(key) else None

    def _next(self, key: str) -> Request | None:
        """The script's first request, whose script goes to the end of the line; None when nobody waits for it any more."""
        line = self._waiting[key]
        request = line.popleft()
        if line:
            self._waiting.move_to_end(key)
        else:
            del self._waiting[key]
        return None if request.answer.done() else request
