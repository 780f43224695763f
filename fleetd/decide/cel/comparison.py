"""``== != < <= > >= in`` and arithmetic, with the shapes that conditions mostly have written out."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

from fleetd.decide.cel.frame import LEFT, Frame, Place, Run, charge, placed
from fleetd.decide.cel.library.function import breadth, weight
from fleetd.decide.cel.operators import calculate, negate
from fleetd.decide.cel.values import ABSENT, CONTAINERS, NoOverload, Table, UInt, compare, equal, find_key, key_of, type_name
from fleetd.domain.errors import EvaluationFailed

_EXACT: Final = 2**53
"""Integers beyond it are rounded when they are compared with a double; Python does not do so by itself."""
_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def equality(sign: str, left: Run, right: Run) -> Run:
    """A closure for ``==`` or ``!=``; the equality of containers is charged by their size."""
    wanted = sign == "=="

    def run(frame: Frame) -> bool:
        a, b = left(frame), right(frame)
        if type(a) in CONTAINERS and type(a) is type(b):
            charge(frame, min(breadth(a, frame[LEFT]), breadth(b, frame[LEFT])))
        return equal(a, b) is wanted

    return run


def equals_constant(sign: str, left: Run, constant: Any) -> Run | None:
    """A closure for ``left == constant``, where one Python comparison is right; None where it is not."""
    kind = type(constant)
    if constant is None or kind is bool:
        return (lambda frame: left(frame) is constant) if sign == "==" else (lambda frame: left(frame) is not constant)
    if kind is int and abs(constant) > _EXACT:
        return None
    if kind is str or (kind is int and constant not in (0, 1)):
        return (lambda frame: left(frame) == constant) if sign == "==" else (lambda frame: left(frame) != constant)
    if kind is int:  # True == 1 in Python
        wanted = sign == "=="

        def run(frame: Frame) -> bool:
            value = left(frame)
            return (value == constant and type(value) is not bool) is wanted

        return run
    return None


def ordering(sign: str, left: Run, right: Run, at: Place) -> Run:
    """A closure for ``< <= > >=``."""
    holds = _ORDER[sign]

    def run(frame: Frame) -> bool:
        a, b = left(frame), right(frame)
        kind = type(a)
        if kind is type(b) and kind in (int, float, str):
            return holds(a, b)
        try:
            order = compare(a, b)
        except NoOverload:
            raise no_overload(sign, a, b, at) from None
        return order is not None and holds(order, 0)

    return run


def no_overload(sign: str, a: Any, b: Any, at: Place) -> EvaluationFailed:
    """The error of an operator between two types that it does not join."""
    return EvaluationFailed(f"{type_name(a)} {sign} {type_name(b)} has no meaning", line=at[0], column=at[1])


def membership(item: Run, container: Run, at: Place) -> Run:
    """A closure for ``item in container``: items of a list, keys of a map."""

    def run(frame: Frame) -> bool:
        wanted, among = item(frame), container(frame)
        kind = type(among)
        if kind is dict or kind is Table:
            return find_key(among, wanted) is not ABSENT
        if kind is not list:
            raise no_overload("in", wanted, among, at)
        charge(frame, len(among))
        if type(wanted) is str:
            return wanted in among
        if type(wanted) in CONTAINERS:
            charge(frame, breadth(among, frame[LEFT]))
        return any(equal(wanted, each) for each in among)

    return run


def membership_of_constants(item: Run, constants: list[Any]) -> Run | None:
    """A closure for ``item in [constants]`` by one look into a set; None when they are no plain scalars."""
    keys = frozenset(map(key_of, constants))
    if None in keys or not constants or any(type(key) in (int, float) and abs(key) > _EXACT for key in keys):
        return None
    texts = all(type(constant) is str for constant in constants)

    def run(frame: Frame) -> bool:
        wanted = item(frame)
        if texts:
            return type(wanted) is str and wanted in keys
        key = key_of(wanted)
        return key is not None and key in keys

    return run


def arithmetic(sign: str, left: Run, right: Run, at: Place) -> Run:
    """A closure for ``+ - * / %``; what is joined is charged by its size."""

    def run(frame: Frame) -> Any:
        a, b = left(frame), right(frame)
        try:
            result = calculate(sign, a, b)
        except NoOverload:
            raise no_overload(sign, a, b, at) from None
        except EvaluationFailed as error:
            raise placed(error, at) from None
        if type(result) not in (int, float, UInt):
            charge(frame, weight(result))
        return result

    return run


def negative(operand: Run, at: Place) -> Run:
    """A closure for ``-operand``."""

    def run(frame: Frame) -> Any:
        value = operand(frame)
        try:
            return negate(value)
        except NoOverload:
            raise EvaluationFailed(f"- does not take {type_name(value)}", line=at[0], column=at[1]) from None
        except EvaluationFailed as error:
            raise placed(error, at) from None

    return run
