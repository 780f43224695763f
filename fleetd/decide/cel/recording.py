"""Evaluation that keeps the value of every sub-expression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fleetd.decide.cel import tree
from fleetd.decide.cel.compiler import Given, compile_tree
from fleetd.decide.cel.frame import Frame, Run
from fleetd.decide.cel.position import Text
from fleetd.decide.cel.trace import Trace
from fleetd.domain.errors import EvaluationFailed, OverBudget

MOST: Final = 2000
"""Entries of one trace; what comes behind them is evaluated and not kept."""


def record(source: str, node: tree.Node, given: Given, bindings: Mapping[str, Any], budget: int) -> Trace:
    """The trace of one evaluation."""
    slot = len(given.variables) + 1

    def recorder(of: tree.Node, run: Run) -> Run:
        text = source[of.start : of.end]

        def recorded(frame: Frame) -> Any:
            stack = frame[slot]
            entry = Trace(of, text)
            if stack.left > 0:
                stack.left -= 1
                stack.entries[-1].children.append(entry)
            stack.entries.append(entry)
            try:
                entry.value = run(frame)
            except (EvaluationFailed, OverBudget) as error:
                entry.error = str(error)
                raise
            finally:
                stack.entries.pop()
            return entry.value

        return recorded

    compiled = compile_tree(Text(source), node, given, recorder, 1)
    top = Trace(node, source)
    try:
        values = [bindings[name] for name in given.variables]
        compiled.run([budget - compiled.steps, *values, _Stack(top), *[None] * (compiled.slots - 1)])
    except KeyError as missing:
        top.error = f"no value was given for the variable {missing}"
    except (EvaluationFailed, OverBudget) as error:
        top.error = str(error)
    except RecursionError:
        top.error = "the values are nested too deeply"
    return top.children[0] if top.children else top


class _Stack:
    """The entries that are open, outermost first."""

    __slots__ = ("entries", "left")

    def __init__(self, top: Trace) -> None:
        self.entries = [top]
        self.left = MOST
