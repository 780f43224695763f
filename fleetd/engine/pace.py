"""How often an object may be put right: at once a few times, ever more seldom while somebody keeps changing it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fleetd.decide.retry import next_attempt
from fleetd.domain.refs import ObjectRef

AT_ONCE = 5
"""Corrections in a row that do not wait."""
QUIET = timedelta(minutes=1)
"""After so long without a correction, or twice the last wait where that is longer, the next ones are at once again."""
KEPT = 10_000
"""Objects remembered; beyond it those that are quiet are forgotten."""

Place = tuple[str, ObjectRef]
"""(cluster, object)"""


@dataclass(slots=True)
class _Streak:
    corrections: int
    last: datetime
    not_before: datetime

    def over(self, now: datetime) -> bool:
        return now - self.last > max(QUIET, (self.not_before - self.last) * 2)


class Pace:
    """The corrections of late, by object."""

    def __init__(self) -> None:
        self._streaks: dict[Place, _Streak] = {}

    def corrected(self, place: Place, now: datetime, *, chance: float) -> None:
        """Notes that the object was written to because it was not as it was left."""
        streak = self._streaks.get(place)
        count = 1 if streak is None or streak.over(now) else streak.corrections + 1
        wait = now if count < AT_ONCE else next_attempt(count - AT_ONCE + 1, now, chance=chance, refused=True)
        if len(self._streaks) >= KEPT:
            self._streaks = {known: item for known, item in self._streaks.items() if not item.over(now)}
        self._streaks[place] = _Streak(count, now, wait)

    def not_before(self, place: Place, now: datetime) -> datetime | None:
        """When the object may be corrected next, or None when it may be at once."""
        streak = self._streaks.get(place)
        return streak.not_before if streak is not None and streak.not_before > now else None
