"""Go's types, told apart in Python.

JSON values stand for themselves: ``int`` is Go's int64, ``float`` float64, ``dict`` map[string]interface{}, ``list``
[]interface{}, ``None`` nil. What a template itself makes and Go tells apart has a class here: ``Int`` (a literal, a length)
is Go's int, ``Strings`` is []string, and so on. A text is UTF-8 with ``surrogateescape``, because a Go string may hold any bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any


class Int(int):
    """Go's int: number literals, lengths, indexes."""

    __slots__ = ()


class Byte(int):
    """Go's uint8: what indexing a string yields."""

    __slots__ = ()


class Unsigned(int):
    """Go's uint64: the parts of a semantic version."""

    __slots__ = ()


class Strings(list[str]):
    """Go's []string."""

    __slots__ = ()


class Ints(list[int]):
    """Go's []int."""

    __slots__ = ()


class StringMap(dict[str, str]):
    """Go's map[string]string."""

    __slots__ = ()


class Lists(list[list[Any]]):
    """Go's [][]interface{}: what `chunk` yields."""

    __slots__ = ()


class NilList(list[Any]):
    """A nil []interface{}: empty like another, but null in JSON and YAML."""

    __slots__ = ()


class NilStrings(Strings):
    """A nil []string."""

    __slots__ = ()


class NilMap(dict[str, Any]):
    """A nil map[string]interface{}: it can be read, not written."""

    __slots__ = ()


NILS: frozenset[type] = frozenset({type(None), NilList, NilStrings, NilMap})
"""What JSON, YAML and TOML take for nothing."""


class Struct:
    """A Go struct, or a pointer to one: fields have Go's names and are accessed exactly.

    Args:
        fields: every field that a template may name.
        type_name: as Go names the type, for error texts; a typed reference when nothing is said.
        text: what printing it gives, where the Go type prints itself; otherwise the fields' values in braces.
        methods: what a template may call with one argument, another of its kind.
    """

    __slots__ = ("fields", "methods", "text", "type_name")

    def __init__(
        self,
        fields: Mapping[str, Any],
        *,
        type_name: str = "v1.ObjectReference",
        text: str | None = None,
        methods: Mapping[str, Callable[[Any], Any]] | None = None,
    ) -> None:
        self.fields = dict(fields)
        self.methods = methods or {}
        self.type_name = type_name
        self.text = text


class CallFailed(Exception):
    """A function could not do its work; the call adds the place and raises what the caller sees."""


MAP_TYPE = "map[string]interface {}"
LIST_TYPE = "[]interface {}"

_TYPES: dict[type, tuple[str, str]] = {
    str: ("string", "string"),
    bool: ("bool", "bool"),
    Int: ("int", "int"),
    int: ("int64", "int64"),
    Byte: ("uint8", "uint8"),
    Unsigned: ("uint64", "uint64"),
    float: ("float64", "float64"),
    dict: (MAP_TYPE, "map"),
    StringMap: ("map[string]string", "map"),
    list: (LIST_TYPE, "slice"),
    Strings: ("[]string", "slice"),
    Ints: ("[]int", "slice"),
    Lists: ("[][]interface {}", "slice"),
    NilList: (LIST_TYPE, "slice"),
    NilStrings: ("[]string", "slice"),
    NilMap: (MAP_TYPE, "map"),
    datetime: ("time.Time", "struct"),
}


def type_name(value: Any) -> str:
    """Go's name of the value's type; `<nil>` for nil."""
    if value is None:
        return "<nil>"
    if isinstance(value, Struct):
        return value.type_name
    return _entry(value)[0]


def kind_name(value: Any) -> str:
    """Go's name of the value's kind; `invalid` for nil."""
    if value is None:
        return "invalid"
    if isinstance(value, Struct):
        return "ptr" if value.type_name.startswith("*") else "struct"
    return _entry(value)[1]


def _entry(value: Any) -> tuple[str, str]:
    known = _TYPES.get(type(value))
    if known is not None:
        return known
    for base in (bool, str, int, float, dict, list, datetime):
        if isinstance(value, base):
            return _TYPES[base]
    return (type(value).__name__, "struct")


def truth(value: Any) -> bool:
    """Go's truth: not the zero value of its type; a struct is always true."""
    if value is None:
        return False
    if isinstance(value, (Struct, datetime)):
        return True
    return bool(value)


def utf8(text: str) -> bytes:
    """The bytes of a Go string."""
    return text.encode("utf-8", "surrogateescape")


def from_utf8(data: bytes) -> str:
    """A Go string of these bytes, valid UTF-8 or not."""
    return data.decode("utf-8", "surrogateescape")


def wrap64(number: int) -> int:
    """The number as int64 holds it: Go's arithmetic wraps around."""
    return number if -(1 << 63) <= number < 1 << 63 else ((number + (1 << 63)) % (1 << 64)) - (1 << 63)
