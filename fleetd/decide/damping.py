"""How long something that comes again and again is held back: growing pauses, until it is quiet.

A few times in a row cost nothing. From then on each time is followed by a pause of twice the length of the one before, and when it has been
quiet for a minute, or for twice the last pause where that is longer, the next times are free again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

QUIET = timedelta(minutes=1)
WINDOW = timedelta(minutes=1)
FIRST = timedelta(seconds=3)
LONGEST = timedelta(minutes=5)
FREE = 5
"""Times in a row that cost nothing."""


@dataclass(frozen=True, slots=True)
class Streak:
    """How often in a row, when last, and until when it is held back (that same moment where it is not)."""

    times: int
    last: datetime
    until: datetime

    @property
    def over_at(self) -> datetime:
        """When it counts as quiet, if nothing happens until then."""
        return self.last + max(QUIET, (self.until - self.last) * 2)

    @property
    def pauses(self) -> int:
        """Which pause in a row this is; 0 while it costs nothing."""
        return max(0, self.times - FREE + 1)


def pause(number: int) -> timedelta:
    """The length of the pause of this number, from 1."""
    return min(LONGEST, FIRST * (1 << min(number - 1, 10)))


def struck(streak: Streak | None, now: datetime, *, at_least: int = 1) -> Streak:
    """Once more. `at_least`: how often it was already, as far as somebody else counted."""
    times = max(at_least, 1 if streak is None or now >= streak.over_at else streak.times + 1)
    return Streak(times, now, now if times < FREE else now + pause(times - FREE + 1))


def streak_of(pauses: int, until: datetime) -> Streak:
    """The streak that led to this pause."""
    return Streak(pauses + FREE - 1, until - pause(pauses), until)


class Often(NamedTuple):
    """How often something happened since a time, which is a minute ago at most."""

    since: datetime
    times: int


def counted(known: Often | None, now: datetime) -> Often:
    """Once more; a minute after the first the count begins anew."""
    return Often(now, 1) if known is None or now - known.since > WINDOW else Often(known.since, known.times + 1)
