"""YAML text to plain values and their places, from the parser's events: no recursion, so that no input breaks the stack."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.reader import ReaderError

from fleetd.domain import yaml_scalars
from fleetd.domain.errors import InvalidInput, in_short

MAX_TEXT = 32 * 1024 * 1024
"""Characters of one input."""
MAX_DEPTH = 200
MAX_ALIASED = 100_000
"""Values that aliases may add to one document."""

Path = tuple[str | int, ...]

_SENTENCES = (
    ("found character '\\t' that cannot start any token", "a tab stands where spaces must: indent with spaces"),
    ("found a tab character that violates indentation", "a tab stands where spaces must: indent with spaces"),
    ("found character that cannot start any token", "this character cannot begin a value: put the value into quotes"),
    ("mapping values are not allowed", "a ':' is not expected here: check the indentation, or put the value into quotes"),
    ("did not find expected key", "the indentation does not fit the lines above"),
    ("could not find expected ':'", "a ':' is missing after this key"),
    ("did not find expected '-' indicator", "the indentation does not fit the list above: an entry with '-' was expected"),
    ("found unexpected end of stream", "the text ends inside a quoted value"),
    ("found undefined tag handle", "this tag is not known: put the value into quotes"),
    ("did not find expected alphabetic or numeric character", "'*' and '&' begin an alias or an anchor: put the value into quotes"),
    ("did not find expected ',' or ']'", "a ',' or the closing ']' is missing"),
    ("did not find expected ',' or '}'", "a ',' or the closing '}' is missing"),
    ("did not find expected node content", "a value is missing here"),
)


class UnreadableText(InvalidInput):
    """The text is no YAML that kubectl would take; lines and columns are 1-based."""

    def __init__(self, source: str, line: int, column: int, sentence: str) -> None:
        sentence = in_short(sentence)
        super().__init__(f"{source}:{line}:{column}: {sentence}")
        self.source = source
        self.line = line
        self.column = column
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands, 1-based. `line` and `column` are those of its key, or of the value itself inside a list."""

    line: int
    column: int
    value_line: int
    value_column: int
    style: str = ""
    """`|` and `>` for blocks, quotes, or empty."""


@dataclass(slots=True)
class RawDocument:
    """One document as read: plain values, where it begins, and, when asked for, the place of every value."""

    value: Any
    line: int
    places: dict[Path, Place] = field(default_factory=dict, repr=False)


class _Fault(Exception):
    """A fault at a mark; becomes UnreadableText where the source's name is known."""

    def __init__(self, sentence: str, mark: Any) -> None:
        super().__init__(sentence)
        self.mark = mark


@dataclass(slots=True)
class _Open:
    """A mapping or list that is being filled. `size` counts values; `merging` holds what waits behind `<<`."""

    value: Any
    is_map: bool
    anchor: str | None
    path: Path
    mark: Any
    size: int = 1
    key: str | None = None
    key_mark: Any = None
    merging: bool = False
    explicit: set[str] = field(default_factory=set)


def read_yaml(text: str, *, source: str, with_places: bool = False) -> list[RawDocument]:
    """All documents of a text; empty ones are left out.

    Raises:
        UnreadableText: the first thing in it that is wrong.
    """
    text = text.removeprefix("\ufeff")
    if len(text) > MAX_TEXT:
        raise UnreadableText(source, 1, 1, f"the text is larger than {MAX_TEXT // 2**20} million characters")
    try:
        return list(_documents(text, with_places=with_places))
    except _Fault as fault:
        raise UnreadableText(source, fault.mark.line + 1, fault.mark.column + 1, str(fault)) from fault
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise UnreadableText(source, line, column, _sentence(error, text, line)) from error
    except ReaderError as error:
        before = text.encode("utf-8", errors="surrogatepass")[: int(error.position)].decode("utf-8", errors="ignore")
        line = before.count("\n") + 1
        column = len(before) - before.rfind("\n")
        raise UnreadableText(source, line, column, "this character is not allowed in YAML") from error


def read_one(text: str, *, source: str) -> Any:
    """The value of a text that is one document; None for an empty one.

    Raises:
        UnreadableText: it is no YAML, or more than one document.
    """
    documents = read_yaml(text, source=source)
    if len(documents) > 1:
        raise UnreadableText(source, documents[1].line, 1, "there is more than one document, where one is expected")
    return documents[0].value if documents else None


def _sentence(error: yaml.MarkedYAMLError, text: str, line: int) -> str:
    problem = (error.problem or "").strip()
    lines = text.splitlines()
    if "cannot start any token" in problem and 0 < line <= len(lines) and "\t" in lines[line - 1]:
        return _SENTENCES[0][1]
    for known, sentence in _SENTENCES:
        if known in problem:
            return sentence
    return problem or "this is no YAML"


