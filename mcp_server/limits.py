"""How often one caller may call: a token bucket for each caller and kind of call."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from fleetd.service.teaching import Code, Lesson, Taught


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls a second in the long run, and how many at once after a pause."""

    a_second: float
    at_once: float


RATES = {"cheap": Rate(20.0, 60.0), "scan": Rate(2.0, 10.0), "write": Rate(1.0, 10.0)}
_MOST_CALLERS = 10_000


class Limits:
    """The buckets; `clock` counts seconds and never goes back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def take(self, caller: str, kind: str) -> None:
        """Counts a call.

        Raises:
            Taught: there were too many; the lesson says when to come again.
        """
        rate, now = RATES[kind], self._clock()
        held, at = self._buckets.pop((caller, kind), (rate.at_once, now))
        held = min(rate.at_once, held + (now - at) * rate.a_second)
        allowed = held >= 1.0
        self._buckets[caller, kind] = (held - 1.0 if allowed else held, now)
        if len(self._buckets) > _MOST_CALLERS:
            self._buckets.popitem(last=False)
        if not allowed:
            wait = round((1.0 - held) / rate.a_second, 1)
            raise Taught(Lesson(code=Code.RATE_LIMITED, sentence="too many calls in a short time", retry_after=max(wait, 0.1)))
