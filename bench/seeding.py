"""Fills a database with the rows of `planted_rows` in bulk: without indexes while they come, and with counters counted at the end."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from bench.planted_rows import Plan, Row, Scale, tables
from fleetd.store.migrate import upgrade
from fleetd.store.moments import moment_text
from fleetd.store.postgres import connect
from fleetd.store.tallies import RECOUNT
from fleetd.store.urls import SqliteFile, place_of

CHUNK = 20_000
_INDEXES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgres": "SELECT indexname AS name, indexdef AS sql FROM pg_indexes WHERE schemaname = current_schema()"
    " AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = indexname)",
}


async def seed(url: str, scale: Scale, *, seed: int = 1, now: datetime | None = None) -> Plan:
    """Makes the schema and fills it; gives the names that were planted."""
    await upgrade(url)
    plan = Plan.of(scale, now or datetime.now(UTC), seed)
    place = place_of(url)
    if isinstance(place, SqliteFile):
        await asyncio.to_thread(_fill_sqlite, place.path, plan)
    else:
        await _fill_postgres(await connect(place), plan)
    # Some hundred thousand rows that only the filling needs: the collector would walk them in the middle of what is measured.
    plan.reports.clear()
    return plan


def _fill_sqlite(path: Path, plan: Plan) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=OFF", "cache_size=-262144", "locking_mode=EXCLUSIVE", "wal_autocheckpoint=100000"):
        connection.execute(f"PRAGMA {pragma}")
    indexes = connection.execute(_INDEXES["sqlite"]).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    for table, columns, rows in tables(plan):
        connection.execute("BEGIN")
        places = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", map(_as_text, rows))
        connection.execute("COMMIT")
    for _, sql in indexes:
        connection.execute(sql)
    for statement in RECOUNT:
        connection.execute(statement)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _as_text(row: Row) -> Row:
    return tuple(moment_text(value) if type(value) is datetime else value for value in row)


async def _fill_postgres(connection: Any, plan: Plan) -> None:
    try:
        indexes = await connection.fetch(_INDEXES["postgres"])
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['name']}")
        for table, columns, rows in tables(plan):
            for chunk in _chunks(rows):
                await connection.copy_records_to_table(table, records=chunk, columns=columns)
        for index in indexes:
            await connection.execute(index["sql"])
        for statement in RECOUNT:
            await connection.execute(statement)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    coming = iter(rows)
    while chunk := list(islice(coming, CHUNK)):
        yield chunk
