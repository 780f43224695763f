"""Points in time as the databases keep them: `timestamptz` on Postgres, RFC 3339 text of fixed width on SQLite."""

from __future__ import annotations

from datetime import UTC, datetime


def moment_text(at: datetime) -> str:
    """UTC with six fractional digits and `Z`, so that text order is time order.

    Raises:
        ValueError: the time names no zone.
    """
    if at.tzinfo is None:
        raise ValueError(f"{at!r} names no time zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def moment(value: str | datetime) -> datetime:
    """What either database gave back, as an aware datetime in UTC."""
    return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)


def optional_moment(value: str | datetime | None) -> datetime | None:
    """As `moment`, where there may be none."""
    return None if value is None else moment(value)
