"""Where in a structured template a field of what it made stands: the template has the shape of its result."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fleetd.decide.engines.structure import CONTROL
from fleetd.decide.spots import Path
from fleetd.domain.errors import InvalidInput
from fleetd.domain.objects import Manifest
from fleetd.domain.yaml_reader import RawDocument, read_yaml

_EXPRESSION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Shaped:
    """A place in a template, 1-based, and the expressions that stand there."""

    line: int
    column: int
    expressions: tuple[str, ...]


class Shape:
    """The documents of a structured template."""

    def __init__(self, text: str) -> None:
        try:
            self._documents = read_yaml(text, source="", with_places=True)
        except InvalidInput:
            self._documents = []

    def of(self, manifest: Manifest) -> Sequence[RawDocument]:
        """The documents that it can have been made of."""
        return [document for document in self._documents if _fits(document.value, manifest)]

    @staticmethod
    def place(documents: Sequence[RawDocument], path: Path, value: Any) -> Shaped | None:
        """Where a field's value comes from; None where no document has such a place."""
        for document in documents:
            ways = list(_down(document.value, path, (), value))
            for at in sorted(ways, key=lambda at: _templated(str(_at(document.value, at)))):
                place = document.places.get(at)
                if place is not None:
                    return Shaped(place.value_line, place.value_column, tuple(_EXPRESSION.findall(str(_at(document.value, at)))))
        return None


def _fits(value: Any, manifest: Manifest) -> bool:
    while isinstance(value, dict) and len(value) == 1 and CONTROL.match(next(iter(value))):
        value = next(iter(value.values()))
    if not isinstance(value, dict):
        return False
    return all(value.get(name) == manifest.get(name) or _templated(str(value.get(name))) for name in ("apiVersion", "kind"))


def _down(value: Any, path: Path, at: Path, wanted: Any) -> Iterator[Path]:
    """The places in the template that can have made what is at the path."""
    if isinstance(value, dict):
        for key in sorted(value, key=lambda key: (_templated(key), path[:1] != (key,))):
            if CONTROL.match(key):
                yield from _down(value[key], path, (*at, key), wanted)
            elif path and (key == path[0] or _templated(key)):
                yield from _down(value[key], path[1:], (*at, key), wanted)
    elif isinstance(value, list):
        yield from _in_list(value, path, at, wanted)
    elif (isinstance(value, str) and _templated(value)) or (not path and value == wanted):
        yield at


def _in_list(entries: list[Any], path: Path, at: Path, wanted: Any) -> Iterator[Path]:
    fixed = not any(_controls(entry) or (isinstance(entry, str) and _templated(entry)) for entry in entries)
    for index, entry in enumerate(entries):
        if not path or (fixed and index != path[0]):
            continue
        if not _controls(entry):
            yield from _down(entry, path[1:], (*at, index), wanted)
            continue
        ((key, below),) = entry.items()
        way = (*at, index, key)
        for number, inner in enumerate(below) if isinstance(below, list) else [(None, below)]:
            yield from _down(inner, path[1:], way if number is None else (*way, number), wanted)


def _controls(entry: Any) -> bool:
    return isinstance(entry, dict) and len(entry) == 1 and CONTROL.match(next(iter(entry))) is not None


def _templated(text: str) -> bool:
    return "{{" in text or "{%" in text


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value
