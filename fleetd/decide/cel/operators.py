"""Arithmetic of the language: integers of 64 bits that overflow with an error, doubles of IEEE 754, text, lists, times."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from fleetd.decide.cel.values import (
    INT_MAX,
    INT_MIN,
    TIMESTAMP_MAX,
    TIMESTAMP_MIN,
    UINT_MAX,
    Duration,
    NoOverload,
    Timestamp,
    UInt,
)
from fleetd.domain.errors import EvaluationFailed

Operation = Callable[[Any, Any], Any]


def whole(value: int) -> int:
    """The value, if it is an integer of 64 bits."""
    if INT_MIN <= value <= INT_MAX:
        return value
    raise EvaluationFailed("integer overflow: the result does not fit into 64 bits")


def unsigned(value: int) -> UInt:
    """The value, if it is an unsigned integer of 64 bits."""
    if 0 <= value <= UINT_MAX:
        return UInt(value)
    raise EvaluationFailed("unsigned integer overflow: the result does not fit into 64 bits")


def duration(nanoseconds: int) -> Duration:
    """A duration, if it fits."""
    if INT_MIN <= nanoseconds <= INT_MAX:
        return Duration(nanoseconds)
    raise EvaluationFailed("the duration is out of range")


def timestamp(nanoseconds: int) -> Timestamp:
    """A point in time, if it lies in the years 1 to 9999."""
    if TIMESTAMP_MIN <= nanoseconds <= TIMESTAMP_MAX:
        return Timestamp(nanoseconds)
    raise EvaluationFailed("the timestamp is out of range: it must lie in the years 1 to 9999")


def _divide(left: int, right: int) -> int:
    if right == 0:
        raise EvaluationFailed("division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: int, right: int) -> int:
    if right == 0:
        raise EvaluationFailed("modulus by zero")
    return left - right * whole(_divide(left, right))


def _divide_doubles(left: float, right: float) -> float:
    if right != 0.0:
        return left / right
    if left == 0.0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def _multiply_doubles(left: float, right: float) -> float:
    return left * right


_SAME: Final[dict[tuple[str, type], Operation]] = {
    ("+", int): lambda a, b: whole(a + b),
    ("-", int): lambda a, b: whole(a - b),
    ("*", int): lambda a, b: whole(a * b),
    ("/", int): lambda a, b: whole(_divide(a, b)),
    ("%", int): lambda a, b: whole(_remainder(a, b)),
    ("+", UInt): lambda a, b: unsigned(a.value + b.value),
    ("-", UInt): lambda a, b: unsigned(a.value - b.value),
    ("*", UInt): lambda a, b: unsigned(a.value * b.value),
    ("/", UInt): lambda a, b: unsigned(_divide(a.value, b.value)),
    ("%", UInt): lambda a, b: unsigned(_remainder(a.value, b.value)),
    ("+", float): lambda a, b: a + b,
    ("-", float): lambda a, b: a - b,
    ("*", float): _multiply_doubles,
    ("/", float): _divide_doubles,
    ("+", str): lambda a, b: a + b,
    ("+", bytes): lambda a, b: a + b,
    ("+", list): lambda a, b: a + b,
    ("+", Duration): lambda a, b: duration(a.nanoseconds + b.nanoseconds),
    ("-", Duration): lambda a, b: duration(a.nanoseconds - b.nanoseconds),
    ("-", Timestamp): lambda a, b: duration(a.nanoseconds - b.nanoseconds),
}
_MIXED: Final[dict[tuple[str, type, type], Operation]] = {
    ("+", Timestamp, Duration): lambda a, b: timestamp(a.nanoseconds + b.nanoseconds),
    ("+", Duration, Timestamp): lambda a, b: timestamp(a.nanoseconds + b.nanoseconds),
    ("-", Timestamp, Duration): lambda a, b: timestamp(a.nanoseconds - b.nanoseconds),
}


def calculate(sign: str, left: Any, right: Any) -> Any:
    """The result of ``+ - * / %``.

    Raises:
        NoOverload: types that the operator does not take, such as an integer and a double.
        EvaluationFailed: overflow, or division by zero.
    """
    kind, other = type(left), type(right)
    operation = _SAME.get((sign, kind)) if kind is other else _MIXED.get((sign, kind, other))
    if operation is None:
        raise NoOverload("")
    return operation(left, right)


def negate(value: Any) -> Any:
    """The result of a minus before a value."""
    if type(value) is int:
        return whole(-value)
    if type(value) is float:
        return -value
    raise NoOverload("")
