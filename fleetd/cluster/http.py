"""One HTTP connection pool to one API server: limits, credentials and errors in one place."""

from __future__ import annotations

import asyncio
import socket
import ssl
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from fleetd.cluster.backoff import Gate
from fleetd.cluster.credentials import Credential, Credentials
from fleetd.cluster.errors import ClusterDown, TooLarge, plain, refusal
from fleetd.cluster.settings import ClusterSettings
from fleetd.cluster.tls import load_pair
from fleetd.domain.errors import InvalidInput, Unreachable

JSON = "application/json"
Query = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Route:
    """How the server is reached. `context` is None for plain HTTP."""

    server: str
    context: ssl.SSLContext | None = None
    server_name: str = ""
    proxy: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `path` is quoted already.

    Attributes:
        what: for people, as an error's sentence begins: `apply Service shop/web`.
        hide: whether the server's words about it may hold secret values.
        streamed: whether the answer goes on, and so may not be packed.
    """

    method: str
    path: str
    query: Query = ()
    body: bytes | None = None
    content_type: str = ""
    accept: str = JSON
    what: str = ""
    hide: bool = False
    streamed: bool = False


class Api:
    """Asks, and turns everything that is no answer into one of our errors. No sentence holds a header or a query."""

    def __init__(self, name: str, route: Route, session: aiohttp.ClientSession, credentials: Credentials, gate: Gate) -> None:
        self.name = name
        self.gate = gate
        self._route = route
        self._session = session
        self._credentials = credentials
        self._shown = Credential()

    async def call(self, ask: Ask, settings: ClusterSettings, *, patient: bool = False) -> bytes:
        """The whole body of a success.

        Args:
            patient: a list's page: it waits for its turn while the cluster is away, in place of raising at once, and may take longer.
        """
        seconds = settings.list_seconds if patient else settings.request_seconds
        async with self.gate.waiting() if patient else self.gate.hasty():
            try:
                async with asyncio.timeout(seconds):
                    return await self._whole(ask, settings)
            except TimeoutError:
                raise self._late(ask, seconds) from None

    async def open(self, ask: Ask, settings: ClusterSettings) -> aiohttp.ClientResponse:
        """The head of an answer that goes on; the caller closes it. Waits for its turn while the cluster is away."""
        async with self.gate.waiting():
            try:
                async with asyncio.timeout(settings.request_seconds):
                    response = await self._exchange(ask)
                    if response.status != 200 or not _speaks_json(response):
                        await self._fail(ask, response, settings)
                    return response
            except (aiohttp.ClientError, OSError, ValueError) as problem:
                if isinstance(problem, TimeoutError) and not isinstance(problem, aiohttp.ServerTimeoutError):
                    raise self._late(ask, settings.request_seconds) from None
                raise ClusterDown(self._away(ask, problem)) from problem

    @property
    def closed(self) -> bool:
        return self._session.closed

    async def close(self) -> None:
        """Ends every connection; whatever is asked from now on is `Unreachable`."""
        await self._session.close()

    async def _whole(self, ask: Ask, settings: ClusterSettings) -> bytes:
        try:
            try:
                response = await self._exchange(ask)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as problem:
                # A kept connection that the server closed meanwhile. All that we send may be sent twice: applies are
                # idempotent and deletions name a uid; aiohttp does the same for GET.
                if ask.method not in {"PATCH", "DELETE"} or isinstance(problem, aiohttp.ClientConnectorError):
                    raise
                response = await self._exchange(ask)
            if response.status >= 300 or not _speaks_json(response):
                await self._fail(ask, response, settings)
            async with response:
                return await self._body(ask, response, settings.answer_bytes)
        except (aiohttp.ClientError, OSError, ValueError, zlib.error) as problem:
            if isinstance(problem, TimeoutError) and not isinstance(problem, aiohttp.ServerTimeoutError):
                raise
            raise ClusterDown(self._away(ask, problem)) from problem

    async def _exchange(self, ask: Ask) -> aiohttp.ClientResponse:
        if self.closed:
            raise Unreachable(f"{self._asked(ask)}: the connection was closed on our side")
        credential = await self._credentials.current()
        response = await self._send(ask, credential)
        if response.status == 401 and await self._credentials.renew(credential):
            response.release()
            response = await self._send(ask, await self._credentials.current())
        return response

    async def _send(self, ask: Ask, credential: Credential) -> aiohttp.ClientResponse:
        headers = {"Accept": ask.accept, "Accept-Encoding": "identity" if ask.streamed else "gzip"}
        if ask.content_type:
            headers["Content-Type"] = ask.content_type
        if credential.token:
            headers["Authorization"] = credential.token
        if credential.certificate and credential != self._shown and self._route.context is not None:
            try:
                load_pair(self._route.context, credential.certificate, credential.key)
            except InvalidInput as unusable:
                raise Unreachable(f"{self._asked(ask)}: {unusable}") from None
            self._shown = credential
        url = URL(self._route.server + ask.path, encoded=True)
        return await self._session.request(
            ask.method,
            url.with_query(ask.query) if ask.query else url,
            data=ask.body,
            headers=headers,
            allow_redirects=False,
            proxy=self._route.proxy or None,
            server_hostname=self._route.server_name or None,
        )

    async def _body(self, ask: Ask, response: aiohttp.ClientResponse, limit: int) -> bytes:
        pieces = bytearray()
        async for piece in response.content.iter_any():
            pieces += piece
            if len(pieces) > limit:
                response.close()
                raise TooLarge(f"{self._asked(ask)}: the answer is larger than {limit} bytes")
        if response.headers.get("Content-Encoding", "identity") == "identity":
            return bytes(pieces)
        unpacked = zlib.decompressobj(wbits=31).decompress(pieces, limit + 1)
        if len(unpacked) > limit:
            raise TooLarge(f"{self._asked(ask)}: the answer unpacks to more than {limit} bytes")
        return unpacked

    async def _fail(self, ask: Ask, response: aiohttp.ClientResponse, settings: ClusterSettings) -> None:
        status = response.status
        async with response:
            if status < 400:
                sends = "sends us elsewhere" if status >= 300 else f"answers with {plain(response.content_type, 64)}"
                response.close()
                raise ClusterDown(f"{self._asked(ask)}: {self._host} {sends}: it is no Kubernetes API server")
            body = await self._body(ask, response, min(settings.answer_bytes, 1024 * 1024))
        raise refusal(self._asked(ask), status, body, after=_seconds(response.headers.get("Retry-After")), hide=ask.hide)

    @property
    def _host(self) -> str:
        return urlsplit(self._route.server).netloc

    def _asked(self, ask: Ask) -> str:
        return f"{self.name}: {ask.what or f'{ask.method} {ask.path}'}"

    def _late(self, ask: Ask, seconds: float) -> Unreachable:
        sentence = f"{self._asked(ask)}: {self._host} gave no answer within {seconds:g} s"
        # A write may be slow for a webhook's sake; when not even a read is answered, the server is away.
        return ClusterDown(sentence) if ask.method == "GET" else Unreachable(sentence)

    def _away(self, ask: Ask, problem: Exception) -> str:
        return f"{self._asked(ask)}: {self._host} cannot be spoken to: {reason_of(problem)}"


def reason_of(problem: BaseException) -> str:
    """Why a connection failed, in words, without anything that was sent."""
    match problem:
        case aiohttp.ClientConnectorCertificateError():
            why = getattr(problem.certificate_error, "verify_message", "") or "it is not trusted"
            return f"its certificate was refused ({plain(str(why), 200)})"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return f"TLS failed ({plain(str(getattr(problem, 'reason', '') or type(problem).__name__), 100)})"
        case aiohttp.ClientConnectorDNSError() | socket.gaierror():
            return "its name is not known"
        case aiohttp.ClientHttpProxyError():
            return f"the proxy answered {problem.status}"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError() | ConnectionResetError():
            return "the connection was cut"
        case _:
            return _plain_reason(problem)


def _plain_reason(problem: BaseException) -> str:
    match problem:
        case TimeoutError():
            return "no connection in time"
        case OSError():
            return problem.strerror.lower() if problem.strerror else type(problem).__name__
        case aiohttp.ClientResponseError():
            return "what it said is no HTTP"
        case _:
            return type(problem).__name__


def _speaks_json(response: aiohttp.ClientResponse) -> bool:
    return response.content_type == JSON


def _seconds(header: str | None) -> float | None:
    return float(header) if header is not None and header.isdigit() and len(header) < 6 else None
