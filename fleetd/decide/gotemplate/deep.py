"""Work that nests: whether it is too deep is said of the work, not of how deep its caller already is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fleetd.decide.own_stack import on_own_stack
from fleetd.domain.errors import EvaluationFailed, OverBudget

T = TypeVar("T")
TOO_DEEP = "values or calls are nested too deeply"


def deep(work: Callable[[], T], name: str) -> T:
    """What the work gives or raises, on a stack of its own where the caller's was too short. It must be one that may be done twice.

    Raises:
        OverBudget: it is too deep for any stack.
    """
    try:
        return work()
    except RecursionError:
        return again(work, name)


def again(work: Callable[[], T], name: str) -> T:
    """The same, once the caller's stack was seen to be too short."""
    try:
        return on_own_stack(work)
    except RecursionError:
        raise OverBudget(f"template {name}: {TOO_DEEP}") from None


def compiled(work: Callable[[], T], name: str) -> T:
    """The same for compiling.

    Raises:
        EvaluationFailed: it is too deep for any stack.
    """
    try:
        return deep(work, name)
    except OverBudget:
        raise EvaluationFailed(f"template: {name}:1: nested too deeply", line=1, column=1) from None
