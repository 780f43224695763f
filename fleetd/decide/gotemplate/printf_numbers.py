"""Numbers under Go's formatting verbs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fleetd.decide.gotemplate.formatting import digits_of, is_negative, positional, scientific, shortest, special
from fleetd.decide.gotemplate.quoting import quoted
from fleetd.decide.gotemplate.values import Byte, Unsigned

if TYPE_CHECKING:
    from fleetd.decide.gotemplate.printf import Style

_BASES = {"d": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "x"}
_PREFIXES = {"b": "0b", "o": "0", "x": "0x", "X": "0X"}


def integer_verb(value: int, verb: str, style: Style) -> str | None:
    """A whole number under an integer verb, `%c`, `%q` or `%U`; None when the verb is none of its own."""
    match verb:
        case "v":
            if "#" in style.flags and isinstance(value, (Byte, Unsigned)):
                return style.pad(f"0x{int(value):x}")
            return _whole(value, "d", style)
        case "c":
            return style.pad(_character(value))
        case "q":
            return style.pad("'" + quoted(_character(value))[1:-1].replace("'", "\\'").replace('\\"', '"') + "'")
        case "U":
            shown = f"U+{value:04X}"
            return style.pad(f"{shown} '{chr(value)}'" if "#" in style.flags and 0 <= value <= 0x10FFFF else shown)
    return _whole(value, verb, style) if verb in _BASES else None


def _character(value: int) -> str:
    return chr(value) if 0 <= value <= 0x10FFFF and not 0xD800 <= value < 0xE000 else "\ufffd"


def _whole(value: int, verb: str, style: Style) -> str:
    digits = format(abs(int(value)), _BASES[verb])
    sign = "-" if value < 0 else "+" if "+" in style.flags else " " if " " in style.flags else ""
    if style.precision is not None:
        digits = "" if style.precision == 0 and value == 0 else digits.rjust(style.precision, "0")
    elif "0" in style.flags and style.width is not None:
        digits = digits.rjust(style.width - len(sign), "0")
    prefix = ""
    if verb == "O":
        prefix = "0o"
    elif "#" in style.flags:
        prefix = _PREFIXES.get(verb, "")
        if verb == "o" and digits.startswith("0"):
            prefix = ""
    if verb == "X":
        digits = digits.upper()
    return style.pad(sign + prefix + digits)


def float_verb(value: float, verb: str, style: Style) -> str | None:
    """A float under a float verb; None when the verb is none of its own."""
    if verb not in set("vbeEfFgGxX"):
        return None
    name = special(value)
    body = name.lstrip("+-") if name is not None else _digits(abs(value), verb, style.precision)
    if verb in "EGX" and name is None:
        body = body.upper()
    sign = "-" if is_negative(value) else "+" if "+" in style.flags or (name == "+Inf" and verb == "v") else ""
    if not sign and " " in style.flags:
        sign = " "
    return style.pad(sign + body, zeros=name is None)


def _digits(value: float, verb: str, precision: int | None) -> str:
    match verb:
        case "e" | "E":
            return _exponent(value, 6 if precision is None else precision)
        case "f" | "F":
            return f"{value:.{6 if precision is None else precision}f}"
        case "x" | "X":
            return _hexadecimal(value)
        case "b":
            mantissa, exponent = math.frexp(value)
            return f"{int(mantissa * 2**53)}p{exponent - 53:+d}"
    return shortest(value, low=-4, high=6) if precision is None else _general(value, precision or 1)


def _exponent(value: float, precision: int) -> str:
    mantissa, _, exponent = f"{value:.{precision}e}".partition("e")
    return f"{mantissa}e{exponent[0]}{exponent[1:].rjust(2, '0')}"


def _hexadecimal(value: float) -> str:
    mantissa, _, exponent = value.hex().partition("p")
    whole, _, part = mantissa.partition(".")
    part = part.rstrip("0")
    return f"{whole}{'.' + part if part else ''}p{exponent[0]}{exponent[1:].rjust(2, '0')}"


def _general(value: float, precision: int) -> str:
    if value == 0:
        return "0"
    digits, point = digits_of(float(f"{value:.{precision - 1}e}"))
    limit = len(digits) if precision > len(digits) >= point else precision
    return scientific(digits, point) if not -4 <= point - 1 < limit else positional(digits, point)
