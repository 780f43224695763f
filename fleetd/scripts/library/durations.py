"""Spans of time as Go writes and reads them, in nanoseconds."""

from __future__ import annotations

import re
from typing import Any

SECOND = 10**9
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_DAY = 86_400 * SECOND
_ROUND = (("y", 365 * _DAY), ("mo", 30 * _DAY), ("d", _DAY), ("h", 3600 * SECOND), ("m", 60 * SECOND), ("s", SECOND))


def text(nanoseconds: int) -> str:
    """`1h2m3.5s`; below a second the unit that has a whole part."""
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if rest < SECOND:
        unit = next(unit for unit in ("ms", "µs", "ns") if rest >= _UNITS[unit] or unit == "ns")
        return f"{sign}{_decimal(rest, _UNITS[unit])}{unit}" if rest else "0s"
    minutes, seconds = divmod(rest, 60 * SECOND)
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{f'{hours}h' if hours else ''}{f'{minutes}m' if hours or minutes else ''}{_decimal(seconds, SECOND)}s"


def _decimal(value: int, unit: int) -> str:
    whole, part = divmod(value, unit)
    return f"{whole}.{part:0{len(str(unit)) - 1}d}".rstrip("0") if part else str(whole)


def whole(value: Any) -> int:
    """A number of seconds from a number or a text; 0 from anything else."""
    try:
        return int(value) if value is not None and not isinstance(value, bool) else 0
    except (TypeError, ValueError, OverflowError):
        return 0


def parsed(value: Any) -> int:
    """Nanoseconds of `1h30m`; 0 for what cannot be read."""
    if not isinstance(value, str):
        return 0
    bare = value.lstrip("+-")
    if not bare or _PART.sub("", bare):
        return 0
    total = sum(int(float(number) * _UNITS[unit]) for number, unit in _PART.findall(bare))
    return -total if value.startswith("-") else total


def rounded(value: Any) -> str:
    """The largest unit alone, `3d`."""
    span = parsed(value)
    size = abs(span)
    for unit, length in _ROUND:
        if size > length:
            return f"{'-' if span < 0 else ''}{size // length}{unit}"
    return "0s"
