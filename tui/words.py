"""How a value is said in a cell: text from clusters inert, states with a sign as well as a colour, times as ages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson
from rich.text import Text

from fleetd.service.foreign import plain_text
from tui.paint import BAD, GOOD, QUIET, UNDERWAY, styled

_FRACTION = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d+Z")
LONGEST_CELL = 160
LONGEST_VALUE = 4_000

_GOOD = frozenset({"ready", "deployed", "healthy", "acted", "settled", "corrected", "match", "approved", "applied", "done", "passed"})
_BAD = frozenset({"failed", "conflict", "unreachable", "error", "rejected", "unsupported", "broken"})
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
        "unknown",
    }
)
_SIGNS = {GOOD: "✓", BAD: "✗", UNDERWAY: "…", "": " "}
Said = tuple[str, str]
"""A text without anything that could act on a terminal, and its role."""


@lru_cache(maxsize=20_000)
def inert(text: str) -> str:
    """On one line, without anything that could act on a terminal; rows come back at each refresh, so answers are kept."""
    return plain_text(text, most=LONGEST_CELL)


def said(value: Any) -> Said:
    """A value in a cell."""
    if value is None or value in ("", []):
        return "-", QUIET
    if isinstance(value, bool):
        return ("yes" if value else "no"), ""
    if isinstance(value, Sequence) and not isinstance(value, str):
        more = f" +{len(value) - 2}" if len(value) > 2 else ""
        return inert(", ".join(map(str, value[:2]))) + more, ""
    return inert(str(value)), ""


def said_whole(value: Any) -> str:
    """A value in full, for a page about one thing."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping | list):
        value = orjson.dumps(value).decode()
    return plain_text(str(value), most=LONGEST_VALUE) or "-"


def brief(text: str) -> str:
    """Without the fractions of its seconds: a page is read, not sorted by."""
    return _FRACTION.sub(r"\1Z", text)


def role_of(word: str) -> str:
    """The role of a state, by its first word."""
    first = word.partition(" ")[0].rstrip(",:")
    if first in _BAD:
        return BAD
    if first in _UNDERWAY or word.endswith("stale"):
        return UNDERWAY
    return GOOD if first in _GOOD else ""


def state_said(word: str) -> Said:
    """A state; the sign says what the colour says."""
    role = role_of(word)
    return f"{_SIGNS[role]} {inert(word) or '-'}", role


def state_text(word: str) -> Text:
    """A state on a page."""
    return styled(*state_said(word))


def count_said(count: int | None) -> Said:
    """A number of things that should be none."""
    return (str(count), UNDERWAY) if count else ("-", QUIET)


def age_said(moment: str | None, now: datetime) -> Said:
    """How long ago a time of the views was, in at most two units: 45s, 3m12s, 5h10m, 4d."""
    if not moment:
        return "-", QUIET
    try:
        lasted = now - datetime.fromisoformat(moment)
    except ValueError:
        return said(moment)
    text = span(abs(lasted))
    return (f"in {text}" if lasted < -timedelta(seconds=1) else text), ""


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
