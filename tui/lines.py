"""A page of text: lines, of which some lead somewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from tui.paint import HEAD, QUIET, styled
from tui.places import Place
from tui.words import brief, role_of, said_whole, state_text


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page; `leads` is where enter goes, `ref` what `c` copies and the other keys are about."""

    text: Text
    leads: Place | None = None
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A title, and lines below it. `subject` is the reference that the page is about; a manifest has one before and one after it.

    `proposal`: the one that can be decided from here, with the mark of what is shown.
    """

    title: str
    lines: tuple[Line, ...]
    subject: str = ""
    earlier: Place | None = None
    later: Place | None = None
    proposal: str = ""


def plain(text: str = "", role: str = "") -> Line:
    """A line of one role."""
    return Line(styled(text, role))


def heading(text: str, count: int | None = None) -> Iterator[Line]:
    """An empty line and a heading."""
    yield plain()
    yield Line(styled(text, HEAD) + (styled(f"  {count}", QUIET) if count is not None else Text()))


def link(text: Text | str, place: Place | None, ref: str = "", *, indent: int = 2) -> Line:
    """A line that leads somewhere."""
    return Line(Text(" " * indent) + (Text(text) if isinstance(text, str) else text), place, ref or (place.subject if place else ""))


def facts(values: Mapping[str, Any], *, states: Iterable[str] = ()) -> Iterator[Line]:
    """Names and values, one below the other; what holds nothing is left out."""
    shown = {name: value for name, value in values.items() if value not in (None, "", (), [], {})}
    width = max(map(len, shown), default=0) + 2
    for name, value in shown.items():
        said = state_text(str(value)) if name in states else Text(brief(said_whole(value)))
        yield Line(styled(name.replace("_", " ").ljust(width), QUIET) + said)


def table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], leads: Sequence[Place | None], *, states: Sequence[int] = (0,)
) -> Iterator[Line]:
    """Aligned columns; those in `states` are states. A row leads to the place beside it."""
    cells = [[brief(said_whole(cell)) for cell in row] for row in rows]
    widths = [max([len(title), *(min(len(row[place]), 60) for row in cells)]) for place, title in enumerate(titles)]
    yield Line(Text("  ") + styled("  ".join(title.ljust(width) for title, width in zip(titles, widths, strict=True)), QUIET))
    for row, place in zip(cells, leads, strict=True):
        text = Text("  ")
        for number, (cell, width) in enumerate(zip(row, widths, strict=True)):
            text.append(cell.ljust(width), role_of(cell) if number in states else "")
            text.append("  ")
        text.rstrip()
        yield Line(text, place, place.subject if place else "")
