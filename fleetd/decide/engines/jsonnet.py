"""Jsonnet: the data are external variables, the result is an object of Kubernetes, or a list of them.

Time and memory are not bounded here: only ever run in a child that may be killed.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from typing import Any

import orjson

from fleetd.decide.engines.missing import named, nearest
from fleetd.decide.gotemplate.run import Budget
from fleetd.domain.errors import EvaluationFailed, OverBudget

EXTRA = "Jsonnet is not installed: it is the extra jsonnet of fleetd (pip install 'fleetd[jsonnet]')"
_NAME = "template"
_STACK = 200
_DEPTH = 100
_VARIABLE = re.compile(
    r"(?:undefined external variable|external variable is not defined|extVar.*?not defined):? *\"?(\w+)\"?", re.IGNORECASE
)
_LINE = re.compile(rf"{_NAME}:(\d+):(\d+)")


class Jsonnet:
    """Evaluates Jsonnet; without the extra, it says so."""

    def __init__(self) -> None:
        try:
            self._module: Any = importlib.import_module("rjsonnet")
        except ImportError:
            self._module = None

    def render(self, text: str, data: Mapping[str, Any], budget: Budget) -> str:
        """JSON documents, one after the other.

        Raises:
            EvaluationFailed: it cannot be evaluated, or yields something else; or the extra is missing.
            OverBudget: it makes more than it may.
        """
        if self._module is None:
            raise EvaluationFailed(EXTRA)
        codes = {name: orjson.dumps(value).decode() for name, value in data.items()}
        try:
            result = self._module.evaluate_snippet(_NAME, text, max_stack=_STACK, ext_codes=codes, import_callback=_no_import)
        except (RuntimeError, ValueError, TypeError) as error:
            raise _told(str(error), data) from error
        if len(result) > budget.output_bytes * 2:
            raise OverBudget(f"the template writes more than {budget.output_bytes} bytes")
        found = "\n".join(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() for document in _documents(orjson.loads(result), 0))
        if len(found) > budget.output_bytes:
            raise OverBudget(f"the template writes more than {budget.output_bytes} bytes")
        return found


def _no_import(_folder: str, name: str) -> Any:
    raise RuntimeError(f"there are no other files to import: {name[:100]}")


def _documents(value: Any, depth: int) -> list[Any]:
    """Objects, and what is in lists of them; null stands for none."""
    if value is None:
        return []
    if isinstance(value, dict):
        return [value]
    if isinstance(value, list) and depth < _DEPTH:
        return [document for element in value for document in _documents(element, depth + 1)]
    raise EvaluationFailed("it must yield an object of Kubernetes, or a list of them")


def _told(message: str, data: Mapping[str, Any]) -> EvaluationFailed:
    """The first line is what is wrong; where it is, stands below."""
    first = message.strip().split("\n", 1)[0].removeprefix("runtime error: ").removeprefix("import_callback error: RuntimeError: ")
    place = _LINE.search(message)
    found = _VARIABLE.search(first)
    if found is not None:
        first = f'there is no external variable "{found[1]}"; there are {named(data)}{nearest(found[1], data)}'
    line, column = (int(place[1]), int(place[2])) if place else (0, 0)
    return EvaluationFailed(first[:600], line=line, column=column)
