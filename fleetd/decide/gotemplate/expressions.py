"""Operands to closures: fields, variables, chains and constants, with Go's errors for what is missing.

Every closure takes the frame (`[parts of the output, run, $, variables…]`) and the dot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from fleetd.decide.gotemplate.formatting import time_text
from fleetd.decide.gotemplate.functions.dates import formatted
from fleetd.decide.gotemplate.nodes import Number
from fleetd.decide.gotemplate.source import Site, nearest
from fleetd.decide.gotemplate.values import MAP_TYPE, Int, Struct, type_name

Frame = list[Any]
Expression = Callable[[Frame, Any], Any]

_MISSING = object()
_NAMES = 12
"""So many keys are named in an error, and so much of each."""
_SHOWN = 60


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


def after(first: Expression, second: Expression) -> Expression:
    """The second's value, once the first was evaluated."""

    def expression(frame: Frame, dot: Any) -> Any:
        first(frame, dot)
        return second(frame, dot)

    return expression


def dot(_frame: Frame, value: Any) -> Any:
    """`.`"""
    return value


def variable(slot: int) -> Expression:
    """`$x`"""

    def expression(frame: Frame, _dot: Any) -> Any:
        return frame[slot]

    return expression


_ELSEWHERE = (KeyError, TypeError)
"""What asking a value for a key raises where it is no map, or has none such: then Go's rules are gone through one by one."""


def field(names: tuple[str, ...], site: Site, missing: Missing) -> Expression:  # noqa: C901 - a form for each usual length: the hot path
    """`.a.b.c` from the dot."""

    def elsewhere(value: Any) -> Any:
        return walk(value, names, site, missing, from_map=True)

    match names:
        case [first]:

            def one(_frame: Frame, value: Any) -> Any:
                try:
                    return value[first]
                except _ELSEWHERE:
                    return elsewhere(value)

            return one
        case [first, second]:

            def two(_frame: Frame, value: Any) -> Any:
                try:
                    return value[first][second]
                except _ELSEWHERE:
                    return elsewhere(value)

            return two
        case [first, second, third]:

            def three(_frame: Frame, value: Any) -> Any:
                try:
                    return value[first][second][third]
                except _ELSEWHERE:
                    return elsewhere(value)

            return three

    def several(_frame: Frame, value: Any) -> Any:
        start = value
        try:
            for name in names:
                value = value[name]
        except _ELSEWHERE:
            return elsewhere(start)
        return value

    return several


def chain(inner: Expression, names: tuple[str, ...], site: Site, missing: Missing) -> Expression:
    """`$x.a.b` and `(pipeline).a.b`."""

    def expression(frame: Frame, dot: Any) -> Any:
        start = value = inner(frame, dot)
        try:
            for name in names:
                value = value[name]
        except _ELSEWHERE:
            return walk(start, names, site, missing, from_map=False)
        return value

    return expression


def there(keys: Mapping[str, Any], wanted: str) -> str:
    """What is there instead, for an error: the nearest name, and the names themselves."""
    if not keys:
        return "; it is empty"
    names = sorted(keys)
    shown = ", ".join(name[:_SHOWN] for name in names[:_NAMES]) + (f" and {len(names) - _NAMES} more" if len(names) > _NAMES else "")
    near = nearest(names, wanted)
    return f"{near}{' There' if near else '; there'} {'are' if len(names) > 1 else 'is only'} {shown}"


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
                raise site.failed(f'map has no entry for key "{name}"{there(value, name)}')
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
    known = there(value.fields, name) if isinstance(value, Struct) else ""
    raise site.failed(f"can't evaluate field {name} in type {type_name(value)}{known}")


def method(inner: Expression, name: str, arguments: list[Expression], site: Site) -> Expression:
    """`(value).Name argument`, for the methods that a value has by contract: a time's Format, and comparisons of versions."""

    def expression(frame: Frame, dot: Any) -> Any:
        value = inner(frame, dot)
        given = [argument(frame, dot) for argument in arguments]
        body = _method_of(value, name)
        if body is None:
            raise site.failed(f"{name} is not a method but has arguments")
        if len(given) != 1:
            raise site.failed(f"wrong number of args for {name}: want 1 got {len(given)}")
        wanted = "string" if isinstance(value, datetime) else type_name(value)
        if type_name(given[0]) != wanted:
            raise site.failed(f"wrong type for value; expected {wanted}; got {type_name(given[0])}")
        return body(given[0])

    return expression


def _method_of(value: Any, name: str) -> Callable[[Any], Any] | None:
    if isinstance(value, datetime):
        return (lambda layout: formatted(layout, value)) if name == "Format" else None
    return value.methods.get(name) if isinstance(value, Struct) else None


_TIME_METHODS: dict[str, Callable[[datetime], Any]] = {
    "Year": lambda moment: Int(moment.year),
    "Month": lambda moment: Int(moment.month),
    "Day": lambda moment: Int(moment.day),
    "Hour": lambda moment: Int(moment.hour),
    "Minute": lambda moment: Int(moment.minute),
    "Second": lambda moment: Int(moment.second),
    "String": time_text,
    "YearDay": lambda moment: Int(moment.timetuple().tm_yday),
    "Unix": lambda moment: int(moment.timestamp() // 1),
}
