"""What goes to stdout: rows and objects, as tables for people or in a form for programs."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
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
_LONGEST_CELL = 100


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
            write_table(columns, lines, header=header)


def write_table(columns: Sequence[Column], lines: Sequence[Sequence[Cell]], *, header: bool = True) -> None:
    """Columns wide enough for their longest cell, three spaces apart; on a terminal long cells are cut and states are coloured."""
    terminal = sys.stdout.isatty()
    shown = [[_shown(cell, cut=terminal) for cell in line] for line in lines]
    widths = [max([len(name) if header else 0, *(len(line[place]) for line in shown)]) for place, name in enumerate(columns)]
    colored = terminal and colors_wanted(sys.stdout)
    if header:
        write_line(_aligned(columns, widths))
    for line in shown:
        write_line(_aligned(line, widths, colored=colored))


def _aligned(cells: Sequence[str], widths: Sequence[int], *, colored: bool = False) -> str:
    parts = []
    for place, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        padded = cell.ljust(width) if place < len(cells) - 1 else cell
        color = _COLORS.get(cell) if colored else None
        parts.append(f"\x1b[{color}m{padded}\x1b[0m" if color else padded)
    return "   ".join(parts).rstrip()


def plain(text: str) -> str:
    """On one line, without control characters."""
    return _UNPRINTABLE.sub(" ", text)


def _shown(cell: Cell, *, cut: bool) -> str:
    text = plain(str(cell)) or "-"
    return text if not cut or len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…"


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
