"""Times and durations as text, and the parts of a time in a zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from fleetd.decide.cel.operators import duration, timestamp
from fleetd.decide.cel.values import SECOND, Duration, Timestamp
from fleetd.domain.errors import EvaluationFailed

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII)
_PART: Final = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_UNITS: Final = {"ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 10**6, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}
_FIXED: Final = re.compile(r"([+-]?)(\d{1,2}):(\d\d)", re.ASCII)


def parse_timestamp(text: str) -> Timestamp:
    """A time as RFC 3339 writes it."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise EvaluationFailed(f"{text!r} is no timestamp: write RFC 3339, for example 2026-03-01T12:00:00Z")
    year, month, day, hour, minute, second = (int(match[index]) for index in range(1, 7))
    offset = 0 if match[8] else (int(match[10]) * 60 + int(match[11])) * (-60 if match[9] == "-" else 60)
    if not match[8] and (int(match[10]) > 23 or int(match[11]) > 59):
        raise EvaluationFailed(f"{text!r} is no timestamp: the offset does not exist")
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise EvaluationFailed(f"{text!r} is no timestamp: {error}") from None
    fraction = int((match[7] or "").ljust(9, "0"))
    return timestamp((_seconds(moment) - offset) * SECOND + fraction)


def _seconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(seconds=1)


def parse_duration(text: str) -> Duration:
    """A duration as Go writes it: ``1h30m``, ``-1.5s``, ``0``."""
    bare = text[1:] if text[:1] in ("-", "+") else text
    if bare == "0":
        return Duration(0)
    total, position = 0, 0
    while match := _PART.match(bare, position):
        number, unit = match[1], _UNITS[match[2]]
        before, _, after = number.partition(".")
        if len(number) > 40:
            break
        total += int(before or "0") * unit + (int(after) * unit // 10 ** len(after) if after else 0)
        position = match.end()
    if not bare or position != len(bare):
        raise EvaluationFailed(f"{text!r} is no duration: write for example 90s, 5m or 1h30m")
    return duration(-total if text[0] == "-" else total)


def _fraction(nanoseconds: int) -> str:
    return f".{nanoseconds:09d}".rstrip("0") if nanoseconds else ""


def timestamp_text(value: Timestamp) -> str:
    """RFC 3339 in UTC, with as many digits behind the second as are needed."""
    seconds, rest = divmod(value.nanoseconds, SECOND)
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment.year:04d}{moment:-%m-%dT%H:%M:%S}{_fraction(rest)}Z"


def duration_text(value: Duration) -> str:
    """Seconds with as many digits as are needed: ``5400s``, ``-1.5s``."""
    seconds, rest = divmod(abs(value.nanoseconds), SECOND)
    return f"{'-' if value.nanoseconds < 0 else ''}{seconds}{_fraction(rest)}s"


def in_zone(value: Timestamp, zone: str | None) -> datetime:
    """The local time in a zone: a name of the IANA database, or an offset such as ``-08:00``."""
    moment = _EPOCH + timedelta(seconds=value.nanoseconds // SECOND)
    try:
        return moment.astimezone(_zone(zone)) if zone else moment
    except OverflowError:
        raise EvaluationFailed("the timestamp is out of range in this time zone") from None


def _zone(name: str) -> tzinfo:
    if fixed := _FIXED.fullmatch(name):
        minutes = int(fixed[2]) * 60 + int(fixed[3])
        if minutes < 24 * 60:
            return timezone(timedelta(minutes=-minutes if fixed[1] == "-" else minutes))
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise EvaluationFailed(f"there is no time zone {name!r}") from None
