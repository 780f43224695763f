"""The HTTP transport, with handlers of a few lines."""

from __future__ import annotations

import asyncio
import os
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetd.kubeapi.exchange import Request, Response, Stream, User
from fleetd.sim.certificates import Authority, user_of_certificate
from fleetd.sim.listener import Listener
from fleetd.sim.transport import BrokenFrame, Limits, Truncated


@asynccontextmanager
async def listening(
    handle: Callable[[Request], Awaitable[Response | Stream | Truncated]],
    *,
    tls: ssl.SSLContext | None = None,
    limits: Limits | None = None,
) -> AsyncIterator[Listener]:
    listener = Listener(handle, tls=tls, limits=limits or Limits())
    listener.open()
    try:
        yield listener
    finally:
        await listener.close()


@asynccontextmanager
async def connected(listener: Listener) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def read_answer(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """Status line and headers as text, and a body of Content-Length."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length"))
    return head, await reader.readexactly(length)


async def echo(request: Request) -> Response:
    return Response(200, f"{request.method} {request.path} ".encode() + request.body, "text/plain")


class Counting(Stream):
    """A watch that says what it is told to, and notes its end."""

    content_type = "application/json"

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.stopped = asyncio.Event()

    def start(self, write: Callable[[bytes], None], close: Callable[[], None]) -> None:
        self.write, self.close = write, close
        self.started.set()

    def stop(self) -> None:
        self.stopped.set()


async def test_requests_of_one_connection_are_answered_one_after_another() -> None:
    async with listening(echo) as listener, connected(listener) as (reader, writer):
        for number in range(3):
            writer.write(f"GET /{number} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            head, body = await read_answer(reader)
            assert head.startswith("HTTP/1.1 200 OK")
            assert body == f"GET /{number} ".encode()
        assert listener.connections == 1


async def test_pipelined_requests_keep_their_order_however_many_they_are() -> None:
    all_sent = asyncio.Event()

    async def first_waits(request: Request) -> Response:
        await all_sent.wait()
        return await echo(request)

    async with listening(first_waits, limits=Limits(pipelined=4)) as listener, connected(listener) as (reader, writer):
        writer.write(b"".join(f"GET /{n} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for n in range(40)))
        all_sent.set()
        for number in range(40):
            assert (await read_answer(reader))[1] == f"GET /{number} ".encode()


async def test_a_body_in_chunks_is_put_together() -> None:
    async with listening(echo) as listener, connected(listener) as (reader, writer):
        writer.write(b"PATCH /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        assert (await read_answer(reader))[1] == b"PATCH /a abcde"


async def test_a_client_that_asks_first_is_told_to_go_on() -> None:
    async with listening(echo) as listener, connected(listener) as (reader, writer):
        writer.write(b"PUT /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"ok")
        assert (await read_answer(reader))[1] == b"PUT /a ok"


async def test_a_head_has_the_length_and_no_body() -> None:
    async with listening(echo) as listener, connected(listener) as (reader, writer):
        writer.write(b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"Content-Length: 8\r\n" in await reader.readuntil(b"\r\n\r\n")
        assert (await read_answer(reader))[1] == b"GET /b "


async def test_path_and_query_are_decoded_and_every_value_of_a_key_is_kept() -> None:
    seen: list[Request] = []

    async def keep(request: Request) -> Response:
        seen.append(request)
        return Response(200)

    async with listening(keep) as listener, connected(listener) as (reader, writer):
        writer.write(b"GET /a%20b?l=x%3D1&w&l=2+3 HTTP/1.1\r\nHost: x\r\nImpersonate-Group: a\r\nimpersonate-group: b\r\n\r\n")
        await read_answer(reader)
    assert seen[0].path == "/a b"
    assert seen[0].query == {"l": ("x=1", "2 3"), "w": ("",)}
    assert seen[0].headers["impersonate-group"] == "a, b"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n", 413),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"64\r\n" + b"x" * 100 + b"\r\n", 413),
        (b"GET /a HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 300 + b"\r\n\r\n", 431),
        (b"GET /a HTTP/1.1\r\nHost: x\r\nX-Endless: " + b"x" * 300, 431),
        (b"GET /" + b"x" * 300, 431),
        (b"NONSENSE\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ],
)
async def test_what_is_too_large_or_malformed_is_refused_and_ends_the_connection(sent: bytes, status: int) -> None:
    async with listening(echo, limits=Limits(head=256, body=64)) as listener, connected(listener) as (reader, writer):
        writer.write(sent)
        head, body = await read_answer(reader)
        assert head.startswith(f"HTTP/1.1 {status} ")
        assert "Connection: close" in head
        assert b'"kind":"Status"' in body
        assert await reader.read() == b""


async def test_many_small_requests_in_one_packet_are_not_a_long_header() -> None:
    async with listening(echo, limits=Limits(head=200)) as listener, connected(listener) as (reader, writer):
        writer.write(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n" * 30 + b"GET /last HTTP/1.1\r\n")
        for _ in range(30):
            assert (await read_answer(reader))[1] == b"GET /a "
        writer.write(b"Host: x\r\n\r\n")
        assert (await read_answer(reader))[1] == b"GET /last "


async def test_a_change_of_protocols_is_refused_after_the_answer() -> None:
    async with listening(echo) as listener, connected(listener) as (reader, writer):
        writer.write(b"POST /exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nContent-Length: 0\r\n\r\n")
        head, _ = await read_answer(reader)
        assert head.split()[1] in {"200", "400"}
        assert b"101" not in await reader.read()


async def test_a_client_of_http_1_0_gets_its_answer_and_the_end() -> None:
    async with listening(echo) as listener, connected(listener) as (reader, writer):
        writer.write(b"GET /a HTTP/1.0\r\n\r\n")
        assert (await reader.read()).endswith(b"\r\n\r\nGET /a ")


async def test_an_error_in_the_handler_ends_this_connection_only(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(request: Request) -> Response:
        if request.path == "/broken":
            raise RuntimeError("broken")
        return await echo(request)

    async with listening(broken) as listener, connected(listener) as (reader, writer), connected(listener) as (other_reader, other_writer):
        writer.write(b"GET /broken HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await read_answer(reader)
        other_writer.write(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await read_answer(other_reader))[1] == b"GET /a "
    assert "could not be answered" in caplog.text


async def test_a_stream_arrives_frame_by_frame_and_the_connection_goes_on_after_it() -> None:
    stream = Counting()

    async def handle(request: Request) -> Response | Stream:
        return stream if request.path == "/watch" else await echo(request)

    async with listening(handle) as listener, connected(listener) as (reader, writer):
        writer.write(b"GET /watch HTTP/1.1\r\nHost: x\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"Transfer-Encoding: chunked" in await reader.readuntil(b"\r\n\r\n")
        for frame in (b'{"n":1}\n', b'{"n":2}\n'):
            stream.write(frame)
            assert await reader.readexactly(3 + len(frame) + 2) == b"8\r\n" + frame + b"\r\n"
        stream.close()
        assert await reader.readexactly(5) == b"0\r\n\r\n"
        assert (await read_answer(reader))[1] == b"GET /a "
        assert stream.stopped.is_set()


async def test_a_stream_is_stopped_when_its_reader_leaves() -> None:
    stream = Counting()

    async def handle(request: Request) -> Stream:
        return stream

    async with listening(handle) as listener:
        async with connected(listener) as (_, writer):
            writer.write(b"GET /watch HTTP/1.1\r\nHost: x\r\n\r\n")
            await stream.started.wait()
        await stream.stopped.wait()


async def test_a_reader_that_does_not_read_is_cut_off_before_its_watch_fills_the_memory() -> None:
    stream = Counting()

    async def handle(request: Request) -> Stream:
        return stream

    async with listening(handle, limits=Limits(unsent=100_000)) as listener, connected(listener) as (_, writer):
        writer.transport.pause_reading()
        writer.write(b"GET /watch HTTP/1.1\r\nHost: x\r\n\r\n")
        await stream.started.wait()
        # More than the kernel's own buffers hold.
        for _ in range(512):
            stream.write(b"x" * 65_536)
        await stream.stopped.wait()


async def test_an_answer_can_break_off_in_its_middle() -> None:
    async def handle(request: Request) -> Truncated:
        return Truncated(Response(200, b"0123456789"))

    async with listening(handle) as listener, connected(listener) as (reader, writer):
        writer.write(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        received = await reader.read()
        assert b"Content-Length: 10" in received
        assert received.endswith(b"\r\n\r\n01234")


async def test_a_frame_can_break_off_in_its_middle() -> None:
    stream = Counting()

    async def handle(request: Request) -> Stream:
        return stream

    async with (
        listening(handle) as listener,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{listener.port}/watch") as answer,
    ):
        stream.write(BrokenFrame(b'{"type":"ADDED"}\n'))
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.content.read()


async def test_a_closed_port_refuses_and_opens_again_with_the_same_number() -> None:
    async with listening(echo) as listener:
        port = listener.port
        async with connected(listener) as (reader, writer):
            listener.refuse()
            listener.cut()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await read_answer(reader)
        listener.open()
        assert listener.port == port
        async with connected(listener) as (reader, writer):
            writer.write(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await read_answer(reader))[1] == b"GET /a "


async def test_a_client_certificate_names_the_user() -> None:
    authority = Authority(datetime.now(UTC))

    async def who(request: Request) -> Response:
        return Response(200, repr(request.user).encode())

    async with listening(who, tls=authority.server_context()) as listener:
        address = f"https://localhost:{listener.port}/"
        for user in (None, User("jane", ("team-a", "team-b"))):
            context = authority.client_context()
            if user is not None:
                pair = authority.client(user)
                present(context, pair.certificate + pair.key)
            async with aiohttp.ClientSession() as session, session.get(address, ssl=context) as answer:
                assert await answer.text() == repr(user)


async def test_a_certificate_of_another_authority_is_not_taken() -> None:
    ours, theirs = Authority(datetime.now(UTC)), Authority(datetime.now(UTC))
    context = ours.client_context()
    pair = theirs.client(User("admin", ("system:masters",)))
    present(context, pair.certificate + pair.key)
    async with listening(echo, tls=ours.server_context()) as listener, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get(f"https://localhost:{listener.port}/", ssl=context)
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(f"https://localhost:{listener.port}/", ssl=theirs.client_context())


def test_a_certificate_without_a_name_names_nobody() -> None:
    assert user_of_certificate(None) is None
    assert user_of_certificate({}) is None
    assert user_of_certificate({"subject": ((("organizationName", "system:masters"),),)}) is None


def present(context: ssl.SSLContext, pem: bytes) -> None:

    with tempfile.NamedTemporaryFile() as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies=st.lists(st.binary(max_size=300), min_size=1, max_size=5), data=st.data())
async def test_packets_may_be_split_anywhere(bodies: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(b"POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (n, len(b), b) for n, b in enumerate(bodies))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=8)))
    async with listening(echo) as listener, connected(listener) as (reader, writer):
        sending = writer.get_extra_info("socket").fileno()
        for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
            # The thread's turn lets the server read each part by itself.
            assert await asyncio.to_thread(os.write, sending, whole[begin:end]) == end - begin
        for number, body in enumerate(bodies):
            assert (await read_answer(reader))[1] == f"POST /{number} ".encode() + body
