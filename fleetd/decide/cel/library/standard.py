"""The standard library: sizes, tests on text, conversions, types."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import re2

from fleetd.decide.cel.library.function import Function, Functions, fixed, refuse, room, want
from fleetd.decide.cel.operators import duration, timestamp, unsigned, whole
from fleetd.decide.cel.times import duration_text, parse_duration, parse_timestamp, timestamp_text
from fleetd.decide.cel.values import INT_MAX, SECOND, Duration, NoOverload, Table, Timestamp, TypeName, UInt, type_name
from fleetd.decide.linear_patterns import compile_linear, why_not

_INTEGER: Final = re.compile(r"[+-]?\d{1,30}", re.ASCII)
_UNSIGNED: Final = re.compile(r"\d{1,30}", re.ASCII)
_DOUBLE: Final = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf|infinity|nan)", re.ASCII | re.IGNORECASE)
_SIZED: Final = frozenset((str, bytes, list, dict, Table))
_PLAIN_PATTERN: Final = re.compile(r"(\^?)([A-Za-z0-9_/:@, -]*)(\$?)")
_TRUE: Final = frozenset(("1", "t", "T", "true", "TRUE", "True"))
_FALSE: Final = frozenset(("0", "f", "F", "false", "FALSE", "False"))


def size(value: Any) -> int:
    """Characters of a text, bytes, items of a list, keys of a map."""
    if type(value) in _SIZED:
        return len(value)
    raise NoOverload("")


@lru_cache(maxsize=512)
def pattern(source: str) -> Any:
    """A compiled pattern over text in UTF-8; matching takes time linear in the text, whatever the pattern."""
    try:
        return compile_linear(source.encode(errors="replace"))
    except re2.error as error:
        raise refuse(f"{source!r} is no regular expression: {why_not(error)}") from None


def plain_pattern(source: str) -> Callable[[str], bool] | None:
    """A test that does what a pattern of plain letters between anchors does, without the engine; None for any other."""
    plain = _PLAIN_PATTERN.fullmatch(source)
    if plain is None:
        return None
    start, letters, end = plain.groups()
    if start and end:
        return lambda text: text == letters
    if start:
        return lambda text: text.startswith(letters)
    if end:
        return lambda text: text.endswith(letters)
    return lambda text: letters in text


def matches(text: Any, source: Any) -> bool:
    """Whether the pattern is found anywhere in the text."""
    want(str, text, source)
    return pattern(source).search(text.encode(errors="replace")) is not None


def _contains(text: Any, part: Any) -> bool:
    want(str, text, part)
    return part in text


def _starts(text: Any, part: Any) -> bool:
    want(str, text, part)
    return bool(text.startswith(part))


def _ends(text: Any, part: Any) -> bool:
    want(str, text, part)
    return bool(text.endswith(part))


def to_int(value: Any) -> int:
    """Truncates a double; a time becomes the seconds since 1970."""
    match value:
        case bool():
            raise NoOverload("")
        case int():
            return value
        case UInt():
            return whole(value.value)
        case float():
            return _truncated(value)
        case str():
            if _INTEGER.fullmatch(value):
                return whole(int(value))
            raise refuse(f"{value!r} is no integer")
        case Timestamp():
            return value.nanoseconds // SECOND
    raise NoOverload("")


def _truncated(value: float) -> int:
    # Both ends are left out, as in the specification: a double near them may already have been rounded.
    if not -(2.0**63) < value < 2.0**63:
        raise refuse("integer overflow: the double does not fit into 64 bits")
    return int(value)


def to_uint(value: Any) -> UInt:
    """Truncates a double; nothing below zero."""
    match value:
        case bool():
            raise NoOverload("")
        case UInt():
            return value
        case int():
            return unsigned(value)
        case float():
            if not 0 <= value < 2.0**64:
                raise refuse("unsigned integer overflow: the double does not fit into 64 bits")
            return UInt(int(value))
        case str():
            if _UNSIGNED.fullmatch(value):
                return unsigned(int(value))
            raise refuse(f"{value!r} is no unsigned integer")
    raise NoOverload("")


def to_double(value: Any) -> float:
    """The nearest double."""
    match value:
        case bool():
            raise NoOverload("")
        case float():
            return value
        case int():
            return float(value)
        case UInt():
            return float(value.value)
        case str():
            if _DOUBLE.fullmatch(value):
                return float(value)
            raise refuse(f"{value!r} is no number")
    raise NoOverload("")


def double_text(value: float) -> str:
    """The shortest text that reads back as the same double, as Go's ``%g`` writes it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    digits, _, exponent = f"{value!r}".partition("e")
    mantissa = digits.lstrip("-")
    before, _, after = mantissa.partition(".")
    power = int(exponent or 0) + len(before) - 1
    significant = (before + after).lstrip("0")
    power -= len(before + after) - len(significant)
    significant = significant.rstrip("0")
    sign = "-" if digits.startswith("-") else ""
    if not significant:
        return f"{sign}0"
    if -4 <= power < 6:
        return f"{sign}{_positional(significant, power)}"
    tail = f".{significant[1:]}" if len(significant) > 1 else ""
    return f"{sign}{significant[0]}{tail}e{'-' if power < 0 else '+'}{abs(power):02d}"


def _positional(significant: str, power: int) -> str:
    if power < 0:
        return f"0.{'0' * (-power - 1)}{significant}"
    padded = significant.ljust(power + 1, "0")
    return padded[: power + 1] + (f".{padded[power + 1 :]}" if len(padded) > power + 1 else "")


def to_string(value: Any) -> str:  # noqa: PLR0911 - one answer for each type
    """Text of a scalar or of a time."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case UInt():
            return str(value.value)
        case float():
            return double_text(value)
        case bytes():
            return _decoded(value)
        case Timestamp():
            return timestamp_text(value)
        case Duration():
            return duration_text(value)
    text = getattr(value, "cel_text", None)
    if text is None:
        raise NoOverload("")
    return str(text)


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise refuse("the bytes are no text in UTF-8") from None


def _to_bool(value: Any) -> bool:
    if type(value) is bool:
        return value
    want(str, value)
    if value in _TRUE or value in _FALSE:
        return value in _TRUE
    raise refuse(f"{value!r} is no boolean")


def _to_bytes(value: Any) -> bytes:
    if type(value) is bytes:
        return value
    want(str, value)
    room(len(value))
    return bytes(value.encode(errors="surrogatepass"))


def _to_timestamp(value: Any) -> Timestamp:
    match value:
        case Timestamp():
            return value
        case str():
            return parse_timestamp(value)
        case int() if not isinstance(value, bool):
            return timestamp(value * SECOND)
    raise NoOverload("")


def _to_duration(value: Any) -> Duration:
    match value:
        case Duration():
            return value
        case str():
            return parse_duration(value)
        case int() if not isinstance(value, bool):
            return duration(value * SECOND) if abs(value) <= INT_MAX // SECOND else duration(INT_MAX + 1)
    raise NoOverload("")


def _same(value: Any) -> Any:
    return value


def _type(value: Any) -> TypeName:
    return TypeName(type_name(value))


GLOBAL: Functions = {
    "size": fixed(size, 1),
    "matches": fixed(matches, 2, reads_all=True),
    "int": fixed(to_int, 1),
    "uint": fixed(to_uint, 1),
    "double": fixed(to_double, 1),
    "string": fixed(to_string, 1, reads_all=True),
    "bool": fixed(_to_bool, 1),
    "bytes": fixed(_to_bytes, 1, reads_all=True),
    "timestamp": fixed(_to_timestamp, 1),
    "duration": fixed(_to_duration, 1),
    "dyn": fixed(_same, 1),
    "type": fixed(_type, 1),
}
MEMBER: Functions = {
    "size": Function(size, 1, 1),
    "matches": fixed(matches, 2, reads_all=True),
    "contains": fixed(_contains, 2, reads_all=True),
    "startsWith": fixed(_starts, 2),
    "endsWith": fixed(_ends, 2),
}
