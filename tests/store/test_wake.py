"""Who shares a database hears of commits, without asking again and again."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fleetd.domain.errors import GiveUp
from fleetd.store.database import Database

WRITER = """
import asyncio, sys
from fleetd.store.crypto import MasterKey
from fleetd.store.database import Database

async def main():
    database = await Database.open(sys.argv[1], key=MasterKey(bytes(range(32))))
    await database.declared.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "b"}}, expected=0)
    await database.close()

asyncio.run(main())
"""


async def test_a_commit_of_another_process_wakes_a_listener(database):
    heard = asyncio.create_task(database.changed())
    before = (await database.load()).seq
    writer = await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, database.url)
    assert await writer.wait() == 0
    await heard
    assert [change.ref for change in await database.changes_since(before)] == ["ConfigMap/b/a"]


async def test_each_open_database_hears_the_others_and_not_itself(database, master_key, said):
    other = await Database.open(database.url, key=master_key)
    try:
        heard = other.listen()
        waiting = asyncio.ensure_future(anext(heard))
        await database.commit([said.member()])
        await waiting
        assert not database._changed.is_set()
    finally:
        await other.close()


async def test_what_is_asked_through_the_same_database_wakes_it(database, said):
    await database.declared.put(said.source(), expected=0)
    await database.changed()
    await database.commit([said.request()])
    await database.changed()


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_without_a_wake_up_the_version_of_the_file_tells(database, master_key, said):
    other = await Database.open(database.url, key=master_key)
    try:
        other._driver._wake.close()
        waiting = asyncio.ensure_future(other.changed())
        await database.commit([said.member()])
        await waiting
    finally:
        await other.close()


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_the_pipe_of_a_killed_listener_is_cleared_away(database, said):
    folder = Path(database.url + ".wake")
    os.mkfifo(folder / "1-dead")
    await database.commit([said.member()])
    assert "1-dead" not in os.listdir(folder)


async def test_a_reader_that_fell_behind_is_told(database, said, clock):
    for number in range(3):
        await database.commit([said.member(f"a/c{number}")])
    from fleetd.store.keeping import Retention
    from fleetd.store.retention import sweep

    await sweep(database, Retention(), clock.forward(days=8))
    await database.commit([said.member("a/new")])
    with pytest.raises(GiveUp, match="load anew"):
        await database.changes_since(1)
    assert [change.ref for change in await database.changes_since(3)] == ["a/new"]


def test_a_reader_of_the_command_line_loads_no_heavy_package():
    heavy = "{'sqlalchemy', 'alembic', 'asyncio', 'sqlglot', 'cryptography', 'asyncpg'}"
    code = f"import sys, fleetd.store.reading, fleetd.store.views; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
