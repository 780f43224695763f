"""The extension for numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from fleetd.decide.cel.library.function import Function, Functions, fixed, refuse, want
from fleetd.decide.cel.operators import unsigned, whole
from fleetd.decide.cel.values import INT_MIN, UINT_MAX, NoOverload, UInt, compare

_NUMBERS = (int, float, UInt)


def _numbers(values: tuple[Any, ...]) -> list[Any]:
    found = values[0] if len(values) == 1 and type(values[0]) is list else list(values)
    if not found:
        raise refuse("an empty list has no greatest and no least number")
    if any(type(value) not in _NUMBERS for value in found):
        raise NoOverload("")
    return list(found)


def _extreme(wanted: int) -> Callable[..., Any]:
    def run(*values: Any) -> Any:
        first, *others = _numbers(values)
        for value in others:
            if compare(value, first) == wanted:
                first = value
        return first

    return run


def _absolute(value: Any) -> Any:
    if type(value) is UInt:
        return value
    if type(value) is int:
        return whole(abs(value))
    want(float, value)
    return abs(value)


def _sign(value: Any) -> Any:
    if type(value) is UInt:
        return UInt(1 if value.value else 0)
    if type(value) is int:
        return (value > 0) - (value < 0)
    want(float, value)
    return value if math.isnan(value) else float((value > 0) - (value < 0))


def _of_double(calculate: Callable[[float], float | bool]) -> Function:
    def run(value: Any) -> float | bool:
        want(float, value)
        return calculate(value)

    return fixed(run, 1)


def _rounding(calculate: Callable[[float], int]) -> Function:
    return _of_double(lambda value: math.copysign(float(calculate(value)), value) if math.isfinite(value) else value)


def _half_away(value: float) -> int:
    below = math.floor(abs(value))
    return (below + (abs(value) - below >= 0.5)) * (-1 if value < 0 else 1)


def _root(value: Any) -> float:
    if type(value) not in _NUMBERS:
        raise NoOverload("")
    number = float(value.value if type(value) is UInt else value)
    return math.sqrt(number) if number >= 0 else math.nan


def _bits(calculate: Callable[[int, int], int]) -> Function:
    def run(left: Any, right: Any) -> Any:
        if type(left) is UInt and type(right) is UInt:
            return UInt(calculate(left.value, right.value))
        want(int, left, right)
        return calculate(left, right)

    return fixed(run, 2)


def _bit_not(value: Any) -> Any:
    if type(value) is UInt:
        return UInt(value.value ^ UINT_MAX)
    want(int, value)
    return ~value


def _shift(value: Any, count: Any, *, left: bool) -> Any:
    want(int, count)
    if count < 0:
        raise refuse(f"bits are shifted by a positive number, not by {count}")
    if type(value) is not UInt:
        want(int, value)
    bits = value.value if type(value) is UInt else value & UINT_MAX
    moved = 0 if count > 63 else (bits << count) & UINT_MAX if left else bits >> count
    if type(value) is UInt:
        return unsigned(moved)
    return moved if moved < -INT_MIN else moved - (1 << 64)


GLOBAL: Functions = {
    "math.greatest": Function(_extreme(1), 1, 64, reads_all=True),
    "math.least": Function(_extreme(-1), 1, 64, reads_all=True),
    "math.abs": fixed(_absolute, 1),
    "math.sign": fixed(_sign, 1),
    "math.ceil": _rounding(math.ceil),
    "math.floor": _rounding(math.floor),
    "math.trunc": _rounding(math.trunc),
    "math.round": _rounding(_half_away),
    "math.sqrt": fixed(_root, 1),
    "math.isNaN": _of_double(math.isnan),
    "math.isInf": _of_double(math.isinf),
    "math.isFinite": _of_double(math.isfinite),
    "math.bitAnd": _bits(lambda a, b: a & b),
    "math.bitOr": _bits(lambda a, b: a | b),
    "math.bitXor": _bits(lambda a, b: a ^ b),
    "math.bitNot": fixed(_bit_not, 1),
    "math.bitShiftLeft": fixed(lambda value, count: _shift(value, count, left=True), 2),
    "math.bitShiftRight": fixed(lambda value, count: _shift(value, count, left=False), 2),
}
