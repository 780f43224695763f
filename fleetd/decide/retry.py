"""When a thing that failed is tried again."""

from __future__ import annotations

from datetime import datetime, timedelta

FIRST_SECONDS = 0.5
AWAY_CAP_SECONDS = 60.0
REFUSED_CAP_SECONDS = 300.0


def next_attempt(failures: int, now: datetime, *, chance: float, refused: bool, after: float | None = None) -> datetime:
    """Doubles from half a second up to a cap: a minute where the world was away, five where the answer was no.

    Args:
        failures: how often in a row it failed, at least 1.
        chance: in [0, 1); spreads equal failures over half of the delay.
        refused: the same again would fail again, as far as one knows.
        after: seconds that the other side asked for; never undercut.
    """
    cap = REFUSED_CAP_SECONDS if refused else AWAY_CAP_SECONDS
    first = FIRST_SECONDS * (10 if refused else 1)
    delay = min(cap, first * 2.0 ** min(failures - 1, 20)) * (0.5 + chance / 2)
    return now + timedelta(seconds=max(delay, after or 0.0))
