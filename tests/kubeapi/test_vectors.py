"""The server answers as a real one did: exchanges of Kubernetes v1.36, replayed one file after the other."""

from __future__ import annotations

import asyncio
import io
import json
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
import pytest
import yarl

from fleetd.kubeapi.exchange import Request, Response, User
from fleetd.kubeapi.options import truth
from fleetd.sim.cluster import ClusterSpec, SimulatedCluster
from fleetd.sim.controllers.chosen import NONE
from fleetd.sim.faults import Fault, FaultKind
from fleetd.sim.fleet import SimulatedFleet

VECTORS = Path(__file__).parent / "vectors"
FORMS = {
    "uid": r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "rv": r"\d+",
    "listrv": r"\d+",
    "continue": r"[-_A-Za-z0-9]+",
    "name": r"[-a-z0-9]+",
    "clusterIP": r"\d+\.\d+\.\d+\.\d+",
    "nodePort": r"3[0-2]\d{3}",
    "token": r"\S+",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "microtime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
    "number": r"\d+",
    "serverAddress": r"[^\s\"]+",
}
PLACE = re.compile(f"<({'|'.join((*FORMS, 'fill'))})(?::(\\d+))?>")
USERS = {"limited": User("limited", ("limited", "system:authenticated")), "nobody": None, "bad": None}
ADMIN = User("admin", ("system:masters", "system:authenticated"))

NOT_HELD: tuple[tuple[str, str, str], ...] = (
    ("access-reviews", "in-process", "tokens are the transport's to know; the file holds over HTTP"),
    ("errors-too-many-requests", "in-process", "how many requests have a place is the transport's to say; the file holds over HTTP"),
)
LISTERS = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "listers"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
    "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "limited"}],
}


def _held(where: str) -> list[str]:
    left_out = {name for name, way, _ in NOT_HELD if way == where}
    return sorted(path.stem for path in VECTORS.glob("*.json") if path.stem not in left_out)


class InProcess:
    """The server without a socket."""

    def __init__(self, world: Any) -> None:
        self._world = world

    async def send(self, request: dict[str, Any], headers: dict[str, str], query: dict[str, str], body: bytes) -> Any:
        headers = {"user-agent": "vectors/1.0", "host": "127.0.0.1:6443"} | {key.lower(): value for key, value in headers.items()}
        if request.get("as") == "bad":
            headers["authorization"] = "Bearer unknown"
        user = USERS[request["as"]] if "as" in request else ADMIN
        asked = {key: (value,) for key, value in query.items()}
        return await self._world.server.handle(Request(request["method"], request["path"], asked, headers, body, user))

    async def act(self, action: str) -> None:
        assert action == "drop-history"
        self._world.storage.drop_history()

    async def events(self, stream: Any, count: int, during: Callable[[], Awaitable[None]], seconds: float) -> tuple[list[Any], bool]:
        """What the watch said, and whether the server ended it; `seconds` is how long it was to last, 0 if it is to stay open."""
        said: list[Any] = []
        ended: list[bool] = []
        stream.start(lambda frame: said.extend(map(orjson.loads, frame.splitlines())), lambda: ended.append(True))
        await during()
        if seconds and not ended:
            self._world.time.forward(seconds)
        if not ended:
            stream.stop()
        return said, bool(ended)


class OverHttp:
    """A simulated cluster on a port, and a client that shows tokens."""

    def __init__(self, cluster: SimulatedCluster, session: aiohttp.ClientSession) -> None:
        self._cluster = cluster
        self._session = session
        self._tokens = {"limited": cluster.limited_token, "bad": "unknown", "nobody": "", "admin": cluster.admin_token}

    async def send(self, request: dict[str, Any], headers: dict[str, str], query: dict[str, str], body: bytes) -> Any:
        token = self._tokens.get(request.get("as", "admin"), request.get("as", ""))
        shown = {"User-Agent": "vectors/1.0", **({"Authorization": f"Bearer {token}"} if token else {}), **headers}
        url = yarl.URL(self._cluster.url + quote(request["path"]), encoded=True).with_query(query)
        if query.get("timeoutSeconds") == "65":
            # Any number of bookmarks will do, and the last one comes with the end of the watch.
            url = url.update_query(timeoutSeconds="1")
        answer = await self._session.request(
            request["method"], url, headers=shown, data=io.BytesIO(body) if body else None, skip_auto_headers=("Content-Type",)
        )
        if truth(query.get("watch", "")) and answer.status == 200:
            return answer
        told = {key: value for key, value in answer.headers.items() if key.lower() != "content-type"}
        return Response(answer.status, await answer.read(), answer.headers.get("Content-Type", ""), told)

    async def act(self, action: str) -> None:
        match action:
            case "busy":
                # Nobody but administrators has rights in the other files; here the recorded server let everybody list.
                await self._cluster.create(LISTERS)
                self._cluster.inject(Fault(FaultKind.STATUS, status=429))
            case "not-busy":
                self._cluster.heal()
            case _:
                self._cluster.inject(Fault(FaultKind.DROP_HISTORY))

    async def events(self, answer: Any, count: int, during: Callable[[], Awaitable[None]], seconds: float) -> tuple[list[Any], bool]:
        await during()
        said: list[Any] = []
        async with asyncio.timeout(10):
            while True:
                line = await answer.content.readline() if seconds or len(said) < count else b""
                if not line:
                    break
                said.append(orjson.loads(line))
        ended = bool(answer.content.at_eof())
        answer.close()
        return said, ended


