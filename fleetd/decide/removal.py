"""The one removal rule: never delete on doubt.

An object is gone at once when an unbroken watch said DELETED (or showed it no longer matching), or when somebody deleted
the declaration. What a complete read merely lacks is in doubt: a second, fresh, complete read must agree. And if one such
observation or edit would lose more than `max(10, 10 %)`, nothing follows from it until a person says so.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

FLOOR = 10
SHARE = 0.10


@dataclass(frozen=True, slots=True)
class Loss:
    """What one observation or edit would take away; `held` when a person must say yes first."""

    lost: tuple[str, ...]
    of: int
    held: bool

    def __str__(self) -> str:
        return f"{len(self.lost)} of {self.of} would be lost at once (allowed without asking: {allowed(self.of)})"


def allowed(total: int) -> int:
    """How many of `total` may go in one step without a person's word."""
    return max(FLOOR, int(total * SHARE))


def weigh(lost: Collection[str], total: int) -> Loss:
    """Judges a loss against the cap."""
    return Loss(tuple(sorted(lost)), total, len(lost) > allowed(total))
