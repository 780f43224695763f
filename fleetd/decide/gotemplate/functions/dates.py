"""Sprig's dates. The present is given from outside; the local time zone is UTC."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fleetd.decide.gotemplate.functions.signature import Function, declare
from fleetd.decide.gotemplate.run import Run
from fleetd.decide.gotemplate.values import CallFailed, wrap64

_LAYOUT = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|2006|-07:00:00|-07:00|-070000|-0700|-07|Z07:00:00|Z07:00|Z070000|Z0700|Z07"
    r"|002|__2|01|02|03|04|05|06|15|PM|pm|_2(?!006)|[.,]0+(?![0-9])|[.,]9+(?![0-9])|1|2|3|4|5"
)
_DURATION = re.compile(r"([0-9]*\.?[0-9]+|[0-9]+\.)(ns|us|µs|μs|ms|s|m|h)")
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


def present(run: Run) -> datetime:
    """The given present.

    Raises:
        CallFailed: none was given.
    """
    if run.surroundings.now is None:
        raise CallFailed("the present time is not available: none was given")
    return run.surroundings.now


def zone_of(name: str) -> tzinfo:
    """The zone; UTC when there is none of that name, as in Sprig."""
    if name in {"", "UTC", "Local"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def moment_of(run: Run, value: Any, zone: tzinfo = UTC) -> datetime:
    """What Sprig takes for a date: a time, seconds since 1970, and the present for anything else."""
    if isinstance(value, datetime):
        return value.astimezone(zone)
    if isinstance(value, int) and not isinstance(value, bool):
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(value))).astimezone(zone)
    return present(run).astimezone(zone)


def formatted(layout: str, moment: datetime) -> str:
    """The time in a layout of Go's: how the reference time, January 2 15:04:05 2006, would look."""
    return _LAYOUT.sub(lambda found: _element(found.group(), moment), layout)


def _element(word: str, moment: datetime) -> str:
    simple = _ELEMENTS.get(word)
    if simple is not None:
        return simple(moment)
    if word[0] in ".,":
        digits = f"{moment.microsecond * 1000:09d}"[: len(word) - 1]
        if word[1] == "9":
            digits = digits.rstrip("0")
            return word[0] + digits if digits else ""
        return word[0] + digits.ljust(len(word) - 1, "0")
    return _offset(word, moment)


