"""Values as new lines of a text: what stands somewhere in it already moves as it is written, comments and all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from fleetd.decide.lint.edits import Lines
from fleetd.decide.lint.written import Entry, last_line
from fleetd.domain.kinds.mistakes import Path


class Moving:
    """Writes values of one document."""

    def __init__(self, manifest: Any, prefix: Path, entries: Mapping[Path, Entry], lines: Lines) -> None:
        self._prefix = prefix
        self._entries = entries
        self._lines = lines
        self._paths: dict[int, list[Path]] = {}
        for path, value in _values(manifest):
            self._paths.setdefault(id(value), []).append(path)

    def block(self, value: Any, column: int) -> str:
        """Whole lines at a column, for a mapping or a list with something in it."""
        if isinstance(value, dict):
            return "".join(self._field(str(key), held, column) for key, held in value.items())
        parts = []
        for entry in value:
            if isinstance(entry, dict) and entry:
                text = self.block(entry, column + 2)
                parts.append(f"{' ' * column}- {text.lstrip(' ')}")
            else:
                parts.append(_indented(yaml_text([entry]), column))
        return "".join(parts)

    def _field(self, key: str, value: Any, column: int) -> str:
        moved = self._as_written(key, value, column)
        if moved is not None:
            return moved
        if isinstance(value, dict | list) and value:
            # Lists stand at the column of their key, as kubectl writes them.
            below = self.block(value, column + (2 if isinstance(value, dict) else 0))
            return f"{_indented(yaml_text({key: None}), column).rstrip().removesuffix('null').rstrip()}\n{below}"
        return _indented(yaml_text({key: value}), column)

    def _as_written(self, key: str, value: Any, column: int) -> str | None:
        """The lines of a value that stands in the text, in block style, under this name or as a thing of several lines."""
        large = isinstance(value, dict | list) or (isinstance(value, str) and "\n" in value)
        paths = [path for path in self._paths.get(id(value), ()) if path[-1] == key or large]
        entry = self._entries.get((*self._prefix, *paths[0])) if len(paths) == 1 else None
        if entry is None or entry.alias or entry.key is None or entry.flow:
            return None
        first, left = entry.key.start_mark.line, entry.key.start_mark.column
        if self._lines.line(first)[:left].strip("- "):
            return None
        written = [self._lines.line(number) for number in range(first, last_line(entry.value, self._lines) + 1)]
        name = yaml_text({key: 0}).partition(":")[0] if paths[0][-1] != key else written[0][left : entry.key.end_mark.column]
        moved = [f"{' ' * column}{name}{written[0][entry.key.end_mark.column :]}"]
        for line in written[1:]:
            if not line.strip():
                moved.append("")
            elif line[:left].strip():
                return None
            else:
                moved.append(" " * column + line[left:])
        return "".join(f"{line}\n" for line in moved)


def _values(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    stack: list[tuple[Path, Any]] = [(path, value)]
    while stack:
        here, one = stack.pop()
        if here:
            yield here, one
        if isinstance(one, dict):
            stack += [((*here, str(key)), held) for key, held in one.items()]
        elif isinstance(one, list):
            stack += [((*here, index), held) for index, held in enumerate(one)]


def _indented(text: str, column: int) -> str:
    return "".join(f"{' ' * column}{line}\n" if line.strip() else "\n" for line in text.rstrip("\n").split("\n"))


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as literal blocks."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - nothing is written by an anchor
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def yaml_text(value: Any) -> str:
    """Block style, keys in their order."""
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000))
