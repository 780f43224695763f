"""What runs: closures over one frame.

A frame is a list: the steps that are left, the variables, then a slot for every name that a macro introduces. Slots are
given out once for a whole expression, so nested loops never share one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fleetd.domain.errors import EvaluationFailed, OverBudget

Frame = list[Any]
Run = Callable[[Frame], Any]
Place = tuple[int, int]
"""Line and column."""

LEFT: Final = 0
"""The slot of the steps that are left."""


def charge(frame: Frame, steps: int) -> None:
    """Takes steps from the budget.

    Raises:
        OverBudget: it is used up.
    """
    frame[LEFT] -= steps
    if frame[LEFT] < 0:
        raise OverBudget("the condition took more steps than it may")


def placed(error: EvaluationFailed, at: Place, message: str = "") -> EvaluationFailed:
    """The error with a place, unless it has one already."""
    if error.line and not message:
        return error
    return EvaluationFailed(message or str(error), line=at[0], column=at[1])
