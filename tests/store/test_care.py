"""Backups, readers, addresses."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleetd.domain.errors import GiveUp, InvalidInput, TryLater, Unreachable
from fleetd.store.care import backup, grant
from fleetd.store.database import Database
from fleetd.store.reading import Reader
from fleetd.store.urls import PostgresServer, SqliteFile, place_of


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_backup_is_whole_and_reads_with_the_key(database, said, master_key, tmp_path):
    await database.declared.put(said.secret(password="swordfish"), expected=0)
    await database.commit([said.member()])
    copy = tmp_path / "copy.db"
    await backup(database.url, copy)
    with pytest.raises(InvalidInput, match="exists"):
        await backup(database.url, copy)
    restored = await Database.open(str(copy), key=master_key)
    assert await restored.load() == await database.load()
    await restored.close()


async def test_a_backup_of_postgres_names_its_own_tool(tmp_path):
    with pytest.raises(InvalidInput, match="pg_dump"):
        await backup("postgresql://a@b/c", tmp_path / "copy")


def test_addresses_are_read():
    assert place_of("sqlite:////var/lib/fleet.db") == SqliteFile(Path("/var/lib/fleet.db"))
    assert place_of("sqlite:///fleet.db") == SqliteFile(Path("fleet.db").absolute())
    assert place_of("/var/fleet.db") == SqliteFile(Path("/var/fleet.db"))
    assert place_of("postgres://u:p@h/d") == PostgresServer("postgresql://u:p@h/d")
    assert place_of("postgresql+asyncpg://u:p@h/d") == PostgresServer("postgresql://u:p@h/d")
    for wrong in ("", "sqlite://", "sqlite:///:memory:", "mysql://a/b", ":memory:"):
        with pytest.raises(InvalidInput):
            place_of(wrong)


async def test_an_error_never_shows_the_password(master_key):
    with pytest.raises(Unreachable) as refused:
        await Database.open("postgresql://u:swordfish@127.0.0.1:1/d", key=master_key)
    assert "swordfish" not in str(refused.value)
    assert "127.0.0.1:1/d" in str(refused.value)


async def test_a_file_that_is_no_database_is_told(tmp_path):
    path = tmp_path / "fleet.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(GiveUp, match="no SQLite database"):
        await Database.open(str(path))
    with pytest.raises((GiveUp, TryLater)):
        Reader.open(str(path))


async def test_a_database_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InvalidInput, match="there is no database"):
        await Database.open(str(tmp_path / "none.db"), writer=False)
    with pytest.raises(InvalidInput, match="there is no database"):
        Reader.open(str(tmp_path / "none.db"))
    with pytest.raises(InvalidInput, match="cannot be opened"):
        await Database.open("/proc/none/fleet.db")


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_a_role_that_is_granted_the_views_reads_them_and_nothing_else(database, said):
    import asyncpg

    owner = await asyncpg.connect(database.url)
    role = 'board "one"'
    with pytest.raises(InvalidInput, match="no role"):
        await grant(database.url, role)
    await owner.execute('CREATE ROLE "board ""one""" LOGIN')
    await grant(database.url, role)
    await database.commit([said.member()])
    reader = await asyncpg.connect(database.url, user=role)
    assert await reader.fetchval("SELECT cluster FROM fleet_clusters") == "prod/eu-1"
    assert await reader.fetchval("SHOW statement_timeout") == "30s"
    for forbidden in ("SELECT * FROM members", "SELECT sealed FROM declared", "DELETE FROM fleet_schema"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.execute(forbidden)
    await reader.close()
    await owner.execute('DROP OWNED BY "board ""one"""; DROP ROLE "board ""one"""')
    await owner.close()


async def test_a_file_has_no_roles(tmp_path):
    with pytest.raises(InvalidInput, match="no roles"):
        await grant(str(tmp_path / "fleet.db"), "board")
