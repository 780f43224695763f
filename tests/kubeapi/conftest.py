"""A server in memory whose time the test moves."""

from __future__ import annotations

import heapq
import itertools
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from fleetd.kubeapi.exchange import Request, Response, User
from fleetd.kubeapi.memory import MemoryStorage
from fleetd.kubeapi.rbac import RoleBasedAccess
from fleetd.kubeapi.server import ApiServer
from fleetd.kubeapi.writing import Extras
from fleetd.sim.rules import compile_rule

ADMIN = User("admin", ("system:masters",))


@dataclass
class Alarm:
    call: Callable[[], None]
    off: bool = False

    def cancel(self) -> None:
        self.off = True


@dataclass
class Time:
    """A clock and its alarms, moved by hand."""

    now: datetime = datetime(2025, 5, 6, 7, 8, 9, tzinfo=UTC)
    _alarms: list[tuple[datetime, int, Alarm]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def clock(self) -> datetime:
        return self.now

    def later(self, seconds: float, call: Callable[[], None]) -> Alarm:
        alarm = Alarm(call)
        heapq.heappush(self._alarms, (self.now + timedelta(seconds=seconds), next(self._numbers), alarm))
        return alarm

    def forward(self, seconds: float) -> None:
        end = self.now + timedelta(seconds=seconds)
        while self._alarms and self._alarms[0][0] <= end:
            self.now, _, alarm = heapq.heappop(self._alarms)
            if not alarm.off:
                alarm.call()
        self.now = end

    @property
    def waiting(self) -> int:
        return sum(not alarm.off for _, _, alarm in self._alarms)


@dataclass
class Reader:
    """The other end of a watch."""

    events: list[dict[str, Any]] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    closed: bool = False

    def write(self, frame: bytes) -> None:
        assert not self.closed
        self.frames.append(frame)
        self.events.extend(orjson.loads(line) for line in frame.splitlines())

    def close(self) -> None:
        assert not self.closed
        self.closed = True

    def told(self) -> list[tuple[str, str]]:
        return [(event["type"], event["object"]["metadata"].get("name", "")) for event in self.events]


@dataclass
class World:
    """One server, and a client of it."""

    time: Time = field(default_factory=Time)
    storage: MemoryStorage = field(default_factory=MemoryStorage)
    ends_namespaces: bool = True
    roles: bool = False
    alone: bool = False

    def __post_init__(self) -> None:
        self.server = ApiServer(
            self.storage,
            clock=self.time.clock,
            new_uid=lambda: str(uuid.uuid4()),
            later=self.time.later,
            extras=Extras(
                self.ends_namespaces,
                compile_rule,
                RoleBasedAccess() if self.roles else None,
                holds_dependents=self.alone,
                protects_volumes=self.alone,
                wants_accounts=self.alone,
            ),
        )

    async def ask(self, method: str, path: str, body: Any = None, *, user: User | None = ADMIN, headers: Any = None, **query: str) -> Any:
        """The answer: a Response, or a watch."""
        text = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        asked = {key: (value,) for key, value in query.items()}
        return await self.server.handle(Request(method, path, asked, {"user-agent": "tests/1", **(headers or {})}, text, user))

    async def body(self, method: str, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
        answer = await self.ask(method, path, body, **more)
        assert isinstance(answer, Response)
        found: dict[str, Any] = orjson.loads(answer.body)
        return found

    async def watch(self, path: str, *, headers: Any = None, **query: str) -> Reader:
        stream = await self.ask("GET", path, watch="true", headers=headers, **query)
        reader = Reader()
        stream.start(reader.write, reader.close)
        return reader

    async def config_map(self, name: str, data: dict[str, str] | None = None, **metadata: Any) -> dict[str, Any]:
        manifest = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "default", **metadata},
            "data": data or {},
        }
        return await self.server.create(manifest)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def lone_world() -> World:
    """A server with no controller beside it, as the one that the vectors were recorded from."""
    return World(ends_namespaces=False, roles=True, alone=True)


@pytest.fixture(scope="session")
def new_world() -> Callable[[], World]:
    """For tests that need one for each example."""
    return World
