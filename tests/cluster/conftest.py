"""Simulated clusters over real HTTP, and a server that says word for word what a test wrote down."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fleetd.cluster.connect import KubeCluster, connect
from fleetd.cluster.port import Sighting
from fleetd.cluster.settings import ClusterSettings
from fleetd.domain.objects import Reads
from fleetd.domain.refs import GroupVersionKind
from fleetd.sim.certificates import Authority
from fleetd.sim.cluster import ClusterSpec, SimulatedCluster
from fleetd.sim.fleet import SimulatedFleet

CONFIG_MAP = GroupVersionKind("", "v1", "ConfigMap")
QUICK = ClusterSettings(
    connect_seconds=5.0,
    request_seconds=5.0,
    backoff_base=0.01,
    backoff_cap=0.05,
    settled_seconds=0.0,
    discovery_seconds=0.0,
)
TOKEN = "canary-7f3a91c0d2"


def config_map(name: str, version: int, **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default", "uid": f"uid-{name}", "resourceVersion": str(version)},
        "data": data,
    }


def event(kind: str, body: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": body}, separators=(",", ":")).encode() + b"\n"


def status(code: int, reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message, "code": code, **more}


@dataclass
class Scripted:
    """Answers lists and watches of ConfigMaps with what a test queued, then with `objects` and a silent stream.

    An answer of a watch is a list of frames; it ends with `END` (clean), `CUT` (the connection breaks), or stays open.
    """

    END = b"<end>"
    CUT = b"<cut>"
    url: str = ""
    objects: list[dict[str, Any]] = field(default_factory=list)
    version: int = 10
    served: bool = True
    kinds: list[dict[str, Any]] = field(default_factory=list)
    lists: list[web.Response] = field(default_factory=list)
    watches: list[list[bytes] | web.Response] = field(default_factory=list)
    discovery: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
    other: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
    asked: list[web.Request] = field(default_factory=list)
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def kubeconfig(self, **user: Any) -> dict[str, Any]:
        return {
            "clusters": [{"name": "it", "cluster": {"server": self.url}}],
            "users": [{"name": "it", "user": user or {"token": TOKEN}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
            "current-context": "it",
        }

    def queries(self, verb: str) -> list[dict[str, str]]:
        wanted = {"watch": True, "list": False}[verb]
        found = [request for request in self.asked if request.path.endswith("/configmaps")]
        return [dict(request.query) for request in found if ("watch" in request.query) == wanted]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        self.moved.set()
        match request.path:
            case "/api" | "/apis" if self.discovery is not None:
                return await self.discovery(request)
            case "/api":
                return web.json_response({"kind": "APIVersions", "versions": ["v1"]})
            case "/apis":
                return web.json_response({"kind": "APIGroupList", "groups": []})
            case "/api/v1":
                if not self.served:
                    return web.json_response({"kind": "APIResourceList", "resources": []})
                kind = {"name": "configmaps", "kind": "ConfigMap", "namespaced": True, "verbs": ["list", "watch"]}
                return web.json_response({"kind": "APIResourceList", "resources": [kind, *self.kinds]})
            case "/api/v1/configmaps" if not self.served:
                return web.Response(status=404, text="404 page not found")
            case "/api/v1/configmaps" if "watch" in request.query:
                return await self._watch(request)
            case "/api/v1/configmaps":
                return self.lists.pop(0) if self.lists else self.listed()
            case _ if self.other is not None:
                return await self.other(request)
            case _:
                return web.json_response(status(404, "NotFound", "the server could not find the requested resource"), status=404)

    def listed(self, version: int | None = None) -> web.Response:
        metadata = {"resourceVersion": str(version if version is not None else self.version)}
        return web.json_response({"kind": "ConfigMapList", "metadata": metadata, "items": self.objects})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        script = self.watches.pop(0) if self.watches else []
        if isinstance(script, web.Response):
            return script
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        for frame in script:
            if frame == self.END:
                return response
            if frame == self.CUT:
                if request.transport is not None:
                    request.transport.abort()
                return response
            await response.write(frame)
        await self.stopping.wait()
        return response


@asynccontextmanager
async def serving(context: ssl.SSLContext | None = None) -> AsyncIterator[Scripted]:
    server = Scripted()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    server.url = f"{'https' if context else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        server.stopping.set()
        await runner.cleanup()


@pytest.fixture
async def scripted() -> AsyncIterator[Scripted]:
    async with serving() as server:
        yield server


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority(datetime.now(UTC))


@pytest.fixture
async def secured(authority: Authority) -> AsyncIterator[Scripted]:
    """The scripted server behind TLS that asks for a client certificate."""
    async with serving(authority.server_context()) as server:
        yield server


@pytest.fixture
async def connected(scripted: Scripted) -> AsyncIterator[Callable[..., Awaitable[KubeCluster]]]:
    """Connects to the scripted server, with settings changed as named."""
    clusters: list[KubeCluster] = []

    async def to_it(kubeconfig: dict[str, Any] | None = None, **settings: Any) -> KubeCluster:
        cluster = await connect("dev/it", kubeconfig or scripted.kubeconfig(), settings=replace(QUICK, **settings))
        clusters.append(cluster)
        return cluster

    yield to_it
    for cluster in clusters:
        await cluster.close()


@pytest.fixture
def sighted() -> Callable[..., Awaitable[list[Sighting]]]:
    """The first sightings of a watch, until a condition on all of them holds."""

    async def until(
        cluster: KubeCluster, enough: Callable[[list[Sighting]], bool], reads: Reads | None = None, gvk: GroupVersionKind = CONFIG_MAP
    ) -> list[Sighting]:
        seen: list[Sighting] = []
        async with asyncio.timeout(20), aclosing(cluster.watch(gvk, reads or Reads(frozenset({("data",)})))) as sightings:
            async for sighting in sightings:
                seen.append(sighting)
                if enough(seen):
                    break
        return seen

    return until


@pytest.fixture
def words() -> Any:
    """The builders of objects, events and Status answers, for the scripted server."""

    class Words:
        config_map = staticmethod(config_map)
        event = staticmethod(event)
        status = staticmethod(status)
        kind = CONFIG_MAP
        token = TOKEN
        quick = QUICK

    return Words


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    """Waits until the server says that it is ready; it does not notify anybody."""
    unverified = ssl._create_unverified_context()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(url, timeout=5, context=unverified) as answer:
            return bool(answer.status == 200)
        threading.Event().wait(0.2)
    return False


@pytest.fixture(scope="session")
def real_kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """An administrator's kubeconfig of a real kube-apiserver on a real etcd, from the folder that KUBEBUILDER_ASSETS names."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if not assets:
        pytest.skip("KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver: the contract runs on the simulated server only")
    folder = tmp_path_factory.mktemp("apiserver")
    (folder / "tokens.csv").write_text(f'{TOKEN},admin,admin,"system:masters"\n')
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "accounts.key").write_bytes(pem)
    etcd_url, peer_url, port = f"http://127.0.0.1:{_free_port()}", f"http://127.0.0.1:{_free_port()}", _free_port()
    etcd = [f"{assets}/etcd", f"--data-dir={folder}/etcd", "--unsafe-no-fsync", f"--listen-peer-urls={peer_url}"]
    etcd += [f"--listen-client-urls={etcd_url}", f"--advertise-client-urls={etcd_url}"]
    server = [f"{assets}/kube-apiserver", f"--etcd-servers={etcd_url}", f"--cert-dir={folder}/certificates", f"--secure-port={port}"]
    server += ["--bind-address=127.0.0.1", "--authorization-mode=RBAC", f"--token-auth-file={folder}/tokens.csv"]
    server += [
        "--service-cluster-ip-range=10.0.0.0/24",
        "--service-account-issuer=https://localhost",
        "--disable-admission-plugins=ServiceAccount",
    ]
    server += [f"--service-account-key-file={folder}/accounts.key", f"--service-account-signing-key-file={folder}/accounts.key"]
    running = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for command in (etcd, server)]
    try:
        assert _answers(f"https://127.0.0.1:{port}/readyz", running[1]), "the kube-apiserver did not become ready"
        ca = base64.b64encode((folder / "certificates/apiserver.crt").read_bytes()).decode()
        yield {
            "clusters": [{"name": "it", "cluster": {"server": f"https://127.0.0.1:{port}", "certificate-authority-data": ca}}],
            "users": [{"name": "it", "user": {"token": TOKEN}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
            "current-context": "it",
        }
    finally:
        for process in reversed(running):
            process.kill()
            process.wait()


@pytest.fixture
async def fleet() -> AsyncIterator[SimulatedFleet]:
    async with SimulatedFleet([ClusterSpec("eu-1")]) as fleet:
        yield fleet


@pytest.fixture
def simulated(fleet: SimulatedFleet) -> SimulatedCluster:
    return fleet.clusters["eu-1"]


@pytest.fixture
async def to_simulated(simulated: SimulatedCluster) -> AsyncIterator[Callable[..., Awaitable[KubeCluster]]]:
    """Connects to the simulated cluster, with settings changed as named."""
    clusters: list[KubeCluster] = []

    async def to_it(kubeconfig: dict[str, Any] | None = None, **settings: Any) -> KubeCluster:
        clusters.append(await connect("dev/eu-1", kubeconfig or simulated.kubeconfig(), settings=replace(QUICK, **settings)))
        return clusters[-1]

    yield to_it
    for cluster in clusters:
        await cluster.close()
