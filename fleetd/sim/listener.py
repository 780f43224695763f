"""A port on the loopback interface, and the connections that came in by it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Protocol
from weakref import WeakSet

from fleetd.sim.transport import DEFAULT_LIMITS, Connection, Handle, Limits


class Gate(Protocol):
    """Where clients come in."""

    @property
    def url(self) -> str: ...

    def open(self) -> None:
        """Takes connections from now on; does nothing when it already does."""

    def refuse(self) -> None:
        """New connections are refused; those that are open stay."""

    def cut(self) -> None:
        """Ends all open connections without a word."""

    async def close(self) -> None:
        """Ends everything; nothing runs any more when it returns."""


class NoGate:
    """For a cluster that is reached within the process only."""

    def __init__(self, name: str) -> None:
        self.url = f"http://{name}.invalid"

    def open(self) -> None:
        """Nobody comes."""

    def refuse(self) -> None:
        """Nobody came."""

    def cut(self) -> None:
        """Nobody is there."""

    async def close(self) -> None:
        """Nothing runs."""


class Listener:
    """A port on 127.0.0.1 that stays the same however often it is closed and opened again."""

    def __init__(self, handle: Handle, *, tls: ssl.SSLContext | None = None, limits: Limits = DEFAULT_LIMITS) -> None:
        self._handle = handle
        self._tls = tls
        self._limits = limits
        # Weak, since nobody says so when a TLS handshake fails.
        self._connections: WeakSet[Connection] = WeakSet()
        self._server: asyncio.Server | None = None
        self._listening: socket.socket | None = None
        self._opening: asyncio.Task[None] | None = None
        # Bound, never listening: while the port is closed nobody else is given it.
        self._reserved = _bound(0)
        self.port: int = self._reserved.getsockname()[1]

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """How many are open."""
        return sum(connection.made for connection in self._connections)

    def open(self) -> None:
        """Takes connections from now on; does nothing when it already does."""
        if self._listening is None:
            self._listening = _bound(self.port)
            self._listening.listen(1024)
            # The kernel takes connections from here on; they wait the moment that the event loop needs.
            self._opening = asyncio.get_running_loop().create_task(self._attend(self._listening))

    async def _attend(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, sock=listening, ssl=self._tls, backlog=1024)

    def _accept(self) -> Connection:
        connection = Connection(self._handle, self._limits)
        self._connections.add(connection)
        return connection

    def refuse(self) -> None:
        """New connections are refused; those that are open stay."""
        if self._opening is not None:
            self._opening.cancel()
        if self._server is not None:
            self._server.close()
        if self._listening is not None:
            self._listening.close()
        self._opening = self._server = self._listening = None

    def cut(self) -> None:
        """Ends all open connections without a word."""
        for connection in tuple(self._connections):
            connection.cut()

    async def close(self) -> None:
        """Ends everything and gives the port back; nothing runs any more when it returns."""
        self.refuse()
        self.cut()
        self._reserved.close()
        await asyncio.gather(*(connection.ended() for connection in tuple(self._connections)))


def _bound(port: int) -> socket.socket:
    # Only with the protocol named does asyncio switch off Nagle's algorithm on what is accepted here.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound
