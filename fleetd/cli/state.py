"""`fleetd events`, `drift` and `addons`: state, live with -w."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from cyclopts import Parameter

from fleetd.cli.options import DatabaseOption, Output, OutputOption, WatchOption
from fleetd.cli.output import say, write_json, write_rows
from fleetd.cli.places import listening, reading
from fleetd.domain.errors import InvalidInput
from fleetd.domain.states import AddonState
from fleetd.service.queries import EVERY, Queries, Row, Where

_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
Rows = Callable[[Queries], list[Row]]


def events(
    *,
    pending: Annotated[bool, Parameter(negative="")] = False,
    since: str = "",
    watch: WatchOption = False,
    output: OutputOption = "table",
    database: DatabaseOption = None,
) -> None:
    """Show events, the newest first; or those that a trigger should have acted on and has not, with the reason.

    Examples:

        fleetd events --since 2h
        fleetd events --pending
        fleetd events -w -o json

    Parameters
    ----------
    pending:
        Only what has not been acted on: one row for each event, trigger and destination.
    since:
        Only those that were detected in the last 30s, 10m, 2h, 7d.
    """
    span = duration(since) if since else None

    def rows(queries: Queries) -> list[Row]:
        start = datetime.now(UTC) - span if span is not None else None
        return queries.pending_events(start) if pending else queries.events(start)

    _show(rows, "fleet_pending_events" if pending else "fleet_events", database, output, watch=watch)


def drift(
    *,
    open_: Annotated[bool, Parameter(name="--open", negative="")] = False,
    watch: WatchOption = False,
    output: OutputOption = "table",
    database: DatabaseOption = None,
) -> int:
    """Show what somebody else changed on clusters, the newest first; exit code 1 when something is open.

    Examples:

        fleetd drift
        fleetd drift --open -o json

    Parameters
    ----------
    open_:
        Only what is not put back yet.
    """
    found = _show(lambda queries: queries.drift(open_only=open_), "fleet_drift_incidents", database, output, watch=watch)
    return 1 if any(row["outcome"] == "open" for row in found) else 0


def addons(
    *,
    cluster: str = "",
    state: str = "",
    watch: WatchOption = False,
    output: OutputOption = "table",
    database: DatabaseOption = None,
) -> None:
    """Show what every profile put on every cluster, and how far it is.

    Examples:

        fleetd addons
        fleetd addons --state failed
        fleetd addons --cluster default/eu-1 -w

    Parameters
    ----------
    cluster:
        Only those on one cluster: namespace/name, or a name in the namespace default.
    state:
        Only those in one state: waiting, applying, deployed, healthy, failed, conflict, removing.
    """
    values = {"cluster": cluster if "/" in cluster else f"default/{cluster}"} if cluster else {}
    parts = ["cluster = :cluster"] if cluster else []
    if state:
        if state not in list(AddonState):
            raise InvalidInput(f"{state!r} is no state of an add-on: write one of {', '.join(AddonState)}")
        values["state"] = state
        parts.append("state = :state")
    where = Where(" AND ".join(parts), values) if parts else EVERY
    _show(lambda queries: queries.listed("fleet_addons", where), "fleet_addons", database, output, watch=watch)


def duration(text: str) -> timedelta:
    """Reads `30s`, `10m`, `2h`, `7d`, and several of them: `1h30m`.

    Raises:
        InvalidInput: it is none.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise InvalidInput(f"{text!r} is no duration: write 30s, 10m, 2h or 7d")
    return sum((timedelta(**{_UNITS[unit]: float(number)}) for number, unit in parts), timedelta())


def _show(rows: Rows, view: str, database: str | None, output: Output, *, watch: bool) -> list[Row]:
    if watch:
        asyncio.run(_watch(rows, view, database, output))
        return []
    with reading(database) as reader:
        found = rows(Queries(reader))
    if not found:
        say("nothing found")
    write_rows(found, view=view, form=output, header=bool(found))
    return found


async def _watch(rows: Rows, view: str, database: str | None, output: Output) -> None:
    """Writes each row when it is new or changed, the oldest first; in JSON one object a line."""
    shown: set[str] = set()
    header = True
    async with listening(database) as opened:
        with reading(database) as reader:
            while True:
                current = rows(Queries(reader))[::-1]
                found = [row for row in current if _mark(row) not in shown]
                shown = {_mark(row) for row in current}
                if output == "json":
                    for row in found:
                        write_json(row, lines=True)
                elif found:
                    write_rows(found, view=view, form=output, header=header)
                    header = False
                await opened.changed()


def _mark(row: dict[str, Any]) -> str:
    return repr({name: value for name, value in row.items() if not name.startswith("age_")})
