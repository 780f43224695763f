"""The second engine: cel-python, for expressions that our own compiler does not know.

It differs from the specification in places (comparisons between types raise, ``true == 1``), has no budget inside, shows no
sub-expressions and costs about a thousand times as much; whoever chooses it for a source says so there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from fleetd.decide.cel import tree
from fleetd.decide.cel.library.function import breadth
from fleetd.decide.cel.port import DEFAULT_BUDGET, outcome
from fleetd.decide.cel.trace import Trace
from fleetd.domain.errors import EvaluationFailed, OverBudget


class ForeignProgram:
    """An expression compiled by cel-python."""

    __slots__ = ("_engine", "_program", "_variables", "reads", "source")

    def __init__(self, source: str, variables: Sequence[str]) -> None:
        self.source = source
        # Its tree does not tell, so the whole object is read.
        self.reads: frozenset[tuple[str, ...]] = frozenset(((),))
        self._variables = tuple(variables)
        self._engine = _engine()
        environment = self._engine.Environment(runner_class=self._engine.InterpretedRunner)
        try:
            self._program = environment.program(environment.compile(source))
        except self._engine.CELParseError as error:
            raise EvaluationFailed(
                f"cel-python does not understand it: {_first(error)}", line=error.line or 0, column=error.column or 0
            ) from None

    def evaluate(self, bindings: Mapping[str, Any], *, budget: int = DEFAULT_BUDGET) -> Any:
        """The value as plain JSON values; the budget bounds the size of what is handed over, not the steps.

        Raises:
            EvaluationFailed: an error of the language.
            OverBudget: the variables are larger than the budget.
        """
        missing = [name for name in self._variables if name not in bindings]
        if missing:
            raise EvaluationFailed(f"no value was given for the variable {missing[0]!r}")
        given = {name: bindings[name] for name in self._variables}
        if breadth(given, budget) > budget:
            raise OverBudget(f"the object is too large for cel-python: it has more than {budget} values")
        try:
            result = self._program.evaluate({name: self._engine.json_to_cel(value) for name, value in given.items()})
        except self._engine.CELEvalError as error:
            raise EvaluationFailed(_first(error), line=error.line or 0, column=error.column or 0) from None
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
            raise EvaluationFailed(f"cel-python failed: {_first(error)}") from None
        return self._plain(result)

    def matches(self, *values: Any) -> bool:
        """True only for the boolean true; errors as in ``evaluate``."""
        return self.evaluate(dict(zip(self._variables, values, strict=True))) is True

    def trace(self, bindings: Mapping[str, Any], *, budget: int = DEFAULT_BUDGET) -> Trace:
        """The outcome of the whole expression; this engine shows no more."""
        return outcome(self, tree.Node(0, len(self.source)), bindings, budget)

    def _plain(self, value: Any) -> Any:
        types = self._engine.celtypes
        match value:
            case None:
                return None
            case bool() | types.BoolType():
                return bool(value)
            case int():
                return int(value)
            case float():
                return float(value)
            case str():
                return str(value)
            case list():
                return [self._plain(item) for item in value]
            case dict():
                return {self._plain(key): self._plain(item) for key, item in value.items()}
            case _:
                return value


def compile_with_cel_python(source: str, *, variables: Sequence[str] = ("resource",)) -> ForeignProgram:
    """Compiles an expression with cel-python.

    Raises:
        EvaluationFailed: it does not understand it either.
    """
    return ForeignProgram(source, variables)


@lru_cache(maxsize=1)
def _engine() -> Any:
    import celpy  # costs a third of a second, and most installations never need it

    return celpy


def _first(error: BaseException) -> str:
    """What an error says, without the state of the engine that it adds."""
    line = str(error.args[0] if error.args else error).strip().partition("\n")[0]
    return line.partition(" (in activation")[0][:300]
