"""Quantities of Kubernetes (``500m``, ``1Gi``) as exact numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Final

from fleetd.decide.cel.library.function import Functions, fixed, refuse, want
from fleetd.decide.cel.operators import whole

_QUANTITY: Final = re.compile(
    r"([+-]?(?:\d{1,40}\.?\d{0,40}|\.\d{1,40}))(?:(n|u|m|k|M|G|T|P|E)|(Ki|Mi|Gi|Ti|Pi|Ei)|[eE]([+-]?\d{1,2}))?", re.ASCII
)
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY: Final = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount, exact; equal amounts are equal, however they are written."""

    amount: Fraction
    cel_type: ClassVar[str] = "kubernetes.Quantity"


def parse(text: str) -> Quantity | None:
    """The quantity that a text says, or None; what is finer than a billionth is rounded up, as in Kubernetes."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    number, decimal, binary, exponent = match.groups()
    amount = Fraction(number)
    if binary:
        amount *= 1024 ** _BINARY[binary]
    else:
        amount *= Fraction(10) ** (_DECIMAL[decimal] if decimal else int(exponent or 0))
    if (amount * 10**9).denominator != 1:
        amount = Fraction(-(-amount * 10**9 // 1) if amount > 0 else amount * 10**9 // 1, 10**9)
    return Quantity(amount)


def _quantity(text: Any) -> Quantity:
    want(str, text)
    found = parse(text)
    if found is None:
        raise refuse(f"{text!r} is no quantity: write for example 500m or 1Gi")
    return found


def _is_quantity(text: Any) -> bool:
    want(str, text)
    return parse(text) is not None


def _amount(value: Any) -> Fraction:
    if type(value) is int:
        return Fraction(value)
    want(Quantity, value)
    return value.amount  # type: ignore[no-any-return]  # want() has looked


def order(left: Any, right: Any) -> int:
    """-1, 0 or 1."""
    want(Quantity, left, right)
    return int(left.amount > right.amount) - int(left.amount < right.amount)


def sign(value: Any) -> int:
    """-1, 0 or 1."""
    want(Quantity, value)
    return int(value.amount > 0) - int(value.amount < 0)


def add(left: Any, right: Any) -> Quantity:
    """The sum with a quantity or an integer."""
    want(Quantity, left)
    return Quantity(left.amount + _amount(right))


def subtract(left: Any, right: Any) -> Quantity:
    """The difference to a quantity or an integer."""
    want(Quantity, left)
    return Quantity(left.amount - _amount(right))


def is_integer(value: Any) -> bool:
    """Whether it is a whole number of 64 bits."""
    want(Quantity, value)
    return bool(value.amount.denominator == 1) and abs(value.amount) < 2**63


def _as_integer(value: Any) -> int:
    if not is_integer(value):
        raise refuse("the quantity is no integer of 64 bits")
    return whole(int(value.amount))


def _as_float(value: Any) -> float:
    want(Quantity, value)
    return float(value.amount)


GLOBAL: Functions = {"quantity": fixed(_quantity, 1), "isQuantity": fixed(_is_quantity, 1)}
MEMBER: Functions = {
    "asInteger": fixed(_as_integer, 1),
    "asApproximateFloat": fixed(_as_float, 1),
    "isInteger": fixed(is_integer, 1),
    "sign": fixed(sign, 1),
    "add": fixed(add, 2),
    "sub": fixed(subtract, 2),
}
