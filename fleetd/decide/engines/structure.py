"""Structured templates: the YAML is read first, and expressions stand in its places.

An expression that stands alone yields a value, whose type survives; amid text it yields text. Neither is read as YAML again, so no
value can end its place, begin another key or document, or become something else than it is. What an expression yields as null is left
out, with its key. A key `{{ range … }}` or `{% for … %}` stands for what is below it once for each element, `{{ if … }}` and
`{% if … %}` for what is below it or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import orjson

from fleetd.decide.gotemplate.run import Run
from fleetd.domain.errors import EvaluationFailed, InvalidInput, OverBudget
from fleetd.domain.yaml_reader import Place, RawDocument, read_yaml

Scope = TypeVar("Scope")
Path = tuple[str | int, ...]
CONTROL = re.compile(r"\s*\{[{%]-?\s*(range|for|if)\b(?:(?![}%]\}).)*[}%]\}\s*\Z", re.DOTALL)
_BARE = re.compile(r"(?m)^[^#\"'\n]*:\s+\{[{%]|^\s*-\s+\{[{%]|^\s*\{[{%]")


class Control(Protocol[Scope]):
    """A key that repeats, or chooses."""

    def __call__(self, scope: Scope) -> Iterable[Scope]:
        """A scope for each time that what is below it stands there."""


class Language(Protocol[Scope]):
    """How expressions are compiled. Errors of both are `EvaluationFailed`, and `OverBudget`."""

    def templated(self, text: str) -> bool:
        """Whether there is an expression in a text."""

    def scalar(self, text: str, variables: tuple[str, ...]) -> Callable[[Scope], Any]:
        """The value of a text."""

    def control(self, text: str, variables: tuple[str, ...]) -> tuple[Control[Scope], tuple[str, ...]]:
        """What a key does, and the variables that are seen below it."""


@dataclass(frozen=True, slots=True)
class _Made(Generic[Scope]):
    """A part of the tree: yields the values that stand in its place; none where it is left out."""

    values: Callable[[Scope], list[Any]]
    spreads: bool = False
    """Whether it is a control key: what it yields are parts of the list or map around it."""


class _Entry(NamedTuple, Generic[Scope]):
    """A key and what is below it; without a key, a control whose maps are part of the map around it."""

    at: Path
    part: _Made[Scope]
    key: Callable[[Scope], Any] | None


def _always(key: str) -> Callable[[Any], str]:
    return lambda _scope: key


class Structure(Generic[Scope]):
    """A compiled structured template."""

    def __init__(self, documents: Sequence[_Made[Scope]]) -> None:
        self._documents = documents

    def render(self, scope: Scope, run: Run) -> str:
        """The documents as JSON, one after the other.

        Raises:
            EvaluationFailed: an expression fails; the text says where.
            OverBudget: it takes more than it may.
        """
        texts = []
        for document in self._documents:
            for value in document.values(scope):
                text = _json(value, run)
                run.output_left -= len(text)
                if run.output_left < 0:
                    raise OverBudget(f"the template writes more than {run.budget.output_bytes} bytes")
                texts.append(text)
        return "\n".join(texts)


def compile_structure(text: str, language: Language[Scope]) -> Structure[Scope]:
    """Reads the YAML and compiles the expressions in it.

    Raises:
        EvaluationFailed: it is no YAML, or an expression is wrong.
    """
    try:
        documents = read_yaml(text, source="", with_places=True)
    except InvalidInput as error:
        where = str(error).lstrip(":")
        bare = "; an expression must stand in quotes, so that the text is YAML before it is filled in" if _BARE.search(text) else ""
        raise EvaluationFailed(f"a structured template must be YAML: {where}{bare}") from error
    return Structure([_Compiler(document, language).part(document.value, (), ()) for document in documents if document.value is not None])


class _Compiler(Generic[Scope]):
    def __init__(self, document: RawDocument, language: Language[Scope]) -> None:
        self._document = document
        self._language = language

    def part(self, value: Any, path: Path, variables: tuple[str, ...]) -> _Made[Scope]:
        if isinstance(value, dict):
            return self._map(value, path, variables)
        if isinstance(value, list):
            return self._list(value, path, variables)
        if isinstance(value, str) and self._language.templated(value):
            return self._scalar(value, path, variables)
        return _Made(lambda _scope: [value])

    def _scalar(self, text: str, path: Path, variables: tuple[str, ...]) -> _Made[Scope]:
        if CONTROL.match(text):
            self._fail(path, "a range, for or if that stands alone belongs into a key, with what it is about below it")
        evaluate = self._located(path, lambda: self._language.scalar(text, variables))

        def values(scope: Scope) -> list[Any]:
            value = self._located(path, lambda: evaluate(scope))
            return [] if value is None else [value]

        return _Made(values)

    def _list(self, value: list[Any], path: Path, variables: tuple[str, ...]) -> _Made[Scope]:
        parts = [self.part(entry, (*path, index), variables) for index, entry in enumerate(value)]

        def values(scope: Scope) -> list[Any]:
            made: list[Any] = []
            for part in parts:
                for element in part.values(scope):
                    made.extend(element if part.spreads and isinstance(element, list) else [element])
            return [made]

        return _Made(values)

    def _map(self, value: Mapping[str, Any], path: Path, variables: tuple[str, ...]) -> _Made[Scope]:
        if len(value) == 1 and CONTROL.match(next(iter(value))):
            return self._controlled(next(iter(value)), next(iter(value.values())), path, variables)
        entries: list[_Entry[Scope]] = []
        for key, element in value.items():
            at = (*path, key)
            if CONTROL.match(key):
                entries.append(_Entry(at, self._controlled(key, element, path, variables), None))
            elif self._language.templated(key):
                entries.append(_Entry(at, self.part(element, at, variables), self._key(key, at, variables)))
            else:
                entries.append(_Entry(at, self.part(element, at, variables), _always(key)))
        return _Made(lambda scope: [self._filled(entries, scope)])

    def _key(self, key: str, at: Path, variables: tuple[str, ...]) -> Callable[[Scope], Any]:
        evaluate: Callable[[Scope], Any] = self._located(at, lambda: self._language.scalar(key, variables))
        return evaluate

    def _filled(self, entries: list[_Entry[Scope]], scope: Scope) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for entry in entries:
            values = entry.part.values(scope)
            if entry.key is None:
                for element in values:
                    if not isinstance(element, dict):
                        self._fail(entry.at, "in a map, a map must stand below it")
                    for name, value in element.items():
                        self._put(made, name, value, entry.at)
                continue
            for value in self._together(entry.part, values, entry.at):
                key = self._located(entry.at, partial(entry.key, scope))
                if key is not None and not isinstance(key, str):
                    self._fail(entry.at, "a key must be a text; make one of the value (toString, or | string)")
                if key is not None:
                    self._put(made, key, value, entry.at)
        return made

    def _together(self, part: _Made[Scope], values: list[Any], at: Path) -> list[Any]:
        """What a control key below a key yields: one list of all lists, one map of all maps."""
        if not part.spreads or not values:
            return values
        if all(isinstance(value, list) for value in values):
            return [[element for value in values for element in value]]
        if all(isinstance(value, dict) for value in values):
            merged: dict[str, Any] = {}
            for value in values:
                for key, element in value.items():
                    self._put(merged, key, element, at)
            return [merged]
        if len(values) > 1:
            self._fail(at, "it is repeated, so a list or a map must stand below the key that repeats it")
        return values

    def _put(self, made: dict[str, Any], key: str, value: Any, at: Path) -> None:
        if key in made:
            self._fail(at, f'the key "{key[:60]}" stands twice')
        made[key] = value

    def _controlled(self, key: str, below: Any, path: Path, variables: tuple[str, ...]) -> _Made[Scope]:
        at = (*path, key)
        control, seen = self._located(at, lambda: self._language.control(key, variables))
        part = self.part(below, at, seen)

        def values(scope: Scope) -> list[Any]:
            return [value for inner in self._located(at, lambda: control(scope)) for value in part.values(inner)]

        return _Made(values, spreads=True)

    def _located(self, path: Path, what: Callable[[], Any]) -> Any:
        try:
            return what()
        except EvaluationFailed as error:
            raise self._error(path, str(error)) from error
        except OverBudget as error:
            raise OverBudget(f"{_spoken(path)}: {error}") from error

    def _fail(self, path: Path, sentence: str) -> None:
        raise self._error(path, sentence)

    def _error(self, path: Path, sentence: str) -> EvaluationFailed:
        place: Place | None = self._document.places.get(path)
        line = place.value_line if place else self._document.line
        return EvaluationFailed(f"{_spoken(path)}: {sentence}", line=line, column=place.value_column if place else 0)


def _spoken(path: Path) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "the document"


def _json(value: Any, run: Run) -> str:
    _charge(value, run)
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except (TypeError, RecursionError) as error:
        raise EvaluationFailed(f"what was filled in cannot be written: {error}") from error


def _charge(value: Any, run: Run) -> None:
    """A small tree may hold one large value many times: it is paid for before it is written."""
    if isinstance(value, dict):
        run.spend(1 + len(value))
        for element in value.values():
            _charge(element, run)
    elif isinstance(value, list | tuple):
        run.spend(1 + len(value))
        for element in value:
            _charge(element, run)
    elif isinstance(value, str):
        run.text(len(value))
        run.spend(len(value) >> 6)
