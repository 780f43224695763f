"""The values of the language that JSON does not have, equality, and order.

A value is ``None``, ``bool``, ``int`` (64 bits), ``float``, ``str``, ``bytes``, ``list``, ``dict`` with text keys, or one
of the classes here. Python holds ``True == 1``; the language does not, and everything below takes care of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import total_ordering
from typing import Any, Final

from fleetd.domain.errors import EvaluationFailed

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
UINT_MAX: Final = 2**64 - 1
SECOND: Final = 1_000_000_000
TIMESTAMP_MIN: Final = -62_135_596_800 * SECOND
TIMESTAMP_MAX: Final = 253_402_300_800 * SECOND - 1


class NoOverload(EvaluationFailed):
    """A function or operator does not take values of these types; the caller knows its name and place."""


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class UInt:
    """An unsigned integer of 64 bits; equal to an ``int`` or ``float`` of the same value."""

    value: int

    def __eq__(self, other: object) -> bool:
        if type(other) is UInt:
            return self.value == other.value
        if type(other) is float:
            return float(self.value) == other
        return type(other) is int and self.value == other

    def __lt__(self, other: UInt) -> bool:
        return self.value < other.value

    def __hash__(self) -> int:
        return hash(self.value)


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A stretch of time in nanoseconds, of 64 bits."""

    nanoseconds: int


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """A point in time: nanoseconds since 1970 in UTC, within the years 1 to 9999."""

    nanoseconds: int


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type as a value."""

    name: str


class Absent:
    """The type of the one value that says that an optional holds nothing."""

    __slots__ = ()


ABSENT: Final = Absent()


@dataclass(frozen=True, slots=True, eq=False)
class Maybe:
    """An optional value; ``ABSENT`` when there is none."""

    value: Any = ABSENT

    @property
    def present(self) -> bool:
        return self.value is not ABSENT


class Table:
    """A map whose keys are not all text; keys that are equal in the language are one key."""

    __slots__ = ("entries",)

    def __init__(self, pairs: Sequence[tuple[Any, Any]] = ()) -> None:
        self.entries: dict[Any, tuple[Any, Any]] = {lookup_key(key): (key, value) for key, value in pairs}

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Any]:
        return (key for key, _ in self.entries.values())

    def find(self, key: Any) -> Any:
        """The value of a key, or ``ABSENT``."""
        found = self.entries.get(lookup_key(key))
        return ABSENT if found is None else found[1]


CONTAINERS: Final = frozenset((list, dict, Table, Maybe))
_BOOLEAN_KEYS: Final = {True: ("bool", True), False: ("bool", False)}


def lookup_key(key: Any) -> Any:
    """What stands for a key in a Python dict, where ``True`` and ``1`` would be one."""
    kind = type(key)
    if kind is bool:
        return _BOOLEAN_KEYS[key]
    if kind is str or kind is int:
        return key
    if kind is UInt:
        return key.value
    if kind is float:
        return key if math.isnan(key) or math.isinf(key) or key != int(key) else int(key)
    return ("other", kind.__name__)


def make_map(pairs: Sequence[tuple[Any, Any]]) -> dict[str, Any] | Table:
    """A map of these entries; plain when every key is text.

    Raises:
        EvaluationFailed: a key twice, or a key that is no text, integer or boolean.
    """
    seen = set()
    plain = True
    for key, _ in pairs:
        kind = type(key)
        if kind is not str:
            plain = False
            if kind not in (int, bool, UInt):
                raise EvaluationFailed(f"a key of a map is a string, an integer or a boolean, not {type_name(key)}")
        known = lookup_key(key)
        if known in seen:
            raise EvaluationFailed(f"the map has the key {key!r} twice")
        seen.add(known)
    return dict(pairs) if plain else Table(pairs)


def find_key(table: dict[str, Any] | Table, key: Any) -> Any:
    """The value of a key in any map, or ``ABSENT``."""
    if type(table) is dict:
        return table.get(key, ABSENT) if type(key) is str else ABSENT
    return table.find(key)  # type: ignore[union-attr]  # the narrowing by type() leaves Table only


_NAMES: Final[dict[type, str]] = {
    type(None): "null_type",
    bool: "bool",
    int: "int",
    float: "double",
    str: "string",
    bytes: "bytes",
    list: "list",
    dict: "map",
    Table: "map",
    UInt: "uint",
    Duration: "google.protobuf.Duration",
    Timestamp: "google.protobuf.Timestamp",
    TypeName: "type",
    Maybe: "optional_type",
}


def type_name(value: Any) -> str:
    """The language's name for the type of a value."""
    known = _NAMES.get(type(value))
    return known if known is not None else str(getattr(value, "cel_type", type(value).__name__))


