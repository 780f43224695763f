"""The parts of timestamps and durations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from fleetd.decide.cel.library.function import Function, Functions, want
from fleetd.decide.cel.times import in_zone
from fleetd.decide.cel.values import SECOND, Duration, NoOverload, Timestamp

_MILLISECOND: Final = 10**6
_OF_DURATION: Final = {"getHours": 3600 * SECOND, "getMinutes": 60 * SECOND, "getSeconds": SECOND}
_PARTS: Final[dict[str, Callable[[datetime], int]]] = {
    "getFullYear": lambda moment: moment.year,
    "getMonth": lambda moment: moment.month - 1,
    "getDate": lambda moment: moment.day,
    "getDayOfMonth": lambda moment: moment.day - 1,
    "getDayOfWeek": lambda moment: moment.isoweekday() % 7,
    "getDayOfYear": lambda moment: moment.timetuple().tm_yday - 1,
    "getHours": lambda moment: moment.hour,
    "getMinutes": lambda moment: moment.minute,
    "getSeconds": lambda moment: moment.second,
}


def _part(name: str) -> Callable[..., int]:
    part, unit = _PARTS[name], _OF_DURATION.get(name)

    def run(value: Any, zone: Any = None) -> int:
        if type(value) is Duration and unit is not None and zone is None:
            return _truncated(value.nanoseconds, unit)
        want(Timestamp, value)
        if zone is not None:
            want(str, zone)
        return part(in_zone(value, zone))

    return run


def _milliseconds(value: Any, zone: Any = None) -> int:
    """Of a timestamp the thousandths of its second; of a duration those behind its whole seconds."""
    if type(value) not in (Timestamp, Duration) or (zone is not None and type(zone) is not str):
        raise NoOverload("")
    nanoseconds: int = value.nanoseconds
    if type(value) is Timestamp:
        return nanoseconds % SECOND // _MILLISECOND
    return _truncated(nanoseconds - _truncated(nanoseconds, SECOND) * SECOND, _MILLISECOND)


def _truncated(value: int, unit: int) -> int:
    return value // unit if value >= 0 else -(-value // unit)


MEMBER: Functions = {name: Function(_part(name), 1, 2) for name in _PARTS} | {"getMilliseconds": Function(_milliseconds, 1, 2)}
