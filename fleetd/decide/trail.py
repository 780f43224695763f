"""Which part of a template made which part of a text."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate

import orjson

_EXPRESSION = re.compile(r"\{\{[-+]?\s*(.*?)\s*[-+]?\}\}")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a rendered text, from `start` up to `end`, and the offset in the template of what made it.

    `expression` is empty where the template's own text stands; that begins exactly at `pos`.
    """

    start: int
    end: int
    pos: int
    expression: str


@dataclass(frozen=True, slots=True)
class Trail:
    """A rendered text with its pieces in order; `template` is what it was made from."""

    text: str = field(repr=False)
    template: str = field(repr=False)
    pieces: tuple[Piece, ...]

    def at(self, offset: int) -> Piece | None:
        """The piece that an offset of the text lies in; behind the end, the last one."""
        starts = [piece.start for piece in self.pieces]
        number = bisect_right(starts, min(offset, max(0, len(self.text) - 1))) - 1
        while number > 0 and self.pieces[number].start == self.pieces[number].end:
            number -= 1
        return self.pieces[number] if number >= 0 else None

    def between(self, start: int, end: int) -> Iterator[Piece]:
        """The pieces that something of this part of the text came from."""
        return (piece for piece in self.pieces if piece.start < end and start < piece.end)

    def origin(self, offset: int) -> int:
        """The offset in the template that an offset of the text comes from."""
        piece = self.at(offset)
        if piece is None:
            return 0
        return piece.pos if piece.expression else piece.pos + min(offset, piece.end) - piece.start


def line_trail(template: str, traced: str) -> Trail:
    """A trail of what is known of lines only: JSON, `{"text": …, "parts": [[length, line, whether an expression made it], …]}`."""
    told = orjson.loads(traced)
    lines = template.splitlines(keepends=True)
    starts = list(accumulate(map(len, lines), initial=0))
    pieces: list[Piece] = []
    at = nth = 0
    before = 0
    for length, number, made in told["parts"]:
        start = starts[min(max(number, 1), len(lines)) - 1] if lines else 0
        found = list(_EXPRESSION.finditer(lines[number - 1])) if made and 0 < number <= len(lines) else []
        if found:
            nth = (nth + 1) % len(found) if number == before else 0
            before = number
            pieces.append(Piece(at, at + length, start + found[nth].start(), found[nth][1]))
        elif made:
            pieces.append(Piece(at, at + length, start, f"line {number}"))
        else:
            pieces.append(Piece(at, at + length, max(0, template.find(told["text"][at : at + length], start)), ""))
        at += length
    return Trail(told["text"], template, tuple(pieces))


@dataclass(frozen=True, slots=True)
class Maker:
    """A place in a template, 1-based, and the expressions that wrote into the line that came of it."""

    line: int
    column: int
    expressions: tuple[str, ...]

    @property
    def words(self) -> str:
        """`, with {{ .a }} and {{ .b }}`; empty without expressions."""
        return f", with {{{{ {' }} and {{ '.join(self.expressions)} }}}}" if self.expressions else ""


def maker_of(trail: Trail, line: int, column: int) -> Maker:
    """What made a place of a rendered text; what is found wrong only at the end of all is laid to its last line with something in it."""
    text = trail.text
    offset = min(offset_of(text, line, column), max(0, len(text.rstrip()) - 1))
    start, end = text.rfind("\n", 0, offset) + 1, text.find("\n", offset)
    pieces = trail.between(start, end if end >= 0 else len(text))
    expressions = tuple(dict.fromkeys(piece.expression for piece in pieces if piece.expression))
    return Maker(*place_of(trail.template, trail.origin(offset)), expressions)


def offset_of(text: str, line: int, column: int) -> int:
    """From line and column, 1-based."""
    start = 0
    for _ in range(line - 1):
        found = text.find("\n", start)
        if found < 0:
            return len(text)
        start = found + 1
    return min(start + column - 1, len(text))


def place_of(text: str, offset: int) -> tuple[int, int]:
    """Line and column, 1-based."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
