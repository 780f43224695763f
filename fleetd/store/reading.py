"""Reading without waiting for anybody: what the short commands of the CLI use, with as few imports as it takes.

SQLite is read with the standard library through a connection that cannot write; Postgres in read-only transactions. Times
come as RFC 3339 text and truth values as such, on both.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.parse import quote

from fleetd.domain.errors import GiveUp, InvalidInput, NotPermitted, OverBudget, TryLater
from fleetd.store.lock import held
from fleetd.store.moments import moment_text
from fleetd.store.schema import upgrade_is_due
from fleetd.store.urls import SqliteFile, place_of
from fleetd.store.views import TRUTHS

Record = dict[str, Any]
_LONGEST_VALUE = 16 * 1024 * 1024
_CACHE = 8 * 1024
"""KiB of pages that a connection keeps at most; with less a list of a large fleet reads its indexes from the file again and again."""


class Connection(Protocol):
    def rows(self, sql: str, params: Mapping[str, Any], most: int | None) -> list[Record]: ...

    def parts(self, sql: str, params: Mapping[str, Any], at_once: int) -> Iterator[list[tuple[Any, ...]]]: ...

    def guarded(self, sql: str, params: Mapping[str, Any], most: int, seconds: float) -> list[Record]: ...

    def current(self) -> bool: ...

    def daemon_at_work(self) -> bool | None: ...

    def begin(self) -> None: ...

    def end(self) -> None: ...

    def close(self) -> None: ...


class Reader:
    """A database opened for reading only; usable from one thread, inside or outside an event loop (it blocks)."""

    def __init__(self, connection: Connection, dialect: str) -> None:
        self._connection = connection
        self.dialect = dialect

    @classmethod
    def open(cls, url: str) -> Reader:
        """Opens it.

        Raises:
            InvalidInput: there is none, or its schema is not this program's.
            Unreachable, TryLater: it does not answer.
            GiveUp: it is damaged.
        """
        place = place_of(url)
        if isinstance(place, SqliteFile):
            return cls(_SqliteConnection(place), "sqlite")
        from fleetd.store.reading_postgres import PostgresConnection  # asyncio and the driver, for Postgres only

        return cls(PostgresConnection(place), "postgres")

    def rows(self, sql: str, params: Mapping[str, Any] | None = None) -> list[Record]:
        """Runs our own SQL with parameters written `:name`, and gives every row.

        Raises:
            InvalidInput: the database does not understand it.
            TryLater: the database is away.
        """
        return self._connection.rows(sql, params or {}, None)

    def parts(self, sql: str, params: Mapping[str, Any] | None = None, *, at_once: int = 2_000) -> Iterator[list[tuple[Any, ...]]]:
        """Runs our own SQL and gives every row as the database has it, some at a time: all at once may be more than there is room for.

        Raises:
            InvalidInput: the database does not understand it.
            TryLater: the database is away.
        """
        return self._connection.parts(sql, params or {}, at_once)

    def query(self, sql: str, params: Mapping[str, Any] | None = None, *, most: int = 10_000, seconds: float = 10.0) -> list[Record]:
        """Runs somebody's SQL: one SELECT over the views, for a time, up to a number of rows.

        Raises:
            NotPermitted: it is something else.
            InvalidInput: it is no SQL, or names what is not there.
            OverBudget: it took too long.
            TryLater: the database is away.
        """
        from fleetd.store.allow import checked  # sqlglot takes longer to import than most reads take

        return self._connection.guarded(checked(sql, self.dialect), params or {}, most, seconds)

    def current(self) -> bool:
        """Whether this is still the database at the address: a file may be moved, upgraded, or put back from a backup."""
        return self._connection.current()

    def daemon_at_work(self) -> bool | None:
        """Whether a daemon holds this database at this moment; None where that cannot be seen from here.

        Raises:
            TryLater: the database is away.
        """
        return self._connection.daemon_at_work()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """What is read within is of one moment, whatever is committed meanwhile; nothing is held open afterwards.

        Raises:
            TryLater: the database is away.
        """
        self._connection.begin()
        try:
            yield
        finally:
            self._connection.end()

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def plain(name: str, value: Any) -> Any:
    """A value as both databases give it to people: a column's name says whether it is a truth value."""
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return bool(value) if name in TRUTHS and value is not None else value


