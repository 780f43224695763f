"""Sprig's lists: every function gives a new list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fleetd.decide.gotemplate.functions.defaults import is_empty
from fleetd.decide.gotemplate.functions.numbers import to_int64
from fleetd.decide.gotemplate.functions.reflection import deep_equal
from fleetd.decide.gotemplate.functions.signature import Function, declare
from fleetd.decide.gotemplate.functions.strings import as_texts
from fleetd.decide.gotemplate.run import Run
from fleetd.decide.gotemplate.values import CallFailed, Lists, NilList, Strings, kind_name, utf8

_Part = Callable[[Run, list[Any]], Any]


def _on_list(verb: str, body: _Part) -> Callable[[Run, Any], Any]:
    """A function of one list, with Sprig's complaint for anything else."""

    def function(run: Run, value: Any) -> Any:
        return body(run, _list(value, verb))

    return function


def _list(value: Any, verb: str) -> list[Any]:
    if not isinstance(value, list):
        raise CallFailed(f"Cannot {verb} on type {kind_name(value)}")
    return value


def append(run: Run, value: Any, element: Any) -> list[Any]:
    run.elements(len(_list(value, "push")) + 1)
    return [*value, element]


def prepend(run: Run, value: Any, element: Any) -> list[Any]:
    run.elements(len(_list(value, "prepend")) + 1)
    return [element, *value]


def concat(run: Run, *values: Any) -> list[Any]:
    run.elements(sum(len(_listed(value)) for value in values))
    return [element for value in values for element in value] or NilList()


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise CallFailed(f"Cannot concat type {kind_name(value)} as list")
    return value


def slice_of(value: Any, *bounds: Any) -> Any:
    """A part between two positions; with none given, all of it."""
    if not isinstance(value, list):
        raise CallFailed(f"list should be type of slice or array but {kind_name(value)}")
    items = value
    if not items:
        return None
    start = to_int64(bounds[0]) if bounds else 0
    stop = to_int64(bounds[1]) if len(bounds) > 1 else len(items)
    if not 0 <= start <= stop <= len(items):
        raise CallFailed(f"runtime error: slice bounds out of range [{start}:{stop}] with length {len(items)}")
    return type(items)(items[start:stop])


def chunk(run: Run, size: int, value: Any) -> Lists:
    """The list in pieces of this size; Sprig takes a negative size for a count of pieces that is none, or too few."""
    items = _list(value, "chunk")
    run.elements(len(items))
    if size > 0:
        return Lists(list(items[at : at + size]) for at in range(0, len(items), size))
    if size == 0 or (len(items) - 1) // size + 1 < 0:
        raise CallFailed("runtime error: makeslice: len out of range")
    return Lists()


def unique(run: Run, items: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if not _holds(run, found, item):
            found.append(item)
    return found


def without(run: Run, value: Any, *unwanted: Any) -> list[Any]:
    items = _list(value, "find without")
    return [item for item in items if not _holds(run, list(unwanted), item)]


def has(run: Run, needle: Any, value: Any) -> bool:
    return value is not None and _holds(run, _list(value, "find has"), needle)


def _holds(run: Run, items: list[Any], needle: Any) -> bool:
    run.spend(len(items) >> 2)
    return any(deep_equal(run, needle, item) for item in items)


def sort_alphabetically(run: Run, value: Any) -> Strings:
    texts = as_texts("<nil>" if value is None else value, run)
    run.spend(len(texts) << 1)
    return Strings(sorted(texts) if "".join(texts).isascii() else sorted(texts, key=utf8))


def _edge(at: int) -> _Part:
    return lambda _run, items: items[at] if items else None


FUNCTIONS: dict[str, Function] = declare(
    {
        "list": ("any...", lambda *values: list(values)),
        "tuple": ("any...", lambda *values: list(values)),
        "append": ("meter any any", append),
        "push": ("meter any any", append),
        "prepend": ("meter any any", prepend),
        "concat": ("meter any...", concat),
        "first": ("meter any", _on_list("find first", _edge(0))),
        "last": ("meter any", _on_list("find last", _edge(-1))),
        "rest": ("meter any", _on_list("find rest", lambda _, items: list(items[1:]) if items else NilList())),
        "initial": ("meter any", _on_list("find initial", lambda _, items: list(items[:-1]) if items else NilList())),
        "reverse": ("meter any", _on_list("find reverse", lambda _, items: items[::-1])),
        "uniq": ("meter any", _on_list("find uniq", unique)),
        "compact": ("meter any", _on_list("compact", lambda _, items: [item for item in items if not is_empty(item)])),
        "without": ("meter any any...", without),
        "has": ("meter any any", has),
        "slice": ("any any...", slice_of),
        "chunk": ("meter int any", chunk),
        "sortAlpha": ("meter any", sort_alphabetically),
    }
)
