"""Sprig's arithmetic: everything is converted first, whole numbers wrap at 64 bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import reduce
from typing import Any

from fleetd.decide.gotemplate.formatting import plain
from fleetd.decide.gotemplate.functions.signature import Function, declare
from fleetd.decide.gotemplate.literals import number
from fleetd.decide.gotemplate.run import Run
from fleetd.decide.gotemplate.values import CallFailed, Int, Ints, wrap64


def to_int64(value: Any) -> int:
    """What Sprig's `int64` makes of a value; 0 when it makes nothing of it."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return wrap64(int(value)) if math.isfinite(value) and abs(value) < 2**63 else -(1 << 63)
    if isinstance(value, str) and value:
        return _int_of_text(value)
    return 0


def _int_of_text(value: str) -> int:
    whole, point, zeros = value.partition(".")
    if point and not zeros.strip("0"):
        value = whole
    digits = value.lstrip("+-")
    if len(value) > 80 or len(value) - len(digits) > 1 or not digits[:1].isdigit() or not digits[-1:].isalnum():
        return 0
    found = number(value, 0) if value.isascii() else None
    if found is None or found.whole is None or found.prefers_real:
        return 0
    return found.whole if -(1 << 63) <= found.whole < 1 << 63 else 0


def to_float64(value: Any) -> float:
    """What Sprig's `float64` makes of a value; 0 when it makes nothing of it."""
    if isinstance(value, (bool, int, float)):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value) if value.strip() == value else 0.0
        except ValueError:
            return 0.0
    return 0.0


def divide(left: Any, right: Any) -> int:
    """Towards zero, as Go divides."""
    dividend, divisor = to_int64(left), to_int64(right)
    quotient = abs(dividend) // abs(divisor)
    return wrap64(quotient if (dividend < 0) == (divisor < 0) else -quotient)


def modulo(left: Any, right: Any) -> int:
    """The rest has the dividend's sign, as in Go."""
    dividend, divisor = to_int64(left), to_int64(right)
    rest = abs(dividend) % abs(divisor)
    return rest if dividend >= 0 else -rest


def until(run: Run, count: int) -> Ints:
    return until_step(run, 0, count, 1 if count >= 0 else -1)


def until_step(run: Run, start: int, stop: int, step: int) -> Ints:
    """Whole numbers from start up to, not including, stop; none when the step leads away."""
    if step == 0 or (stop < start) != (step < 0):
        return Ints()
    run.elements(len(range(start, stop, step)) if abs(stop - start) < 1 << 62 else 1 << 62)
    return Ints(map(Int, range(start, stop, step)))


def sequence(run: Run, *bounds: int) -> str:
    """Numbers as the shell's `seq` writes them, between blanks; nothing for a wrong number of bounds."""
    match [int(bound) for bound in bounds]:
        case [end]:
            start, step = 1, -1 if end < 1 else 1
        case [start, end]:
            step = -1 if end < start else 1
        case [start, step, end]:
            if step == 0 or (end < start) != (step < 0):
                return ""
        case _:
            return ""
    numbers = until_step(run, start, wrap64(end + (1 if step > 0 else -1)), step)
    run.text(len(numbers) * 2)
    return " ".join(map(str, numbers))


def round_to(value: Any, places: int, *half: float) -> float:
    """Rounds halves up, or from another fraction on."""
    if abs(places) > 300:
        raise CallFailed(f"cannot round to {places} places")
    limit = half[0] if half else 0.5
    factor = math.pow(10, places)
    digit = factor * to_float64(value)
    fraction, _ = math.modf(digit)
    if fraction >= limit or -fraction < -limit:
        return math.ceil(digit) / factor
    return math.floor(digit) / factor


def to_decimal(run: Run, value: Any) -> int:
    """An octal text as a number."""
    try:
        found = int(plain(value, run), 8)
    except ValueError:
        return 0
    return found if -(1 << 63) <= found < 1 << 63 else 0


def atoi(text: str) -> Int:
    digits = text[1:] if text[:1] in {"+", "-"} else text
    return Int(text) if digits.isascii() and digits.isdigit() and len(digits) < 20 and abs(int(text)) < 1 << 63 else Int(0)


_EXACT = Context(prec=1_000, rounding=ROUND_HALF_UP)
"""Wide enough for every float: only a quotient is rounded, to 16 places."""


def _decimal(value: Any) -> Decimal:
    try:
        return Decimal(repr(to_float64(value)))
    except InvalidOperation:
        return Decimal(0)


def _folded(operation: Callable[[Decimal, Decimal], Decimal]) -> Callable[..., float]:
    def fold(first: Any, *others: Any) -> float:
        return float(reduce(operation, map(_decimal, others), _decimal(first))) + 0.0

    return fold


def _quotient(left: Decimal, right: Decimal) -> Decimal:
    if not right:
        raise ZeroDivisionError
    return _EXACT.quantize(_EXACT.divide(left, right), Decimal("1e-16"))


def _whole(rounding: Callable[[float], int], value: Any) -> float:
    number_given = to_float64(value)
    if not math.isfinite(number_given):
        return number_given
    return float(rounding(number_given)) or math.copysign(0.0, number_given)


FUNCTIONS: dict[str, Function] = declare(
    {
        "int": ("any", lambda value: Int(to_int64(value))),
        "int64": ("any", to_int64),
        "float64": ("any", to_float64),
        "atoi": ("string", atoi),
        "toDecimal": ("meter any", to_decimal),
        "add": ("any...", lambda *values: wrap64(sum(map(to_int64, values)))),
        "add1": ("any", lambda value: wrap64(to_int64(value) + 1)),
        "sub": ("any any", lambda left, right: wrap64(to_int64(left) - to_int64(right))),
        "mul": ("any any...", lambda first, *others: reduce(lambda a, b: wrap64(a * to_int64(b)), others, to_int64(first))),
        "div": ("any any", divide),
        "mod": ("any any", modulo),
        "max": ("any any...", lambda *values: max(map(to_int64, values))),
        "biggest": ("any any...", lambda *values: max(map(to_int64, values))),
        "min": ("any any...", lambda *values: min(map(to_int64, values))),
        "maxf": ("any any...", lambda *values: max(map(to_float64, values))),
        "minf": ("any any...", lambda *values: min(map(to_float64, values))),
        "add1f": ("any", lambda value: float(_decimal(value) + 1)),
        "addf": ("any...", lambda *values: float(reduce(_EXACT.add, map(_decimal, values), Decimal(0)))),
        "subf": ("any any...", _folded(_EXACT.subtract)),
        "mulf": ("any any...", _folded(_EXACT.multiply)),
        "divf": ("any any...", _folded(_quotient)),
        "ceil": ("any", lambda value: _whole(math.ceil, value)),
        "floor": ("any", lambda value: _whole(math.floor, value)),
        "round": ("any int float64...", round_to),
        "until": ("meter int", until),
        "untilStep": ("meter int int int", until_step),
        "seq": ("meter int...", sequence),
    }
)
