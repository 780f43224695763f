"""Backups, how much room what takes, and who may read."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from fleetd.domain.errors import InvalidInput, NotPermitted
from fleetd.store.postgres import connect
from fleetd.store.reading import Reader
from fleetd.store.sqlite import trouble
from fleetd.store.urls import SqliteFile, place_of
from fleetd.store.views import VIEWS


@dataclass(frozen=True, slots=True)
class TableUsage:
    """Rows of a table (an estimate on Postgres) and its bytes with its indexes, None where the database cannot say."""

    table: str
    rows: int
    size: int | None


async def backup(url: str, path: Path) -> None:
    """Copies a SQLite database into a new file while others write; the master key is not in it.

    Raises:
        InvalidInput: the file exists, cannot be made, or the database is a Postgres.
        TryLater: the disk is full, or the database is away.
    """
    place = place_of(url)
    if not isinstance(place, SqliteFile):
        raise InvalidInput("a Postgres database is backed up with its own tools: pg_dump --format=custom")
    if place.missing:
        raise InvalidInput(f"there is no database at {place}")
    await asyncio.to_thread(_copy, place.path, path)


def _copy(source: Path, path: Path) -> None:
    try:
        # Made here, so that it never is readable to others; SQLite takes an empty file.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise InvalidInput(f"the backup {path} cannot be made: {error.strerror}") from error
    try:
        with contextlib.closing(sqlite3.connect(f"file:{quote(str(source))}?mode=ro", uri=True, isolation_level=None)) as connection:
            connection.execute("VACUUM INTO ?", (str(path),))
    except sqlite3.Error as error:
        with contextlib.suppress(OSError):
            path.unlink()
        raise trouble(error, source) from error


async def grant(url: str, role: str, *, seconds: int = 30, append: bool = False) -> None:
    """Lets a Postgres role read the views and nothing else, each query for some seconds at most.

    With `append` it may also add rows to the audit, and ask the daemon to look at an object: what an MCP server needs.

    Raises:
        InvalidInput: the database is a SQLite file, or there is no such role.
        NotPermitted: who asks may not grant it.
        Unreachable: nobody answers.
    """
    place = place_of(url)
    if isinstance(place, SqliteFile):
        raise InvalidInput("a SQLite file has no roles: whoever may read the file may read the views")
    connection = await connect(place)  # which says so when the driver is not there

    import asyncpg

    named = '"' + role.replace('"', '""') + '"'
    try:
        async with connection.transaction():
            schema = await connection.fetchval("SELECT quote_ident(current_schema())")
            await connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {named}")
            await connection.execute(f"GRANT SELECT ON {', '.join(view.name for view in VIEWS)} TO {named}")
            # By which a reader knows whether it understands the views.
            await connection.execute(f"GRANT SELECT ON alembic_version TO {named}")
            if append:
                await connection.execute(f"GRANT INSERT ON audit TO {named}")
                await connection.execute(f"GRANT EXECUTE ON FUNCTION fleetd_inspect(text, text, text, text) TO {named}")
            await connection.execute(f"ALTER ROLE {named} SET statement_timeout = '{int(seconds)}s'")
    except asyncpg.UndefinedObjectError as error:
        raise InvalidInput(f"there is no role {role}") from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise NotPermitted(f"this user may not grant the views: {error.message}") from error
    finally:
        await connection.close()


def usage(url: str) -> list[TableUsage]:
    """What takes the room, the largest first."""
    with Reader.open(url) as reader:
        found = _sqlite_usage(reader) if reader.dialect == "sqlite" else _postgres_usage(reader)
    return sorted(found, key=lambda one: (-(one.size or 0), -one.rows, one.table))


def _sqlite_usage(reader: Reader) -> list[TableUsage]:
    sizes: dict[str, int] = {}
    # Not every SQLite is built with the size table.
    with contextlib.suppress(InvalidInput):
        sizes = {
            row["name"]: row["size"]
            for row in reader.rows(
                "SELECT m.tbl_name AS name, SUM(s.pgsize) AS size FROM dbstat s JOIN sqlite_master m ON m.name = s.name GROUP BY m.tbl_name"
            )
        }
    names = [row["name"] for row in reader.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
    return [TableUsage(name, reader.rows(f"SELECT COUNT(*) AS n FROM {name}")[0]["n"], sizes.get(name)) for name in names]


def _postgres_usage(reader: Reader) -> list[TableUsage]:
    rows = reader.rows(
        "SELECT c.relname AS name, pg_total_relation_size(c.oid) AS size,"
        # The second counts what came since somebody analyzed the table.
        " GREATEST(c.reltuples, pg_stat_get_live_tuples(c.oid), 0)::bigint AS n"
        " FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace WHERE c.relkind = 'r' AND s.nspname = current_schema()"
    )
    return [TableUsage(row["name"], row["n"], row["size"]) for row in rows]