_NUMBERS: Final = frozenset((int, float, UInt))
_MAPS: Final = frozenset((dict, Table))


def equal(left: Any, right: Any) -> bool:
    """Equality of the language: across numbers by value, of different types false, never an error."""
    kind, other = type(left), type(right)
    if kind is str or kind is bool:
        return kind is other and bool(left == right)
    if kind in _NUMBERS:
        # As in the engines of Google, an integer is rounded to a double before it is compared with one.
        if kind is int and other is float:
            return bool(float(left) == right)
        if kind is float and other is int:
            return bool(left == float(right))
        return other in _NUMBERS and bool(left == right)
    if kind is list:
        return other is list and len(left) == len(right) and all(map(equal, left, right))
    if kind in _MAPS:
        return other in _MAPS and _equal_maps(left, right)
    if kind is Maybe:
        return other is Maybe and _equal_optionals(left, right)
    return kind is other and bool(left == right)


def _equal_maps(left: Any, right: Any) -> bool:
    if len(left) != len(right):
        return False
    for key in left:
        mine, theirs = find_key(left, key), find_key(right, key)
        if theirs is ABSENT or not equal(mine, theirs):
            return False
    return True


def _equal_optionals(left: Maybe, right: Maybe) -> bool:
    if not (left.present and right.present):
        return left.present == right.present
    return equal(left.value, right.value)


_ORDERED: Final = frozenset((str, bytes, bool, Timestamp, Duration))


def compare(left: Any, right: Any) -> int | None:
    """-1, 0 or 1; None when a number is NaN.

    Raises:
        NoOverload: values that have no order.
    """
    kind, other = type(left), type(right)
    if kind in _NUMBERS and other in _NUMBERS:
        left = left.value if kind is UInt else left
        right = right.value if other is UInt else right
        if kind is float or other is float:
            left, right = float(left), float(right)
    elif kind is not other or kind not in _ORDERED:
        raise NoOverload("")
    if left < right:
        return -1
    if left == right:
        return 0
    return 1 if left > right else None


def freeze(value: Any) -> Any:
    """A hashable stand-in for any value: two are equal where the values are. It costs as much as the value is large."""
    kind = type(value)
    if kind is list:
        return ("list", *map(freeze, value))
    if kind is dict:
        return ("map", frozenset((key, freeze(item)) for key, item in value.items()))
    if kind is Table:
        return ("map", frozenset((key, freeze(item)) for key, (_, item) in value.entries.items()))
    if kind is Maybe:
        return ("optional", freeze(value.value))
    if kind is float and math.isnan(value):
        return object()  # a NaN equals nothing
    return key_of(value) if kind in _SCALARS else (kind.__name__, value)


_SCALARS: Final = frozenset((bool, int, float, str, bytes, UInt))


def key_of(value: Any) -> Any:
    """A hashable stand-in under which equal scalars are one; None for what is no scalar."""
    kind = type(value)
    if kind is bool:
        return _BOOLEAN_KEYS[value]
    if kind is float and math.isnan(value):
        return None
    return value if kind in (str, int, float, bytes) else value.value if kind is UInt else None
