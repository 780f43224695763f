"""Go templates: compile once, render often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fleetd.decide.gotemplate.compiler import Body, compile_definitions
from fleetd.decide.gotemplate.expressions import Missing
from fleetd.decide.gotemplate.functions.dicts import deep_copy
from fleetd.decide.gotemplate.functions.library import STANDARD, Functions, deploy_functions, event_functions, standard_functions
from fleetd.decide.gotemplate.parser import parse
from fleetd.decide.gotemplate.reads import Reads
from fleetd.decide.gotemplate.run import Budget, Run, Surroundings
from fleetd.decide.gotemplate.source import Source
from fleetd.decide.gotemplate.values import Struct
from fleetd.domain.errors import EvaluationFailed, OverBudget

__all__ = [
    "STANDARD",
    "Budget",
    "Functions",
    "Missing",
    "Struct",
    "Surroundings",
    "Template",
    "compile_template",
    "deploy_functions",
    "event_functions",
    "standard_functions",
]

_STANDARD_BUDGET = Budget()


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template; it holds no state, so threads may share it.

    Args:
        reads: paths of the data that the template names, sorted: `("Resource", "spec")`; an empty path is the whole data.
        calls: names of the functions that it calls, sorted.
    """

    name: str
    reads: tuple[tuple[str, ...], ...]
    calls: tuple[str, ...]
    _body: Body = field(repr=False)
    _changes: bool = field(repr=False)
    _surroundings: Surroundings = field(repr=False)

    def render(self, data: Mapping[str, Any], *, budget: Budget = _STANDARD_BUDGET, surroundings: Surroundings | None = None) -> str:
        """The template's text for this data, which is never changed.

        Args:
            surroundings: instead of those that the functions were given.

        Raises:
            EvaluationFailed: a key is missing, a function failed, or the text is no valid UTF-8.
            OverBudget: it takes more than it may.
        """
        run = Run(budget, surroundings or self._surroundings)
        parts: list[str] = []
        given = data if type(data) is dict else dict(data)
        try:
            self._body(parts, run, deep_copy(run, given) if self._changes else given)
        except RecursionError:
            raise OverBudget(f"template {self.name}: values or calls are nested too deeply") from None
        text = "".join(parts)
        return text if text.isascii() else self._valid(text)

    def _valid(self, text: str) -> str:
        try:
            return text.encode("utf-8", "surrogateescape").decode()
        except UnicodeError as broken:
            raise EvaluationFailed(f"template {self.name}: its output is not valid UTF-8") from broken


def compile_template(text: str, *, name: str = "template", functions: Functions = STANDARD, missing: Missing = Missing.ERROR) -> Template:
    """Compiles a template.

    Raises:
        EvaluationFailed: its syntax is wrong, or it calls an unknown function; the error has line and column.
    """
    source = Source(name, text)
    definitions = parse(source, functions)
    bodies = compile_definitions(source, definitions, functions, missing)
    reads = Reads(definitions, name)
    calls = tuple(sorted(reads.calls))
    changes = any(functions[called].changes for called in calls)
    return Template(name, reads.sorted_paths(), calls, bodies[name], changes, functions.surroundings)
