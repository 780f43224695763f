"""Quantities (`500m`, `1Gi`) in the one form in which the server keeps each."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from math import ceil

FORM = re.compile(r"([+-]?)(\d+\.?\d*|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?\d{1,3})?")
BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
DECIMAL = {-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
POWERS = {suffix: power for power, suffix in DECIMAL.items() if suffix}
NANO = 10**9
NOT_A_QUANTITY = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


@lru_cache(4096)
def canonical(text: str) -> str | None:
    """The quantity with the largest suffix that leaves a whole number; None for a text that is none."""
    found = FORM.fullmatch(text)
    if found is None:
        return None
    sign, number, suffix = found[1], found[2], found[3] or ""
    value = Fraction(number if number[-1] != "." else number[:-1])
    shown = _binary(value, suffix) if suffix[1:] == "i" else _decimal(value, suffix)
    return f"-{shown}" if sign == "-" and shown != "0" else shown


def _binary(value: Fraction, suffix: str) -> str:
    value *= 1024 ** BINARY.index(suffix)
    if value < 1024:
        return _decimal(value, "")
    whole, power = ceil(value), 0
    while whole % 1024 == 0 and power < 6:
        whole, power = whole // 1024, power + 1
    return f"{whole}{BINARY[power]}"


def _decimal(value: Fraction, suffix: str) -> str:
    exponent = suffix[:1] in ("e", "E") and len(suffix) > 1
    value *= Fraction(10) ** (int(suffix[1:]) if exponent else POWERS.get(suffix, 0))
    whole, power = ceil(value * NANO), -9
    if not whole:
        return "0"
    while whole % 1000 == 0 and power < 18:
        whole, power = whole // 1000, power + 3
    if exponent:
        return f"{whole}e{power}" if power else str(whole)
    return f"{whole}{DECIMAL[power]}"


@lru_cache(4096)
def amount(text: object) -> Fraction:
    """The number that a quantity is; 0 for what is none."""
    found = FORM.fullmatch(str(text))
    if found is None:
        return Fraction(0)
    sign, number, suffix = found[1], found[2], found[3] or ""
    value = Fraction(number if number[-1] != "." else number[:-1])
    if suffix[1:] == "i":
        value *= 1024 ** BINARY.index(suffix)
    elif suffix:
        exponent = suffix[:1] in ("e", "E") and len(suffix) > 1
        value *= Fraction(10) ** (int(suffix[1:]) if exponent else POWERS[suffix])
    return -value if sign == "-" else value


def shown_amount(value: Fraction) -> str:
    """A number as a quantity."""
    return _decimal(value, "")
