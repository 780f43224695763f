"""What goes to stdout: rows and objects, as tables for people or in a form for programs."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TextIO

from fleetd.cli.tables import Cell, Column, cells_of, identity_of

Row = Mapping[str, Any]
Form = Literal["table", "wide", "json", "yaml", "name", "csv"]

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
_GOOD = frozenset({"ready", "deployed", "healthy", "acted", "done", "corrected", "match", "approved", "applied"})
_BAD = frozenset({"failed", "conflict", "unreachable", "error", "rejected"})
_UNDERWAY = frozenset(
    "waiting applying removing pending blocked acting connecting degraded open paused unsupported suppressed".split()  # noqa: SIM905
)
_COLORS = {**dict.fromkeys(_GOOD, "32"), **dict.fromkeys(_BAD, "31"), **dict.fromkeys(_UNDERWAY, "33")}
_UNPRINTABLE_IN_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
_COLORED: dict[str, dict[str, str]] = {
    **dict.fromkeys(("STATE", "CONNECTION", "OUTCOME", "VERDICT", "STATUS"), _COLORS),
    "OPEN": {"ok": "32", "no": "31", "?": "33"},
}
"""Only where a state stands a word is coloured as one."""
_SPARED = ("ATTEMPTS", "KUBERNETES VERSION", "PAUSED", "MATCHING COUNT", "CORRECTED", "APPLIED", "ADDON", "STAGE")
_ENOUGH = 16
"""As much of a name says which it is."""
_GAP = "   "
_LEAST, _LEAST_TITLE, _LEAST_LAST = 6, 6, 24
"""No column of a table is made narrower than that to fit into a terminal, no title, and the last keeps more."""


def write_rows(rows: Sequence[Row], *, view: str, form: Form, header: bool = True) -> None:
    """Rows of a view; JSON and YAML are lists of objects whose keys are the view's columns."""
    match form:
        case "json":
            write_json(list(rows))
        case "yaml":
            write_yaml(list(rows))
        case "csv":
            _write_csv(rows)
        case "name":
            for row in rows:
                write_line(identity_of(view, row))
        case "table" | "wide":
            columns, lines = cells_of(view, rows, wide=form == "wide")
            write_table(*(spared(columns, lines) if form == "table" else (columns, lines)), header=header)


def write_table(
    columns: Sequence[Column], lines: Sequence[Sequence[Cell]], *, header: bool = True, least: Sequence[int] = (), whole: bool = False
) -> Sequence[int]:
    """Columns wide enough for their longest cell, three spaces apart; on a terminal they are made to fit, and states are coloured.

    Args:
        least: how wide they are at least, as a table before had them; they are given back.
        whole: the last column goes on in more lines, and is not cut.
    """
    terminal = sys.stdout.isatty()
    shown = [[plain(str(cell)) or "-" for cell in line] for line in lines]
    needed = [max((len(line[place]) for line in shown), default=0) for place in range(len(columns))]
    widths = [max(len(name) if header else 0, width) for name, width in zip(columns, needed, strict=True)]
    if terminal:
        widths = fitted(widths, needed, shutil.get_terminal_size().columns)
    widths = [max(pair) for pair in zip(widths, least, strict=True)] if least else widths
    if header:
        write_line(_aligned([name[:width] for name, width in zip(columns, widths, strict=True)], widths))
    colors = [_COLORED.get(name, {}) for name in columns] if terminal and colors_wanted(sys.stdout) else None
    for line in shown:
        for part in _in_lines(line, widths[-1]) if whole else (line,):
            write_line(_aligned(part, widths, colors))
    return widths


def _in_lines(cells: Sequence[str], width: int) -> Iterator[Sequence[str]]:
    first, *more = textwrap.wrap(cells[-1], width) or [""]
    yield [*cells[:-1], first]
    for text in more:
        yield [*("" for _ in cells[1:]), text]


