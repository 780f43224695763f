"""Streamable HTTP: two mounts, checks of Host and Origin, bearer tokens, loopback unless there are tokens."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import uvicorn
from mcp.server import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from fleetd.domain.errors import InvalidInput, NotPermitted
from mcp_server.ending import told_before, told_to_end
from mcp_server.places import Place
from mcp_server.principals import LOCAL, Principal
from mcp_server.principals import Scope as Right

WHOLE, READONLY = "/mcp", "/mcp/readonly"
MOST_BYTES = 1_048_576
ENDING_SECONDS = 2
"""How long calls may go on when the server is to end."""


def read_tokens(path: Path) -> dict[str, Principal]:
    """Tokens by their digest, from a file for its owner only with a line for each: NAME SCOPES TOKEN.

    Scopes are separated by commas. Lines that begin with # are left out.

    Raises:
        InvalidInput: the file cannot be read, or a line is none.
        NotPermitted: others may read it.
    """
    try:
        mode, text = path.stat().st_mode, path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"the token file {path} cannot be read: {type(error).__name__}") from error
    if mode & 0o077:
        raise NotPermitted(f"others may read the token file {path}: chmod 600 it")
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        rights = {right.value: right for right in Right}
        if len(words) != 3 or len(words[2]) < 16 or not set(words[1].split(",")) <= rights.keys():
            raise InvalidInput(
                f"{path}:{number} is no line NAME SCOPES TOKEN; scopes are {', '.join(rights)}, a token has 16 characters or more"
            )
        found[_digest(words[2])] = Principal(words[0], frozenset(rights[right] for right in words[1].split(",")))
    if not found:
        raise InvalidInput(f"the token file {path} has no token")
    return found


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "replace")).hexdigest()


class Door:
    """Lets in who carries a known token, and writes on the request who it is; without tokens, whoever reaches the loopback."""

    def __init__(self, app: ASGIApp, tokens: Mapping[str, Principal] | None) -> None:
        self._app, self._tokens = app, tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            # White space around a field's value is no part of it (RFC 9110, 5.5); not every parser takes it away.
            scope["headers"] = [(name, value.strip(b" \t")) for name, value in scope["headers"]]
            principal = self._principal(dict(scope["headers"]).get(b"authorization", b"").decode("latin-1"))
            if principal is None:
                headers = {"WWW-Authenticate": 'Bearer realm="fleetd", scope="fleet:read"'}
                await JSONResponse({"error": "a bearer token is needed"}, status_code=401, headers=headers)(scope, receive, send)
                return
            scope.setdefault("state", {})["principal"] = principal
        await self._app(scope, receive, send)

    def _principal(self, header: str) -> Principal | None:
        if self._tokens is None:
            return LOCAL
        scheme, _, token = header.partition(" ")
        given = _digest(token.strip())
        found = None
        # Every token is compared, so that the time says nothing.
        for known, principal in self._tokens.items():
            if hmac.compare_digest(known, given) and scheme.lower() == "bearer":
                found = principal
        return found


def build_app(servers: Mapping[str, Server[Any]], place: Place, tokens: Mapping[str, Principal] | None) -> ASGIApp:
    """One application for the servers at their paths.

    Raises:
        NotPermitted: others than this machine could reach it, and nobody would be asked who it is.
    """
    if tokens is None and not place.loopback:
        raise NotPermitted(f"{place.host} is no loopback address: name a --token-file, or listen on 127.0.0.1")
    security = TransportSecuritySettings(
        allowed_hosts=[word for name in place.names for word in (name, f"{name}:*")],
        allowed_origins=[f"{scheme}://{name}:*" for scheme in ("http", "https") for name in place.names],
    )
    apps = [
        server.streamable_http_app(
            streamable_http_path=path, stateless_http=True, transport_security=security, max_request_body_size=MOST_BYTES
        )
        for path, server in servers.items()
    ]
    routes: Sequence[BaseRoute] = [route for app in apps for route in app.routes]

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for server in servers.values():
                await stack.enter_async_context(server.session_manager.run())
            yield

    return Door(Starlette(routes=routes, lifespan=lifespan), tokens)


async def listen(app: ASGIApp, place: Place, end_streams: Callable[[], Awaitable[None]]) -> None:
    """Serves until the process is told to end; `end_streams` then ends what would go on for ever.

    Raises:
        InvalidInput: the place is taken, or none of this machine's.
    """
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((place.host, place.port))
        except OSError as error:
            raise InvalidInput(f"cannot listen on {place.host}:{place.port}: {error.strerror}") from error
        bound.listen(128)
        server = _Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=ENDING_SECONDS))
        with told_to_end() as told:
            host = f"[{place.host}]" if ":" in place.host else place.host
            sys.stderr.write(f"fleetd-mcp: listening on http://{host}:{bound.getsockname()[1]}{WHOLE}\n")
            sys.stderr.flush()
            serving = asyncio.create_task(server.serve(sockets=[bound]))
            if await told_before(told, serving):
                await end_streams()
                server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    """A server that leaves signals alone: it would end the process by them, before what stands around it could end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
