"""Bringing a database to this program's schema, and saying how far it is."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleetd.domain.errors import GiveUp, InvalidInput, Unreachable
from fleetd.store.postgres import connect
from fleetd.store.schema import HEAD, upgrade_is_due
from fleetd.store.sqlite import trouble
from fleetd.store.urls import PostgresServer, SqliteFile, place_of
from fleetd.store.views import create_statements

if TYPE_CHECKING:
    from sqlalchemy import Connection

_UPGRADE_LOCK = 7_233_741_002

_DEPENDENTS = """
SELECT DISTINCT dependent.relname
FROM pg_depend JOIN pg_rewrite ON pg_depend.objid = pg_rewrite.oid
JOIN pg_class AS dependent ON pg_rewrite.ev_class = dependent.oid
JOIN pg_class AS source ON pg_depend.refobjid = source.oid
WHERE source.relkind = 'v' AND source.relname LIKE 'fleet\\_%' AND dependent.relname NOT LIKE 'fleet\\_%' ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class SchemaCheck:
    """Where a database stands. `dependents` are somebody's own views over ours, which an upgrade will not drop."""

    current: str | None
    head: str
    dependents: tuple[str, ...]

    @property
    def due(self) -> bool:
        return self.current != self.head


def migrations_folder() -> Path:
    """The migrations: inside an installed package, or in the checkout beside it."""
    package = Path(__file__).resolve().parent.parent
    packaged = package / "_migrations"
    return packaged if packaged.is_dir() else package.parent / "migrations"


async def upgrade(url: str) -> SchemaCheck:
    """Brings the database to the newest schema, in one transaction: interrupted, it has not begun.

    Raises:
        InvalidInput: it was written by a newer fleetd.
        Unreachable: it does not answer.
    """
    place = place_of(url)
    if isinstance(place, SqliteFile):
        await asyncio.to_thread(upgrade_sqlite, place.path)
    else:
        await _on_postgres(place, _upgrade)
    return await check(url)


async def check(url: str) -> SchemaCheck:
    """How far the schema is.

    Raises:
        InvalidInput: there is no database.
        Unreachable: it does not answer.
    """
    place = place_of(url)
    if isinstance(place, SqliteFile):
        if place.missing:
            raise InvalidInput(f"there is no database at {place}")
        return await asyncio.to_thread(_check_sqlite, place.path)
    found: SchemaCheck = await _on_postgres(place, _check)
    return found


def upgrade_sqlite(path: Path) -> None:
    """As `upgrade`, for a SQLite file; others that open it meanwhile wait."""
    from sqlalchemy import create_engine, event, pool  # 0.7 s of imports that an upgraded database does without
    from sqlalchemy.exc import DBAPIError

    engine = create_engine(f"sqlite:///{path}", poolclass=pool.NullPool, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _no_implicit_begin(connection: Any, _: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    try:
        with engine.begin() as connection:
            _upgrade(connection, str(path))
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise trouble(error.orig, path) from error
        raise
    finally:
        engine.dispose()


def _check_sqlite(path: Path) -> SchemaCheck:
    from sqlalchemy import create_engine, pool  # see upgrade_sqlite
    from sqlalchemy.exc import DBAPIError

    engine = create_engine(f"sqlite:///{path}", poolclass=pool.NullPool)
    try:
        with engine.connect() as connection:
            return _check(connection, str(path))
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise trouble(error.orig, path) from error
        raise
    finally:
        engine.dispose()


async def _on_postgres(place: PostgresServer, work: Callable[[Connection, str], Any]) -> Any:
    from sqlalchemy import pool  # see upgrade_sqlite
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.ext.asyncio import create_async_engine

    await (await connect(place)).close()  # says in plain words what is wrong with the address

    engine = create_async_engine(place.url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=pool.NullPool)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work, str(place))
    except OSError as error:
        raise Unreachable(f"the database {place} does not answer: {type(error).__name__}") from error
    except DBAPIError as error:
        raise GiveUp(f"the schema of {place} could not be brought up, and is as it was: {error.orig}") from error
    finally:
        await engine.dispose()


def _current(connection: Connection) -> str | None:
    from sqlalchemy import inspect, text  # see upgrade_sqlite

    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found


def _check(connection: Connection, place: str) -> SchemaCheck:
    del place
    from sqlalchemy import text  # see upgrade_sqlite

    dependents: tuple[str, ...] = ()
    if connection.dialect.name == "postgresql":
        dependents = tuple(connection.execute(text(_DEPENDENTS)).scalars())
    return SchemaCheck(_current(connection), HEAD, dependents)


def _upgrade(connection: Connection, place: str) -> None:
    from alembic import command  # see upgrade_sqlite
    from alembic.config import Config
    from sqlalchemy import text

    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})"))
    if not upgrade_is_due(_current(connection), place):
        return
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    for statement in create_statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
