"""One port for many clusters, each below a path of its own: `/clusters/NAME`."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import replace

from fleetd.kubeapi.exchange import Request, Response, Stream
from fleetd.sim.answers import refusal
from fleetd.sim.listener import Listener
from fleetd.sim.transport import Handle, Truncated

ROOT = "clusters"


class Front:
    """Opens its port with the first cluster; `close` ends it."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._listener = Listener(self._serve, tls=tls)
        self._handles: dict[str, Handle] = {}

    def gate(self, name: str, handle: Handle, cut: Callable[[], None]) -> PathGate:
        """A cluster's own way in; `cut` ends its open watches, as the connections are everybody's."""
        return PathGate(self, name, handle, cut)

    def url(self, name: str) -> str:
        return f"{self._listener.url}/{ROOT}/{name}"

    def add(self, name: str, handle: Handle) -> None:
        self._handles[name] = handle
        self._listener.open()

    def drop(self, name: str) -> None:
        self._handles.pop(name, None)

    async def close(self) -> None:
        await self._listener.close()

    async def _serve(self, request: Request) -> Response | Stream | Truncated:
        _, root, name, path = (*request.path.split("/", 3), "", "", "")[:4]
        handle = self._handles.get(name) if root == ROOT else None
        if handle is None:
            return refusal(404, "NotFound", f"there is no cluster at {request.path}")
        return await handle(replace(request, path=f"/{path}"))


class PathGate:
    """A path instead of a port. A connection belongs to no cluster: a request to one that is refused cuts the connection it came by."""

    def __init__(self, front: Front, name: str, handle: Handle, cut: Callable[[], None]) -> None:
        self.url = front.url(name)
        self.cut = cut
        self._front = front
        self._name = name
        self._handle = handle

    def open(self) -> None:
        self._front.add(self._name, self._handle)

    def refuse(self) -> None:
        self._front.add(self._name, _refused)

    async def close(self) -> None:
        self._front.drop(self._name)
        self.cut()


async def _refused(_request: Request) -> Response:
    raise ConnectionAbortedError("refused")