def spared(columns: Sequence[Column], lines: Sequence[Sequence[Cell]]) -> tuple[Sequence[Column], Sequence[Sequence[Cell]]]:
    """A table without what is read least, where a terminal is too narrow for all of it; `wide` has everything."""
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    for title in _SPARED:
        needed = [max((len(line[place]) for line in lines), default=0) for place in range(len(columns))]
        if not room or sum(min(_ENOUGH, max(width, _LEAST_TITLE)) for width in needed) + len(_GAP) * (len(columns) - 1) <= room:
            break
        kept = [place for place, name in enumerate(columns) if name != title]
        columns, lines = [columns[place] for place in kept], [[line[place] for place in kept] for line in lines]
    return columns, lines


def fitted(widths: Sequence[int], needed: Sequence[int], room: int) -> list[int]:
    """Widths of columns that fit into a line, if they can.

    The last gives first, for reasons stand there; then titles that are longer than what is under them; then always the widest.

    Args:
        needed: what the cells take, without their titles.
    """
    found = list(widths)

    def give(place: int, least: int) -> None:
        over = sum(found) + len(_GAP) * (len(found) - 1) - room
        found[place] -= max(0, min(over, found[place] - least))

    if found:
        give(len(found) - 1, _LEAST_LAST)
    for place, width in enumerate(needed):
        give(place, max(width, _LEAST_TITLE))
    while found and max(found) > _LEAST and sum(found) + len(_GAP) * (len(found) - 1) > room:
        found[found.index(max(found))] -= 1
    return found


def _aligned(cells: Sequence[str], widths: Sequence[int], colors: Sequence[Mapping[str, str]] | None = None) -> str:
    parts = []
    for place, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        shown = _cut(cell, width)
        padded = shown.ljust(width) if place < len(cells) - 1 else shown
        color = colors[place].get(cell) if colors else None
        parts.append(f"\x1b[{color}m{padded}\x1b[0m" if color else padded)
    return _GAP.join(parts).rstrip()


def _cut(text: str, width: int) -> str:
    """As much of a text as fits: of a sentence its beginning, of a name also its end, by which it differs from others like it."""
    if len(text) <= width:
        return text
    tail = 0 if " " in text else (width - 1) * 2 // 3
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :] if tail else ''}"


def plain(text: str) -> str:
    """On one line, without control characters."""
    return _UNPRINTABLE.sub(" ", text)


def colors_wanted(stream: TextIO) -> bool:
    """Whether colours may be used on a stream: a terminal that knows them, and nobody set NO_COLOR."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def write_json(value: Any, *, lines: bool = False) -> None:
    """Indented for reading, or on one line for streams."""
    import orjson  # tables need none

    option = orjson.OPT_APPEND_NEWLINE | (0 if lines else orjson.OPT_INDENT_2)
    sys.stdout.write(orjson.dumps(value, option=option).decode())
    sys.stdout.flush()


def write_yaml(value: Any) -> None:
    """As kubectl writes it: block style, keys in their order."""
    sys.stdout.write(yaml_text(value))


def yaml_text(value: Any) -> str:
    """Block style; texts of several lines as literal blocks."""
    import yaml  # tables need none

    class Dumper(yaml.SafeDumper):
        pass

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    written: str = yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return written


def _write_csv(rows: Sequence[Row]) -> None:
    import csv  # only here

    if rows:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(rows[0])
        writer.writerows([_csv_value(value) for value in row.values()] for row in rows)


def _csv_value(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        import orjson  # see write_json

        return orjson.dumps(value).decode()
    return value


def counted(number: int, what: str) -> str:
    """`1 object`, `2 objects`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def write_line(text: str) -> None:
    """One line of data."""
    sys.stdout.write(text + "\n")


def say(text: str) -> None:
    """A sentence for a person, on stderr; what a cluster put into it cannot steer a terminal."""
    sys.stderr.write(_UNPRINTABLE_IN_TEXT.sub(" ", text) + "\n")
    sys.stderr.flush()


def say_all(lines: Iterable[object]) -> None:
    """One sentence a line."""
    for line in lines:
        say(str(line))
