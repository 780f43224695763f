"""`fleetd db`: migrations and care."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from fleetd.cli.options import DatabaseOption
from fleetd.cli.output import say, write_json, write_line, write_table
from fleetd.cli.places import database_url, listening
from fleetd.domain.errors import InvalidInput

JsonOption = Annotated[Literal["table", "json"], Parameter(name=("--output", "-o"), help="A table, or JSON.")]


def upgrade(*, check: Annotated[bool, Parameter(negative="")] = False, database: DatabaseOption = None) -> int:
    """Bring the database to this program's schema, in one transaction. `fleetd run` does it by itself on SQLite.

    Examples:

        fleetd db upgrade --check    exit code 1 when an upgrade is due
        fleetd db upgrade --database postgresql://fleetd@db/fleet

    Parameters
    ----------
    check:
        Only say whether an upgrade is due, and which views of others stand on ours.
    """
    from fleetd.store.migrate import check as check_schema
    from fleetd.store.migrate import upgrade as upgrade_schema

    url = database_url(database)
    found = asyncio.run(check_schema(url) if check else upgrade_schema(url))
    for view in found.dependents:
        say(f"note: the view {view} stands on ours; an upgrade leaves it as it is")
    if found.due:
        write_line(f"schema {found.current or '(none)'}: an upgrade to {found.head} is due")
        return 1
    write_line(f"schema {found.head}: up to date")
    return 0


def check(*, database: DatabaseOption = None) -> int:
    """Check that everything in the database holds together; exit code 1 when something does not.

    Examples:

        fleetd db check
    """
    broken = asyncio.run(_violations(database))
    for sentence in broken:
        write_line(sentence)
    say(f"{len(broken)} things do not hold together" if broken else "everything holds together")
    return 1 if broken else 0


async def _violations(database: str | None) -> list[str]:
    from fleetd.store.validate import violations

    async with listening(database) as opened:
        return [str(one) for one in await violations(opened)]


def backup(path: Path, /, *, database: DatabaseOption = None) -> None:
    """Copy a SQLite database into a new file while others write. The master key is not in it: keep a copy of that apart.

    Examples:

        fleetd db backup /backups/fleet-monday.db

    Parameters
    ----------
    path:
        The new file; one that exists is not overwritten.
    """
    from fleetd.store.care import backup as make_backup

    asyncio.run(make_backup(database_url(database), path))
    write_line(str(path))
    say("without the master key the Secrets in it cannot be read: keep the key file too, in another place")


def grant(
    role: str,
    /,
    *,
    append: Annotated[bool, Parameter(negative="")] = False,
    seconds: int = 30,
    database: DatabaseOption = None,
) -> None:
    """Let a Postgres role read the views and nothing else: for dashboards, scripts and the MCP server.

    Examples:

        fleetd db grant dashboards --database postgresql://fleetd@db/fleet
        fleetd db grant assistants --append --database postgresql://fleetd@db/fleet

    Parameters
    ----------
    role:
        A role that there is: CREATE ROLE makes one.
    append:
        It may also add rows to the audit, and ask the daemon to look at an object: what an MCP server needs.
    seconds:
        How long each of its queries may take.
    """
    from fleetd.store.care import grant as grant_views

    if seconds < 1:
        raise InvalidInput(f"--seconds {seconds}: a query needs a second at least")
    asyncio.run(grant_views(database_url(database), role, seconds=seconds, append=append))
    more = ", add rows to the audit and ask for a look at an object" if append else ""
    write_line(f"{role} may read the views{more}, {seconds} s for each query")


def usage(*, output: JsonOption = "table", database: DatabaseOption = None) -> None:
    """Show how many rows and bytes each table takes, the largest first.

    Examples:

        fleetd db usage
        fleetd db usage -o json
    """
    from fleetd.store.care import usage as usage_of

    found = usage_of(database_url(database))
    if output == "json":
        write_json([{"table": one.table, "rows": one.rows, "bytes": one.size} for one in found])
    else:
        lines = [[one.table, str(one.rows), _size(one.size)] for one in found if one.rows]
        write_table(["TABLE", "ROWS", "SIZE"], lines)


def _size(size: int | None) -> str:
    if size is None:
        return "-"
    return f"{size / 1024:.0f} KiB" if size < 1024 * 1024 else f"{size / 1024 / 1024:.1f} MiB"