def _offset(word: str, moment: datetime) -> str:
    seconds = int((moment.utcoffset() or timedelta()).total_seconds())
    if word[0] == "Z" and seconds == 0:
        return "Z"
    sign = "-" if seconds < 0 else "+"
    hours, rest = divmod(abs(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    colon = ":" if ":" in word else ""
    text = f"{sign}{hours:02d}"
    if len(word) > 3:
        text += f"{colon}{minutes:02d}"
    return text + (f"{colon}{rest:02d}" if word.count("0") > 3 and word.replace(":", "").endswith("070000") else "")


_MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_ELEMENTS: dict[str, Callable[[datetime], str]] = {
    "2006": lambda moment: f"{moment.year:04d}",
    "06": lambda moment: f"{moment.year % 100:02d}",
    "January": lambda moment: _MONTHS[moment.month - 1],
    "Jan": lambda moment: _MONTHS[moment.month - 1][:3],
    "01": lambda moment: f"{moment.month:02d}",
    "1": lambda moment: str(moment.month),
    "Monday": lambda moment: _DAYS[moment.weekday()],
    "Mon": lambda moment: _DAYS[moment.weekday()][:3],
    "02": lambda moment: f"{moment.day:02d}",
    "_2": lambda moment: f"{moment.day:2d}",
    "2": lambda moment: str(moment.day),
    "002": lambda moment: f"{moment.timetuple().tm_yday:03d}",
    "__2": lambda moment: f"{moment.timetuple().tm_yday:3d}",
    "15": lambda moment: f"{moment.hour:02d}",
    "03": lambda moment: f"{moment.hour % 12 or 12:02d}",
    "3": lambda moment: str(moment.hour % 12 or 12),
    "04": lambda moment: f"{moment.minute:02d}",
    "4": lambda moment: str(moment.minute),
    "05": lambda moment: f"{moment.second:02d}",
    "5": lambda moment: str(moment.second),
    "PM": lambda moment: "PM" if moment.hour >= 12 else "AM",
    "pm": lambda moment: "pm" if moment.hour >= 12 else "am",
    "MST": lambda moment: moment.tzname() or "UTC",
}
_PATTERNS = {
    "2006": r"(?P<year>\d{4})", "06": r"(?P<short_year>\d\d)", "01": r"(?P<month>\d\d)", "1": r"(?P<month>\d\d?)",
    "January": rf"(?P<long_month>{'|'.join(_MONTHS)})", "Jan": rf"(?P<short_month>{'|'.join(name[:3] for name in _MONTHS)})",
    "Monday": rf"(?:{'|'.join(_DAYS)})", "Mon": rf"(?:{'|'.join(name[:3] for name in _DAYS)})",
    "02": r"(?P<day>\d\d)", "_2": r" ?(?P<day>\d\d?)", "2": r"(?P<day>\d\d?)", "15": r"(?P<hour>\d\d)",
    "03": r"(?P<hour12>\d\d)", "3": r"(?P<hour12>\d\d?)", "04": r"(?P<minute>\d\d)", "4": r"(?P<minute>\d\d?)",
    "05": r"(?P<second>\d\d)(?:\.(?P<fraction>\d+))?", "5": r"(?P<second>\d\d?)(?:\.(?P<fraction>\d+))?",
    "PM": r"(?P<half>AM|PM)", "pm": r"(?P<half>am|pm)", "MST": r"(?P<name>[A-Z]{3,4})",
    "Z07:00": r"(?P<zone>Z|[+-]\d\d:\d\d)", "-07:00": r"(?P<zone>[+-]\d\d:\d\d)", "-0700": r"(?P<zone>[+-]\d{4})",
    "Z0700": r"(?P<zone>Z|[+-]\d{4})", "-07": r"(?P<zone>[+-]\d\d)",
}  # fmt: skip


def parsed(layout: str, text: str) -> datetime:
    """The time that the text shows in the layout.

    Raises:
        CallFailed: it does not follow the layout, or the layout has elements that only writing knows.
    """
    pattern, at = "", 0
    for found in _LAYOUT.finditer(layout):
        word = found.group()
        if word not in _PATTERNS:
            raise CallFailed(f"the layout element {word} can be written, not read")
        pattern += re.escape(layout[at : found.start()]) + _PATTERNS[word]
        at = found.end()
    try:
        match = re.fullmatch(pattern + re.escape(layout[at:]), text)
    except re.error as twice:
        raise CallFailed(f"the layout {layout!r} names an element twice") from twice
    if match is None:
        raise CallFailed(f'parsing time "{text}" as "{layout}": cannot parse "{text}"')
    return _assembled({name: value for name, value in match.groupdict().items() if value is not None})


def _assembled(found: dict[str, str]) -> datetime:
    year = int(found.get("year", 0)) or _full_year(found.get("short_year")) or 1
    month = int(found.get("month", 0)) or 1
    for name, length in (("long_month", None), ("short_month", 3)):
        if name in found:
            month = [word[:length] for word in _MONTHS].index(found[name]) + 1
    hour = int(found.get("hour", 0))
    if "hour12" in found:
        hour = int(found["hour12"]) % 12 + (12 if found.get("half", "").upper() == "PM" else 0)
    micro = int(found.get("fraction", "0")[:6].ljust(6, "0"))
    moment = datetime(year, month, int(found.get("day", 1)), hour, int(found.get("minute", 0)), int(found.get("second", 0)), micro, UTC)
    return moment.replace(tzinfo=_zone_found(found))


def _zone_found(found: dict[str, str]) -> tzinfo:
    """The zone that the text names; an abbreviation says nothing about the distance from UTC, as Go has it outside of that zone."""
    zone = found.get("zone", "Z").replace(":", "")
    name = found.get("name", "UTC")
    if zone == "Z":
        return UTC if name == "UTC" else timezone(timedelta(), name)
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5] or 0)) * (-1 if zone[0] == "-" else 1)
    return timezone(offset, zone.ljust(5, "0")) if offset else UTC


def _full_year(short: str | None) -> int:
    return 0 if short is None else int(short) + (1900 if int(short) >= 69 else 2000)


