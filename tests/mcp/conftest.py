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

from fleetd.settings import Settings
from fleetd.store.crypto import MasterKey
from fleetd.store.database import Database
from mcp_server.principals import Mode
from mcp_server.server import build_server
from mcp_server.serving import Offer, opened

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
    """A planted database, as the daemon holds it."""
    made = await Database.open(database_url, key=master_key)
    await PLANTED.plant(made)
    yield made
    await made.close()


@pytest.fixture
def key_file(tmp_path: Path, master_key: MasterKey) -> Path:
    path = tmp_path / "master.key"
    path.write_text(master_key.to_text(), encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.fixture
def client(database: Database, key_file: Path) -> Callable[..., Any]:
    """Connects a client: `async with client(mode=Mode.OPERATE) as c`."""

    @asynccontextmanager
    async def connect(mode: Mode = Mode.OBSERVE, *, protocol: str = "auto", sql: bool = True, **more: Any) -> AsyncIterator[Client]:
        offer = Offer(Settings(database=database.url, key_file=key_file), mode, sql)
        async with opened(offer) as (desk, subscriptions), Client(build_server(desk, subscriptions), mode=protocol, **more) as connected:
            yield connected

    return connect


@pytest.fixture
async def empty(database_url: str, master_key: MasterKey) -> AsyncIterator[Database]:
    """A database with nothing in it yet."""
    made = await Database.open(database_url, key=master_key)
    yield made
    await made.close()