class _SqliteConnection:
    def __init__(self, place: SqliteFile) -> None:
        if place.missing:
            raise InvalidInput(f"there is no database at {place}")
        try:
            self._path, self._file = place.path, place.path.stat()
            self._connection, self._still = _connected(place.path)
            self._check_schema(str(place))
            self._schema = self._schema_number()
        except OSError as error:
            raise TryLater(f"the database {place} went away") from error
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise GiveUp(f"{place} is damaged or no SQLite database ({error}): restore a backup") from error
            raise TryLater(f"the database {place} cannot be read now: {error}") from error

    def _check_schema(self, place: str) -> None:
        found = self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        if found:
            found = self._connection.execute("SELECT version_num FROM alembic_version").fetchone()
        if upgrade_is_due(found[0] if found else None, place):
            raise InvalidInput(f"the schema of {place} is not up to date: run fleetd db upgrade")

    def rows(self, sql: str, params: Mapping[str, Any], most: int | None) -> list[Record]:
        try:
            cursor = self._connection.execute(sql, {name: _sqlite_value(value) for name, value in params.items()})
            found = cursor.fetchall() if most is None else cursor.fetchmany(most)
        except sqlite3.DatabaseError as error:
            raise _sqlite_trouble(error) from error
        names = [column[0] for column in cursor.description or ()]
        return [{name: plain(name, value) for name, value in zip(names, row, strict=True)} for row in found]

    def parts(self, sql: str, params: Mapping[str, Any], at_once: int) -> Iterator[list[tuple[Any, ...]]]:
        try:
            cursor = self._connection.execute(sql, {name: _sqlite_value(value) for name, value in params.items()})
            while found := cursor.fetchmany(at_once):
                yield found
            # Pages of a long list are of use to nobody else.
            self._connection.execute("PRAGMA shrink_memory")
        except sqlite3.DatabaseError as error:
            raise _sqlite_trouble(error) from error

    def guarded(self, sql: str, params: Mapping[str, Any], most: int, seconds: float) -> list[Record]:
        end = time.monotonic() + seconds
        self._connection.set_progress_handler(lambda: int(time.monotonic() > end), 10_000)
        self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
        self._connection.set_authorizer(_views_only)
        try:
            return self.rows(sql, params, most)
        finally:
            self._connection.set_authorizer(None)
            self._connection.set_progress_handler(None, 0)

    def current(self) -> bool:
        try:
            found = self._path.stat()
            same = (found.st_dev, found.st_ino) == (self._file.st_dev, self._file.st_ino)
            if self._still and (found.st_mtime_ns != self._file.st_mtime_ns or _beside(self._path)):
                return False
            return same and self._schema_number() == self._schema
        except (OSError, sqlite3.DatabaseError):
            return False

    def daemon_at_work(self) -> bool | None:
        return held(self._path)

    def _schema_number(self) -> int:
        """Another one after each change of the schema: an upgrade may have made it a newer program's."""
        return int(self._connection.execute("PRAGMA schema_version").fetchone()[0])

    def begin(self) -> None:
        try:
            self._connection.execute("BEGIN")
        except sqlite3.DatabaseError as error:
            raise _sqlite_trouble(error) from error

    def end(self) -> None:
        if self._connection.in_transaction:
            self._connection.rollback()

    def close(self) -> None:
        self._connection.close()


def _connected(path: Path) -> tuple[sqlite3.Connection, bool]:
    """A connection that cannot write, and whether it takes the file for one that nobody writes.

    SQLite makes a file beside a database in WAL mode, also to read it. Where it may not, a database that was closed in order is whole
    in its one file.

    Raises:
        TryLater: a part of it is in another file, and cannot be read from here.
        sqlite3.Error: it cannot be opened at all.
    """
    try:
        return _connection(path, "mode=ro"), False
    except sqlite3.OperationalError as error:
        away = getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
        may_read, may_write = (os.access(one, way, effective_ids=True) for one, way in ((path, os.R_OK), (path.parent, os.W_OK)))
        if not away or not may_read or may_write:
            raise
        if _beside(path):
            raise TryLater(
                f"the database {path} cannot be read: {path.parent} cannot be written, which SQLite must to read what is still in "
                f"{path.name}-wal; let this user write there, stop who writes the database, or read a copy made by `fleetd db backup`"
            ) from error
    return _connection(path, "mode=ro&immutable=1"), True


def _connection(path: Path, options: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(str(path))}?{options}", uri=True, isolation_level=None, check_same_thread=False)
    try:
        for statement in ("PRAGMA busy_timeout=5000", f"PRAGMA cache_size=-{_CACHE}", "SELECT 1 FROM sqlite_master"):
            connection.execute(statement).fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _beside(path: Path) -> bool:
    return any(path.with_name(path.name + end).exists() for end in ("-wal", "-shm"))


def _views_only(action: int, table: str | None, column: str | None, _database: str | None, inside: str | None) -> int:
    """SQLite's own check, below the allow-list: tables are read through the views only, and nothing else is done."""
    if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_FUNCTION):
        return sqlite3.SQLITE_OK
    # A table of which no column is read (its rows are only counted) is named without the view that it is in.
    reads_a_view = (table or "").startswith("fleet_") or inside is not None or not column
    if action == sqlite3.SQLITE_READ and reads_a_view:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _sqlite_value(value: Any) -> Any:
    return moment_text(value) if isinstance(value, datetime) else value


def _sqlite_trouble(error: sqlite3.DatabaseError) -> Exception:
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_INTERRUPT:
            return OverBudget("the query took too long and was stopped")
        case sqlite3.SQLITE_AUTH:
            return NotPermitted(f"the query reads more than the views: {error}")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_IOERR | sqlite3.SQLITE_CANTOPEN:
            return TryLater(f"the database cannot be read now: {error}")
        case _:
            return InvalidInput(f"the database does not take this query: {error}")
