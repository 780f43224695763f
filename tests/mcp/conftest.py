"""An MCP client in memory, on a server over a planted fleet."""

from __future__ import annotations

import asyncio
import runpy
import subprocess
import sys
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
SIMULATED = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("simulated.py"))))


@pytest.fixture
def simulated() -> SimpleNamespace:
    """What `simulated.py` has: a fleet with a daemon at work on it, and a client that counts."""
    return SIMULATED


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
def serving() -> Callable[..., Any]:
    """Starts a process that listens: `async with serving(url, "--mode", "operate") as port`, on a port that it chose."""

    @asynccontextmanager
    async def process(database: str, *more: str) -> AsyncIterator[int]:
        command = [sys.executable, "-m", "mcp_server", "--database", database, "--http", "127.0.0.1:0", *more]
        started = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            async with asyncio.timeout(30):
                while b"listening on" not in (line := await started.stderr.readline()):
                    assert line, "it ended before it listened"
            yield int(line.split(b":")[-1].split(b"/")[0])
        finally:
            started.terminate()
            out, _ = await started.communicate()
            assert out == b"", "standard output is the protocol's only"

    return process


@pytest.fixture
async def empty(database_url: str, master_key: MasterKey) -> AsyncIterator[Database]:
    """A database with nothing in it yet."""
    made = await Database.open(database_url, key=master_key)
    yield made
    await made.close()
