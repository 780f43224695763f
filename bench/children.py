"""Processes beside the one that measures: one line of JSON in, one line out; they end when their stdin does."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import orjson

LINE_BYTES = 64 * 1024 * 1024
END_SECONDS = 10.0

Command = Callable[..., Awaitable[Mapping[str, Any]]]
"""What a child does when it is asked; its keyword arguments come from the line."""


class Failed(RuntimeError):
    """A child could not do what it was asked, or has ended."""


class Child:
    """A child, seen from its parent. Made by `started`."""

    def __init__(self, module: str, process: asyncio.subprocess.Process) -> None:
        self._module = module
        self._process = process

    async def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """What the child answers.

        Raises:
            Failed: it failed, with its own words.
        """
        reading, writing = self._process.stdout, self._process.stdin
        if reading is None or writing is None:
            raise Failed(f"{self._module} has no pipes")
        try:
            writing.write(orjson.dumps({"command": command, "arguments": arguments}) + b"\n")
            await writing.drain()
            line = await reading.readline()
        except ConnectionError as error:
            raise Failed(f"{self._module} has ended") from error
        if not line:
            raise Failed(f"{self._module} ended during {command}")
        answer = cast("dict[str, Any]", orjson.loads(line))
        if "failed" in answer:
            raise Failed(f"{self._module} {command}: {answer['failed']}")
        return answer

    async def end(self) -> None:
        """Closes its stdin and waits for it; one that does not end is killed."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), END_SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def started(module: str, *arguments: str) -> AsyncIterator[Child]:
    """`python -m module`, ended with the block whatever happens in it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE_BYTES,
    )
    child = Child(module, process)
    try:
        yield child
    finally:
        await asyncio.shield(child.end())


async def serve(commands: Mapping[str, Command]) -> None:
    """A child's own side: answers until stdin ends, which it also does when the parent is killed."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LINE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        asked = orjson.loads(line)
        try:
            answer = dict(await commands[asked["command"]](**asked["arguments"]))
        except Exception as error:  # noqa: BLE001  # the parent says it
            answer = {"failed": f"{type(error).__name__}: {error}"}
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
        sys.stdout.buffer.flush()
