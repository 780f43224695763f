"""A planted fleet on a database of either kind, and the service on it."""

from __future__ import annotations

import asyncio
import runpy
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fleetd.service.local import LocalQuestions
from fleetd.store.crypto import MasterKey
from fleetd.store.database import Database
from fleetd.store.migrate import upgrade

PLANTED = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("planted.py"))))

PLANTED.LIFE = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("life.py"))))


async def _planted(url: str, key: MasterKey) -> None:
    opened = await Database.open(url, key=key)
    await PLANTED.plant(opened)
    await opened.close()


async def _created(server: Any) -> str:
    import asyncpg  # the extra may be missing where no Postgres is asked for

    name = f"t{uuid.uuid4().hex}"
    connection = await asyncpg.connect(server.url("postgres"))
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return str(server.url(name))


@pytest.fixture(scope="session")
def new_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Makes databases of a kind that are whole and empty, for more than one test."""

    def url(kind: str) -> str:
        if kind == "sqlite":
            made = str(tmp_path_factory.mktemp("planted") / "fleet.db")
        else:
            made = asyncio.run(_created(request.getfixturevalue("postgres_server")))
        asyncio.run(upgrade(made))
        return made

    return url


@pytest.fixture(scope="session")
def planted_urls(new_url: Callable[[str], str], master_key: MasterKey) -> Callable[[str], str]:
    """One planted database of each kind for the session: questions change nothing."""
    made: dict[str, str] = {}

    def url(kind: str) -> str:
        if kind not in made:
            made[kind] = new_url(kind)
            asyncio.run(_planted(made[kind], master_key))
        return made[kind]

    return url


@pytest.fixture
def planted() -> SimpleNamespace:
    """What was planted: its names, and the hostile text."""
    return PLANTED


@pytest.fixture
def planted_url(database_kind: str, planted_urls: Callable[[str], str]) -> str:
    """A planted database, for questions only."""
    return planted_urls(database_kind)


@pytest.fixture
async def questions(planted_url: str) -> AsyncIterator[LocalQuestions]:
    """The service, on the planted fleet."""
    asked = LocalQuestions(planted_url)
    yield asked
    await asked.close()


@pytest.fixture
async def database(database_url: str, master_key: MasterKey) -> AsyncIterator[Database]:
    """A planted database of one test's own, to be changed."""
    opened = await Database.open(database_url, key=master_key)
    await PLANTED.plant(opened)
    yield opened
    await opened.close()


@pytest.fixture
async def changing(database: Database) -> AsyncIterator[LocalQuestions]:
    """The service on a test's own database."""
    asked = LocalQuestions(database.url)
    yield asked
    await asked.close()
