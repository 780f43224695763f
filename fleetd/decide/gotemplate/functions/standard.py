"""The functions that text/template itself has, but for `and` and `or`, which the compiler knows."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus

from fleetd.decide.gotemplate.formatting import plain, sprint
from fleetd.decide.gotemplate.functions.signature import Function, declare
from fleetd.decide.gotemplate.run import Run
from fleetd.decide.gotemplate.values import (
    Byte,
    CallFailed,
    Int,
    StringMap,
    from_utf8,
    truth,
    type_name,
    utf8,
)

_SCALAR = frozenset({str, int, Int, float, bool})
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;", "\0": "\ufffd"})
_JS = str.maketrans({"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D"})


def comparison_kind(value: Any) -> str:
    """Go's families of comparable types; empty for the others."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, float):
        return "float"
    return "string" if isinstance(value, str) else ""


def equal(run: Run, first: Any, *others: Any) -> bool:
    """Whether the first equals any of the others."""
    if len(others) == 1 and type(first) is type(others[0]) and type(first) in _SCALAR:
        return bool(first == others[0])
    if not others:
        raise CallFailed("missing argument for comparison")
    return any(_same(first, other, run) for other in others)


def _same(first: Any, other: Any, run: Run) -> bool:
    kind, other_kind = comparison_kind(first), comparison_kind(other)
    if kind != other_kind:
        if first is None or other is None:
            return False
        raise CallFailed(f"incompatible types for comparison: {type_name(first)} and {type_name(other)}")
    if kind:
        return bool(first == other)
    if first is None or other is None:
        return first is other
    for value in (first, other):
        if isinstance(value, (dict, list)):
            raise CallFailed(f"non-comparable type {plain(value, run)}: {type_name(value)}")
    return bool(first == other)


def less(first: Any, second: Any) -> bool:
    """Go's `<`, for numbers of one family and for strings, which compare by bytes."""
    kind, other = comparison_kind(first), comparison_kind(second)
    if not kind or not other:
        raise CallFailed("invalid type for comparison")
    if kind != other:
        raise CallFailed(f"incompatible types for comparison: {type_name(first)} and {type_name(second)}")
    if kind == "bool":
        raise CallFailed("invalid type for comparison")
    return utf8(first) < utf8(second) if kind == "string" else bool(first < second)


def less_or_equal(run: Run, first: Any, second: Any) -> bool:
    return less(first, second) or _same(first, second, run)


def length(value: Any) -> Int:
    """Bytes of a string, elements of the rest."""
    if isinstance(value, str):
        return Int(len(value) if value.isascii() else len(utf8(value)))
    if isinstance(value, (list, dict)):
        return Int(len(value))
    raise CallFailed("len of nil pointer" if value is None else f"len of type {type_name(value)}")


def index(value: Any, *keys: Any) -> Any:
    """Element after element; a key that a map has not gives its zero value."""
    if value is None:
        raise CallFailed("index of untyped nil")
    for key in keys:
        if value is None:
            raise CallFailed("index of nil pointer")
        if isinstance(value, dict):
            if not isinstance(key, str):
                raise CallFailed(f"value has type {type_name(key)}; should be string")
            value = value.get(key, "" if isinstance(value, StringMap) else None)
        elif isinstance(value, (list, str)):
            value = _element(value, key)
        else:
            raise CallFailed(f"can't index item of type {type_name(value)}")
    return value


def _element(value: list[Any] | str, key: Any) -> Any:
    items: Any = utf8(value) if isinstance(value, str) else value
    at = _position(key, len(items) - 1)
    element = items[at]
    return Byte(element) if isinstance(value, str) else element


def _position(key: Any, highest: int) -> int:
    if key is None:
        raise CallFailed("cannot index slice/array with nil")
    if isinstance(key, bool) or not isinstance(key, int):
        raise CallFailed(f"cannot index slice/array with type {type_name(key)}")
    if not 0 <= key <= highest:
        raise CallFailed(f"index out of range: {int(key)}")
    return int(key)


def cut(value: Any, *bounds: Any) -> Any:
    """The part of a string or list between two positions."""
    if value is None:
        raise CallFailed("slice of untyped nil")
    if len(bounds) > 3:
        raise CallFailed(f"too many slice indexes: {len(bounds)}")
    if not isinstance(value, (str, list)):
        raise CallFailed(f"can't slice item of type {type_name(value)}")
    if isinstance(value, str) and len(bounds) == 3:
        raise CallFailed("cannot 3-index slice a string")
    items: Any = utf8(value) if isinstance(value, str) else value
    positions = [_position(bound, len(items)) for bound in bounds]
    start = positions[0] if positions else 0
    stop = positions[1] if len(positions) > 1 else len(items)
    if start > stop:
        raise CallFailed(f"invalid slice index: {start} > {stop}")
    part = items[start:stop]
    return from_utf8(part) if isinstance(value, str) else type(value)(part)


def html(run: Run, *values: Any) -> str:
    return _room(_joined(values, run), 5, run).translate(_HTML)


def _room(text: str, factor: int, run: Run) -> str:
    """The text, once there is room for one that many times as long."""
    run.text(factor * len(text))
    return text


def js(run: Run, *values: Any) -> str:
    text = _room(_joined(values, run), 6, run).translate(_JS)
    return "".join(f"\\u{ord(letter):04X}" if letter < " " or not letter.isprintable() else letter for letter in text)


def url_query(run: Run, *values: Any) -> str:
    return quote_plus(utf8(_room(_joined(values, run), 3, run)), safe="-_.~")


def _joined(values: tuple[Any, ...], run: Run) -> str:
    return sprint(tuple("<no value>" if value is None else value for value in values), run)


def println(run: Run, *values: Any) -> str:
    return " ".join(plain(value, run) for value in values) + "\n"


def call_value(value: Any, *_: Any) -> Any:
    """Data holds no functions, so there is nothing to call."""
    raise CallFailed("call of nil" if value is None else f"non-function of type {type_name(value)}")


FUNCTIONS: dict[str, Function] = declare(
    {
        "not": ("any", lambda value: not truth(value)),
        "eq": ("meter any any...", equal),
        "ne": ("meter any any", lambda run, first, second: not _same(first, second, run)),
        "lt": ("any any", less),
        "le": ("meter any any", less_or_equal),
        "gt": ("meter any any", lambda run, first, second: not less_or_equal(run, first, second)),
        "ge": ("any any", lambda first, second: not less(first, second)),
        "len": ("any", length),
        "index": ("any any...", index),
        "slice": ("any any...", cut),
        "print": ("meter any...", lambda run, *values: sprint(values, run)),
        "println": ("meter any...", println),
        "html": ("meter any...", html),
        "js": ("meter any...", js),
        "urlquery": ("meter any...", url_query),
        "call": ("any any...", call_value),
        "and": ("any any...", lambda *values: values[-1]),
        "or": ("any any...", lambda *values: values[-1]),
    }
)
