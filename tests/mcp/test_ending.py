"""A server that is told to end does so in order: what it has answered is in the audit, and so is its end."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from fleetd.store.reading import Reader

PROGRAM = [sys.executable, "-m", "mcp_server"]
HELLO = (
    b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":'
    b'{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}\n'
    b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'
    b'{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"fleet_overview","arguments":{}}}\n'
)


def kept(url: str) -> list[str]:
    with Reader.open(url) as reader:
        return [row["action"] for row in reader.rows("SELECT action FROM fleet_audit ORDER BY seq", {})]


async def started(url: str, *more: str, **pipes: Any) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(*PROGRAM, "--database", url, *more, stderr=subprocess.PIPE, **pipes)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_over_http_it_ends_although_somebody_listens(database: Any, number: signal.Signals) -> None:
    server = await started(database.url, "--http", "127.0.0.1:0")
    assert server.stderr is not None
    async with asyncio.timeout(60):
        while b"listening on" not in (line := await server.stderr.readline()):
            assert line
        port = int(line.split(b":")[-1].split(b"/")[0])
        async with Client(f"http://127.0.0.1:{port}/mcp") as c:
            await c.call_tool("list_clusters", {})
            async with c.listen(resource_subscriptions=["fleetd://overview"]):
                server.send_signal(number)
                said = (await server.communicate())[1]
    assert server.returncode == 0
    assert b"Traceback" not in said
    assert kept(database.url) == ["start", "list_clusters", "stop"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_on_standard_input_it_ends_although_that_stays_open(database: Any, number: signal.Signals) -> None:
    server = await started(database.url, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(HELLO)
    async with asyncio.timeout(60):
        while b'"id":2' not in await server.stdout.readline():
            pass
        server.send_signal(number)
        assert await server.wait() == 0
    assert kept(database.url) == ["start", "fleet_overview", "stop"]


async def test_when_it_is_told_before_it_could_write_anything_it_ends_all_the_same(tmp_path: Path) -> None:
    server = await started(str(tmp_path / "none.db"), "--http", "127.0.0.1:0")
    assert server.stderr is not None
    async with asyncio.timeout(60):
        while b"listening on" not in (line := await server.stderr.readline()):
            assert line
        server.terminate()
        assert (await server.communicate())[1] is not None
    assert server.returncode == 0
