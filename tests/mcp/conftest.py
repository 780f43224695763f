"""An MCP client in memory, on a server over a planted fleet."""

from __future__ import annotations

import runpy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mcp import Client

from fleetd.service.local import LocalQuestions
from fleetd.store.crypto import MasterKey
from fleetd.store.database import Database
from mcp_server.calls import Desk
from mcp_server.catalogue import offered
from mcp_server.principals import Mode
from mcp_server.server import build_server

PLANTED = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "service" / "planted.py")))


@pytest.fixture
def database_kind() -> str:
    """The protocol is the same on both databases; what the service answers is tested on both beside."""
    return "sqlite"


@pytest.fixture
def planted() -> SimpleNamespace:
    return PLANTED


@pytest.fixture
async def database(database_url: str, master_key: MasterKey) -> AsyncIterator[Database]:
    opened = await Database.open(database_url, key=master_key)
    await PLANTED.plant(opened)
    yield opened
    await opened.close()


@pytest.fixture
async def questions(database: Database) -> AsyncIterator[LocalQuestions]:
    asked = LocalQuestions(database.url)
    yield asked
    await asked.close()


@pytest.fixture
def desk(questions: LocalQuestions) -> Desk:
    return Desk(questions, offered(Mode.OBSERVE, sql=True))


@pytest.fixture
def client(desk: Desk) -> Callable[..., Any]:
    """Connects a client: `async with client() as c`."""

    @asynccontextmanager
    async def connect(**more: Any) -> AsyncIterator[Client]:
        async with Client(build_server(desk), **more) as connected:
            yield connected

    return connect
