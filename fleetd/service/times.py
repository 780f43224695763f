"""Points in time and ages as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from fleetd.service.teaching import bad

_PART = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)(ms|s|m|h|d|w)")
_AGE = re.compile(rf"-?(?:{_PART.pattern})+")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LONGEST = timedelta(days=36_500)


def age(text: str, field: str) -> timedelta:
    """Reads `90s`, `10m`, `2h`, `7d`, `2w`, and several of them: `1h30m`.

    Raises:
        Taught: it is no age.
    """
    if not _AGE.fullmatch(text.strip()):
        raise bad(field, text, f"{field} is no age: write a number and s, m, h, d or w, for example 2h")
    return min(timedelta(seconds=sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))), _LONGEST)


def point(text: str, field: str, now: datetime) -> datetime | None:
    """Reads an RFC 3339 time, or an age before now; None where nothing was given.

    Raises:
        Taught: it is neither, or not yet.
    """
    text = text.strip()
    if not text:
        return None
    if _AGE.fullmatch(text):
        return now - age(text, field)
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise bad(field, text, f"{field} is no time: write RFC 3339, for example 2026-11-01T12:00:00Z, or an age like -2h") from None
    if at > now + timedelta(minutes=1):
        raise bad(field, text, f"{field} is not yet: it is {said(now)} now")
    return at


def said(at: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
