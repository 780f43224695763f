"""Structured Go templates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fleetd.decide.engines.structure import Structure, compile_structure
from fleetd.decide.gotemplate.deep import compiled, deep
from fleetd.decide.gotemplate.functions.library import Functions
from fleetd.decide.gotemplate.run import Budget, Run, Surroundings
from fleetd.decide.gotemplate.scalar import Scalar, compile_scalar
from fleetd.decide.gotemplate.values import truth
from fleetd.domain.errors import EvaluationFailed

_CONTROL = re.compile(
    r"\s*\{\{-?\s*(?P<word>range|if)\s+(?:(?P<names>\$\w+(?:\s*,\s*\$\w+)?)\s*:=\s*)?(?P<of>.*?)\s*-?\}\}\s*\Z",
    re.DOTALL,
)
_NOT_HERE = "this key repeats or chooses, as {{ range .list }}, {{ range $x := .list }} or {{ if .yes }}"


@dataclass(frozen=True, slots=True)
class _Scope:
    run: Run
    root: Mapping[str, Any]
    dot: Any
    bound: tuple[Any, ...] = ()


class _Go:
    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self.reads: set[tuple[str, ...]] = set()

    def templated(self, text: str) -> bool:
        return "{{" in text

    def scalar(self, text: str, variables: tuple[str, ...]) -> Callable[[_Scope], Any]:
        compiled_scalar = compile_scalar(text, self._functions, variables)
        self.reads.update(compiled_scalar.reads)
        return _evaluating(compiled_scalar)

    def control(self, text: str, variables: tuple[str, ...]) -> tuple[Callable[[_Scope], Iterable[_Scope]], tuple[str, ...]]:
        found = _CONTROL.match(text)
        if found is None:
            raise EvaluationFailed(_NOT_HERE)
        evaluate = self.scalar(f"{{{{ {found['of']} }}}}", variables)
        names = tuple(name.strip() for name in (found["names"] or "").split(",") if name.strip())
        if found["word"] == "if":
            if names:
                raise EvaluationFailed("an if in a key takes no variable")
            return (lambda scope: [scope] if truth(evaluate(scope)) else []), variables

        def repeat(scope: _Scope) -> Iterable[_Scope]:
            return [
                replace(scope, dot=element, bound=(*scope.bound, *((key, element) if len(names) == 2 else (element,) * len(names))))
                for key, element in _pairs(evaluate(scope))
            ]

        return repeat, (*variables, *names)


def _pairs(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, list):
        return list(enumerate(value))
    if isinstance(value, dict):
        return [(key, value[key]) for key in sorted(value)]
    if value is None:
        return ()
    raise EvaluationFailed("a range in a key goes over a list or a map")


def _evaluating(scalar: Scalar) -> Callable[[_Scope], Any]:
    return lambda scope: scalar.value(scope.run, scope.root, scope.dot, scope.bound)


class GoStructure:
    """A structured Go template, compiled."""

    def __init__(self, text: str, functions: Functions) -> None:
        language = _Go(functions)
        self._structure: Structure[_Scope] = compile_structure(text, language)
        self.reads = tuple(sorted(language.reads))

    def render(self, data: Mapping[str, Any], budget: Budget, surroundings: Surroundings) -> str:
        """JSON documents.

        Raises:
            EvaluationFailed: an expression fails.
            OverBudget: it takes more than it may.
        """
        return deep(lambda: self._rendered(data, Run(budget, surroundings)), "structured")

    def _rendered(self, data: Mapping[str, Any], run: Run) -> str:
        return self._structure.render(_Scope(run, data, data), run)


def compile_go(text: str, functions: Functions) -> GoStructure:
    """Compiles a structured Go template.

    Raises:
        EvaluationFailed: it is no YAML, or an expression is wrong.
    """
    return compiled(lambda: GoStructure(text, functions), "structured")
