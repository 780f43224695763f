"""Rendering once more, to say which part of a template made which part of the text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleetd.decide.gotemplate.compiler import compile_definitions
from fleetd.decide.gotemplate.deep import deep
from fleetd.decide.gotemplate.expressions import Missing
from fleetd.decide.gotemplate.functions.dicts import deep_copy
from fleetd.decide.gotemplate.functions.library import Functions
from fleetd.decide.gotemplate.nodes import Text
from fleetd.decide.gotemplate.nodes import text_of as written
from fleetd.decide.gotemplate.parser import parse
from fleetd.decide.gotemplate.run import Budget, Run, Surroundings
from fleetd.decide.gotemplate.source import Source
from fleetd.decide.trail import Piece, Trail

_NAME = "template"


def trace(text: str, data: Mapping[str, Any], functions: Functions, budget: Budget, surroundings: Surroundings) -> Trail:
    """The text that the template makes, with what made each part of it.

    Raises:
        EvaluationFailed: as `Template.render` does.
        OverBudget: likewise.
    """
    return deep(lambda: _traced(Source(_NAME, text), data, functions, budget, surroundings), _NAME)


def _traced(source: Source, data: Mapping[str, Any], functions: Functions, budget: Budget, surroundings: Surroundings) -> Trail:
    trail: list[Any] = []
    bodies = compile_definitions(source, parse(source, functions), functions, Missing.ERROR, trail)
    run = Run(budget, surroundings)
    parts: list[str] = []
    bodies[_NAME](parts, run, deep_copy(run, dict(data)))
    pieces = []
    at = 0
    for part, node in zip(parts, trail, strict=True):
        expression = "" if isinstance(node, Text) else written(node.pipe)
        pos = node.pos if isinstance(node, Text) else node.pipe.pos
        pieces.append(Piece(at, at + len(part), pos, expression))
        at += len(part)
    return Trail("".join(parts), source.text, tuple(pieces))
