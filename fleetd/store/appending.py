"""Connections that may append to the audit, and ask for an inspection, and nothing else: no row is read, changed or removed.

For servers whose callers may only read. On SQLite an authorizer lets these two inserts through; on Postgres the role needs
INSERT on `audit` and EXECUTE on `fleetd_inspect` alone. No master key is needed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import quote

from fleetd.domain.audit import AuditEntry
from fleetd.domain.errors import Conflict, FleetdError, NotPermitted, TryLater, Unreachable
from fleetd.store.chain import COLUMNS, Link, linked
from fleetd.store.moments import moment_text
from fleetd.store.urls import PostgresServer, SqliteFile, place_of
from fleetd.store.wake import Wake

INSPECT = "inspect"
_log = logging.getLogger("fleetd.store")
_BUSY_MS = 5000
_APPEND = f"INSERT INTO audit ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
_ASK = (
    "INSERT INTO requests (request_id, verb, subject, actor, via, reason, state, created_at, outcome)"
    " VALUES (?, 'inspect', ?, ?, ?, '', 'waiting', ?, '')"
)
_TELL = "INSERT INTO changes (at, object_kind, ref, operation) VALUES (?, 'request', ?, 'put')"
_OPEN_TO = frozenset({"audit", "requests", "changes"})


@dataclass(frozen=True, slots=True)
class Wish:
    """An object on a cluster that somebody wants to see as it is now; `subject` is a placed reference."""

    request_id: str
    subject: str
    actor: str
    via: str


@dataclass(frozen=True, slots=True)
class Timed:
    """An entry, and when it happened."""

    at: datetime
    entry: AuditEntry


class Appender(Protocol):
    """An append-only connection, opened at its first use. Every call may raise NotPermitted (it never will), or TryLater."""

    async def append(self, entries: Sequence[Timed], end: Link) -> Link:
        """Appends the entries after the end of the writer's chain, all of them or none; gives the new end."""

    async def ask(self, wish: Wish) -> None:
        """Writes the request, and wakes the daemon."""

    async def close(self) -> None: ...


def appender(url: str) -> Appender:
    """The append-only side of a database; nothing is opened yet."""
    place = place_of(url)
    return _SqliteAppender(place) if isinstance(place, SqliteFile) else _PostgresAppender(place)


def _chained(entries: Sequence[Timed], end: Link) -> tuple[list[dict[str, Any]], Link]:
    rows = []
    for timed in entries:
        row, end = linked(end, timed.entry, timed.at)
        rows.append(row)
    return rows, end


class _SqliteAppender:
    """One thread, one connection."""

    def __init__(self, place: SqliteFile) -> None:
        self._place = place
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fleetd-append")
        self._wake = Wake(place.path)
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    async def append(self, entries: Sequence[Timed], end: Link) -> Link:
        rows, after = _chained(entries, end)
        values = [tuple(row[name] for name in COLUMNS) for row in rows]
        try:
            await self._do(lambda connection: connection.executemany(_APPEND, values))
        except Conflict:
            _log.debug("written already")  # by the commit whose outcome was lost: nobody else has this writer's name
        return after

    async def ask(self, wish: Wish) -> None:
        now = moment_text(datetime.now(UTC))

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute(_ASK, (wish.request_id, wish.subject, wish.actor, wish.via, now))
            connection.execute(_TELL, (now, wish.request_id))

        await self._do(insert)
        self._wake.speak()

    async def _do(self, work: Callable[[sqlite3.Connection], object]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._transaction, work)

    def _transaction(self, work: Callable[[sqlite3.Connection], object]) -> None:
        try:
            if self._connection is not None and self._place.file() != self._file:
                self._end()
            if self._connection is None:
                self._connection, self._file = _opened(self._place), self._place.file()
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                work(self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise _trouble(error, self._place) from error

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._end)
        self._thread.shutdown()

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _opened(place: SqliteFile) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(str(place.path))}?mode=rw", uri=True, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    connection.execute("PRAGMA synchronous=FULL")
    connection.set_authorizer(_append_only)
    return connection


def _append_only(action: int, table: str | None, _column: str | None, _database: str | None, _inside: str | None) -> int:
    """SQLite asks this of everything that a statement would do."""
    if action == sqlite3.SQLITE_TRANSACTION or (action == sqlite3.SQLITE_INSERT and table in _OPEN_TO):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _trouble(error: sqlite3.Error, place: SqliteFile) -> FleetdError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_ERROR or place.missing:
        # Not there yet, or not at this schema yet.
        return TryLater(f"{place} cannot be written yet: {error}")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return NotPermitted(f"{place} cannot be written by this user")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return TryLater(f"{place} cannot be written now: {error}")
    if getattr(error, "sqlite_errorcode", 0) in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY):
        return Conflict("it is written already")
    return NotPermitted(f"{place} does not take it: {error}")


class _PostgresAppender:
    """One connection on the running loop."""

    def __init__(self, place: PostgresServer) -> None:
        self._place = place
        self._connection: Any = None
        self._turn = asyncio.Lock()

    async def append(self, entries: Sequence[Timed], end: Link) -> Link:
        rows, after = _chained(entries, end)
        places = ", ".join(f"${number}" for number in range(1, len(COLUMNS) + 1))
        insert = f"INSERT INTO audit ({', '.join(COLUMNS)}) VALUES ({places})"
        values = [tuple(timed.at if name == "at" else row[name] for name in COLUMNS) for timed, row in zip(entries, rows, strict=True)]
        # One implicit transaction: all of them or none.
        try:
            await self._do(lambda connection: connection.executemany(insert, values))
        except Conflict:
            _log.debug("written already")  # as on SQLite
        return after

    async def ask(self, wish: Wish) -> None:
        call = "SELECT fleetd_inspect($1, $2, $3, $4)"
        await self._do(lambda connection: connection.execute(call, wish.request_id, wish.subject, wish.actor, wish.via))

    async def _do(self, work: Callable[[Any], Any]) -> None:
        from fleetd.store.postgres import connect  # the driver, for Postgres only

        async with self._turn:
            if self._connection is None or self._connection.is_closed():
                self._connection = await connect(self._place)
            import asyncpg  # see above

            try:
                await work(self._connection)
            except (asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError) as error:
                raise NotPermitted(f"{self._place}: {error.message}") from error
            except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError) as error:
                raise Unreachable(f"the database {self._place} went away: {type(error).__name__}") from error
            except asyncpg.UniqueViolationError as error:
                raise Conflict("it is written already") from error
            except asyncpg.PostgresError as error:
                raise TryLater(f"the database {self._place} does not take it now: {type(error).__name__}") from error

    async def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):
                await self._connection.close(timeout=5)
