"""Evaluation that keeps the value of every sub-expression.

Closures that keep are compiled once for an expression. What stands outside of loops is evaluated at most once, and its value goes into
a slot of its own; what stands inside goes to the end of one list, every part behind its own parts. Who looks at the tree has it made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from fleetd.decide.cel import tree
from fleetd.decide.cel.compiler import Given, compile_tree
from fleetd.decide.cel.frame import LEFT, Frame, Run, charge
from fleetd.decide.cel.library.function import breadth
from fleetd.decide.cel.position import Text
from fleetd.decide.cel.trace import Trace
from fleetd.decide.cel.values import CONTAINERS
from fleetd.decide.own_stack import on_own_stack
from fleetd.domain.errors import EvaluationFailed, OverBudget

MOST: Final = 1000
"""Values of one trace that are kept from within loops; what comes behind them is evaluated and not kept."""
_ONCE: Final = frozenset(("optMap", "optFlatMap"))
"""Macros whose body is evaluated once at most."""


class _Unset:
    __slots__ = ()


_UNSET: Final = _Unset()


class _Failed:
    __slots__ = ("sentence",)

    def __init__(self, error: EvaluationFailed | OverBudget) -> None:
        self.sentence = str(error)


@dataclass(frozen=True, slots=True)
class _Part:
    """A node and what is kept directly below it, in the order of the source; a constant is its own trace."""

    node: tree.Node
    below: tuple[int | Trace, ...]
    numbers: frozenset[int]


class Traced:
    """The keeping form of one expression."""

    __slots__ = ("_base", "_blank", "_bound", "_logged", "_node", "_numbers", "_parts", "_run", "_source", "_steps", "_variables")

    def __init__(self, source: str, node: tree.Node, given: Given) -> None:
        self._source, self._node, self._variables = source, node, given.variables
        self._numbers: dict[int, int] = {}
        """a node's `id` → its number; the expression keeps its nodes alive"""
        self._logged: set[int] = set()
        self._bound: set[int] = set()
        """values of ``cel.bind``, which are evaluated where the name is first used"""
        obvious: set[int] = set()
        self._number(node, obvious, looping=False)
        self._base = len(given.variables) + 2
        """the slot of number 0; that before it has the list"""
        kept: set[int] = set()

        def recorder(of: tree.Node, run: Run) -> Run:
            number = self._numbers[id(of)]
            if number in obvious:
                return run
            kept.add(number)
            return _logging(run, number, self._base - 1) if number in self._logged else _keeping(run, self._base + number)

        compiled = compile_tree(Text(source), node, given, recorder, 1 + len(self._numbers))
        self._run, self._steps = compiled.run, compiled.steps
        self._blank: Frame = [*[_UNSET] * len(self._numbers), *[None] * (compiled.slots - 1 - len(self._numbers))]
        self._parts: dict[int, _Part] = {}
        self._take_apart(node, kept)

    def _number(self, node: tree.Node, obvious: set[int], *, looping: bool) -> None:
        number = self._numbers[id(node)] = len(self._numbers)
        if looping:
            self._logged.add(number)
        shows = isinstance(node, tree.Binary | tree.Call | tree.Index | tree.Items | tree.Entries)
        for child in tree.children(node):
            within = looping or (isinstance(node, tree.Loop) and node.macro not in _ONCE and child is not node.over)
            self._number(child, obvious, looping=within)
            if shows and _constant(child):
                obvious.add(self._numbers[id(child)])
        if isinstance(node, tree.Bind):
            self._bound.add(self._numbers[id(node.bound)])

    def _take_apart(self, node: tree.Node, kept: set[int]) -> None:
        below = tuple(self._nearest(node, kept))
        self._parts[self._numbers[id(node)]] = _Part(node, below, frozenset(each for each in below if isinstance(each, int)))
        for child in tree.children(node):
            self._take_apart(child, kept)

    def _nearest(self, node: tree.Node, kept: set[int]) -> Iterator[int | Trace]:
        for child in tree.children(node):
            number = self._numbers[id(child)]
            if number in kept:
                yield number
            elif _constant(child):
                yield Trace(child, self._source, _value(child))
            else:
                yield from self._nearest(child, kept)

    def record(self, bindings: Mapping[str, Any], budget: int) -> Trace:
        """The trace of one evaluation; what it does with the budget is what an evaluation that keeps nothing does.

        Raises:
            RecursionError: the values are nested too deeply for an evaluation that keeps something.
        """
        try:
            values = [bindings[name] for name in self._variables]
        except KeyError as missing:
            return Trace(self._node, self._source, error=f"no value was given for the variable {missing}")
        if budget < self._steps:
            return Trace(self._node, self._source, error=f"the condition takes at least {self._steps} steps; {budget} are allowed")
        frame: Frame = [budget - self._steps, *values, [], *self._blank]
        top = Trace(self._node, self._source, below=partial(self._below, frame, 0))
        try:
            try:
                top.value = self._run(frame)
            except RecursionError:
                frame[:] = [budget - self._steps, *values, [], *self._blank]
                top.value = on_own_stack(lambda: self._run(frame))
            if type(top.value) in CONTAINERS:
                charge(frame, breadth(top.value, frame[LEFT]))
        except (EvaluationFailed, OverBudget) as error:
            top.error, top.over = str(error), isinstance(error, OverBudget)
        return top

    def _below(self, frame: Frame, number: int) -> list[Trace]:
        """The parts of a node that stands outside of loops."""
        part = self._parts[number]
        if isinstance(part.node, tree.Loop) and part.node.macro not in _ONCE:
            looped = [trace for each, trace in self._gathered(frame) if each in part.numbers]
        else:
            looped = []
        found: list[Trace] = []
        for each in part.below:
            if isinstance(each, Trace):
                if all(one.error is None for one in found):
                    found.append(each)
            elif each not in self._logged and (value := frame[self._base + each]) is not _UNSET:
                found.append(self._trace(each, value, partial(self._below, frame, each)))
        return found + looped

    def _gathered(self, frame: Frame) -> tuple[tuple[int, Trace], ...]:
        """What the list holds, each part below its whole; left is what stands directly in an outermost loop."""
        log = frame[self._base - 1]
        if isinstance(log, list):
            log = frame[self._base - 1] = tuple(self._gather(log))
        found: tuple[tuple[int, Trace], ...] = log
        return found

    def _gather(self, log: list[tuple[int, Any]]) -> list[tuple[int, Trace]]:
        open_: list[tuple[int, Trace]] = []
        for number, value in log:
            part = self._parts[number]
            below: list[tuple[int, Trace]] = []
            others: list[tuple[int, Trace]] = []
            while open_ and (open_[-1][0] in part.numbers or open_[-1][0] in self._bound):
                (below if open_[-1][0] in part.numbers else others).append(open_.pop())
            open_ += reversed(others)
            trace = self._trace(number, value)
            trace.children = _arranged(part, below)
            open_.append((number, trace))
        return open_

    def _trace(self, number: int, value: Any, below: Callable[[], list[Trace]] | None = None) -> Trace:
        failed = type(value) is _Failed
        return Trace(self._parts[number].node, self._source, None if failed else value, value.sentence if failed else None, below)


