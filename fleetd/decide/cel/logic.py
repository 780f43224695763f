"""``&&``, ``||``, ``!`` and the conditional.

A term that fails is forgiven when another term decides alone, whichever comes first; a budget that is used up never is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fleetd.decide.cel.frame import Frame, Place, Run
from fleetd.decide.cel.values import type_name
from fleetd.domain.errors import EvaluationFailed

Settle = Callable[[Frame, int, EvaluationFailed | None, Any], Any]


def no_boolean(value: Any, sign: str, at: Place) -> EvaluationFailed:
    """The error of an operator that met something else."""
    return EvaluationFailed(f"{sign} takes booleans, not {type_name(value)}", line=at[0], column=at[1])


def joined(sign: str, terms: list[Run], places: list[Place]) -> Run:
    """A closure for a chain of ``&&`` (decided by false) or ``||`` (decided by true)."""
    decisive = sign == "||"
    settled = _settled(decisive, sign, terms, places)
    if len(terms) == 2:
        return _joined2(decisive, terms, settled)
    other = not decisive

    def run(frame: Frame) -> Any:
        for position, term in enumerate(terms):
            try:
                value = term(frame)
            except EvaluationFailed as error:
                return settled(frame, position + 1, error, None)
            if value is decisive:
                return decisive
            if value is not other:
                return settled(frame, position, None, value)
        return other

    return run


def _joined2(decisive: bool, terms: list[Run], settled: Settle) -> Run:
    """Two terms without a loop; whatever is not plain goes the slow way from the start of that term."""
    first, second = terms
    other = not decisive

    def run(frame: Frame) -> Any:
        try:
            value = first(frame)
        except EvaluationFailed as error:
            return settled(frame, 1, error, None)
        if value is decisive:
            return decisive
        if value is other:
            value = second(frame)
            if value is decisive or value is other:
                return value
            return settled(frame, 1, None, value)
        return settled(frame, 0, None, value)

    return run


def _settled(decisive: bool, sign: str, terms: list[Run], places: list[Place]) -> Settle:
    """Goes through the rest of a chain after an error, or after a value that is no boolean."""

    def run(frame: Frame, position: int, error: EvaluationFailed | None, odd: Any) -> Any:
        if error is None:
            error = no_boolean(odd, sign, places[position])
            position += 1
        for term in terms[position:]:
            try:
                if term(frame) is decisive:
                    return decisive
            except EvaluationFailed:
                continue
        raise error

    return run


def negated(operand: Run, at: Place) -> Run:
    """A closure for ``!operand``."""

    def run(frame: Frame) -> bool:
        value = operand(frame)
        if value is True:
            return False
        if value is False:
            return True
        raise no_boolean(value, "!", at)

    return run


def chosen(condition: Run, yes: Run, no: Run, at: Place) -> Run:
    """A closure for ``condition ? yes : no``."""

    def run(frame: Frame) -> Any:
        value = condition(frame)
        if value is True:
            return yes(frame)
        if value is False:
            return no(frame)
        raise no_boolean(value, "?", at)

    return run
