"""A template that stands in one place of a structure: an action alone yields its value, all else a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fleetd.decide.gotemplate.compiler import Compiler, compile_definitions
from fleetd.decide.gotemplate.expressions import Expression, Missing
from fleetd.decide.gotemplate.functions.dicts import deep_copy
from fleetd.decide.gotemplate.functions.library import Functions
from fleetd.decide.gotemplate.nodes import Action, Definition
from fleetd.decide.gotemplate.parser import FIRST_SLOT, parse
from fleetd.decide.gotemplate.reads import Reads
from fleetd.decide.gotemplate.run import Run
from fleetd.decide.gotemplate.source import Source
from fleetd.decide.gotemplate.values import utf8
from fleetd.domain.errors import EvaluationFailed

_NAME = "template"


@dataclass(frozen=True, slots=True)
class Scalar:
    """Compiled; `alone` where it yields a value. `reads` are the paths that it names."""

    alone: bool
    reads: tuple[tuple[str, ...], ...]
    _evaluate: Expression = field(repr=False)
    _slots: int
    _changes: bool

    def value(self, run: Run, root: Any, dot: Any, bound: Sequence[Any]) -> Any:
        """The value for `$` and `.`, and for the variables in their order.

        Raises:
            EvaluationFailed: a key is missing, a function failed, or a text is no valid UTF-8.
            OverBudget: it takes more than it may.
        """
        if self._changes:
            root, dot, bound = deep_copy(run, root), deep_copy(run, dot), [deep_copy(run, value) for value in bound]
        parts: list[str] = []
        frame = [parts, run, root, *bound, *[None] * (self._slots - FIRST_SLOT - 1 - len(bound))]
        run.spend(4)
        value = self._evaluate(frame, dot)
        if not self.alone:
            value = "".join(parts)
        return _valid(value) if isinstance(value, str) else value


def compile_scalar(text: str, functions: Functions, variables: Sequence[str] = ()) -> Scalar:
    """Compiles the text of one place; `variables` are names that are bound around it.

    Raises:
        EvaluationFailed: its syntax is wrong, or it calls an unknown function.
    """
    source = Source(_NAME, text)
    definitions = parse(source, functions, variables)
    main = definitions[_NAME]
    bodies = compile_definitions(source, definitions, functions, Missing.ERROR)
    reads = Reads(definitions, _NAME)
    changes = any(functions[called].changes for called in reads.calls)
    alone, evaluate = _compiled(Compiler(source, _NAME, functions, Missing.ERROR, bodies), main)
    return Scalar(alone, reads.sorted_paths(), evaluate, main.slots, changes)


def _compiled(compiler: Compiler, main: Definition) -> tuple[bool, Expression]:
    """Whether a template is one action alone, and a closure that then yields its value; otherwise it writes into the frame's parts."""
    match main.body:
        case (Action(pipe=pipe),) if not pipe.variables:
            return True, compiler.pipe(pipe)
    return False, compiler.block(main.body)


def _valid(text: str) -> str:
    try:
        return utf8(text).decode()
    except UnicodeError as broken:
        raise EvaluationFailed("what it yields is not valid UTF-8") from broken
