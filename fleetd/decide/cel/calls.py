"""Calls of library functions."""

from __future__ import annotations

from typing import Any

from fleetd.decide.cel.frame import LEFT, Frame, Place, Run, charge, placed
from fleetd.decide.cel.library.function import Function, breadth, weight
from fleetd.decide.cel.library.standard import pattern, plain_pattern
from fleetd.decide.cel.values import NoOverload, type_name
from fleetd.decide.linear_patterns import effort
from fleetd.domain.errors import EvaluationFailed


def call(name: str, function: Function, arguments: list[Run], at: Place) -> Run:
    """A closure for a call; errors carry the place and the name."""
    run = function.run
    if function.reads_all:
        return _charged(name, function, arguments, at)
    if len(arguments) == 1:
        (only,) = arguments

        def run1(frame: Frame) -> Any:
            value = only(frame)
            try:
                return run(value)
            except EvaluationFailed as error:
                raise _explained(error, name, [value], at) from None

        return run1
    if len(arguments) == 2:
        first, second = arguments

        def run2(frame: Frame) -> Any:
            a, b = first(frame), second(frame)
            try:
                return run(a, b)
            except EvaluationFailed as error:
                raise _explained(error, name, [a, b], at) from None

        return run2

    def run_all(frame: Frame) -> Any:
        values = [argument(frame) for argument in arguments]
        try:
            return run(*values)
        except EvaluationFailed as error:
            raise _explained(error, name, values, at) from None

    return run_all


def _charged(name: str, function: Function, arguments: list[Run], at: Place) -> Run:
    run = function.run

    def charged(frame: Frame) -> Any:
        values = [argument(frame) for argument in arguments]
        for value in values:
            charge(frame, breadth(value, frame[LEFT]))
        try:
            if function.searches and type(values[0]) is type(values[1]) is str:
                charge(frame, (len(values[0]) * effort(pattern(values[1]))) >> 4)
            result = run(*values)
        except EvaluationFailed as error:
            raise _explained(error, name, values, at) from None
        charge(frame, weight(result))
        return result

    return charged


def _explained(error: EvaluationFailed, name: str, values: list[Any], at: Place) -> EvaluationFailed:
    if isinstance(error, NoOverload) and not str(error):
        return placed(error, at, f"{name} does not take ({', '.join(map(type_name, values))})")
    return placed(error, at)


def constant_pattern(text: Run, source: str, at: Place) -> Run:
    """A closure for ``text.matches("…")`` with a pattern that is known beforehand.

    Raises:
        EvaluationFailed: the pattern is none.
    """
    compiled = pattern(source)
    search, times = compiled.search, effort(compiled)
    test = plain_pattern(source) or (lambda value: search(value.encode(errors="replace")) is not None)

    def run(frame: Frame) -> bool:
        value = text(frame)
        if type(value) is not str:
            raise EvaluationFailed(f"matches does not take ({type_name(value)}, string)", line=at[0], column=at[1])
        if times > 1 or len(value) > 64:
            charge(frame, (len(value) * times) >> 4)
        return test(value)

    return run


def constant_affix(text: Run, name: str, part: str, at: Place) -> Run:
    """A closure for ``startsWith``, ``endsWith`` or ``contains`` with a constant."""
    whole = name == "contains"
    method = {"startsWith": str.startswith, "endsWith": str.endswith}.get(name, str.startswith)

    def run(frame: Frame) -> bool:
        value = text(frame)
        if type(value) is not str:
            raise EvaluationFailed(f"{name} does not take ({type_name(value)}, string)", line=at[0], column=at[1])
        if whole:
            if len(value) > 64:
                charge(frame, weight(value))
            return part in value
        return method(value, part)

    return run
