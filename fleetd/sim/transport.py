"""HTTP/1.1 on a socket: requests in, answers out, one worker for each connection."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import cast
from urllib.parse import parse_qsl, unquote

import httptools

from fleetd.kubeapi.exchange import Request, Response, Stream, User
from fleetd.sim.answers import CONTINUE, LAST_CHUNK, chunk, head, refusal, stream_head
from fleetd.sim.certificates import user_of_certificate

log = logging.getLogger(__name__)

KEPT = 1024
"""So many header names and request targets are remembered once read, if they are shorter than `KEPT_LENGTH`."""
KEPT_LENGTH = 256
LINGER = 0.3
"""Seconds in which a client that is still sending can read why it was refused."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may cost; sizes in bytes.

    `body` is the Kubernetes API server's own limit. `unsent` bounds what a watch may hold for a slow reader, who is cut off beyond it.
    """

    head: int = 64 * 1024
    body: int = 3 * 1024 * 1024
    unsent: int = 16 * 1024 * 1024
    pipelined: int = 32


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Truncated:
    """An answer that breaks off in its middle, and the connection with it."""

    answer: Response


class BrokenFrame(bytes):
    """A frame of a stream of which a part arrives, and then the connection ends."""


Handle = Callable[[Request], Awaitable[Response | Stream | Truncated]]
"""Answers one request. A `ConnectionError` that it raises cuts the connection without an answer."""


def _header_name(raw: bytes) -> str:
    return raw.decode("latin-1").lower()


def _target(raw: bytes) -> tuple[str, dict[str, tuple[str, ...]]]:
    """The decoded path, and the query with all values of each key."""
    path, _, query = raw.partition(b"?")
    values: dict[str, tuple[str, ...]] = {}
    for key, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        values[key] = (*values.get(key, ()), value)
    return unquote(path.decode("latin-1")), values


_known_header_name = lru_cache(KEPT)(_header_name)
_known_target = lru_cache(KEPT)(_target)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request with what the answer's frame depends on; `refused` is an answer that needs no handler and ends the connection."""

    request: Request
    keep_alive: bool
    chunked: bool
    refused: Response | None = None


