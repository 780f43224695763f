"""The compiled form of an expression, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

from fleetd.decide.cel import reading, tree
from fleetd.decide.cel.compiler import Given, compile_tree
from fleetd.decide.cel.frame import LEFT, Frame, charge
from fleetd.decide.cel.library.function import breadth
from fleetd.decide.cel.parser import parse
from fleetd.decide.cel.port import DEFAULT_BUDGET, outcome
from fleetd.decide.cel.position import Text
from fleetd.decide.cel.recording import Traced
from fleetd.decide.cel.trace import Trace
from fleetd.decide.cel.values import CONTAINERS
from fleetd.decide.own_stack import on_own_stack
from fleetd.domain.errors import EvaluationFailed, OverBudget


class Program:
    """An expression that is ready to be evaluated; it is never changed, and may be shared."""

    __slots__ = ("_blank", "_given", "_known_parts", "_node", "_run", "_steps", "_traced", "_variables", "reads", "source")

    def __init__(self, source: str, node: tree.Node, given: Given) -> None:
        compiled = compile_tree(Text(source), node, given)
        self.source = source
        self.reads = reading.paths(node, given.variables[0]) if given.variables else frozenset()
        self._node = node
        self._given = given
        self._variables = given.variables
        self._run = compiled.run
        self._steps = compiled.steps
        self._blank: Frame = [None] * compiled.slots
        self._traced: Traced | None = None
        self._known_parts: dict[int, Program] = {}

    @property
    def variables(self) -> tuple[str, ...]:
        """The names that it may use."""
        return self._variables

    @property
    def names(self) -> frozenset[str]:
        """Those that it does use."""
        return frozenset(name for name in self._variables if reading.paths(self._node, name))

    @property
    def least(self) -> int:
        """The steps that every evaluation is charged with before its loops."""
        return self._steps

    def evaluate(self, bindings: Mapping[str, Any], *, budget: int = DEFAULT_BUDGET) -> Any:
        """The value of the expression with these variables; its types are those of ``values``.

        Raises:
            EvaluationFailed: an error of the language, with its place in the source.
            OverBudget: it took more steps than allowed.
        """
        return self.measured(bindings, budget)[0]

    def measured(self, bindings: Mapping[str, Any], budget: int) -> tuple[Any, int]:
        """The value and the steps that it took; raises as `evaluate` does."""
        if budget < self._steps:
            raise OverBudget(f"the condition takes at least {self._steps} steps; {budget} are allowed")
        try:
            values = [bindings[name] for name in self._variables]
        except KeyError as missing:
            raise EvaluationFailed(f"no value was given for the variable {missing}") from None
        frame = [budget - self._steps, *values, *self._blank]
        try:
            result = self._run(frame)
        except RecursionError:
            frame = [budget - self._steps, *values, *self._blank]
            result = self._deep(frame)
        if type(result) in CONTAINERS:
            # A list may hold one list a thousand times, and that one another: who writes it out pays for each.
            charge(frame, breadth(result, frame[LEFT]))
        return result, budget - frame[LEFT]

    def matches(self, *values: Any) -> bool:
        """True only for the boolean true, with the variables' values in their order; errors as in ``evaluate``."""
        try:
            return self._run([DEFAULT_BUDGET, *values, *self._blank]) is True
        except RecursionError:
            return self._deep([DEFAULT_BUDGET, *values, *self._blank]) is True

    def _deep(self, frame: Frame) -> Any:
        try:
            return on_own_stack(lambda: self._run(frame))
        except RecursionError:
            raise EvaluationFailed("the values are nested too deeply") from None

    def spent(self, *values: Any) -> int:
        """The steps that `matches` takes for these values, however it ends."""
        frame: Frame = [DEFAULT_BUDGET, *values, *self._blank]
        with suppress(EvaluationFailed, OverBudget, RecursionError):
            self._run(frame)
        return self._steps + DEFAULT_BUDGET - int(frame[LEFT])

    def trace(self, bindings: Mapping[str, Any], *, budget: int = DEFAULT_BUDGET) -> Trace:
        """Evaluates and keeps the value or error of every sub-expression; raises nothing that the expression does."""
        try:
            return self._recorded(bindings, budget)
        except RecursionError:
            pass
        try:
            return on_own_stack(lambda: self._recorded(bindings, budget))
        except RecursionError:
            # Keeping takes twice the depth: what is left is the outcome.
            return outcome(self, tree.Node(self._node.start, self._node.end), bindings, budget)

    def _recorded(self, bindings: Mapping[str, Any], budget: int) -> Trace:
        if self._traced is None:
            self._traced = Traced(self.source, self._node, self._given)
        return self._traced.record(bindings, budget)

    def part(self, node: tree.Node) -> Program:
        """A part of it that uses no name of a macro around it, as a program of its own; its places are those of the whole."""
        known = self._known_parts.get(id(node))
        if known is None:
            known = self._known_parts[id(node)] = Program(self.source, node, self._given)
        return known

    def __repr__(self) -> str:
        return f"Program({self.source!r})"


def compile_cel(source: str, *, variables: Sequence[str] = ("resource",), container: str = "", checked: bool = True) -> Program:
    """Compiles an expression; of two with the same arguments the second costs nothing.

    Args:
        variables: the names that it may use, the first being the object's; they may have dots.
        container: where names are sought first, then outwards.
        checked: whether a name or function that does not exist is refused now, or is an error of the evaluation.

    Raises:
        EvaluationFailed: it has no meaning; the sentence says where and what was probably meant.
        NotUnderstood: it has one for other engines (a kind of EvaluationFailed).
    """
    return _compiled(source, Given(tuple(variables), container, checked))


@lru_cache(maxsize=4096)
def _compiled(source: str, given: Given) -> Program:
    def work() -> Program:
        return Program(source, parse(source), given)

    try:
        return work()
    except RecursionError:
        pass
    try:
        return on_own_stack(work)
    except RecursionError:
        raise EvaluationFailed("the expression is nested too deeply", line=1, column=1) from None
