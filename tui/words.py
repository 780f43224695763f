"""How a value is said in a cell: text from clusters inert, states with a sign as well as a colour, times as ages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson
from rich.text import Text

from fleetd.service.foreign import plain_text

LONGEST_CELL = 160
LONGEST_VALUE = 4_000

_GOOD = frozenset({"ready", "deployed", "healthy", "acted", "settled", "corrected", "match", "approved", "applied", "done"})
_BAD = frozenset({"failed", "conflict", "unreachable", "error", "rejected", "unsupported"})
_UNDERWAY = frozenset(
    {
        "waiting",
        "applying",
        "removing",
        "pending",
        "blocked",
        "acting",
        "connecting",
        "degraded",
        "open",
        "paused",
        "suppressed",
        "stale",
    }
)
GOOD_STYLE, BAD_STYLE, UNDERWAY_STYLE, QUIET_STYLE = "green", "bold red", "yellow", "dim"


@lru_cache(maxsize=20_000)
def inert(text: str) -> str:
    """On one line, without anything that could act on a terminal; rows come back at each refresh, so answers are kept."""
    return plain_text(text, most=LONGEST_CELL)


def said(value: Any) -> Text:
    """A value in a cell. Always a `Text`: Textual reads markup in bare strings."""
    if value is None or value in ("", []):
        return Text("-", QUIET_STYLE)
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, Sequence) and not isinstance(value, str):
        more = f" +{len(value) - 2}" if len(value) > 2 else ""
        return Text(inert(", ".join(map(str, value[:2]))) + more)
    return Text(inert(str(value)))


def said_whole(value: Any) -> str:
    """A value in full, for a page about one row."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping | list):
        value = orjson.dumps(value).decode()
    return plain_text(str(value), most=LONGEST_VALUE) or "-"


def state_said(word: str) -> Text:
    """A state; its first word decides on the sign and the colour, and the sign alone is enough."""
    first = word.partition(" ")[0].rstrip(",")
    if first in _BAD:
        return Text(f"✗ {inert(word)}", BAD_STYLE)
    if first in _UNDERWAY or word.endswith("stale"):
        return Text(f"… {inert(word)}", UNDERWAY_STYLE)
    return Text(f"✓ {inert(word)}", GOOD_STYLE) if first in _GOOD else Text(f"  {inert(word) or '-'}")


def count_said(count: int | None) -> Text:
    """A number of things that should be none."""
    return Text(str(count), UNDERWAY_STYLE, justify="right") if count else Text("-", QUIET_STYLE, justify="right")


def age_said(moment: str | None, now: datetime) -> Text:
    """How long ago a time of the views was, in at most two units: 45s, 3m12s, 5h10m, 4d."""
    if not moment:
        return Text("-", QUIET_STYLE)
    try:
        lasted = now - datetime.fromisoformat(moment)
    except ValueError:
        return said(moment)
    text = span(abs(lasted))
    return Text(f"in {text}" if lasted < -timedelta(seconds=1) else text)


def span(lasted: timedelta) -> str:
    """A length of time in at most two units."""
    seconds = int(lasted.total_seconds())
    if seconds < 120:
        return f"{seconds}s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 10:
        return f"{minutes}m{seconds}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 10:
        return f"{hours}h{minutes}m" if hours else f"{minutes}m"
    return f"{hours}h" if hours < 48 else f"{hours // 24}d"