def _documents(text: str, *, with_places: bool) -> Iterator[RawDocument]:
    try:
        parser = yaml.CSafeLoader(io.BytesIO(text.encode("utf-8")))
    except UnicodeEncodeError as error:
        raise ReaderError("", len(text[: error.start].encode()), "", "utf-8", "half of a character") from error
    try:
        builder: _Builder | None = None
        while (event := parser.get_event()) is not None:
            if isinstance(event, yaml.DocumentStartEvent):
                builder = _Builder(with_places=with_places)
            elif isinstance(event, yaml.DocumentEndEvent):
                if builder is not None and builder.root is not None:
                    yield RawDocument(builder.root, builder.line, builder.places)
            elif builder is not None:
                builder.take(event)
    finally:
        parser.dispose()


class _Builder:
    """Fills one document from events."""

    def __init__(self, *, with_places: bool) -> None:
        self.root: Any = None
        self.line = 1
        self.places: dict[Path, Place] = {}
        self._with_places = with_places
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._aliased = 0

    def take(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self._start(event, is_map=kind is yaml.MappingStartEvent)
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            done = self._open.pop()
            self._put(done.value, done.size, done.anchor, done.mark, None)
        # Only the stream's own start and end are left.

    def _scalar(self, event: Any) -> None:
        top = self._open[-1] if self._open else None
        text = event.value
        try:
            value = _value_of(event)
            if top is not None and top.is_map and top.key is None and not top.merging:
                if text == "<<" and (event.tag or event.implicit[0]):
                    top.merging, top.key_mark = True, event.start_mark
                    return
                if event.anchor:
                    self._anchors[event.anchor] = (value, 1)
                self._name(top, yaml_scalars.key_text(value, text), event.start_mark)
                return
        except ValueError as error:
            raise _Fault(str(error), event.start_mark) from error
        self._put(value, 1, event.anchor, event.start_mark, event.style)

    def _name(self, top: _Open, key: str, mark: Any) -> None:
        if key in top.explicit:
            raise _Fault(f"the key {key!r} stands twice in this mapping", mark)
        top.explicit.add(key)
        top.key, top.key_mark = key, mark

    def _start(self, event: Any, *, is_map: bool) -> None:
        parent = self._open[-1] if self._open else None
        if parent is not None and parent.is_map and parent.key is None and not parent.merging:
            raise _Fault("a mapping or a list cannot be a key: put text that begins with '{' or '[' into quotes", event.start_mark)
        if len(self._open) >= MAX_DEPTH:
            raise _Fault(f"the values are nested deeper than {MAX_DEPTH} levels", event.start_mark)
        if parent is None:
            self.line = event.start_mark.line + 1
        if event.anchor:
            self._anchors.pop(event.anchor, None)
        self._open.append(_Open({} if is_map else [], is_map, event.anchor, self._next_path(parent), event.start_mark))

    def _next_path(self, parent: _Open | None) -> Path:
        if parent is None or not self._with_places:
            return ()
        if not parent.is_map:
            return (*parent.path, len(parent.value))
        return (*parent.path, "<<" if parent.merging else str(parent.key))

    def _alias(self, event: Any) -> None:
        if event.anchor not in self._anchors:
            raise _Fault(f"there is no anchor &{event.anchor} before this", event.start_mark)
        value, size = self._anchors[event.anchor]
        self._aliased += size
        if self._aliased > MAX_ALIASED:
            raise _Fault(f"aliases blow this document up to more than {MAX_ALIASED} values", event.start_mark)
        top = self._open[-1] if self._open else None
        if top is not None and top.is_map and top.key is None and not top.merging:
            if isinstance(value, dict | list):
                raise _Fault("a mapping or a list cannot be a key", event.start_mark)
            self._name(top, yaml_scalars.key_text(value, str(value)), event.start_mark)
            return
        self._put(value, size, None, event.start_mark, None)

    def _put(self, value: Any, size: int, anchor: str | None, mark: Any, style: str | None) -> None:
        if anchor:
            self._anchors[anchor] = (value, size)
        if not self._open:
            self.root, self.line = value, mark.line + 1
            return
        top = self._open[-1]
        top.size += size
        if self._with_places and not top.merging:
            at = top.key_mark if top.is_map else mark
            self.places[self._next_path(top)] = Place(at.line + 1, at.column + 1, mark.line + 1, mark.column + 1, style or "")
        if top.merging:
            _merge(top.value, value, top.key_mark)
            top.merging = False
        elif top.is_map:
            top.value[top.key] = value
            top.key = None
        else:
            top.value.append(value)


def _value_of(event: Any) -> yaml_scalars.Scalar:
    if event.tag is None:
        return yaml_scalars.plain(event.value) if event.implicit[0] else str(event.value)
    return yaml_scalars.tagged(event.tag, event.value)


def _merge(into: dict[str, Any], what: Any, mark: Any) -> None:
    """`<<`: as in Go, a merge overwrites what stands above it, and gives way to what stands below it."""
    # In a list of mappings the first one wins, so they are laid down from the last to the first.
    parts = list(reversed(what)) if isinstance(what, list) else [what]
    for part in parts:
        if not isinstance(part, Mapping):
            raise _Fault("'<<' takes a mapping, or a list of mappings", mark)
        into.update(part)