class Connection(asyncio.Protocol):
    """One connection: the parser calls the `on_…` methods, and the worker answers one request after another."""

    def __init__(self, handle: Handle, limits: Limits) -> None:
        self._handle = handle
        self._limits = limits
        self._transport: asyncio.Transport
        self._worker: asyncio.Task[None] | None = None
        self._made = False
        self._cut = False
        self._pending: deque[_Asked] = deque()
        self._arrival: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._reading = True
        self._ending = False
        self._expecting = False
        self._finished = False
        self._user: User | None = None
        self._begin()

    def _begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = 0
        self._in_head = True

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._made = True
        if self._cut:
            self._transport.abort()
        self._loop = asyncio.get_running_loop()
        self._user = user_of_certificate(transport.get_extra_info("peercert"))
        self._parser = httptools.HttpRequestParser(self)
        self._worker = self._loop.create_task(self._serve())

    def connection_lost(self, _exc: Exception | None) -> None:
        self._made = False
        if self._worker is not None:
            self._worker.cancel()

    def data_received(self, data: bytes) -> None:
        if self._ending:
            return
        self._finished = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(refusal(400, "BadRequest", "this server does not change protocols"))
        except httptools.HttpParserError as error:
            if not self._ending:
                self._refuse(refusal(400, "BadRequest", f"malformed request: {error}"))
        else:
            # The parser keeps a header to itself until it is whole; what came for it so far counts all the same.
            if self._in_head and not self._finished:
                self._size += len(data)
                if self._size > self._limits.head:
                    self._refuse_head()
        if len(self._pending) >= self._limits.pipelined and self._reading:
            self._reading = False
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None:
            if not self._writable.done():
                self._writable.set_result(None)
            self._writable = None

    # What the parser calls.

    def on_message_begin(self) -> None:
        self._begin()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = (_known_header_name if len(name) < KEPT_LENGTH else _header_name)(name), value.decode("latin-1")
        # The same name again is one list (RFC 9110, 5.3); Impersonate-Group comes like that.
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._size = 0
        if len(self._url) + sum(map(len, self._headers.values())) > self._limits.head:
            self._refuse_head()
        elif int(self._headers.get("content-length") or 0) > self._limits.body:
            self._refuse_body()
        elif self._headers.get("expect", "").lower() == "100-continue":
            self._expecting = True
            self._wake()

    def on_body(self, body: bytes) -> None:
        self._expecting = False
        self._size += len(body)
        if self._size > self._limits.body:
            self._refuse_body()
        elif not self._ending:
            self._body.append(body)

    def on_message_complete(self) -> None:
        if self._ending:
            return
        self._expecting = False
        self._finished = True
        self._in_head = True
        self._size = 0
        path, query = (_known_target if len(self._url) < KEPT_LENGTH else _target)(self._url)
        method = self._parser.get_method().decode("latin-1")
        request = Request(method, path, query, self._headers, b"".join(self._body), self._user)
        self._pending.append(_Asked(request, self._parser.should_keep_alive(), self._parser.get_http_version() != "1.0"))
        self._wake()

    # Refusals that need no handler.

    def _refuse_head(self) -> None:
        self._refuse(refusal(431, "RequestHeaderFieldsTooLarge", f"request header is too large: limit is {self._limits.head}"))

    def _refuse_body(self) -> None:
        self._refuse(refusal(413, "RequestEntityTooLarge", f"Request entity too large: limit is {self._limits.body}"))

    def _refuse(self, answer: Response) -> None:
        if not self._ending:
            self._ending = True
            self._pending.append(_Asked(Request("", ""), keep_alive=False, chunked=False, refused=answer))
            self._wake()

    # The worker.

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    async def _next(self) -> _Asked:
        while not self._pending:
            if self._expecting:
                self._expecting = False
                self._transport.write(CONTINUE)
            if not self._reading:
                self._reading = True
                self._transport.resume_reading()
            self._arrival = self._loop.create_future()
            await self._arrival
        return self._pending.popleft()

    async def _serve(self) -> None:
        try:
            keep = True
            while keep:
                asked = await self._next()
                keep = await self._answer(asked)
                if asked.refused:
                    # Closing on unread data resets the connection, and the answer may be lost with it.
                    await asyncio.sleep(LINGER)
            self._transport.close()
        except ConnectionError:
            self._transport.abort()
        except Exception:
            log.exception("a request could not be answered")
            self._transport.abort()

    async def _answer(self, asked: _Asked) -> bool:
        """Sends the answer; False when the connection ends with it."""
        answer = asked.refused or await self._handle(asked.request)
        if isinstance(answer, Truncated):
            whole = answer.answer
            self._transport.write(head(whole, keep_alive=True) + whole.body[: len(whole.body) // 2])
            return False
        if not isinstance(answer, Response):
            return await self._flow(answer, asked)
        begin = head(answer, keep_alive=asked.keep_alive)
        self._transport.write(begin if asked.request.method == "HEAD" else begin + answer.body)
        if self._writable is not None:
            await self._writable
        return asked.keep_alive

    async def _flow(self, stream: Stream, asked: _Asked) -> bool:
        """Passes on what the stream says, until it or the other side ends."""
        ended: asyncio.Future[bool] = self._loop.create_future()

        def end(*, whole: bool = True) -> None:
            if not ended.done():
                ended.set_result(whole)

        def write(frame: bytes) -> None:
            if ended.done() or not frame:
                return
            sent = chunk(frame) if asked.chunked else frame
            if isinstance(frame, BrokenFrame):
                self._transport.write(sent[: len(sent) // 2])
                end(whole=False)
                return
            self._transport.write(sent)
            if self._transport.get_write_buffer_size() > self._limits.unsent:
                ended.set_exception(ConnectionAbortedError("the reader is too slow"))

        self._transport.write(stream_head(stream.content_type, chunked=asked.chunked, keep_alive=asked.keep_alive))
        try:
            stream.start(write, end)
            whole = await ended
        finally:
            stream.stop()
        if asked.chunked and whole:
            self._transport.write(LAST_CHUNK)
        return asked.chunked and asked.keep_alive and whole

    @property
    def made(self) -> bool:
        """It is open: past the TLS handshake, and not lost."""
        return self._made

    async def ended(self) -> None:
        """Returns when nothing of it runs any more."""
        if self._worker is not None:
            await asyncio.wait([self._worker])

    def cut(self) -> None:
        """Ends the connection without a word, also while it is still in its TLS handshake."""
        self._cut = True
        if self._made:
            self._transport.abort()
