"""Where in a source text something stands."""

from __future__ import annotations

from bisect import bisect_right

from fleetd.domain.errors import EvaluationFailed


class Text:
    """A source text that turns offsets into lines and columns, both from 1."""

    __slots__ = ("_starts", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self._starts = [0]
        self._starts += [index + 1 for index, letter in enumerate(source) if letter == "\n"]

    def at(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def failure(self, message: str, offset: int) -> EvaluationFailed:
        """An error that points at the offset."""
        line, column = self.at(offset)
        return EvaluationFailed(message, line=line, column=column)
