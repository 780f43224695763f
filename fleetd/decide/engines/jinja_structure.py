"""Structured Jinja2 templates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from jinja2 import Template, nodes

from fleetd.decide.engines.jinja import Jinja
from fleetd.decide.engines.jinja_functions import Unfit
from fleetd.decide.engines.sentences import sentence_of
from fleetd.decide.engines.structure import Structure, compile_structure
from fleetd.decide.gotemplate.run import Run
from fleetd.domain.errors import EvaluationFailed

_WORD = re.compile(r"\s*\{%[-+]?\s*(for|if)\b")
_NOT_HERE = "this key repeats or chooses, as {% for x in list %}, {% for key, value in map.items() %} or {% if yes %}"


@dataclass(frozen=True, slots=True)
class _Scope:
    data: Mapping[str, Any]


class _Jinja:
    def __init__(self, environment: Jinja) -> None:
        self._environment = environment

    def templated(self, text: str) -> bool:
        return "{{" in text or "{%" in text or "{#" in text

    def scalar(self, text: str, _variables: tuple[str, ...]) -> Callable[[_Scope], Any]:
        tree = self._told(lambda: self._environment.parse(text))
        match tree.body:
            case [nodes.Output(nodes=[expression])] if not isinstance(expression, nodes.TemplateData):
                return self._value(expression)
        template = self._told(lambda: self._environment.from_string(text))
        return lambda scope: self._told(lambda: "".join(self._environment.parts(template, scope.data)), template)

    def control(self, text: str, variables: tuple[str, ...]) -> tuple[Callable[[_Scope], Iterable[_Scope]], tuple[str, ...]]:
        found = _WORD.match(text)
        if found is None:
            raise EvaluationFailed(_NOT_HERE)
        tree = self._told(lambda: self._environment.parse(f"{text}x{{% end{found[1]} %}}"))
        match tree.body:
            case [nodes.For(target=target, iter=nodes.Expr() as over, else_=[], test=None, recursive=False)]:
                return self._loop(target, over), variables
            case [nodes.If(test=nodes.Expr() as test, elif_=[], else_=[])]:
                holds = self._value(test)
                return (lambda scope: [scope] if holds(scope) else []), variables
        raise EvaluationFailed(_NOT_HERE)

    def _loop(self, target: nodes.Node, over: nodes.Expr) -> Callable[[_Scope], Iterable[_Scope]]:
        names = [item.name for item in (target.items if isinstance(target, nodes.Tuple) else [target]) if isinstance(item, nodes.Name)]
        evaluate = self._value(over)

        def repeat(scope: _Scope) -> Iterable[_Scope]:
            for element in self._told(lambda: list(evaluate(scope))):
                yield replace(scope, data={**scope.data, **self._told(partial(_bound, names, element))})

        return repeat

    def _value(self, expression: nodes.Expr) -> Callable[[_Scope], Any]:
        template = self._told(lambda: self._environment.expression(expression))

        def value(scope: _Scope) -> Any:
            found = self._told(lambda: self._environment.value(template, scope.data), template)
            if isinstance(found, self._environment.undefined):
                return self._told(lambda: str(found))
            return found

        return value

    def _told(self, what: Callable[[], Any], template: Template | None = None) -> Any:
        try:
            return what()
        except Exception as error:  # whatever the template made Python raise is the template's
            raise sentence_of(error, self._environment, template) from error


def _bound(names: list[str], element: Any) -> dict[str, Any]:
    if len(names) == 1:
        return {names[0]: element}
    if not isinstance(element, list | tuple) or len(element) != len(names):
        raise Unfit(f"each element must have {len(names)} parts here")
    return dict(zip(names, element, strict=True))


class JinjaStructure:
    """A structured Jinja2 template, compiled."""

    def __init__(self, text: str, environment: Jinja) -> None:
        self._structure: Structure[_Scope] = compile_structure(text, _Jinja(environment))

    def render(self, data: Mapping[str, Any], run: Run) -> str:
        """JSON documents."""
        return self._structure.render(_Scope(data), run)
