"""SQLite: one writer thread with a commit queue, and a reading connection of its own.

A hop between threads for each statement costs more than the statement, so a whole transaction crosses at once.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from fleetd.domain.errors import FleetdError, GiveUp, Refused, TryLater
from fleetd.store.compiled import Compiler, sqlite_compiler
from fleetd.store.crypto import MasterKey
from fleetd.store.group import MOST, Asked, Committed, Stamps, transaction
from fleetd.store.steps import Ask, Command, Fetch, Many, Row, Steps
from fleetd.store.urls import SqliteFile
from fleetd.store.wake import Wake

T = TypeVar("T")
_PRAGMAS = ("busy_timeout=5000", "foreign_keys=ON", "cache_size=-65536", "temp_store=MEMORY", "mmap_size=268435456")
_WRITER_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=2000", "journal_size_limit=67108864")
_AWAY = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
}


def connect(path: Path, *, writer: bool) -> sqlite3.Connection:
    """A connection that begins no transaction by itself; a reader's cannot write.

    Raises:
        TryLater, GiveUp: the file cannot be opened, or is no database.
    """
    mode = "rwc" if writer else "ro"
    try:
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False)
        for pragma in (*_PRAGMAS, *(_WRITER_PRAGMAS if writer else ())):
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error as error:
        raise trouble(error, path) from error
    connection.row_factory = sqlite3.Row
    return connection


def trouble(error: sqlite3.Error, path: Path) -> FleetdError:
    """What a SQLite error means for whoever asked."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _AWAY:
        return TryLater(f"the database {path} cannot be used now: {error}")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return GiveUp(f"{path} is damaged or no SQLite database ({error}): restore a backup")
    return GiveUp(f"the database {path} refused a statement: {error}")


def run(connection: sqlite3.Connection, compiler: Compiler, steps: Steps[T]) -> T:
    """Carries out what the steps ask for, inside whatever transaction is open."""
    try:
        ask = next(steps)
        while True:
            ask = steps.send(_answer(connection, compiler, ask))
    except StopIteration as end:
        result: T = end.value
        return result


def _answer(connection: sqlite3.Connection, compiler: Compiler, ask: Ask) -> Sequence[Row]:
    match ask:
        case Fetch(statement, params):
            prepared = compiler.prepared(statement)
            rows: Sequence[Row] = connection.execute(prepared.text, prepared.values(params)).fetchall()
            return rows
        case Many(statement, rows):
            prepared = compiler.prepared(statement)
            connection.executemany(prepared.text, prepared.all_values(rows))
        case Command(text):
            connection.execute(text)
    return ()


class SqliteDriver:
    """Runs steps on a SQLite file. `writer=False` gives one that only reads."""

    def __init__(self, path: Path, *, key: MasterKey | None, stamps: Stamps, heard: Callable[[bool], None]) -> None:
        self._path = path
        self._key = key
        self._stamps = stamps
        self._heard = heard
        self._wake = Wake(path)
        self._compiler = sqlite_compiler()
        self._queue: queue.SimpleQueue[Asked | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread: threading.Thread | None = None
        self._file: tuple[int, int] | None = None
        if key is not None:
            writing = connect(path, writer=True)
            self._file = SqliteFile(path).file()
            self._thread = threading.Thread(target=self._serve, args=(writing, key), name="fleetd-writer", daemon=True)
            self._thread.start()
        # After the writer's: a reader cannot turn a fresh file into WAL mode.
        self._reading = connect(path, writer=False)
        self._file = self._file or SqliteFile(path).file()
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="fleetd-reader")
        self._read_compiler = sqlite_compiler()
        self._seen_version = self._data_version()
        self._wake.listen(lambda: heard(False))

    def submit(self, asked: Asked) -> None:
        self._queue.put(asked)

    async def read(self, steps: Steps[T]) -> T:
        return await self._loop.run_in_executor(self._reader, self._read, steps)

    def _read(self, steps: Steps[T]) -> T:
        connection = self._reading
        try:
            connection.execute("BEGIN")
            try:
                return run(connection, self._read_compiler, steps)
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise trouble(error, self._path) from error

    async def changed_unheard(self) -> bool:
        """The net below the wake-ups: whether any other connection committed since the last time.

        Raises:
            TryLater: who only reads here would not hear of what is at the path by now.
        """
        try:
            version = await self._loop.run_in_executor(self._reader, self._data_version)
            if self._thread is None and self._file != SqliteFile(self._path).file():
                raise TryLater(f"the database {self._path} went away, or is another file by now")
        except sqlite3.Error as error:
            raise trouble(error, self._path) from error
        before, self._seen_version = self._seen_version, version
        return version != before

    def _data_version(self) -> int:
        version: int = self._reading.execute("PRAGMA data_version").fetchone()[0]
        return version

    async def close(self) -> None:
        self._wake.close()
        self._queue.put(None)
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
        self._reader.shutdown()
        self._reading.close()

    # The writer's thread.

    def _serve(self, connection: sqlite3.Connection, key: MasterKey) -> None:
        while (first := self._queue.get()) is not None:
            group, ended = self._gathered(first)
            self._commit(connection, key, group)
            if ended:
                break
        connection.close()

    def _gathered(self, first: Asked) -> tuple[list[Asked], bool]:
        """Everything that waits, up to a size; and whether the end was among it."""
        group, weight = [first], first.weight
        while weight < MOST:
            try:
                following = self._queue.get_nowait()
            except queue.Empty:
                break
            if following is None:
                return group, True
            group.append(following)
            weight += following.weight
        return group, False

    def _commit(self, connection: sqlite3.Connection, key: MasterKey, group: list[Asked]) -> None:
        try:
            done = self._transaction(connection, key, group)
        except Exception as error:  # noqa: BLE001  # whatever it is, each caller hears of it, and the writer goes on
            if len(group) > 1 and not isinstance(error, TryLater):
                for asked in group:
                    self._commit(connection, key, [asked])
                return
            done = Committed([error for _ in group])
        else:
            if done.changed:
                self._wake.speak()
        self._tell(group, done)

    def _transaction(self, connection: sqlite3.Connection, key: MasterKey, group: list[Asked]) -> Committed:
        self._check_file()
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                done = run(connection, self._compiler, transaction(group, self._stamps.take(), key))
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise trouble(error, self._path) from error
        return done

    def _check_file(self) -> None:
        """Holds that what is committed now would be found at the path: a file that was taken away takes all of it.

        Raises:
            TryLater: nothing stands there.
            Refused: another file stands there.
        """
        found = SqliteFile(self._path).file()
        if found is None:
            raise TryLater(f"the database {self._path} went away: put it back, nothing can be kept until then")
        if found != self._file:
            raise Refused(f"the database {self._path} is another file by now: begin anew on that one")

    def _tell(self, group: list[Asked], done: Committed) -> None:
        def settle() -> None:
            for asked, outcome in zip(group, done.outcomes, strict=True):
                asked.settle(outcome)
            if done.asks:
                self._heard(True)

        try:
            self._loop.call_soon_threadsafe(settle)
        except RuntimeError:
            # The loop has ended; nobody waits any more.
            return
