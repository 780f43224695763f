"""The migrations arrive at exactly what `tables.py` says, whole or not at all."""

from __future__ import annotations

import asyncio
import re
import sqlite3

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from fleetd.domain.errors import GiveUp, InvalidInput
from fleetd.store import tables
from fleetd.store.database import Database
from fleetd.store.migrate import check, migrations_folder, upgrade
from fleetd.store.reading import Reader
from fleetd.store.schema import HEAD, REVISIONS
from fleetd.store.views import VIEWS, views

POSTGRES_SHAPE = (
    "SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity, identity_generation"
    " FROM information_schema.columns WHERE table_schema = 'public'"
    " AND table_name NOT LIKE 'fleet\\_%' AND table_name <> 'alembic_version'",
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'",
    "SELECT conrelid::regclass::text, contype::text, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace AND conrelid <> 'alembic_version'::regclass",
)


def _sqlite_shape(path: str) -> set[tuple[str, str, str]]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE type <> 'view' AND name NOT LIKE 'sqlite_%'").fetchall()
    connection.close()
    return {(kind, name, re.sub(r"\s+", " ", sql)) for kind, name, sql in rows if name != "alembic_version" and sql}


async def _postgres_shape(url: str) -> list[set[tuple[object, ...]]]:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    try:
        async with engine.connect() as connection:
            return [{tuple(row) for row in await connection.execute(text(query))} for query in POSTGRES_SHAPE]
    finally:
        await engine.dispose()


def test_the_upgraded_file_equals_the_tables(upgraded_sqlite, tmp_path):
    wanted = tmp_path / "wanted.db"
    engine = create_engine(f"sqlite:///{wanted}")
    tables.metadata.create_all(engine)
    engine.dispose()
    assert _sqlite_shape(str(upgraded_sqlite)) == _sqlite_shape(str(wanted))


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_the_upgraded_postgres_equals_the_tables(empty_database_url, postgres_server, upgraded_postgres):
    engine = create_async_engine(empty_database_url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        await connection.run_sync(tables.metadata.create_all)
        await connection.execute(text("CREATE TABLE alembic_version (version_num text)"))
    await engine.dispose()
    wanted = await _postgres_shape(empty_database_url)
    found = await _postgres_shape(postgres_server.url(upgraded_postgres))
    assert found == wanted
    assert len(wanted[0]) > 100


def test_the_program_knows_every_revision_in_order():
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    assert tuple(revision.revision for revision in reversed(list(script.walk_revisions()))) == REVISIONS
    assert script.get_current_head() == HEAD


async def test_an_upgrade_leads_to_the_newest_schema_and_a_second_one_changes_nothing(empty_database_url):
    first = await upgrade(empty_database_url)
    assert (first.current, first.head, first.due) == (HEAD, HEAD, False)
    with Reader.open(empty_database_url) as reader:
        applied = reader.rows("SELECT version, applied_at FROM fleet_schema")
    await upgrade(empty_database_url)
    with Reader.open(empty_database_url) as reader:
        assert reader.rows("SELECT version, applied_at FROM fleet_schema") == applied
    assert [row["version"] for row in applied] == list(REVISIONS)


async def test_every_view_is_there_with_the_columns_it_is_documented_with(database_url):
    with Reader.open(database_url) as reader:
        if reader.dialect == "sqlite":
            names = {row["name"] for row in reader.rows("SELECT name FROM sqlite_master WHERE type = 'view'")}
            columns = {name: tuple(row["name"] for row in reader.rows(f"SELECT name FROM pragma_table_info('{name}')")) for name in names}
        else:
            rows = reader.rows(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_name LIKE 'fleet\\_%' ORDER BY ordinal_position"
            )
            columns = {}
            for row in rows:
                columns[row["table_name"]] = (*columns.get(row["table_name"], ()), row["column_name"])
    assert columns == {name: shown for name, _, shown in views()}
    assert all(view.sentence.endswith(".") for view in VIEWS)


async def test_a_schema_from_the_future_is_refused_with_one_sentence(database_url, master_key):
    engine = create_async_engine(
        database_url.replace("postgresql://", "postgresql+asyncpg://") if "://" in database_url else f"sqlite+aiosqlite:///{database_url}"
    )
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await engine.dispose()
    for attempt in (
        lambda: Database.open(database_url, key=master_key),
        lambda: Database.open(database_url, key=master_key, writer=False),
        lambda: upgrade(database_url),
        lambda: asyncio.to_thread(Reader.open, database_url),
    ):
        with pytest.raises(InvalidInput, match="newer fleetd"):
            await attempt()


async def test_a_file_is_brought_up_when_it_is_opened_for_writing_only(tmp_path, master_key):
    path = tmp_path / "fleet.db"
    path.touch(mode=0o600)
    with pytest.raises(InvalidInput, match="fleetd db upgrade"):
        await Database.open(str(path), writer=False)
    with pytest.raises(InvalidInput, match="fleetd db upgrade"):
        Reader.open(str(path))
    database = await Database.open(str(path), key=master_key)
    await database.close()
    assert (await check(str(path))).current == HEAD


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_postgres_is_not_brought_up_by_opening_it(empty_database_url, master_key):
    with pytest.raises(InvalidInput, match="fleetd db upgrade"):
        await Database.open(empty_database_url, key=master_key)
    assert (await check(empty_database_url)).current is None


async def test_several_who_upgrade_at_once_do_it_once(empty_database_url):
    await asyncio.gather(*(upgrade(empty_database_url) for _ in range(4)))
    with Reader.open(empty_database_url) as reader:
        assert reader.rows("SELECT COUNT(*) AS n FROM fleet_schema") == [{"n": len(REVISIONS)}]


async def test_an_upgrade_that_fails_half_way_has_not_begun(empty_database_url, monkeypatch):
    def broken(_dialect: str) -> list[str]:
        return ["INSERT INTO nowhere VALUES (1)"]

    with monkeypatch.context() as patch:
        patch.setattr("fleetd.store.migrate.create_statements", broken)
        with pytest.raises(GiveUp, match="nowhere"):
            await upgrade(empty_database_url)
    assert (await check(empty_database_url)).current is None
    assert (await upgrade(empty_database_url)).current == HEAD


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_a_check_names_the_views_that_somebody_built_on_ours(database_url):
    engine = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        await connection.execute(text("CREATE VIEW my_board AS SELECT cluster FROM fleet_clusters"))
    await engine.dispose()
    assert (await check(database_url)).dependents == ("my_board",)
