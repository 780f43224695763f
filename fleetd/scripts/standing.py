"""What is known of scripts by how they ran: which may share a process with others, and what they cost."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

QUICK = 0.05
"""Seconds; what takes longer runs where it holds up no other."""
_REMEMBERED = 10_000
_WEIGHT = 0.25


@dataclass(slots=True)
class _Standing:
    seconds: float


class Standings:
    """A script is proven once it has answered; it is no longer when it had to be ended, or while it is slow."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Standing] = OrderedDict()

    def answered(self, key: str, seconds: float) -> bool:
        """It ran to its end in this time; whether that was the first time."""
        standing = self._known.get(key)
        if standing is not None:
            standing.seconds += _WEIGHT * (seconds - standing.seconds)
            return False
        if len(self._known) >= _REMEMBERED:
            self._known.popitem(last=False)
        self._known[key] = _Standing(seconds)
        return True

    def ended(self, key: str) -> None:
        """Its process had to be ended, or ended itself."""
        self._known.pop(key, None)

    def proven(self, key: str) -> bool:
        """Whether others may wait behind it."""
        standing = self._known.get(key)
        return standing is not None and standing.seconds < QUICK

    def expected(self, key: str) -> float:
        """Seconds that it will take."""
        standing = self._known.get(key)
        return standing.seconds if standing is not None else QUICK
