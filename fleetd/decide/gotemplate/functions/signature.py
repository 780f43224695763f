"""How a function says which arguments it takes, in Go's words for types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Function:
    """A function that a template may call.

    Args:
        body: takes the arguments in order, after the `Run` when it is metered.
        params: a word for each parameter: `any`, `string`, `int`, `int64`, `float64`, `bool`, `map`, `list`, `time`.
        more: the word for any number of further arguments, or None.
        metered: it handles nested or growing values and spends from the run's budget itself.
        changes: it changes its argument in place, as Sprig's `set` does.
        quick: the same for a single text of usual size, where that needs no meter.
    """

    name: str
    body: Callable[..., Any]
    params: tuple[str, ...]
    more: str | None = None
    metered: bool = False
    changes: bool = False
    quick: Callable[[str], Any] | None = None


GO_TYPES: Mapping[str, str] = {
    "any": "interface {}",
    "string": "string",
    "int": "int",
    "int64": "int64",
    "float64": "float64",
    "bool": "bool",
    "map": "map[string]interface {}",
    "list": "[]interface {}",
    "time": "time.Time",
}
"""The words of signatures and Go's names for them."""


def declare(table: Mapping[str, tuple[str, Callable[..., Any]]]) -> dict[str, Function]:
    """Functions from a table of `name: ("int string", body)`.

    The words before the parameters `meter` and `changes` set those flags; a last word with `...` takes any number.
    """
    return {name: _function(name, words.split(), body) for name, (words, body) in table.items()}


def _function(name: str, words: list[str], body: Callable[..., Any]) -> Function:
    flags = {word for word in words if word in {"meter", "changes"}}
    params = [word for word in words if word not in flags]
    more = params.pop()[:-3] if params and params[-1].endswith("...") else None
    return Function(name, body, tuple(params), more, "meter" in flags, "changes" in flags)


def unavailable(name: str, because: str) -> Function:
    """A function that Sprig has and that has no place here; calling it is an error that says why."""
    return Function(name, _Refusal(f"{name} is not available: {because}"), (), "any")


class _Refusal:
    """Fails at every call."""

    def __init__(self, message: str) -> None:
        self.message = message

    def __call__(self, *_: Any) -> Any:
        raise LookupError(self.message)


def arity_message(function: Function, given: int) -> str | None:
    """Go's words for a wrong number of arguments; None when the number is right."""
    wanted = len(function.params)
    if function.more is not None:
        return None if given >= wanted else f"wrong number of args for {function.name}: want at least {wanted} got {given}"
    return None if given == wanted else f"wrong number of args for {function.name}: want {wanted} got {given}"
