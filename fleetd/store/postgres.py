"""Postgres: the same group commit, on asyncpg. One writing transaction at a time, as on SQLite.

Each writing transaction takes one advisory lock first, so that sequence numbers become visible in their order and a reader of
`changes` never skips one that commits late.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeVar

from fleetd.domain.errors import FleetdError, GiveUp, InvalidInput, Refused, TryLater, Unreachable
from fleetd.store.compiled import Compiler, postgres_compiler
from fleetd.store.crypto import MasterKey
from fleetd.store.group import MOST, Asked, Committed, Stamps, transaction
from fleetd.store.schema import upgrade_is_due
from fleetd.store.steps import Ask, Command, Fetch, Many, Row, Steps
from fleetd.store.urls import PostgresServer

try:
    import asyncpg
except ImportError:  # the extra is not there; opening says so
    asyncpg = None

T = TypeVar("T")
_WRITE_LOCK = 7_233_741_001
DAEMON_LOCK = 7_233_741_003
_CHANNEL = "fleetd_changes"


async def connect(place: PostgresServer) -> Any:
    """A connection.

    Raises:
        InvalidInput: the driver is not installed, or the server refuses who asks.
        Unreachable: nobody answers.
    """
    if asyncpg is None:
        raise InvalidInput("Postgres needs the extra: pip install 'fleetd[postgres]'")
    try:
        return await asyncpg.connect(place.url, timeout=10, server_settings={"timezone": "UTC", "application_name": "fleetd"})
    except (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError) as error:
        raise Unreachable(f"the database {place} does not answer: {type(error).__name__}") from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        # The text may name the password; its type does not.
        raise InvalidInput(f"the database {place} cannot be opened: {type(error).__name__}") from error


def trouble(error: Exception, place: PostgresServer) -> FleetdError:
    """What a driver's error means for whoever asked; values never appear."""
    away = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)
    busy = (asyncpg.InsufficientResourcesError, asyncpg.TransactionRollbackError, asyncpg.ReadOnlySQLTransactionError)
    if isinstance(error, away):
        return Unreachable(f"the database {place} went away: {type(error).__name__}")
    if isinstance(error, busy):
        return TryLater(f"the database {place} cannot take it now: {type(error).__name__}")
    return GiveUp(f"the database {place} refused a statement: {type(error).__name__}: {getattr(error, 'message', '')}")


async def run(connection: Any, compiler: Compiler, steps: Steps[T]) -> T:
    """Carries out what the steps ask for, inside whatever transaction is open."""
    try:
        ask = next(steps)
        while True:
            ask = steps.send(await _answer(connection, compiler, ask))
    except StopIteration as end:
        result: T = end.value
        return result


async def _answer(connection: Any, compiler: Compiler, ask: Ask) -> Sequence[Row]:
    match ask:
        case Fetch(statement, params):
            prepared = compiler.prepared(statement)
            rows: Sequence[Row] = await connection.fetch(prepared.text, *prepared.values(params))
            return rows
        case Many(statement, rows):
            prepared = compiler.prepared(statement)
            await connection.executemany(prepared.text, prepared.all_values(rows))
        case Command(text):
            await connection.execute(text)
    return ()


class PostgresDriver:
    """Runs steps on a Postgres database."""

    def __init__(self, place: PostgresServer, *, key: MasterKey | None, stamps: Stamps, heard: Callable[[bool], None]) -> None:
        self._place = place
        self._key = key
        self._stamps = stamps
        self._heard = heard
        self._compiler = postgres_compiler()
        self._queue: asyncio.Queue[Asked | None] = asyncio.Queue()
        self._own = secrets.token_hex(8)
        self._listening: Any = None
        self._writing: Any = None
        self._readers: Any = None
        self._task: asyncio.Task[None] | None = None
        self._daemon = False

    async def open(self, *, daemon: bool) -> None:
        """Connects, and looks whether schema and daemon lock allow it.

        Raises:
            InvalidInput: the schema is not this program's.
            Refused: another daemon runs on this database.
            Unreachable: nobody answers.
        """
        self._listening = await connect(self._place)
        if await self._upgrade_is_due():
            raise InvalidInput(f"the schema of {self._place} is not up to date: run fleetd db upgrade")
        self._daemon = daemon
        await self._listening.add_listener(_CHANNEL, self._notified)
        self._readers = await asyncpg.create_pool(self._place.url, min_size=1, max_size=4)
        if self._key is not None:
            await self._open_writing()
            self._task = asyncio.create_task(self._serve(self._key), name="fleetd-writer")

    async def _open_writing(self) -> None:
        """The daemon's lock lives and ends with the connection that it writes on: who has lost one has lost the other."""
        self._writing = await connect(self._place)
        if self._daemon and not await self._writing.fetchval("SELECT pg_try_advisory_lock($1)", DAEMON_LOCK):
            await self._writing.close()
            raise Refused(f"another fleetd daemon is running on {self._place}: stop it first, or name another database")

    async def _upgrade_is_due(self) -> bool:
        found = None
        if await self._listening.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL"):
            found = await self._listening.fetchval("SELECT version_num FROM alembic_version")
        return upgrade_is_due(found, str(self._place))

    def _notified(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        if payload != self._own:
            self._heard(False)

    def submit(self, asked: Asked) -> None:
        self._queue.put_nowait(asked)

    async def read(self, steps: Steps[T]) -> T:
        try:
            async with self._readers.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
                return await run(connection, self._compiler, steps)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise trouble(error, self._place) from error

    async def changed_unheard(self) -> bool:
        """The net below the wake-ups: a lost listening connection is made anew, and what was missed is assumed to be something."""
        if not self._listening.is_closed():
            return False
        with contextlib.suppress(TryLater):
            self._listening = await connect(self._place)
            await self._listening.add_listener(_CHANNEL, self._notified)
        return True

    async def close(self) -> None:
        self._queue.put_nowait(None)
        if self._task is not None:
            await self._task
        if self._readers is not None:
            await self._readers.close()
        for connection in (self._writing, self._listening):
            if connection is not None and not connection.is_closed():
                await connection.close()

    async def _serve(self, key: MasterKey) -> None:
        async for group in self._groups():
            await self._commit(key, group)

    async def _groups(self) -> AsyncIterator[list[Asked]]:
        while (first := await self._queue.get()) is not None:
            group, weight = [first], first.weight
            while weight < MOST and not self._queue.empty():
                following = self._queue.get_nowait()
                if following is None:
                    yield group
                    return
                group.append(following)
                weight += following.weight
            yield group

    async def _commit(self, key: MasterKey, group: list[Asked]) -> None:
        try:
            done = await self._transaction(key, group)
        except Exception as error:  # noqa: BLE001  # whatever it is, each caller hears of it, and the writer goes on
            if len(group) > 1 and not isinstance(error, TryLater):
                for asked in group:
                    await self._commit(key, [asked])
                return
            done = Committed([error for _ in group])
        for asked, outcome in zip(group, done.outcomes, strict=True):
            asked.settle(outcome)
        if done.asks:
            self._heard(True)

    async def _transaction(self, key: MasterKey, group: list[Asked]) -> Committed:
        try:
            if self._writing.is_closed():
                await self._open_writing()
            async with self._writing.transaction():
                await self._writing.execute(f"SELECT pg_advisory_xact_lock({_WRITE_LOCK})")
                done = await run(self._writing, self._compiler, transaction(group, self._stamps.take(), key))
                if done.changed:
                    await self._writing.execute("SELECT pg_notify($1, $2)", _CHANNEL, self._own)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise trouble(error, self._place) from error
        return done
