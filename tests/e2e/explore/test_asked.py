"""What is asked of the daemon is done once, however slow the database is, and whatever was missed."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from fleetd.cluster.port import Cluster
from fleetd.domain.errors import Unreachable
from fleetd.domain.records import Record, RequestRecord
from fleetd.domain.states import RequestState
from fleetd.engine.clock import Clock
from fleetd.engine.engine import Engine
from fleetd.scripts.pool import ScriptPool
from fleetd.scripts.templates import TemplatePool
from fleetd.store.crypto import MasterKey
from fleetd.store.database import Database
from fleetd.store.reading import Reader

PATIENCE = 20


class Gate:
    """A database whose commits of decided requests wait until it is `opened`; says which requests were read as waiting.

    Without `heard` nobody is told what others committed.
    """

    def __init__(self, inner: Database) -> None:
        self._inner = inner
        self.opened = asyncio.Event()
        self.reached = asyncio.Event()
        self.heard = asyncio.Event()
        self.heard.set()
        self._read: set[str] = set()
        self._news = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def commit(self, records: Sequence[Record]) -> None:
        if any(isinstance(one, RequestRecord) for one in records):
            self.reached.set()
            await self.opened.wait()
        await self._inner.commit(records)

    async def asked_since(self, seq: int) -> Any:
        await self.heard.wait()
        return await self._inner.asked_since(seq)

    async def read(self, steps: Any) -> Any:
        found = await self._inner.read(steps)
        if isinstance(found, tuple):
            self._read |= {one.request_id for one in found if isinstance(one, RequestRecord)}
            self._news.set()
        return found

    async def until_read(self, request: str) -> None:
        while request not in self._read:
            self._news.clear()
            await self._news.wait()


async def nobody_there(name: str, _text: str) -> Cluster:
    raise Unreachable(f"{name} does not answer")


@asynccontextmanager
async def engine_on(database: Any) -> AsyncIterator[Engine]:
    async with ScriptPool() as lua, TemplatePool(lua) as scripts:
        engine = Engine(database, nobody_there, scripts, Clock())
        running = asyncio.create_task(engine.run())
        try:
            yield engine
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def request(name: str) -> RequestRecord:
    return RequestRecord(
        request_id=name,
        verb="requeue",
        subject="ClusterProfile/nowhere",
        actor="test",
        via="test",
        reason="",
        state=RequestState.WAITING,
        created_at=datetime.now(UTC),
    )


def decisions(url: str) -> int:
    with Reader.open(url) as reader:
        return int(reader.rows("SELECT count(*) AS n FROM fleet_journal WHERE stage = 'request'", {})[0]["n"])


async def until_decided(database: Database, *names: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while set(names) & {one.request_id for one in (await database.load()).requests}:
            await database.changed()


async def test_a_request_whose_outcome_is_not_committed_yet_is_not_done_once_more(database_url: str, master_key: MasterKey) -> None:
    inner, other = await Database.open(database_url, key=master_key, daemon=True), await Database.open(database_url, key=master_key)
    gate = Gate(inner)
    async with engine_on(gate):
        async with asyncio.timeout(PATIENCE):
            await other.commit([request("first")])
            await gate.reached.wait()
            await other.commit([request("second")])
            await gate.until_read("second")
        gate.opened.set()
        await until_decided(other, "first", "second")
    assert decisions(database_url) == 2
    await other.close()
    await inner.close()


async def test_a_request_is_done_although_the_change_that_tells_of_it_is_forgotten(database_url: str, master_key: MasterKey) -> None:
    inner, other = await Database.open(database_url, key=master_key, daemon=True), await Database.open(database_url, key=master_key)
    gate = Gate(inner)
    gate.opened.set()
    async with engine_on(gate):
        await other.commit([request("before")])
        await until_decided(other, "before")
        gate.heard.clear()
        await other.commit([request("missed")])
        await other.commit([request("told of, but too late")])
        with sqlite3.connect(database_url) as connection:
            connection.execute("DELETE FROM changes WHERE seq < (SELECT max(seq) FROM changes)")
        gate.heard.set()
        await until_decided(other, "missed", "told of, but too late")
    await other.close()
    await inner.close()
