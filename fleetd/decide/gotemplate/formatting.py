"""Values as Go's fmt package writes them with `%v`, and numbers as strconv does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fleetd.decide.gotemplate.run import Run
from fleetd.decide.gotemplate.values import Int, Struct

_WHOLE = frozenset({int, Int})


def digits_of(number: float) -> tuple[str, int]:
    """The shortest digits that read back as the number's absolute value, and where the point stands: 0.d1d2… times ten to it."""
    mantissa, _, exponent = repr(abs(number)).partition("e")
    whole, _, part = mantissa.partition(".")
    point = len(whole) + (int(exponent) if exponent else 0)
    digits = whole + part
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    return stripped.rstrip("0") or "0", point if stripped.strip("0") else 1


def special(number: float) -> str | None:
    """`NaN`, `+Inf` or `-Inf`; None for a number."""
    if number != number:  # noqa: PLR0124 - only NaN differs from itself
        return "NaN"
    if number in {float("inf"), float("-inf")}:
        return "+Inf" if number > 0 else "-Inf"
    return None


def is_negative(number: float) -> bool:
    return repr(number).startswith("-")


def scientific(digits: str, point: int, *, letter: str = "e") -> str:
    """`d.dde+XX` with at least two digits of exponent."""
    exponent = point - 1
    rest = digits[1:]
    return f"{digits[0]}{'.' + rest if rest else ''}{letter}{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def positional(digits: str, point: int) -> str:
    """`ddd.ddd` without an exponent."""
    if point <= 0:
        return "0." + "0" * -point + digits
    if point >= len(digits):
        return digits + "0" * (point - len(digits))
    return f"{digits[:point]}.{digits[point:]}"


def shortest(number: float, *, low: int, high: int) -> str:
    """The shortest text that reads back: an exponent is written below 10^low and from 10^high on."""
    name = special(number)
    if name is not None:
        return name
    digits, point = digits_of(number)
    text = scientific(digits, point) if point - 1 < low or point - 1 >= high else positional(digits, point)
    return "-" + text if is_negative(number) else text


def float_text(number: float) -> str:
    """A float as `%v` writes it."""
    return shortest(number, low=-4, high=6)


def time_text(moment: datetime) -> str:
    """A time as Go's String method writes it."""
    fraction = f".{moment.microsecond:06d}".rstrip("0").rstrip(".") if moment.microsecond else ""
    offset = moment.strftime("%z") or "+0000"
    zone = moment.tzname() or "UTC"
    return f"{moment.year:04d}-{moment:%m-%d %H:%M:%S}{fraction} {offset} {'UTC' if zone == 'UTC' else zone}"


def text_of(value: Any, run: Run) -> str:
    """The value as an action writes it: `%v`, and `<no value>` for nil."""
    if type(value) in _WHOLE:
        return int.__repr__(value)
    return "<no value>" if value is None else plain(value, run)


def plain(value: Any, run: Run) -> str:  # noqa: PLR0911 - one line a type
    """The value as `%v` writes it."""
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, (dict, list)):
        return container(value, run)
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, Struct):
        return value.text if value.text is not None else "{" + " ".join(plain(part, run) for part in value.fields.values()) + "}"
    return str(value)


def container(value: dict[str, Any] | list[Any], run: Run) -> str:
    """`map[a:1 b:2]` in key order, `[1 2]`."""
    run.spend(len(value) + 1)
    if isinstance(value, dict):
        text = "map[" + " ".join(f"{key}:{plain(value[key], run)}" for key in sorted(value)) + "]"
    else:
        text = "[" + " ".join([plain(part, run) for part in value]) + "]"
    run.text(len(text))
    return text


def sprint(values: tuple[Any, ...], run: Run) -> str:
    """Go's fmt.Sprint: a space between two operands when neither is a string."""
    parts: list[str] = []
    before_text = True
    for value in values:
        is_text = isinstance(value, str)
        if parts and not is_text and not before_text:
            parts.append(" ")
        parts.append(plain(value, run))
        before_text = is_text
    return "".join(parts)