class Replay:
    """One file on one server; values that placeholders stand for are bound as they come."""

    def __init__(self, way: Any, spoken: dict[str, Any]) -> None:
        self.way = way
        self.spoken = spoken
        self.bound: dict[str, str] = {}
        self.ignored = {path.split(".")[-1] for path in spoken.get("leftOut", ())}

    async def run(self) -> None:
        for step in self.spoken.get("setup", ()):
            answer = await self.send(step["request"])
            assert answer.status < 300, answer.body
        for step in self.spoken["steps"]:
            await self.step(step)
        for kind, rising in (("rv", True), ("listrv", False)):
            values = [
                int(value)
                for _, value in sorted((int(key.split(":")[1]), v) for key, v in self.bound.items() if key.startswith(f"{kind}:"))
            ]
            assert values == sorted(values)
            assert not rising or len(set(values)) == len(values)

    async def step(self, step: dict[str, Any]) -> None:
        if "action" in step:
            await self.way.act(step["action"])
            return
        here = step["name"]
        wanted = step["response"]
        answer = await self.send(step["request"])
        if "events" in wanted or "then" in wanted:
            assert not isinstance(answer, Response), (here, answer)
            await self.watch(step, answer)
            return
        assert isinstance(answer, Response), here
        assert answer.status == wanted["status"], (here, answer.body)
        headers = {"content-type": answer.content_type, **{key.lower(): value for key, value in answer.headers.items()}}
        for key, value in wanted.get("headers", {}).items():
            assert headers.get(key) in (value, *([", ".join(value)] if isinstance(value, list) else ())), (here, key)
        if wanted.get("compare") == "shape":
            if "body" in wanted:
                assert orjson.loads(answer.body).keys() == wanted["body"].keys()
        elif "body" in wanted:
            self.compare(wanted["body"], orjson.loads(answer.body), here, set(wanted.get("trimmed", ())))
        elif "bodyText" in wanted:
            self.compare(wanted["bodyText"], answer.body.decode(), here)

    async def watch(self, step: dict[str, Any], stream: Any) -> None:
        wanted = step["response"]

        async def during() -> None:
            for inner in step.get("during", ()):
                await self.step(inner)

        closes = wanted["then"] == "closed by the server"
        seconds = float(step["request"]["query"].get("timeoutSeconds", "1")) if closes else 0.0
        count = 1 if wanted.get("compare") == "bookmarks" else len(wanted.get("events", ()))
        events, ended = await self.way.events(stream, count, during, seconds)
        assert ended == closes, step["name"]
        if wanted.get("compare") == "bookmarks":
            assert events
            for event in events:
                self.compare(wanted["events"][0], event, step["name"])
        else:
            self.compare(wanted.get("events", []), events, step["name"])

    async def send(self, request: dict[str, Any]) -> Any:
        query = {key: self.filled(value) for key, value in request.get("query", {}).items()}
        headers = {key: self.filled(value) for key, value in request.get("headers", {}).items()}
        body = b""
        if "body" in request:
            body = self.filled(json.dumps(request["body"])).encode()
        elif "bodyText" in request:
            body = self.filled(request["bodyText"]).encode()
        said = {"method": request["method"], "path": self.filled(request["path"])}
        return await self.way.send(said | ({"as": self.filled(request["as"])} if "as" in request else {}), headers, query, body)

    def filled(self, text: str) -> str:
        def value(found: re.Match[str]) -> str:
            return "x" * int(found[2]) if found[1] == "fill" else self.bound[f"{found[1]}:{found[2]}"]

        return PLACE.sub(value, text)

    def compare(self, wanted: Any, found: Any, here: str, trimmed: set[str] = frozenset(), path: str = "") -> None:
        at = f"{here}: {path}"
        if isinstance(wanted, dict):
            assert isinstance(found, dict), at
            left = self.ignored if path.endswith("metadata") else set()
            assert wanted.keys() - left == found.keys() - left, f"{at}: {found}"
            for key in wanted.keys() - left:
                inner = f"{path}.{key}".lstrip(".")
                if key == "managedFields":
                    self.owners(wanted[key], found[key], f"{at}.{key}")
                elif key == "description" and "columnDefinitions" in path:
                    assert isinstance(found[key], str)
                else:
                    self.compare(wanted[key], found[key], here, trimmed, inner)
        elif isinstance(wanted, list):
            assert isinstance(found, list), at
            if re.sub(r"\[(\d+)\]", r".\1", path) in trimmed:
                self.among(wanted, found, here, trimmed, path)
                return
            assert len(wanted) == len(found), f"{at}: {found}"
            for number, (one, other) in enumerate(zip(wanted, found, strict=True)):
                self.compare(one, other, here, trimmed, f"{path}[{number}]")
        elif isinstance(wanted, str) and PLACE.search(wanted):
            self.bind(wanted, str(found), at)
        elif path.endswith("cells[2]"):
            assert re.fullmatch(r"\d+s", found), at
        else:
            assert wanted == found, f"{at}: {found!r}"

    def among(self, wanted: list[Any], found: list[Any], here: str, trimmed: set[str], path: str) -> None:
        for one in wanted:
            before = dict(self.bound)
            for other in found:
                try:
                    self.compare(one, other, here, trimmed, path)
                    break
                except AssertionError:
                    self.bound = dict(before)
            else:
                pytest.fail(f"{here}: {path} lacks {one}")

    def owners(self, wanted: list[Any], found: list[Any], at: str) -> None:
        def key(entry: dict[str, Any]) -> tuple[str, ...]:
            return (entry["manager"], entry["operation"], entry.get("subresource", ""))

        assert len(wanted) == len(found), f"{at}: {found}"
        for one, other in zip(sorted(wanted, key=key), sorted(found, key=key), strict=True):
            said = orjson.loads(self.known(json.dumps(one)))
            self.compare(said, other, at)

    def known(self, text: str) -> str:
        return PLACE.sub(lambda found: self.bound.get(f"{found[1]}:{found[2]}", found[0]), text)

    def bind(self, wanted: str, found: str, at: str) -> None:
        names: list[str] = []

        def form(place: re.Match[str]) -> str:
            name = f"{place[1]}:{place[2]}"
            if place[2] and name in self.bound:
                return re.escape(self.bound[name])
            names.append(name if place[2] else "")
            return f"({FORMS[place[1]]})"

        pattern, last = "", 0
        for place in PLACE.finditer(wanted):
            pattern += re.escape(wanted[last : place.start()]) + form(place)
            last = place.end()
        match = re.fullmatch(pattern + re.escape(wanted[last:]), found)
        assert match, f"{at}: {found!r} is not {wanted!r} with {self.bound}"
        self.bound.update({name: value for name, value in zip(names, match.groups(), strict=True) if name})


def _spoken(name: str) -> dict[str, Any]:
    spoken: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text())
    return spoken


@pytest.fixture
async def way() -> AsyncIterator[OverHttp]:
    """A cluster in which nothing changes by itself, as the one that was recorded."""
    async with SimulatedFleet([ClusterSpec("recorded")], tls=False, controllers=NONE) as fleet, aiohttp.ClientSession() as session:
        yield OverHttp(fleet.clusters["recorded"], session)


@pytest.mark.parametrize("name", _held("in-process"))
async def test_the_server_answers_as_a_real_one(name: str, lone_world: Any) -> None:
    await Replay(InProcess(lone_world), _spoken(name)).run()


@pytest.mark.parametrize("name", _held("http"))
async def test_a_cluster_on_a_port_answers_as_a_real_one(name: str, way: OverHttp) -> None:
    await Replay(way, _spoken(name)).run()


def test_what_is_left_out_is_there_and_no_more_than_three_files(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        for name, where, why in NOT_HELD:
            sys.stdout.write(f"\nleft out {where}: {name}: {why}")
    assert {name for name, _, _ in NOT_HELD} <= {path.stem for path in VECTORS.glob("*.json")}
    assert len({name for name, where, _ in NOT_HELD if where == "http"}) <= 3
