"""What an engine for conditions can do, whichever engine it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from fleetd.decide.cel import tree
from fleetd.decide.cel.trace import Trace
from fleetd.domain.errors import EvaluationFailed, OverBudget

DEFAULT_BUDGET = 100_000
"""Steps: one for a node of the expression, each time it may run; one for 16 characters or 2 items that are read or copied."""


class NotUnderstood(EvaluationFailed):
    """The expression uses a feature of the language that our own compiler is known to lack; another engine may have it."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message, line=line, column=column)


class Evaluator(Protocol):
    """A compiled expression."""

    @property
    def source(self) -> str:
        """The expression as written."""

    @property
    def reads(self) -> frozenset[tuple[str, ...]]:
        """The paths of map keys under the first variable that it reads; ``()`` when it may read the whole."""

    def evaluate(self, bindings: Mapping[str, Any], *, budget: int = DEFAULT_BUDGET) -> Any:
        """The value of the expression.

        Raises:
            EvaluationFailed: an error of the language, such as a key that is not there.
            OverBudget: it took more steps than allowed.
        """

    def matches(self, *values: Any) -> bool:
        """True only for the boolean true, with the variables' values in their order; errors raise as in ``evaluate``."""

    def trace(self, bindings: Mapping[str, Any], *, budget: int = DEFAULT_BUDGET) -> Trace:
        """Evaluates and keeps the value or error of every sub-expression; never raises for what the expression does."""


def outcome(program: Evaluator, node: tree.Node, bindings: Mapping[str, Any], budget: int) -> Trace:
    """A trace that has only what came out of the whole."""
    whole = Trace(node, program.source)
    try:
        whole.value = program.evaluate(bindings, budget=budget)
    except (EvaluationFailed, OverBudget) as error:
        whole.error, whole.over = str(error), isinstance(error, OverBudget)
    return whole
