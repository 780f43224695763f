"""Whoever listens hears of each commit."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from datetime import UTC, datetime

import pytest

from fleetd.domain.records import MemberGone
from fleetd.service.listening import changes, follow
from fleetd.store.database import Database


async def test_a_commit_reaches_who_listens(database):
    async with contextlib.aclosing(changes(database.url)) as feed, asyncio.timeout(20):
        assert (await anext(feed)).changes == ()
        await database.commit([MemberGone(cluster="prod/us-1", at=datetime.now(UTC))])
        heard = await anext(feed)
    assert [(one.object_kind, one.ref, one.operation) for one in heard.changes] == [("cluster", "prod/us-1", "remove")]


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_changed_row_costs_two_statements_and_a_quiet_time_only_the_version(database):
    listening = await Database.open(database.url, writer=False)
    async with contextlib.aclosing(follow(listening)) as feed, asyncio.timeout(20):
        await anext(feed)
        said: list[str] = []
        listening._driver._reading.set_trace_callback(said.append)
        assert not await listening._driver.changed_unheard()
        assert said == ["PRAGMA data_version"]
        await database.commit([MemberGone(cluster="prod/us-1", at=datetime.now(UTC))])
        await anext(feed)
    await listening.close()
    assert len([one for one in said if one.startswith("SELECT")]) == 2
    assert {one.split()[0] for one in said} <= {"PRAGMA", "BEGIN", "SELECT", "ROLLBACK"}


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_on_postgres_a_changed_row_costs_two_statements_and_a_quiet_time_none(database):
    listening = await Database.open(database.url, writer=False)
    driver, said = listening._driver, []
    async with contextlib.aclosing(follow(listening)) as feed, asyncio.timeout(20):
        await anext(feed)
        await listening.changes_since(0)
        connections = [driver._listening, *(holder._con for holder in driver._readers._holders if holder._con)]
        for connection in connections:
            connection.add_query_logger(lambda query: said.append(query.query))
        assert not await driver.changed_unheard()
        assert said == []
        await database.commit([MemberGone(cluster="prod/us-1", at=datetime.now(UTC))])
        assert (await anext(feed)).changes
    await listening.close()
    asked = [text for text in said if "changes" in text]
    assert len(connections) == 2
    assert len(asked) == 2
    # What begins and ends the transaction, and gives the connection back.
    assert {text.split()[0] for text in said if text not in asked} <= {"BEGIN", "COMMIT;", "SELECT"}
    assert len(said) == len(asked) + 3


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_who_fell_behind_what_is_kept_is_told_so(database):
    async with contextlib.aclosing(changes(database.url)) as feed, asyncio.timeout(20):
        await anext(feed)
        connection = sqlite3.connect(database.url)
        connection.execute("DELETE FROM changes")
        connection.execute("INSERT INTO changes SELECT 1000000, valid_from, 'cluster', cluster, 'put' FROM members LIMIT 1")
        connection.commit()
        connection.close()
        assert (await anext(feed)).lost
