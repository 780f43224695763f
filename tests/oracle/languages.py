"""Selectors, CEL and Go templates once more: naively, and without a line of the product.

CEL is cel-python's, templates are Go's own inside the Helm SDK. What these cannot judge is said, and not guessed.
"""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

GO_CHILD = Path(__file__).parents[1] / "gotemplate" / "oracle_child.py"
MISSING = ("no such member", "no such key")
"""How cel-python begins to say that a field is not there; all else may be its own limit."""


class Beyond(Exception):
    """The oracle does not speak this part of the language."""


def selected(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether labels fit a label selector; an empty one chooses nothing, as in Sveltos."""
    selector = selector or {}
    wanted, expressions = selector.get("matchLabels") or {}, selector.get("matchExpressions") or ()
    if not wanted and not expressions:
        return False
    return all(labels.get(key) == value for key, value in wanted.items()) and all(fits(one, labels) for one in expressions)


def fits(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether labels fit one of `matchExpressions`."""
    key, values = expression["key"], expression.get("values") or ()
    answers = {
        "In": key in labels and labels[key] in values,
        "NotIn": key not in labels or labels[key] not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }
    return answers[expression["operator"]]


def filtered(filters: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> bool:
    """Whether labels fit all `labelFilters`."""
    answers = {
        "Equal": lambda key, value: labels.get(key) == value,
        "Different": lambda key, value: labels.get(key) != value,
        "Has": lambda key, _: key in labels,
        "DoesNotHave": lambda key, _: key not in labels,
    }
    return all(answers[one["operation"]](one["key"], one.get("value") or "") for one in filters)


def cel_holds(rule: str, resource: Mapping[str, Any], cluster: Mapping[str, Any]) -> bool:
    """Whether a rule is true, and not only something else than false; a field that is not there makes it untrue.

    Raises:
        Beyond: cel-python does not understand it.
    """
    import celpy

    environment = celpy.Environment()
    try:
        program = environment.program(environment.compile(rule))
    except celpy.CELParseError as error:
        raise Beyond(f"the rule {rule}") from error
    names = {"resource": celpy.json_to_cel(resource), "cluster": celpy.json_to_cel(cluster)}
    try:
        found = program.evaluate(names)
    except celpy.CELEvalError as error:
        said = str(error.args[0]) if error.args else ""
        if said.startswith(MISSING):
            return False
        raise Beyond(f"the rule {rule}: {said[:100]}") from error
    return isinstance(found, bool | celpy.celtypes.BoolType) and bool(found)


class Go:
    """Go's own templates, in a child."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[str] | None = None
        self._known: dict[str, tuple[bool, str]] = {}

    def rendered(self, text: str, data: Mapping[str, Any]) -> str:
        """The text.

        Raises:
            Beyond: there is no Go here, or it refuses the template, or knows a function not.
        """
        if "{{" not in text:
            return text
        if find_spec("helm_python") is None:
            raise Beyond("templates: there is no Go engine here")
        case = json.dumps([[text, literal(data)]])
        if case not in self._known:
            self._known[case] = self._asked(case)
        done, made = self._known[case]
        if not done:
            raise Beyond(f"a template: {made}")
        return made

    def _asked(self, case: str) -> tuple[bool, str]:
        if self._child is None:
            self._child = subprocess.Popen([sys.executable, str(GO_CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            atexit.register(self.close)
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        print(case, file=self._child.stdin, flush=True)
        [(done, made)] = json.loads(self._child.stdout.readline())
        return done, made

    def close(self) -> None:
        """Ends the child."""
        child, self._child = self._child, None
        if child is not None:
            child.communicate()


def literal(value: Any) -> str:
    """A value as an expression of a template: values of a chart would turn every whole number into a float."""
    match value:
        case None | bool():
            return {None: "nil", True: "true", False: "false"}[value]
        case int():
            return f"(int64 {value})"
        case float():
            return f"(float64 {value!r})"
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list() | tuple():
            return f"(list {' '.join(map(literal, value))})"
    return f"(dict {' '.join(f'{literal(key)} {literal(inner)}' for key, inner in value.items())})"
