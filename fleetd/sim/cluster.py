"""One simulated cluster: an API server on a port, who may ask it, what it was asked, and what goes wrong."""

from __future__ import annotations

import asyncio
import inspect
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Protocol

from fleetd.domain.errors import NotFound
from fleetd.domain.objects import Manifest
from fleetd.kubeapi.exchange import ANONYMOUS, Request, Response, Stream, User
from fleetd.kubeapi.memory import MemoryStorage
from fleetd.kubeapi.server import NAMESPACES
from fleetd.kubeapi.storage import Change
from fleetd.sim.answers import UNAUTHORIZED
from fleetd.sim.asked import Asked, asked
from fleetd.sim.authentication import ADMIN, LIMITED, Tokens, bearer_token
from fleetd.sim.clock import Clock
from fleetd.sim.controllers.chosen import USUAL, Chosen, Surroundings, controllers
from fleetd.sim.controllers.load_balancer import LoadBalancers
from fleetd.sim.controllers.loop import Controllers
from fleetd.sim.faults import ONCE, Fault, FaultKind, Faults
from fleetd.sim.front import Front
from fleetd.sim.inprocess import InProcess
from fleetd.sim.kubeconfig import kubeconfig, token_credentials
from fleetd.sim.listener import Gate, Listener, NoGate
from fleetd.sim.requests import RequestLog
from fleetd.sim.service_accounts import TokenDesk
from fleetd.sim.stale import as_it_was
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


@dataclass(frozen=True, slots=True)
class Ways:
    """How a cluster is reached: by a port of its own, by a path of a shared one, or (`sockets` False) within the process only."""

    trust: Trust | None = None
    front: Front | None = None
    sockets: bool = True


OWN_PORT = Ways()
Make = Callable[[Clock, int], tuple[Api, MemoryStorage]]
"""An API with its storage, on the cluster's clock; the number says how often the cluster has become another one."""


class SimulatedCluster:
    """A cluster that real clients can speak to at `url`, and tests in the same process without a socket."""

    def __init__(
        self,
        spec: ClusterSpec,
        make: Make,
        *,
        seed: int = 0,
        ways: Ways = OWN_PORT,
        chosen: Chosen = USUAL,
        clock: Clock | None = None,
    ) -> None:
        self.spec = spec
        self.clock = clock or Clock()
        self.requests = RequestLog()
        self.faults = Faults()
        self._make = make
        self._seed = seed
        self._chosen = chosen
        self._trust = ways.trust
        self._version = version_page(spec.version)
        self._tokens = Tokens(self.clock)
        self._gate = self._way_in(ways)
        self._admin = InProcess(self._within, ADMIN, "simulation")
        self._desk = TokenDesk(self._tokens, self._admin, self.audience)
        self._changed = asyncio.Event()
        self._streams: set[WatchedStream] = set()
        self.admin_token = self.issue_token(ADMIN)
        self.limited_token = self.issue_token(LIMITED)
        self._generation = 0
        self.api, self.storage = make(self.clock, 0)
        self.load_balancers: LoadBalancers | None = None
        self._controllers = self._controlled()

    def _way_in(self, ways: Ways) -> Gate:
        if not ways.sockets:
            return NoGate(self.spec.name)
        if ways.front is not None:
            return ways.front.gate(self.spec.name, self.serve, self._cut_streams)
        return Listener(self.serve, tls=ways.trust.context if ways.trust else None)

    def _controlled(self) -> Controllers:
        """The controllers, told of every change from now on."""
        self.storage.listen(self._notify)
        api = InProcess(self._within, User("system:kube-controller-manager", ("system:masters",)), "kube-controller-manager")
        running = list(controllers(self._chosen, Surroundings(api, self.storage, self.clock, self._authority)))
        if self._chosen.load_balancers:
            cloud = InProcess(self._within, User("system:cloud-controller-manager", ("system:masters",)), "cloud-controller-manager")
            self.load_balancers = LoadBalancers(cloud, f"{self._seed}/{self.spec.name}/addresses")
            running.append(self.load_balancers)
        made = Controllers(running)
        self.storage.listen(made.told)
        return made

    def _authority(self) -> str:
        return self._trust.authority.decode() if self._trust else ""

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def url(self) -> str:
        return self._gate.url

    @property
    def audience(self) -> str:
        """For whom the tokens of service accounts are meant."""
        return f"https://{self.url.partition('://')[2]}"

    async def start(self) -> None:
        """Takes connections when it returns."""
        self._controllers.begin(NAMESPACES)
        self._gate.open()

    async def stop(self) -> None:
        """Ends all connections; what it held is gone with it."""
        self.faults.remove(None)
        await self._gate.close()
        await self._controllers.stop()

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
            self.faults.add(fault, self.storage.version())
        match fault.kind:
            case FaultKind.REFUSE:
                self._gate.refuse()
                self._gate.cut()
            case FaultKind.CUT:
                self._gate.cut()
            case FaultKind.DROP_HISTORY:
                self.storage.drop_history()
            case FaultKind.EXPIRE:
                self._tokens.expire()
                self.admin_token, self.limited_token = self.issue_token(ADMIN), self.issue_token(LIMITED)
            case FaultKind.CLOCK:
                self.clock.shift = timedelta(seconds=fault.seconds)
            case FaultKind.REPLACE:
                self._become_another()
            case _:
                pass
        self._notify()

    def heal(self, fault: Fault | None = None) -> None:
        """Ends one fault, or all. Requests that hung are cut; watches that were silent are closed."""
        self.faults.remove(fault)
        if self.faults.of(FaultKind.REFUSE) is None:
            self._gate.open()
        shifted = self.faults.of(FaultKind.CLOCK)
        self.clock.shift = timedelta(seconds=shifted.seconds if shifted else 0)
        for stream in tuple(self._streams):
            stream.healed()
        self._notify()

    def _become_another(self) -> None:
        """At the same address stands a new cluster; it knows the same tokens."""
        self._gate.cut()
        self._generation += 1
        self.api, self.storage = self._make(self.clock, self._generation)
        self._controllers = self._controlled()

    def _cut_streams(self) -> None:
        for stream in tuple(self._streams):
            stream.cut()

    # The way of a request.

    async def serve(self, request: Request) -> Response | Stream | Truncated:
        """Answers a request as the port does, with authentication, faults and log. Raises ConnectionError where a fault cuts."""
        what = asked(request)
        user = ""

        async def answered(request: Request) -> Response | Stream:
            nonlocal user
            known = await self._authenticate(request)
            if known is None or (self.faults.of(FaultKind.DENY) is not None and known != ANONYMOUS):
                return UNAUTHORIZED
            user = known.name
            since = self.faults.stale_since(what)
            asking = replace(request, user=known)
            return await (self._answer(what, asking) if since is None else as_it_was(what, asking, since, self.api))

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
            return await self._desk.answer(what, request, request.user or ANONYMOUS, self.clock())
        if what.path.rstrip("/") == "/version" and request.method == "GET":
            return self._version
        return await self.api.handle(request)

    async def _authenticate(self, request: Request) -> User | None:
        """Who asks, by token, by certificate, or nobody; None for a token that is not known."""
        token = bearer_token(request)
        return await self.whose(token) if token else request.user or ANONYMOUS

    async def whose(self, token: str) -> User | None:
        """Whom a bearer token stands for, if it is known."""
        return await self._desk.whose(token)

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
