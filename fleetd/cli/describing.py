"""A page about one thing: its facts, then tables of what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fleetd.cli.output import plain, write_line, write_rows
from fleetd.service.queries import Row


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a view under a title; left out when there are none."""

    title: str
    view: str
    rows: Sequence[Row]


def write_parts(facts: Mapping[str, Any], parts: Sequence[Part] = ()) -> None:
    """Writes the page."""
    shown = {name.replace("_", " ").capitalize(): value for name, value in facts.items() if value not in (None, "", [])}
    width = max(len(name) for name in shown) + 1
    for name, value in shown.items():
        text = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        write_line(f"{name + ':':<{width}}  {plain(str(text))}")
    write_tables(parts)


def write_tables(parts: Sequence[Part]) -> None:
    """Each under its title, those without rows left out."""
    for part in parts:
        if part.rows:
            write_line(f"\n{part.title}:")
            write_rows(part.rows, view=part.view, form="table")


def labels_text(labels: Mapping[str, str]) -> str:
    """`a=b,c=d`."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