def duration_of(text: str) -> int:
    """Nanoseconds of a duration such as `-1h30m`.

    Raises:
        CallFailed: it is none.
    """
    body = text.lstrip("+-")
    if body == "0":
        return 0
    found = list(_DURATION.finditer(body))
    if not found or "".join(match.group() for match in found) != body or len(text) - len(body) > 1:
        raise CallFailed(f'time: invalid duration "{text}"')
    total = sum(round(float(match.group(1)) * _UNITS[match.group(2)]) for match in found)
    return -total if text[0] == "-" else total


def duration_text(nanoseconds: int) -> str:
    """A duration as Go writes it: `1h0m5s`."""
    sign = "-" if nanoseconds < 0 else ""
    rest = abs(nanoseconds)
    if rest < 10**9:
        for unit, name in ((10**6, "ms"), (10**3, "µs"), (1, "ns")):
            if rest >= unit:
                return f"{sign}{_trimmed(rest, unit)}{name}"
        return "0s"
    minutes, rest = divmod(rest, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    text = f"{_trimmed(rest, 10**9)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{text}"
    return f"{sign}{minutes}m{text}" if minutes else sign + text


def _trimmed(value: int, unit: int) -> str:
    whole, part = divmod(value, unit)
    digits = f"{part:0{len(str(unit)) - 1}d}".rstrip("0") if part else ""
    return f"{whole}.{digits}" if digits else str(whole)


def _modified(change: str, moment: datetime) -> datetime:
    return moment + timedelta(microseconds=duration_of(change) / 1000)


def modify(change: str, moment: datetime) -> datetime:
    """The time moved by a duration; unmoved when the duration is none."""
    try:
        return _modified(change, moment)
    except CallFailed:
        return moment


def ago(run: Run, value: Any) -> str:
    then = moment_of(run, value)
    seconds = round((present(run) - then).total_seconds())
    return duration_text(seconds * 10**9)


def duration(value: Any) -> str:
    """Seconds, as a text or int64, as a duration's text; anything else, a literal too, is none."""
    if isinstance(value, str):
        digits = value[1:] if value[:1] in {"+", "-"} else value
        seconds = max(-1 << 63, min(int(value), (1 << 63) - 1)) if digits.isascii() and digits.isdigit() and len(digits) < 40 else 0
    else:
        seconds = value if type(value) is int else 0
    return duration_text(wrap64(seconds * 10**9))


def rounded(run: Run, value: Any) -> str:
    """A duration in its largest unit: `2h`."""
    if isinstance(value, str):
        try:
            nanoseconds = duration_of(value)
        except CallFailed:
            nanoseconds = 0
    elif isinstance(value, datetime):
        nanoseconds = round((present(run) - value).total_seconds()) * 10**9
    else:
        nanoseconds = value if type(value) is int else 0
    size = abs(nanoseconds)
    for unit, name in ((31536000, "y"), (2592000, "mo"), (86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        if size > unit * 10**9:
            return f"{size // (unit * 10**9)}{name}"
    return "0s"


def to_date(layout: str, text: str) -> datetime:
    """The time; Go's zero time when the text does not follow the layout."""
    try:
        return parsed(layout, text)
    except (CallFailed, ValueError):
        return datetime(1, 1, 1, tzinfo=UTC)


def _date(run: Run, layout: str, value: Any) -> str:
    return formatted(layout, moment_of(run, value))


def _date_in_zone(run: Run, layout: str, value: Any, zone: str) -> str:
    return formatted(layout, moment_of(run, value, zone_of(zone)))


def _html_date_in_zone(run: Run, value: Any, zone: str) -> str:
    return _date_in_zone(run, "2006-01-02", value, zone)


FUNCTIONS: dict[str, Function] = declare(
    {
        "now": ("meter", present),
        "ago": ("meter any", ago),
        "date": ("meter string any", _date),
        "dateInZone": ("meter string any string", _date_in_zone),
        "date_in_zone": ("meter string any string", _date_in_zone),
        "htmlDate": ("meter any", lambda run, value: _date(run, "2006-01-02", value)),
        "htmlDateInZone": ("meter any string", _html_date_in_zone),
        "dateModify": ("string time", modify),
        "date_modify": ("string time", modify),
        "mustDateModify": ("string time", _modified),
        "must_date_modify": ("string time", _modified),
        "toDate": ("string string", to_date),
        "mustToDate": ("string string", parsed),
        "duration": ("any", duration),
        "durationRound": ("meter any", rounded),
        "unixEpoch": ("time", lambda moment: str(int(moment.timestamp() // 1))),
    }
)