def _arranged(part: _Part, newest_first: list[tuple[int, Trace]]) -> list[Trace]:
    """In the order of the source, with the constants between them; the parts of a loop as they happened."""
    below = newest_first[::-1]
    if isinstance(part.node, tree.Loop):
        return [trace for _, trace in below]
    found: list[Trace] = []
    for each in part.below:
        if not isinstance(each, Trace):
            found += [trace for number, trace in below if number == each]
        elif all(one.error is None for one in found):
            found.append(each)
    return found


def _constant(node: tree.Node) -> bool:
    """Whether a reader sees its value in the text."""
    return isinstance(node, tree.Literal) or (isinstance(node, tree.Items) and all(isinstance(item, tree.Literal) for item in node.items))


def _keeping(run: Run, slot: int) -> Run:
    def kept(frame: Frame) -> Any:
        try:
            value = frame[slot] = run(frame)
        except (EvaluationFailed, OverBudget) as error:
            frame[slot] = _Failed(error)
            raise
        return value

    return kept


def _logging(run: Run, number: int, slot: int) -> Run:
    def logged(frame: Frame) -> Any:
        log = frame[slot]
        try:
            value = run(frame)
        except (EvaluationFailed, OverBudget) as error:
            if len(log) < MOST:
                log.append((number, _Failed(error)))
            raise
        if len(log) < MOST:
            log.append((number, value))
        return value

    return logged


def _value(node: tree.Node) -> Any:
    if isinstance(node, tree.Items):
        return [_value(item) for item in node.items]
    return node.value if isinstance(node, tree.Literal) else None
