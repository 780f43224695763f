"""Changes of a text by its places, so that every other character stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What YAML takes for the end of a line."""

Spot = tuple[int, int]
"""Line and column, counted from 0."""


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """`text` in the place of what stands between two spots; `\\n` in it becomes what ends the lines of the file."""

    start: Spot
    end: Spot
    text: str


class Lines:
    """A text by lines and columns; a byte order mark before it counts for nothing."""

    def __init__(self, text: str) -> None:
        self._mark = "\ufeff" if text.startswith("\ufeff") else ""
        self._text = text.removeprefix("\ufeff")
        breaks = list(_BREAK.finditer(self._text))
        self._starts = [0, *(one.end() for one in breaks)]
        self._ends = [*(one.start() for one in breaks), len(self._text)]
        self._newline = "\r\n" if breaks and breaks[0][0] == "\r\n" else "\n"

    def __len__(self) -> int:
        return len(self._starts)

    def line(self, number: int) -> str:
        """A line without its end; empty behind the last one."""
        return self._text[self._starts[number] : self._ends[number]] if number < len(self._starts) else ""

    def edited(self, edits: Iterable[Edit]) -> str:
        """The text after all edits; the same edit twice is one.

        Raises:
            ValueError: two of them overlap.
        """
        parts, done = [self._mark], 0
        for edit in sorted(dict.fromkeys(edits)):
            start, end = self._offset(edit.start), self._offset(edit.end)
            if start < done:
                raise ValueError("two changes are meant for one place")
            parts += [self._text[done:start], edit.text.replace("\n", self._newline)]
            done = end
        return "".join((*parts, self._text[done:]))

    def _offset(self, spot: Spot) -> int:
        line, column = spot
        if line >= len(self._starts):
            return len(self._text)
        return min(self._starts[line] + column, len(self._text))
