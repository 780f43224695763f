"""Fixtures for simulated clusters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from fleetd.kubeapi.exchange import Request, Response, Stream
from fleetd.kubeapi.memory import MemoryStorage
from fleetd.sim.certificates import Authority
from fleetd.sim.cluster import ClusterSpec, SimulatedCluster, Trust, Ways
from fleetd.sim.controllers.chosen import NONE
from fleetd.sim.fleet import SimulatedFleet


class Ticker(Stream):
    """A watch of an `EchoApi`: says what is told to all of its watches."""

    content_type = "application/json"

    def __init__(self, open_watches: list[Ticker]) -> None:
        self._open = open_watches

    def start(self, write: Callable[[bytes], None], close: Callable[[], None]) -> None:
        self.write, self.close = write, close
        self._open.append(self)

    def stop(self) -> None:
        if self in self._open:
            self._open.remove(self)


class EchoApi:
    """An API whose every answer is the name of who asks; watches are told things by `say`."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self._watches: list[Ticker] = []

    async def handle(self, request: Request) -> Response | Stream:
        if request.path == "/api/v1/namespaces":
            # What the cluster's own controller asks for.
            return Ticker([]) if request.first("watch") else Response(200, b'{"metadata":{"resourceVersion":"1"},"items":[]}')
        self.asked.append(request)
        if request.first("watch"):
            return Ticker(self._watches)
        name = request.user.name if request.user else ""
        return Response(200, b'{"user":"%b"}' % name.encode())

    def say(self, frame: bytes) -> None:
        for watch in tuple(self._watches):
            watch.write(frame)


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority(datetime.now(UTC))


@pytest.fixture
async def echoing(authority: Authority) -> AsyncIterator[SimulatedCluster]:
    """A cluster with an `EchoApi` behind the real port, tokens and faults."""
    trust = Trust(authority.server_context(), authority.pem)
    made = (EchoApi(), MemoryStorage())
    cluster = SimulatedCluster(ClusterSpec("echo"), lambda _clock, _generation: made, ways=Ways(trust), chosen=NONE)
    await cluster.start()
    yield cluster
    await cluster.stop()


@pytest.fixture
async def session(authority: Authority, echoing: SimulatedCluster) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that shows the administrator's token."""
    headers = {"Authorization": f"Bearer {echoing.admin_token}"}
    connector = aiohttp.TCPConnector(ssl=authority.client_context())
    async with aiohttp.ClientSession(echoing.url, headers=headers, connector=connector) as opened:
        yield opened


Ask = Callable[..., Awaitable[aiohttp.ClientResponse]]


@pytest.fixture
async def ask(session: aiohttp.ClientSession) -> AsyncIterator[Ask]:
    """Sends a request: `await ask("GET", path)`; what was not read is closed at the end."""
    answers: list[aiohttp.ClientResponse] = []

    async def asking(method: str, path: str, **options: Any) -> aiohttp.ClientResponse:
        answers.append(await session.request(method, path, **options))
        return answers[-1]

    yield asking
    for answer in answers:
        answer.close()


@pytest.fixture
async def fleet() -> AsyncIterator[SimulatedFleet]:
    """Two clusters, `eu` and `us`."""
    specs = [ClusterSpec("eu", {"region": "eu"}), ClusterSpec("us", {"region": "us"}, version="v1.35.1")]
    async with SimulatedFleet(specs, seed=7) as running:
        yield running


@pytest.fixture
async def cluster(fleet: SimulatedFleet) -> SimulatedCluster:
    """The first of the fleet."""
    return fleet.clusters["eu"]
