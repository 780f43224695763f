"""The time as a cluster has it, which may be another one than ours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def by_the_machine() -> datetime:
    """The time of the machine that the simulation runs on, in UTC."""
    return datetime.now(UTC)


class Clock:
    """Someone's clock, and how far this one is ahead of it."""

    __slots__ = ("_of", "shift")

    def __init__(self, of: Callable[[], datetime] = by_the_machine) -> None:
        self._of = of
        self.shift = timedelta()

    def __call__(self) -> datetime:
        return self._of() + self.shift
