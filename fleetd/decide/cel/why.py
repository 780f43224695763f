"""Why a condition is true or not, in one sentence: what decided, what it saw, and what would have changed it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fleetd.decide.cel import tree
from fleetd.decide.cel.change import Asked, nearest
from fleetd.decide.cel.port import DEFAULT_BUDGET, Evaluator
from fleetd.decide.cel.program import Program
from fleetd.decide.cel.trace import Trace, told
from fleetd.decide.own_stack import on_own_stack
from fleetd.domain.errors import EvaluationFailed, OverBudget

LONGEST: Final = 380
"""Characters of the whole sentence."""
_TRYING: Final = 10_000
"""Steps that the search for a change may take in all."""
_PARTS: Final = 8
"""Parts that nobody came to evaluate, and that the search may compile and evaluate."""


def why(program: Evaluator, bindings: Mapping[str, Any], *, secretive: bool = False, budget: int = DEFAULT_BUDGET) -> str:
    """``a >= 3 is false: a = 2; would be true if a were >= 3``.

    Args:
        secretive: the object's values are not to be told, only its names and what the expression itself says.
    """

    def work() -> str:
        return _why(program, bindings, secretive, budget)

    try:
        return work()
    except RecursionError:
        pass
    try:
        return on_own_stack(work)
    except RecursionError:
        return "it is nested too deeply to be explained"


def _why(program: Evaluator, bindings: Mapping[str, Any], secretive: bool, budget: int) -> str:
    trace = program.trace(bindings, budget=budget)
    said = told(trace, secretive=secretive)
    change = ""
    if isinstance(program, Program) and not trace.over:
        trying = _Trying(program, bindings)
        change = nearest(trace, bindings, Asked(program.variables, trying.outcome, trying.holds, secretive))
    if change:
        holds = trace.error is None and trace.value is True
        said = f"{said}; would be {'false' if holds else 'true'} if {change}"
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…"


class _Trying:
    """Evaluations on trial, as long as their steps last."""

    def __init__(self, program: Program, bindings: Mapping[str, Any]) -> None:
        self._program = program
        self._bindings = bindings
        self._left = _TRYING
        self._parts = _PARTS

    def outcome(self, node: tree.Node) -> Trace | None:
        """What a part that was not evaluated would have been."""
        if self._left <= 0 or not self._parts:
            return None
        self._parts -= 1
        part = self._program.part(node)
        self._left -= part.least + 100
        return part.trace(self._bindings, budget=max(self._left, 0))

    def holds(self, bindings: Mapping[str, Any], wanted: bool) -> bool:
        """Whether the whole then has this result; False, too, where it cannot be tried any more."""
        try:
            value, spent = self._program.measured(bindings, max(self._left, 0))
        except OverBudget:
            self._left = 0
            return False
        except EvaluationFailed:
            self._left -= self._program.least + 100
            return False
        self._left -= spent + 100
        return value is wanted
