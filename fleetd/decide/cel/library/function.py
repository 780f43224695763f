"""What a function of a library is, and the questions that its body asks about arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fleetd.decide.cel.values import Maybe, NoOverload, Table
from fleetd.domain.errors import EvaluationFailed, OverBudget

LARGEST_TEXT: Final = 1 << 20
"""Characters that one call may produce."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function over values; a member's target is its first argument.

    ``run`` raises NoOverload for types that it does not take. ``reads_all`` says that the cost grows with the size of
    the arguments and of the result; the caller then charges for both. ``steps`` is what one call costs beside that.
    ``searches`` says that the second argument is a pattern that is sought in the first.
    """

    run: Callable[..., Any]
    fewest: int
    most: int
    reads_all: bool = False
    steps: int = 0
    searches: bool = False


Functions = Mapping[str, Function]


def fixed(run: Callable[..., Any], count: int, *, reads_all: bool = False) -> Function:
    """A function of so many arguments."""
    return Function(run, count, count, reads_all)


def want(kind: type, *values: Any) -> None:
    """Refuses values that are not exactly of this type (a boolean is no integer)."""
    for value in values:
        if type(value) is not kind:
            raise NoOverload("")


def room(characters: int) -> None:
    """Refuses to make a text of this size."""
    if characters > LARGEST_TEXT:
        raise OverBudget(f"a text of more than {LARGEST_TEXT} characters would be made")


def refuse(message: str) -> EvaluationFailed:
    """An error of the language; the caller adds the place."""
    return EvaluationFailed(message)


def breadth(value: Any, most: int) -> int:
    """How many values lie in a value, itself and what it repeats included, and text by its weight; counts to ``most`` only."""
    total, waiting = 0, [value]
    while waiting and total <= most:
        current = waiting.pop()
        total += 1
        kind = type(current)
        if kind is list:
            waiting += current
        elif kind is dict:
            waiting += current.values()
        elif kind is Table:
            waiting += [item for _, item in current.entries.values()]
        elif kind is Maybe:
            waiting.append(current.value)
        else:
            total += weight(current)
    return total


def weight(value: Any) -> int:
    """The steps that it costs to read or copy a value once: one for 16 characters or 2 items."""
    kind = type(value)
    if kind is str or kind is bytes:
        return len(value) >> 4
    return len(value) >> 1 if kind is list else 0
