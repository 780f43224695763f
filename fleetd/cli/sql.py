"""`fleetd sql` and `fleetd views`."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from fleetd.cli.manifests import stdin_text
from fleetd.cli.options import DatabaseOption
from fleetd.cli.output import say, write_json, write_rows, write_table
from fleetd.cli.places import reading
from fleetd.domain.errors import InvalidInput, NotFound
from fleetd.store.views import views as all_views

MOST = 10_000


def sql(
    query: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    output: Annotated[Literal["table", "csv", "json"], Parameter(name=("--output", "-o"))] = "table",
    fail_on_rows: Annotated[bool, Parameter(negative="")] = False,
    database: DatabaseOption = None,
) -> int:
    """Run one SELECT over the fleet_* views; nothing can be written, and it is stopped after ten seconds.

    Examples:

        fleetd sql "SELECT cluster, event_trigger FROM fleet_pending_events"
        fleetd sql "SELECT * FROM fleet_addons WHERE state = 'failed'" --fail-on-rows
        fleetd sql - -o csv < question.sql

    Parameters
    ----------
    query:
        The question, or - to read it from stdin.
    output:
        A table, CSV, or JSON: a list of objects.
    fail_on_rows:
        End with exit code 1 when there are rows: for checks that should find nothing.
    """
    text = stdin_text() if query == "-" else query
    if not text.strip():
        raise InvalidInput("there is no question: write a SELECT")
    with reading(database) as reader:
        rows = reader.query(text, most=MOST + 1)
    if len(rows) > MOST:
        say(f"only the first {MOST} rows are shown: add LIMIT, or ask for less")
    write_rows(rows[:MOST], view="", form="wide" if output == "table" else output, header=bool(rows))
    if not rows and output == "table":
        say("no rows")
    return 1 if fail_on_rows and rows else 0


def views(
    name: str = "",
    /,
    *,
    output: Annotated[Literal["table", "json"], Parameter(name=("--output", "-o"))] = "table",
) -> None:
    """List the views that `fleetd sql` may read; with a name, that view's columns.

    Examples:

        fleetd views
        fleetd views fleet_pending_events

    Parameters
    ----------
    name:
        A view, with or without fleet_.
    """
    found = [view for view in all_views() if not name or view[0].removeprefix("fleet_") == name.replace("-", "_").removeprefix("fleet_")]
    if not found:
        raise NotFound(f"there is no view {name!r}: fleetd views lists them")
    if output == "json":
        write_json([{"name": view, "row": sentence, "columns": list(columns)} for view, sentence, columns in found])
    elif name:
        say(found[0][1])
        write_table(["COLUMN"], [[column] for column in found[0][2]])
    else:
        write_table(["VIEW", "ONE ROW IS"], [[view, sentence] for view, sentence, _ in found])
