"""One simulated cluster: an API server on a port, who may ask it, what it was asked, and what goes wrong."""

from __future__ import annotations

import asyncio
import inspect
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from fleetd.domain.errors import NotFound
from fleetd.domain.objects import Manifest
from fleetd.kubeapi.exchange import Request, Response, Stream, User
from fleetd.kubeapi.memory import MemoryStorage
from fleetd.kubeapi.storage import Change
from fleetd.sim.answers import UNAUTHORIZED
from fleetd.sim.asked import Asked, asked
from fleetd.sim.authentication import ADMIN, ANONYMOUS, LIMITED, Tokens, bearer_token
from fleetd.sim.controllers.load_balancer import LoadBalancers
from fleetd.sim.controllers.namespaces import Namespaces
from fleetd.sim.faults import ONCE, Fault, FaultKind, Faults
from fleetd.sim.inprocess import InProcess
from fleetd.sim.kubeconfig import kubeconfig, token_credentials
from fleetd.sim.listener import Listener
from fleetd.sim.requests import RequestLog
from fleetd.sim.service_accounts import TokenDesk
from fleetd.sim.streams import WatchedStream
from fleetd.sim.transport import Truncated
from fleetd.sim.version import version_page


@dataclass(frozen=True)
class ClusterSpec:
    """A cluster to simulate; `labels` are those under which a control plane would register it."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    version: str = "v1.36.2"


class Api(Protocol):
    """What the cluster needs of the API machinery."""

    async def handle(self, request: Request) -> Response | Stream: ...


@dataclass(frozen=True)
class Trust:
    """TLS of the server, the authority's certificate (PEM), and what the administrator's kubeconfig authenticates with, if not a token."""

    context: ssl.SSLContext
    authority: bytes
    admin: Mapping[str, str] | None = None


class SimulatedCluster:
    """A cluster that real clients can speak to at `url`, and tests in the same process without a socket."""

    def __init__(
        self, spec: ClusterSpec, api: Api, storage: MemoryStorage, *, seed: int = 0, trust: Trust | None = None, load_balancers: bool = True
    ) -> None:
        self.spec = spec
        self.api = api
        self.storage = storage
        storage.listen(self._notify)
        self.requests = RequestLog()
        self.faults = Faults()
        self._trust = trust
        self._version = version_page(spec.version)
        self._tokens = Tokens(_now)
        self._listener = Listener(self._serve, tls=trust.context if trust else None)
        self._admin = InProcess(self._within, ADMIN, "simulation")
        self._desk = TokenDesk(self._tokens, self._admin, self.url)
        self._changed = asyncio.Event()
        self._streams: set[WatchedStream] = set()
        self._namespaces = Namespaces(self._as("system:serviceaccount:kube-system:namespace-controller"))
        storage.listen(self._namespaces.told)
        cloud = self._as("system:cloud-controller-manager")
        self.load_balancers = LoadBalancers(cloud, f"{seed}/{spec.name}/addresses") if load_balancers else None
        self.admin_token = self.issue_token(ADMIN)
        self.limited_token = self.issue_token(LIMITED)

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def url(self) -> str:
        return f"{'https' if self._trust else 'http'}://127.0.0.1:{self._listener.port}"

    async def start(self) -> None:
        """Takes connections when it returns."""
        await self._namespaces.start()
        if self.load_balancers is not None:
            await self.load_balancers.start()
        self._listener.open()

    async def stop(self) -> None:
        """Ends all connections; what it held is gone with it."""
        self.faults.remove(None)
        await self._listener.close()
        if self.load_balancers is not None:
            await self.load_balancers.stop()
        await self._namespaces.stop()

    def _as(self, controller: str) -> InProcess:
        return InProcess(self._within, User(controller, ("system:masters",)), controller.rpartition(":")[2])

    # Who may ask.

    def issue_token(self, user: User, seconds: float | None = None) -> str:
        """A bearer token for the user, for so many seconds or until it is revoked."""
        return self._tokens.issue(user, seconds)

    def revoke(self, token: str) -> None:
        """The token is answered with 401 from now on; watches that it opened go on, as on a real server."""
        self._tokens.revoke(token)

    def kubeconfig(self) -> dict[str, Any]:
        """An administrator's."""
        return self._kubeconfig("admin", (self._trust and self._trust.admin) or token_credentials(self.admin_token))

    def limited_kubeconfig(self) -> dict[str, Any]:
        """That of an authenticated user without rights."""
        return self._kubeconfig("limited", token_credentials(self.limited_token))

    def _kubeconfig(self, user: str, credentials: Mapping[str, str]) -> dict[str, Any]:
        return kubeconfig(self.name, self.url, self._trust.authority if self._trust else None, f"{self.name}-{user}", credentials)

    # Objects, without a socket.

    async def create(self, manifest: Manifest) -> Manifest:
        """Creates the object as an administrator; see `InProcess` for what these raise."""
        return await self._admin.create(manifest)

    async def apply(self, manifest: Manifest, *, manager: str = "simulation", force: bool = True) -> Manifest:
        """Server-side apply as an administrator."""
        return await self._admin.apply(manifest, manager=manager, force=force)

    async def patch(
        self, api_version: str, kind: str, namespace: str, name: str, patch: Mapping[str, Any], *, subresource: str = "", manager: str = ""
    ) -> Manifest:
        """A merge patch as an administrator."""
        return await self._admin.patch(api_version, kind, namespace, name, patch, subresource=subresource, manager=manager)

    async def get(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest | None:
        """The object as it is now, or None."""
        return await self._admin.get(api_version, kind, namespace, name)

    async def objects(self, api_version: str, kind: str, namespace: str = "", *, selector: str = "") -> list[Manifest]:
        """All objects of the kind, of one namespace or of all."""
        return await self._admin.objects(api_version, kind, namespace, selector=selector)

    async def delete(self, api_version: str, kind: str, namespace: str, name: str) -> None:
        """Deletes the object as an administrator."""
        await self._admin.delete(api_version, kind, namespace, name)

    async def reassign(self, namespace: str, name: str) -> str:
        """Gives a Service of type LoadBalancer another address; returns it."""
        if self.load_balancers is None:
            raise NotFound(f"{self.name} has no load balancers")
        return await self.load_balancers.reassign(namespace, name)

    # Waiting for a fact.

    async def changed(self) -> None:
        """Returns after the next write, served request or change of what goes wrong."""
        await self._changed.wait()

    async def until(self, predicate: Callable[[SimulatedCluster], bool | Awaitable[bool]], timeout: float = 10.0) -> None:  # noqa: ASYNC109
        """Returns as soon as the predicate holds; it is asked again whenever `changed` returns.

        Raises:
            TimeoutError: it did not hold within so many seconds.
        """
        async with asyncio.timeout(timeout):
            while True:
                changed = self._changed
                held = predicate(self)
                if (await held) if inspect.isawaitable(held) else held:
                    return
                await changed.wait()

    def _notify(self, _change: Change | None = None) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    # What goes wrong.

    def inject(self, fault: Fault) -> None:
        """From now on this goes wrong, together with what already does."""
        if fault.kind not in ONCE:
            self.faults.add(fault)
        match fault.kind:
            case FaultKind.REFUSE:
                self._listener.refuse()
                self._listener.cut()
            case FaultKind.CUT:
                self._listener.cut()
            case FaultKind.DROP_HISTORY:
                self.storage.drop_history()
            case _:
                pass
        self._notify()

    def heal(self, fault: Fault | None = None) -> None:
        """Ends one fault, or all. Requests that hung are cut; watches that were silent are closed."""
        self.faults.remove(fault)
        if not any(active.kind is FaultKind.REFUSE for active in self.faults):
            self._listener.open()
        for stream in tuple(self._streams):
            stream.healed()
        self._notify()

    # The way of a request.

    async def _serve(self, request: Request) -> Response | Stream | Truncated:
        what = asked(request)
        user = ""

        async def answered(request: Request) -> Response | Stream:
            nonlocal user
            known = await self._authenticate(request)
            if known is None:
                return UNAUTHORIZED
            user = known.name
            return await self._answer(what, replace(request, user=known))

        status = 0
        try:
            answer = await self.faults.around(what, request, answered)
            whole = answer.answer if isinstance(answer, Truncated) else answer
            status = whole.status if isinstance(whole, Response) else 200
        finally:
            self.requests.add(what, time.monotonic_ns(), user, status)
            self._notify()
        return answer if isinstance(answer, Response | Truncated) else self._watched(answer, what)

    async def _within(self, request: Request) -> Response | Stream:
        """The same without connection, faults and log."""
        return await self._answer(asked(request), request)

    async def _answer(self, what: Asked, request: Request) -> Response | Stream:
        if self._desk.answers(what):
            return await self._desk.answer(what, request, request.user or ANONYMOUS, _now())
        if what.path.rstrip("/") == "/version" and request.method == "GET":
            return self._version
        return await self.api.handle(request)

    async def _authenticate(self, request: Request) -> User | None:
        """Who asks, by token, by certificate, or nobody; None for a token that is not known."""
        token = bearer_token(request)
        if not token:
            return request.user or ANONYMOUS
        found = self._tokens.credential(token)
        return found.user if found is not None and await self._desk.alive(found.user, found.bound_uid) else None

    def _watched(self, stream: Stream, what: Asked) -> WatchedStream:
        watched = WatchedStream(stream, what, self.faults, self._unwatched)
        self._streams.add(watched)
        self.requests.watching[what.resource] += 1
        return watched

    def _unwatched(self, stream: WatchedStream) -> None:
        if stream in self._streams:
            self._streams.remove(stream)
            self.requests.watching[stream.asked.resource] -= 1
            self._notify()


def _now() -> datetime:
    return datetime.now(UTC)
