"""Brings a text to say something else with the fewest changes: comments and everything untouched stay as they are.

What comes out is read again; where it does not say exactly what was meant, nothing is changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from fleetd.decide.lint.edits import Edit, Lines
from fleetd.decide.lint.moving import Moving, yaml_text
from fleetd.decide.lint.written import Entry, last_line, written_documents
from fleetd.domain.documents import Document, read_documents
from fleetd.domain.errors import InvalidInput
from fleetd.domain.kinds.mistakes import Path, dotted
from fleetd.domain.objects import Manifest

Change = tuple[Document, Manifest]
"""A document and what it is to say."""


class CannotWrite(InvalidInput):
    """The text cannot be brought to say it by small changes."""


def rewritten(text: str, source: str, changes: Sequence[Change]) -> str:
    """The text of a file after changes of some of its documents.

    Raises:
        CannotWrite: a change is not possible in the way it is written.
    """
    lines = Lines(text)
    wanted = {_number(document): manifest for document, manifest in changes}
    edits: list[Edit] = []
    written: dict[int, Sequence[Mapping[Path, Entry]]] = {}
    for document, manifest in changes:
        edits += _Writer(document, _entries(document, written), lines).edits(document.manifest, manifest)
    try:
        after = lines.edited(edits)
        again = read_documents(after, source=source)
    except (InvalidInput, ValueError) as error:
        raise CannotWrite(f"{source}: {error}") from error
    before = read_documents(text, source=source)
    meant = [wanted.get(_number(document), document.manifest) for document in before]
    if [document.manifest for document in again] != meant:
        raise CannotWrite(f"{source}: the way it is written does not allow the change; an anchor or a merge may stand in between")
    return after


def _number(document: Document) -> tuple[int, int, Path]:
    """Which document of its text it is: the line, its number, and its place in a list."""
    return document.line, document.origin.number if document.origin else 0, document.prefix


def _entries(document: Document, written: dict[int, Sequence[Mapping[Path, Entry]]]) -> Mapping[Path, Entry]:
    """How a document is written; `written` keeps what is known of each text."""
    origin = document.origin
    if origin is None:
        raise CannotWrite(f"{document.source}: it stands in no text")
    if id(origin.text) not in written:
        try:
            written[id(origin.text)] = written_documents(origin.text.text)
        except yaml.YAMLError as error:
            raise CannotWrite(f"{document.source}: {error}") from error
    documents = written[id(origin.text)]
    if origin.number >= len(documents):
        raise CannotWrite(f"{document.source}: JSON documents that follow each other are not rewritten")
    return documents[origin.number]


class _Writer:
    """Finds the edits for one document."""

    def __init__(self, document: Document, entries: Mapping[Path, Entry], lines: Lines) -> None:
        self._lines = lines
        self._prefix = document.prefix
        self._entries = entries
        self._moving = Moving(document.manifest, self._prefix, self._entries, lines)

    def edits(self, old: Any, new: Any, path: Path = ()) -> Iterator[Edit]:
        if old == new and type(old) is type(new):
            return
        entry = self._entries.get((*self._prefix, *path))
        if entry is None or entry.alias:
            raise CannotWrite(f"{dotted(path)} is written elsewhere, by an anchor or a merge")
        if isinstance(old, dict) and isinstance(new, dict) and isinstance(entry.value, yaml.MappingNode) and new:
            yield from self._mapping(old, new, path, entry)
        elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
            for index, (one, other) in enumerate(zip(old, new, strict=True)):
                yield from self.edits(one, other, (*path, index))
        elif isinstance(old, str) and isinstance(new, str) and entry.value.style == "|" and old.count("\n") == new.count("\n"):
            yield from self._block_lines(old, new, entry)
        else:
            yield from self._replaced(new, entry)

    def _mapping(self, old: Mapping[str, Any], new: Mapping[str, Any], path: Path, entry: Entry) -> Iterator[Edit]:
        renamed = _renamed(old, new)
        for key, before in renamed.items():
            yield from self._key(before, key, path)
            yield from self.edits(old[before], new[key], (*path, before))
        for key in old:
            if key in new:
                yield from self.edits(old[key], new[key], (*path, key))
        removed = [key for key in old if key not in new and key not in renamed.values()]
        inserted = {key: new[key] for key in new if key not in old and key not in renamed}
        if not removed and not inserted:
            return
        if entry.value.flow_style:
            # Commas are best set by writing all of it anew.
            yield from self._flow(new, entry)
            return
        left = [key for key in old if key not in removed]
        for key in removed:
            yield self._removal((*path, key))
        if inserted:
            yield self._insertion(inserted, new, path, entry, left)

    def _flow(self, new: Mapping[str, Any], entry: Entry) -> Iterator[Edit]:
        value = entry.value
        yield Edit(_spot(value.start_mark), _spot(value.end_mark), _inline(new, value, self._lines))

    def _key(self, before: str, after: str, path: Path) -> Iterator[Edit]:
        entry = self._entries.get((*self._prefix, *path, before))
        if entry is None or entry.key is None:
            raise CannotWrite(f"{dotted((*path, before))} is written elsewhere, by an anchor or a merge")
        key = entry.key
        yield Edit(_spot(key.start_mark), _spot(key.end_mark), json.dumps(after) if key.style in ('"', "'") else _scalar(after))

    def _removal(self, path: Path) -> Edit:
        entry = self._entries.get((*self._prefix, *path))
        if entry is None or entry.key is None:
            raise CannotWrite(f"{dotted(path)} is written elsewhere, by an anchor or a merge")
        line, column = _spot(entry.key.start_mark)
        before = self._lines.line(line)[:column]
        end = last_line(entry.value, self._lines)
        if before.strip():
            # The first key of a list's entry: the next one takes its place behind the dash.
            following = self._lines.line(end + 1)
            if before.strip("- ") or not following[:column].isspace() or following[column : column + 1] in ("", " ", "#"):
                raise CannotWrite(f"{dotted(path)} cannot be taken out of its line")
            return Edit((line, column), (end + 1, column), "")
        return Edit((line, 0), (end + 1, 0), "")

    def _insertion(self, inserted: Mapping[str, Any], new: Mapping[str, Any], path: Path, entry: Entry, left: Sequence[str]) -> Edit:
        """All new keys in one place: behind the nearest key that stands before them, or before the first."""
        order = list(new)
        first = order.index(next(iter(inserted)))
        column = entry.value.start_mark.column
        block = self._moving.block(dict(inserted), column)
        before = next((key for key in reversed(order[:first]) if key in left and (*self._prefix, *path, key) in self._entries), None)
        if before is None:
            line = entry.value.start_mark.line
            if self._lines.line(line)[:column].strip():
                return Edit((line, column), (line, column), block.lstrip(" ") + " " * column)
            return Edit((line, 0), (line, 0), block)
        end = last_line(self._entries[(*self._prefix, *path, before)].value, self._lines)
        if end + 1 >= len(self._lines):
            width = len(self._lines.line(end))
            return Edit((end, width), (end, width), "\n" + block.rstrip("\n"))
        return Edit((end + 1, 0), (end + 1, 0), block)

    def _block_lines(self, old: str, new: str, entry: Entry) -> Iterator[Edit]:
        """Of a literal block only those lines that differ."""
        for number, (one, other) in enumerate(zip(old.split("\n"), new.split("\n"), strict=True)):
            if one == other:
                continue
            line = entry.value.start_mark.line + 1 + number
            written = self._lines.line(line)
            if not written.endswith(one):
                raise CannotWrite("a block is written in a way that its lines cannot be told apart")
            yield Edit((line, len(written) - len(one)), (line, len(written)), other)

    def _replaced(self, new: Any, entry: Entry) -> Iterator[Edit]:
        value = entry.value
        start = _spot(value.start_mark)
        block_style = isinstance(value, yaml.CollectionNode) and not value.flow_style
        block_scalar = isinstance(value, yaml.ScalarNode) and value.style in ("|", ">")
        end = _spot(value.end_mark)
        if block_style or block_scalar:
            last = last_line(value, self._lines)
            end = (last, len(self._lines.line(last)))
        structured = isinstance(new, dict | list) and bool(new)
        if entry.flow or entry.key is None or not (structured or _long(new)):
            yield Edit(start, end, _inline(new, value, self._lines))
            return
        yield from self._below_its_key(new, entry, start, end)

    def _below_its_key(self, new: Any, entry: Entry, start: tuple[int, int], end: tuple[int, int]) -> Iterator[Edit]:
        """A larger value stands on lines of its own; what followed on the line of the key, a comment, stays there."""
        column = entry.key.start_mark.column
        key_end = _spot(entry.key.end_mark)
        if isinstance(new, str):
            text = " " + yaml_text(new).rstrip("\n").replace("\n", "\n" + " " * column).rstrip(" ")
            text = "\n".join(line.rstrip() if not line.strip() else line for line in text.split("\n"))
            yield Edit((key_end[0], key_end[1] + 1), end, text)
            return
        block = "\n" + self._moving.block(new, column + 2).rstrip("\n")
        if start[0] == key_end[0] and end[0] == start[0]:
            width = len(self._lines.line(start[0]))
            behind = self._lines.line(end[0])[end[1] :]
            yield Edit((key_end[0], key_end[1] + 1), (end[0], width), (behind.rstrip() if behind.strip() else "") + block)
        else:
            yield Edit((key_end[0], key_end[1] + 1), end, block)


def _renamed(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    """New keys by the old ones that they take the place of."""
    gone, added = [key for key in old if key not in new], [key for key in new if key not in old]
    if len(gone) == len(added) == 1:
        return {added[0]: gone[0]}
    renamed: dict[str, str] = {}
    for key in added:
        same = next((one for one in gone if one not in renamed.values() and old[one] == new[key]), None)
        if same is not None:
            renamed[key] = same
    return renamed


def _spot(mark: Any) -> tuple[int, int]:
    return mark.line, mark.column


def _long(value: Any) -> bool:
    return isinstance(value, str) and "\n" in value


def _inline(value: Any, instead_of: Any, lines: Lines) -> str:
    """A value on one line, quoted as what stood there was."""
    if isinstance(value, dict | list):
        as_json = lines.line(instead_of.start_mark.line)[instead_of.start_mark.column + 1 :].lstrip().startswith('"')
        quoted = as_json or _in_json(lines)
        if quoted:
            return json.dumps(value, ensure_ascii=False)
        return str(yaml.dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=1_000_000)).strip()
    style = getattr(instead_of, "style", None)
    if isinstance(value, str) and (style in ('"', "'") or _in_json(lines)):
        return f"'{value}'" if style == "'" and "'" not in value and "\n" not in value else json.dumps(value, ensure_ascii=False)
    return _scalar(value)


def _in_json(lines: Lines) -> bool:
    return lines.line(0).lstrip().startswith("{")


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        text = str(yaml.dump(value, allow_unicode=True, width=1_000_000)).removesuffix("\n").removesuffix("\n...")
        return json.dumps(value, ensure_ascii=False) if "\n" in text or text.startswith("'") else text
    return json.dumps(value)
