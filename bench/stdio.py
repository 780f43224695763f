"""What a server on standard input and output costs its user: time and processor until its first answer, memory after it."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from bench.children import Failed

ROOT = Path(__file__).parents[1]
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}


@dataclass(frozen=True, slots=True)
class Started:
    """A server after its first answer: wall and CPU seconds since it was started, resident bytes, and seconds of a second answer."""

    wall: float
    cpu: float
    resident: int
    again: float


async def start(arguments: Sequence[str]) -> Started:
    """Starts a server, asks `fleet_overview` twice, and ends it."""
    began = time.perf_counter()
    pipe = asyncio.subprocess.PIPE
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=quiet, limit=2**22)
    try:
        async with asyncio.timeout(60):
            await _ask(process, 1, "initialize", _HELLO)
            _say(process, {"jsonrpc": "2.0", "method": "notifications/initialized"})
            await _ask(process, 2, "tools/call", {"name": "fleet_overview", "arguments": {}})
            wall, cpu, resident = time.perf_counter() - began, _cpu(process.pid), _resident(process.pid)
            began = time.perf_counter()
            await _ask(process, 3, "tools/call", {"name": "fleet_overview", "arguments": {}})
            return Started(wall, cpu, resident, time.perf_counter() - began)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


def _say(process: asyncio.subprocess.Process, message: dict[str, Any]) -> None:
    assert process.stdin is not None
    process.stdin.write(orjson.dumps(message) + b"\n")


async def _ask(process: asyncio.subprocess.Process, number: int, method: str, params: dict[str, Any]) -> None:
    _say(process, {"jsonrpc": "2.0", "id": number, "method": method, "params": params})
    assert process.stdout is not None
    while line := await process.stdout.readline():
        answer = orjson.loads(line)
        if answer.get("id") == number:
            if "error" in answer or answer["result"].get("isError"):
                raise Failed(f"the server answers {method} with {line[:300].decode()}")
            return
    raise Failed(f"the server ended before it answered {method}")


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
