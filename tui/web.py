"""The terminal UI in a browser: on a loopback address, behind a token that only who started it knows."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import socket
import sys
from collections.abc import Awaitable, Callable

from aiohttp import web
from textual_serve.server import Server

from fleetd.domain.errors import InvalidInput, NotPermitted

COOKIE = "fleetd-tui"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Guarded(Server):
    """Lets in who has the token, from a page of its own only.

    A page elsewhere could otherwise open the socket (any page may), or reach it under a name of its own (DNS rebinding).
    """

    def __init__(self, command: str, host: str, port: int, token: str) -> None:
        shown = f"[{host}]" if ":" in host else host
        super().__init__(command, host=host, port=port, title="fleetd", public_url=f"http://{shown}:{port}")
        self._token = token

    async def app(self) -> web.Application:
        """The application, with the guard before everything."""
        app = await self._make_app()
        app.on_startup.clear()
        app.middlewares.append(self._guard)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if f"http://{request.host}" != self.public_url or request.headers.get("Origin", self.public_url) != self.public_url:
            raise web.HTTPForbidden(text="this is served under its own address only")
        if self._is_token(request.query.get("token", "")) and request.path == "/":
            to_the_page = web.HTTPSeeOther("/")
            to_the_page.set_cookie(COOKIE, self._token, httponly=True, samesite="Strict")
            return to_the_page
        if not self._is_token(request.cookies.get(COOKIE, "")):
            raise web.HTTPUnauthorized(text="open the address that fleetd-tui --web has printed: it carries the token")
        answer = await handler(request)
        if not answer.prepared:
            answer.headers["Referrer-Policy"] = "no-referrer"
        return answer

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._token.encode())


async def serve(command: str, host: str, port: int) -> None:
    """Until it is interrupted; port 0 takes one that is free.

    Raises:
        NotPermitted: others than this machine could reach it.
        InvalidInput: the port is taken.
    """
    if host not in ("127.0.0.1", "localhost", "::1"):
        raise NotPermitted(f"{host} is no loopback address: the browser's connection has no encryption; forward the port by ssh -L")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, port))
        except OSError as error:
            raise InvalidInput(f"cannot listen on {host}:{port}: {error.strerror}") from error
        server = _Guarded(command, host, bound.getsockname()[1], token := secrets.token_urlsafe(24))
        runner = web.AppRunner(await server.app(), access_log=None)
        await runner.setup()
        await web.SockSite(runner, bound).start()
        sys.stderr.write(f"fleetd-tui: open {server.public_url}/?token={token}\n")
        sys.stderr.flush()
        try:
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()
