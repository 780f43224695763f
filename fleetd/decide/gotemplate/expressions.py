"""Operands to closures: fields, variables, chains and constants, with Go's errors for what is missing.

Every closure takes the frame (`[parts of the output, run, $, variables…]`) and the dot.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Any

from fleetd.decide.gotemplate.nodes import Number
from fleetd.decide.gotemplate.source import Site
from fleetd.decide.gotemplate.values import MAP_TYPE, Int, Struct, type_name

Frame = list[Any]
Expression = Callable[[Frame, Any], Any]

_MISSING = object()


class Missing(Enum):
    """What a key that a map has not yields: Go's option `missingkey`."""

    ERROR = "error"
    DEFAULT = "default"
    ZERO = "zero"


def constant(value: Any) -> Expression:
    """Always this value."""

    def expression(_frame: Frame, _dot: Any) -> Any:
        return value

    return expression


def ideal(node: Number, site: Site) -> Expression:
    """A number where any type will do: int when it is written as one, float64 otherwise."""
    if node.whole is not None and not node.prefers_real:
        if -(1 << 63) <= node.whole < 1 << 63:
            return constant(Int(node.whole))
        return failing(site, f"{node.text} overflows int")
    return constant(node.real)


def failing(site: Site, message: str) -> Expression:
    """Always this error: what Go finds out at run time stays an error of run time."""

    def expression(_frame: Frame, _dot: Any) -> Any:
        raise site.failed(message)

    return expression


def dot(_frame: Frame, value: Any) -> Any:
    """`.`"""
    return value


def variable(slot: int) -> Expression:
    """`$x`"""

    def expression(frame: Frame, _dot: Any) -> Any:
        return frame[slot]

    return expression


def field(names: tuple[str, ...], site: Site, missing: Missing) -> Expression:
    """`.a.b.c` from the dot."""
    first = names[0]
    if len(names) == 1:

        def one(_frame: Frame, value: Any) -> Any:
            if type(value) is dict and first in value:
                return value[first]
            return _field(value, first, site, missing, from_map=True)[0]

        return one

    def several(_frame: Frame, value: Any) -> Any:
        start = value
        for name in names:
            if type(value) is not dict or name not in value:
                return walk(start, names, site, missing, from_map=True)
            value = value[name]
        return value

    return several


def chain(inner: Expression, names: tuple[str, ...], site: Site, missing: Missing) -> Expression:
    """`$x.a.b` and `(pipeline).a.b`."""

    def expression(frame: Frame, dot: Any) -> Any:
        start = value = inner(frame, dot)
        for name in names:
            if type(value) is not dict or name not in value:
                return walk(start, names, site, missing, from_map=False)
            value = value[name]
        return value

    return expression


def walk(value: Any, names: tuple[str, ...], site: Site, missing: Missing, *, from_map: bool) -> Any:
    """Follows names down, for values of every type.

    Args:
        from_map: the value is an element of a map or list: nil there is a nil interface, elsewhere it is no value at all.
    """
    for name in names:
        value, found = _field(value, name, site, missing, from_map=from_map)
        if not found:
            return value
        from_map = True
    return value


def _field(value: Any, name: str, site: Site, missing: Missing, *, from_map: bool) -> tuple[Any, bool]:
    """The field, and whether the walk may go on from it."""
    if isinstance(value, dict):
        found = value.get(name, _MISSING)
        if found is not _MISSING:
            return found, True
        match missing:
            case Missing.ERROR:
                raise site.failed(f'map has no entry for key "{name}"')
            case Missing.DEFAULT:
                return None, False
        return None if type_name(value) == MAP_TYPE else "", True
    if isinstance(value, Struct) and name in value.fields:
        return value.fields[name], True
    if value is None:
        if from_map:
            raise site.failed(f"nil pointer evaluating interface {{}}.{name}")
        if missing is Missing.ERROR:
            raise site.failed(f'nil data; no entry for key "{name}"')
        return None, False
    if isinstance(value, datetime) and name in _TIME_METHODS:
        return _TIME_METHODS[name](value), True
    raise site.failed(f"can't evaluate field {name} in type {type_name(value)}")


_TIME_METHODS: dict[str, Callable[[datetime], Any]] = {
    "Year": lambda moment: Int(moment.year),
    "Month": lambda moment: Int(moment.month),
    "Day": lambda moment: Int(moment.day),
    "Hour": lambda moment: Int(moment.hour),
    "Minute": lambda moment: Int(moment.minute),
    "Second": lambda moment: Int(moment.second),
    "YearDay": lambda moment: Int(moment.timetuple().tm_yday),
    "Unix": lambda moment: int(moment.timestamp() // 1),
}
