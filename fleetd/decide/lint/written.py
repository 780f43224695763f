"""A document as it is written: where every key and value begins and ends, and in which style."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from fleetd.decide.lint.edits import Lines
from fleetd.domain.kinds.mistakes import Path

_NULL = "tag:yaml.org,2002:null"


@dataclass(frozen=True, slots=True)
class Entry:
    """A value and its key, which is None in a list and at the top; `alias` where the value is written elsewhere."""

    key: Any
    value: Any
    parent: Any
    alias: bool = False

    @property
    def flow(self) -> bool:
        """Whether the value stands inside braces or brackets."""
        return self.parent is not None and bool(self.parent.flow_style)


def written_documents(text: str) -> list[Mapping[Path, Entry]]:
    """The entries of every document that is not empty, by path; merged keys have none.

    Raises:
        yaml.YAMLError: the text is no YAML.
    """
    loader = yaml.CSafeLoader(io.BytesIO(text.removeprefix("\ufeff").encode("utf-8")))
    try:
        found: list[Mapping[Path, Entry]] = []
        while loader.check_node():
            root = loader.get_node()
            if root is not None and root.tag != _NULL:
                found.append(dict(_entries(root)))
        return found
    finally:
        loader.dispose()


def _entries(root: Any) -> Iterator[tuple[Path, Entry]]:
    seen: set[int] = set()
    stack: list[tuple[Path, Entry]] = [((), Entry(None, root, None))]
    while stack:
        path, entry = stack.pop()
        node = entry.value
        alias = id(node) in seen
        seen.add(id(node))
        yield path, Entry(entry.key, node, entry.parent, alias)
        if alias:
            continue
        if isinstance(node, yaml.MappingNode):
            stack += [((*path, key.value), Entry(key, value, node)) for key, value in node.value if isinstance(key, yaml.ScalarNode)]
        elif isinstance(node, yaml.SequenceNode):
            stack += [((*path, index), Entry(None, value, node)) for index, value in enumerate(node.value)]


def last_line(node: Any, lines: Lines) -> int:
    """The last line of a value, 0-based, without the blank lines and comments that follow it."""
    stack, last = [node], int(node.start_mark.line)
    while stack:
        one = stack.pop()
        if isinstance(one, yaml.ScalarNode):
            last = max(last, _last_of_block(one, lines) if one.style in ("|", ">") else one.end_mark.line)
        elif one.flow_style:
            last = max(last, one.end_mark.line)
        elif isinstance(one, yaml.MappingNode):
            stack += [part for pair in one.value for part in pair if part.start_mark.line >= node.start_mark.line]
        else:
            stack += [part for part in one.value if part.start_mark.line >= node.start_mark.line]
    return last


def _last_of_block(node: Any, lines: Lines) -> int:
    last = int(max(node.start_mark.line, node.end_mark.line - (1 if node.end_mark.column == 0 else 0)))
    while last > node.start_mark.line and not lines.line(last).strip():
        last -= 1
    return last
