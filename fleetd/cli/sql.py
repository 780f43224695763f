"""`fleetd sql` and `fleetd views`."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from fleetd.cli.asked import answer_to
from fleetd.cli.manifests import stdin_text
from fleetd.cli.options import DatabaseOption
from fleetd.cli.output import say, write_json, write_rows, write_table
from fleetd.domain.errors import InvalidInput
from fleetd.service.answers import Hint
from fleetd.service.questions.rows import SelectRows, view_of, views_listed
from fleetd.service.teaching import missing

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
    found = answer_to(SelectRows(sql=text, limit=MOST), database).result
    rows = found.rows
    if found.more:
        say(f"only the first {MOST} rows are shown: add LIMIT, or ask for less")
    write_rows(rows, view="", form="wide" if output == "table" else output, header=bool(rows))
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
    every = views_listed()
    if name and not view_of(name):
        raise missing("view", name, every, field="name", next=Hint(why="the views that there are", tool="describe_schema"))
    found = [view for view in every.values() if not name or view.name == view_of(name)]
    if output == "json":
        write_json([{"name": view.name, "row": view.sentence, "columns": list(view.columns)} for view in found])
    elif name:
        say(found[0].sentence)
        write_table(["COLUMN"], [[column] for column in found[0].columns])
    else:
        write_table(["VIEW", "ONE ROW IS"], [[view.name, view.sentence] for view in found])
