"""A list of rows: all of its pages, once or live."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from fleetd.cli.asked import Pages, all_rows, tell
from fleetd.cli.options import AsOfOption, DatabaseOption, OutputOption, WatchOption
from fleetd.cli.output import Row, say, write_rows
from fleetd.domain.errors import InvalidInput

MOST = 1000
"""Rows of a list that grows with time, when nobody says how many."""

LimitOption = Annotated[
    int | None,
    Parameter(
        name="--limit", help=f"Rows at most, 0 for all. Without it all that there are now, and the newest {MOST} of what has happened."
    ),
]


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Showing:
    """How a list is shown."""

    limit: LimitOption = None
    watch: WatchOption = False
    as_of: AsOfOption = ""
    output: OutputOption = "table"
    database: DatabaseOption = None


ONCE_AS_A_TABLE = Showing()


def show(asked: Pages, view: str, how: Showing, *, nothing: str = "nothing found") -> tuple[Row, ...]:
    """Writes the rows, and on stderr what stands against taking them for everything; gives them back."""
    if how.limit is not None and how.limit < 0:
        raise InvalidInput("--limit is a number of rows, or 0 for all")
    if how.watch and how.as_of:
        raise InvalidInput("the past does not change: write -w or --as-of, not both")
    most = how.limit if how.limit is not None else (MOST if asked.endless else 0)
    if how.watch:
        from fleetd.cli.live import watch  # who looks once waits for nothing

        asyncio.run(watch(asked, view, how.database, how.output, most=most))
        return ()
    found = all_rows(asked, most, how.database)
    write_rows(found.rows, view=view, form=how.output, header=bool(found.rows))
    if not found.rows:
        say(nothing)
    if found.more:
        say(f"note: there are more; these are {len(found.rows)}: --limit 0 shows all")
    tell(found.warnings, found.coverage)
    return found.rows
