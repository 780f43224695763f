"""How long to wait after failures, and one gate per cluster so that a dead one is probed by one request at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fleetd.cluster.errors import ClusterDown
from fleetd.domain.errors import Overloaded, TryLater


def delay(failures: int, chance: float, *, base: float, cap: float, after: float | None = None) -> float:
    """Seconds to wait after that many failures in a row.

    Doubles from `base` up to `cap`; `chance` (0 to 1) takes up to half of it away, so that those who failed together do
    not return together. What the server asked for (`after`) is never undercut.
    """
    if failures <= 0:
        return after or 0.0
    full = min(cap, base * 2.0 ** min(failures - 1, 32))
    return max(full * (1.0 - chance / 2.0), (after or 0.0) * (1.0 + chance / 10.0))


class Gate:
    """Lets everybody through while the cluster answers; after a failure of the cluster itself, one probe after another."""

    def __init__(self, base: float, cap: float, chance: Callable[[], float]) -> None:
        self._base = base
        self._cap = cap
        self._chance = chance
        self._failures = 0
        self._not_before = 0.0
        self._probing = False
        self._reason = ""
        self._moved = asyncio.Event()

    @property
    def shut(self) -> bool:
        return self._failures > 0

    @property
    def reason(self) -> str:
        return self._reason

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        """Goes in as soon as it is one's turn. What is raised inside tells the gate how the cluster is."""
        probe = await self._turn()
        async with self._judged(probe):
            yield

    @asynccontextmanager
    async def hasty(self) -> AsyncIterator[None]:
        """Goes in at once, or raises what is known: for requests whose sender has a queue of its own.

        Raises:
            ClusterDown: the cluster did not answer lately and it is not yet time to ask again.
        """
        if self._failures:
            left = self._not_before - asyncio.get_running_loop().time()
            if self._probing or left > 0:
                raise ClusterDown(self._reason, after=max(left, self._base))
            self._probing = True
        async with self._judged(probe=bool(self._failures)):
            yield

    async def _turn(self) -> bool:
        while self._failures:
            if self._probing:
                await self._moved.wait()
                continue
            self._probing = True
            try:
                await asyncio.sleep(max(0.0, self._not_before - asyncio.get_running_loop().time()))
            except asyncio.CancelledError:
                self._step_back()
                raise
            return True
        return False

    @asynccontextmanager
    async def _judged(self, probe: bool) -> AsyncIterator[None]:
        failures = self._failures
        try:
            yield
        except (ClusterDown, Overloaded) as away:
            # Requests that were under way together fail together: that is one failure, not ten.
            if probe or self._failures == failures:
                self._shut(away)
            raise
        except Exception:
            self._open()  # Whatever else it was, the server spoke.
            raise
        else:
            self._open()
        finally:
            if probe:
                self._step_back()

    def _shut(self, away: TryLater) -> None:
        self._failures += 1
        self._reason = str(away)
        wait = delay(self._failures, self._chance(), base=self._base, cap=self._cap, after=away.after)
        self._not_before = max(self._not_before, asyncio.get_running_loop().time() + wait)

    def _open(self) -> None:
        self._failures = 0
        self._not_before = 0.0
        self._announce()

    def _step_back(self) -> None:
        self._probing = False
        self._announce()

    def _announce(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()
