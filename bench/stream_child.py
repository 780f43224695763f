"""A child that is one API server whose watch of Pods says as many events as it is told to, as fast as they are read.

All but Pods is answered by `fleetd.kubeapi`. The events lie ready as bytes: what is measured is who reads them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote
from uuid import uuid4

import orjson
import uvloop

from bench.children import serve
from bench.objects import pod_event
from fleetd.kubeapi.exchange import Request, Response, User
from fleetd.kubeapi.memory import MemoryStorage
from fleetd.kubeapi.server import ApiServer

PODS = "/api/v1/pods"
NAMES = 1_000
FIRST_VERSION = 1_000_000_000
MARKER = "marker"
BATCH = 16
ADMIN = User("admin", ("system:masters",))
EMPTY_LIST = orjson.dumps({"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": str(FIRST_VERSION)}, "items": []})


class Server:
    """Its port, and the events that it will say to whoever watches Pods."""

    def __init__(self) -> None:
        storage = MemoryStorage()
        self._api = ApiServer(storage, clock=lambda: datetime.now(UTC), new_uid=lambda: str(uuid4()))
        self._told: asyncio.Queue[list[bytes]] = asyncio.Queue()
        self._version = FIRST_VERSION
        self._watched = asyncio.Event()
        self._answering: set[asyncio.Task[None] | None] = set()

    async def start(self) -> dict[str, Any]:
        """Listens; answers with its address."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return {"url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"}

    async def stop(self) -> None:
        """Ends the watch, and with it the last connection."""
        self._told.put_nowait([])
        await asyncio.gather(*filter(None, self._answering))

    async def watched(self) -> dict[str, Any]:
        """Answers when somebody watches Pods."""
        await self._watched.wait()
        return {}

    async def say(self, count: int, marker: str = "") -> dict[str, Any]:
        """So many events that match nothing, and one (named after `marker`) that does."""
        lines = list(self._lines(count, marker))
        self._told.put_nowait([_chunk(line) for line in lines])
        return {"bytes": sum(map(len, lines))}

    def _lines(self, count: int, marker: str) -> Iterator[bytes]:
        for number in range(count):
            self._version += 1
            yield pod_event(f"web-6d5f8b7c9d-{number % NAMES:05}", str(self._version))
        if marker:
            self._version += 1
            yield pod_event(marker, str(self._version), restarts=9)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._answering.add(task)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                request = await _request(head, reader)
                if request.path == PODS and request.first("watch"):
                    await self._flood(writer)
                    return
                answer = Response(200, EMPTY_LIST) if request.path == PODS else await self._api.handle(request)
                if not isinstance(answer, Response):
                    return
                writer.write(_head(answer) + answer.body)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._answering.discard(task)
            writer.close()

    async def _flood(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        self._watched.set()
        while chunks := await self._told.get():
            for place in range(0, len(chunks), BATCH):
                writer.writelines(chunks[place : place + BATCH])
                await writer.drain()
        writer.write(b"0\r\n\r\n")


async def _request(head: bytes, reader: asyncio.StreamReader) -> Request:
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    path, _, text = target.partition("?")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    query: dict[str, tuple[str, ...]] = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        query[key] = (*query.get(key, ()), value)
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, unquote(path), query, headers, body, ADMIN)


def _head(answer: Response) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (
        answer.status,
        answer.content_type.encode(),
        len(answer.body),
    )


def _chunk(line: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(line), line)


async def main() -> None:
    server = Server()
    await serve({"start": server.start, "watched": server.watched, "say": server.say})
    await server.stop()


if __name__ == "__main__":
    uvloop.run(main())
