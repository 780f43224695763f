"""Time that does not wait: an event loop that jumps to whatever comes next, so that an hour passes in a moment."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

Result = TypeVar("Result")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class _Jump(selectors.SelectSelector):
    """Instead of waiting it moves the time on."""

    def __init__(self, pass_by: Callable[[float], None]) -> None:
        super().__init__()
        self._pass_by = pass_by

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found and timeout:
            self._pass_by(timeout)
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """For fleets without sockets (`ports="none"`): what comes by a socket takes no virtual time, and may come late in it."""

    def __init__(self) -> None:
        self._passed = 0.0
        super().__init__(_Jump(self._pass_by))

    def time(self) -> float:
        """Seconds since the loop began."""
        return self._passed

    def clock(self) -> datetime:
        """The same as a moment, for the clocks of clusters."""
        return BEGIN + timedelta(seconds=self._passed)

    def _pass_by(self, seconds: float) -> None:
        self._passed += seconds


def run_virtually(main: Callable[[VirtualLoop], Coroutine[Any, Any, Result]]) -> Result:
    """Runs to its end what `main` makes of the loop."""
    loop = VirtualLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main(loop))
