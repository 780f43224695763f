"""Go templates: compile once, render often."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from fleetd.decide.gotemplate.compiler import Body, compile_definitions
from fleetd.decide.gotemplate.deep import again, compiled
from fleetd.decide.gotemplate.expressions import Missing
from fleetd.decide.gotemplate.functions.dicts import deep_copy
from fleetd.decide.gotemplate.functions.library import STANDARD, Functions, deploy_functions, event_functions, standard_functions
from fleetd.decide.gotemplate.nodes import Action, Text
from fleetd.decide.gotemplate.parser import parse
from fleetd.decide.gotemplate.reads import Reads
from fleetd.decide.gotemplate.run import Budget, Run, Surroundings
from fleetd.decide.gotemplate.source import Site, Source
from fleetd.decide.gotemplate.values import Struct
from fleetd.domain.errors import EvaluationFailed

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
_BYTES = re.compile("[\ud800-\udfff]")
"""Bytes that are no character."""


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template; it holds no state, so threads may share it.

    Args:
        reads: paths of the data that the template names, sorted: `("Resource", "spec")`; an empty path is the whole data.
        tried: paths that must be there, and of which it counts no more than whether they are something.
        calls: names of the functions that it calls, sorted.
    """

    name: str
    reads: tuple[tuple[str, ...], ...]
    tried: tuple[tuple[str, ...], ...]
    calls: tuple[str, ...]
    _body: Body = field(repr=False)
    _changes: bool = field(repr=False)
    _surroundings: Surroundings = field(repr=False)
    _source: Source = field(repr=False)
    _traced: Callable[[list[Any]], Mapping[str, Body]] = field(repr=False)
    """Compiles it once more, so that it notes what made each part."""

    def render(self, data: Mapping[str, Any], *, budget: Budget = _STANDARD_BUDGET, surroundings: Surroundings | None = None) -> str:
        """The template's text for this data, which is never changed.

        Args:
            surroundings: instead of those that the functions were given.

        Raises:
            EvaluationFailed: a key is missing, a function failed, or the text is no valid UTF-8.
            OverBudget: it takes more than it may.
        """
        try:
            return self._text(data, budget, surroundings or self._surroundings)
        except RecursionError:
            return again(lambda: self._text(data, budget, surroundings or self._surroundings), self.name)

    def _text(self, data: Mapping[str, Any], budget: Budget, surroundings: Surroundings) -> str:
        run = Run(budget, surroundings)
        parts: list[str] = []
        given = data if type(data) is dict else dict(data)
        self._body(parts, run, deep_copy(run, given) if self._changes else given)
        text = "".join(parts)
        if text.isascii():
            return text
        try:
            return text.encode("utf-8", "surrogateescape").decode()
        except UnicodeError:
            raise self._half_a_character(data, budget, surroundings) from None

    def _half_a_character(self, data: Mapping[str, Any], budget: Budget, surroundings: Surroundings) -> EvaluationFailed:
        """Which action wrote what is no UTF-8: `trunc` counts bytes, as in Go."""
        parts: list[str] = []
        trail: list[Any] = []
        run = Run(budget, surroundings)
        self._traced(trail)[self.name](parts, run, deep_copy(run, dict(data)))
        node = next((node for part, node in zip(parts, trail, strict=True) if _BYTES.search(part)), Text(0, ""))
        what = "what it writes is not valid UTF-8: a character was cut in two, or its bytes never were any"
        return Site(self._source, self.name, node.pipe if isinstance(node, Action) else node).failed(what)


def compile_template(text: str, *, name: str = "template", functions: Functions = STANDARD, missing: Missing = Missing.ERROR) -> Template:
    """Compiles a template.

    Raises:
        EvaluationFailed: its syntax is wrong, or it calls an unknown function; the error has line and column.
    """
    return compiled(lambda: _compiled(Source(name, text), functions, missing), name)


def _compiled(source: Source, functions: Functions, missing: Missing) -> Template:
    definitions = parse(source, functions)
    bodies = compile_definitions(source, definitions, functions, missing)
    traced = partial(compile_definitions, source, definitions, functions, missing)
    reads = Reads(definitions, source.name)
    calls = tuple(sorted(reads.calls))
    changes = any(functions[called].changes for called in calls)
    paths, tried, body = reads.sorted_paths(), reads.sorted_tried(), bodies[source.name]
    return Template(source.name, paths, tried, calls, body, changes, functions.surroundings, source, traced)
