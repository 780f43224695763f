"""The functions of Go templates for Jinja2: the same bodies, their arguments checked alike, the same budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jinja2 import Undefined

from fleetd.decide.engines.missing import word_of
from fleetd.decide.gotemplate.functions.signature import Function, arity_message
from fleetd.decide.gotemplate.run import Run
from fleetd.decide.gotemplate.values import CallFailed, Int

_FAILURES = (CallFailed, ArithmeticError, ValueError, LookupError, TypeError, AttributeError)
_SPOKEN: Mapping[str, str] = {
    "string": "a text", "int": "a whole number", "int64": "a whole number", "float64": "a number", "bool": "a boolean",
    "map": "a map", "list": "a list", "time": "a time",
}  # fmt: skip
_PLAIN: Mapping[str, type] = {"string": str, "bool": bool, "map": dict}


class Unfit(Exception):
    """A function was called with what it does not take, or could not do its work; the text is a sentence."""


class Callables:
    """Functions as a template calls them; `run` is set for each rendering."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self._functions = functions
        self.run: Run | None = None

    def globals(self) -> dict[str, Callable[..., Any]]:
        """By name, to be called with arguments in Go's order: `trunc(5, name)`."""
        return {name: self._global(name) for name in self._functions}

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name; the value that is piped in becomes the last argument, as in Go: `name | trunc(5)`."""
        return {name: self._filter(name) for name in self._functions}

    def _global(self, name: str) -> Callable[..., Any]:
        def function(*arguments: Any, **named: Any) -> Any:
            return self.call(name, arguments, named)

        return function

    def _filter(self, name: str) -> Callable[..., Any]:
        def function(value: Any, *arguments: Any, **named: Any) -> Any:
            return self.call(name, (*arguments, value), named)

        return function

    def call(self, name: str, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Calls a function.

        Raises:
            Unfit: the arguments are wrong, or the function failed.
            OverBudget: it takes more than it may.
        """
        function = self._functions[name]
        if self.run is None:
            raise Unfit(f"{name} cannot be called here")
        if named:
            raise Unfit(f"{name} takes no argument by name ({next(iter(named))})")
        if wrong := arity_message(function, len(arguments)):
            raise Unfit(wrong)
        checked = [_fitting(name, at, _word(function, at), value) for at, value in enumerate(arguments)]
        self.run.spend(2)
        try:
            value = function.body(self.run, *checked) if function.metered else function.body(*checked)
        except RecursionError:
            raise
        except _FAILURES as failure:
            because = _reason(failure)
            raise Unfit(because if because.startswith(f"{name} ") else f"{name}: {because}") from failure
        self.run.settle(value)
        return value


def _word(function: Function, at: int) -> str:
    return function.params[at] if at < len(function.params) else function.more or "any"


def _fitting(name: str, at: int, word: str, value: Any) -> Any:
    if isinstance(value, Undefined):
        str(value)  # fails, and says what is missing
    if word == "any":
        return value
    fitted = _as(word, value)
    if fitted is None:
        raise Unfit(f"{name}: argument {at + 1} is {word_of(value)}, and {_SPOKEN[word]} is needed")
    return fitted


def _as(word: str, value: Any) -> Any:
    """The value as the parameter takes it; None where it does not."""
    if value is None and word in {"map", "list"}:
        return {} if word == "map" else []
    if word == "list":
        return list(value) if isinstance(value, list | tuple) else None
    if word in _PLAIN:
        return value if isinstance(value, _PLAIN[word]) else None
    if word == "time":
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if word == "float64":
        return float(value)
    if not math.isfinite(value) or int(value) != value:
        return None
    return Int(value) if word == "int" else int(value)


def _reason(failure: Exception) -> str:
    if isinstance(failure, ZeroDivisionError):
        return "division by zero"
    if isinstance(failure, KeyError):
        return str(failure.args[0]) if failure.args else "no such key"
    return str(failure)
