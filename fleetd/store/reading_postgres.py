"""The Postgres side of `reading`: asyncpg on an event loop in a thread of its own, so that it works wherever it is called from."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

from fleetd.domain.errors import InvalidInput, NotPermitted, OverBudget, Unreachable
from fleetd.store.postgres import DAEMON_LOCK, connect
from fleetd.store.reading import Record, plain
from fleetd.store.schema import upgrade_is_due
from fleetd.store.urls import PostgresServer

_PARAMETER = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|::|:([A-Za-z_]\w*)")

_PATIENCE = 60.0
"""Seconds that one of our own statements may take."""
# Each of ours takes some milliseconds: to compile it, or to start processes for it, takes longer.
_SETTINGS = f"SET LOCAL statement_timeout = {int(_PATIENCE * 1000)}; SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0"

_HELD = """
SELECT 1 AS one FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
 AND ((CAST(classid AS bigint) << 32) | CAST(objid AS bigint)) = CAST(:lock AS bigint)
"""


class PostgresConnection:
    """Read-only transactions on one connection."""

    def __init__(self, place: PostgresServer) -> None:
        self._place = place
        self._snapshot: Any = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fleetd-postgres")
        self._loop = asyncio.new_event_loop()
        try:
            self._connection = self._do(self._open())
        except BaseException:
            self._end()
            raise

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._thread.submit(self._loop.run_until_complete, work).result()

    async def _open(self) -> Any:

        connection = await connect(self._place)
        found = None
        if await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL"):
            found = await connection.fetchval("SELECT version_num FROM alembic_version")
        try:
            if upgrade_is_due(found, str(self._place)):
                raise InvalidInput(f"the schema of {self._place} is not up to date: run fleetd db upgrade")
        except BaseException:
            await connection.close()
            raise
        return connection

    def rows(self, sql: str, params: Mapping[str, Any], most: int | None) -> list[Record]:
        records: list[Record] = self._do(self._rows(sql, params, most, None if self._snapshot else _PATIENCE))
        return records

    def parts(self, sql: str, params: Mapping[str, Any], at_once: int) -> Iterator[list[tuple[Any, ...]]]:
        found = self.rows(sql, params, None)
        for start in range(0, len(found), at_once):
            yield [tuple(row.values()) for row in found[start : start + at_once]]

    def guarded(self, sql: str, params: Mapping[str, Any], most: int, seconds: float) -> list[Record]:
        records: list[Record] = self._do(self._rows(sql, params, most, seconds))
        return records

    def current(self) -> bool:
        return not self._connection.is_closed()

    def daemon_at_work(self) -> bool | None:
        return bool(self.rows(_HELD, {"lock": DAEMON_LOCK}, 1))

    def begin(self) -> None:
        self._do(self._begin())

    def end(self) -> None:
        self._do(self._end_snapshot())

    async def _begin(self) -> None:
        with self._troubles():
            snapshot = self._connection.transaction(isolation="repeatable_read", readonly=True)
            await snapshot.start()
            self._snapshot = snapshot
            await self._connection.execute(_SETTINGS)

    async def _end_snapshot(self) -> None:
        import asyncpg  # see _open

        snapshot, self._snapshot = self._snapshot, None
        # A connection that broke holds nothing any more.
        with suppress(OSError, asyncpg.InterfaceError, asyncpg.PostgresError):
            await snapshot.rollback()

    async def _rows(self, sql: str, params: Mapping[str, Any], most: int | None, seconds: float | None) -> list[Record]:
        """With a time of its own a statement stands in a transaction, or a savepoint, of its own: its failure ends nothing else."""
        text, values = positional(sql, params)
        with self._troubles():
            if seconds is None:
                found: Sequence[Any] = await self._connection.fetch(text, *values)
            else:
                own = self._connection.transaction(readonly=self._snapshot is None)
                await own.start()
                try:
                    await self._connection.execute(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
                    cursor = await self._connection.cursor(text, *values)
                    found = await cursor.fetch(most if most is not None else 2**31 - 1)
                finally:
                    await own.rollback()
        return [{name: plain(name, value) for name, value in row.items()} for row in found]

    @contextmanager
    def _troubles(self) -> Iterator[None]:
        import asyncpg  # see _open

        try:
            yield
        except asyncpg.QueryCanceledError as error:
            raise OverBudget("the query took too long and was stopped") from error
        except asyncpg.InsufficientPrivilegeError as error:
            raise NotPermitted(f"the query reads more than the views: {error.message}") from error
        except (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError) as error:
            raise Unreachable(f"the database {self._place} went away: {type(error).__name__}") from error
        except (asyncpg.PostgresError, asyncpg.DataError, ValueError) as error:
            raise InvalidInput(f"the database does not take this query: {error}") from error

    def close(self) -> None:
        self._do(self._connection.close())
        self._end()

    def _end(self) -> None:
        self._thread.shutdown()
        self._loop.close()


def positional(sql: str, params: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """`:name` as `$1`, and the values in that order; `::type`, strings and quoted names are left alone."""
    places: dict[str, int] = {}

    def place(found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return found[0]
        if name not in params:
            raise InvalidInput(f"the query names :{name}, and no value was given for it")
        return f"${places.setdefault(name, len(places) + 1)}"

    text = _PARAMETER.sub(place, sql)
    return text, [params[name] for name in places]
