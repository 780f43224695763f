"""The server answers as a real one did: exchanges of Kubernetes v1.36, replayed one file after the other."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from fleetd.kubeapi.exchange import Request, Response, User

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

NOT_HELD: tuple[tuple[str, str], ...] = (
    ("access-reviews", "there are no roles to review: the port for rights has no RBAC behind it yet"),
    ("errors-too-many-requests", "how many requests have a place is the transport's to say"),
    ("events", "an Event of the core group is not shown in the form of events.k8s.io"),
    ("rbac-impersonation", "there are no roles and no impersonation yet"),
)


def _held() -> list[str]:
    left_out = {name for name, _ in NOT_HELD}
    return sorted(path.stem for path in VECTORS.glob("*.json") if path.stem not in left_out)


class Replay:
    """One file on one server; values that placeholders stand for are bound as they come."""

    def __init__(self, world: Any, spoken: dict[str, Any]) -> None:
        self.world = world
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
            assert step["action"] == "drop-history"
            self.world.storage.drop_history()
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
        events: list[dict[str, Any]] = []
        ended: list[bool] = []
        stream.start(lambda frame: events.extend(map(orjson.loads, frame.splitlines())), lambda: ended.append(True))
        for inner in step.get("during", ()):
            await self.step(inner)
        if wanted["then"] == "closed by the server" and not ended:
            self.world.time.forward(float(step["request"]["query"]["timeoutSeconds"]))
        assert bool(ended) == (wanted["then"] == "closed by the server"), step["name"]
        if wanted.get("compare") == "bookmarks":
            assert events
            for event in events:
                self.compare(wanted["events"][0], event, step["name"])
        else:
            self.compare(wanted.get("events", []), events, step["name"])
        if not ended:
            stream.stop()

    async def send(self, request: dict[str, Any]) -> Any:
        headers = {"user-agent": "vectors/1.0", "host": "127.0.0.1:6443"} | {
            key.lower(): value for key, value in request.get("headers", {}).items()
        }
        if request.get("as") == "bad":
            headers["authorization"] = "Bearer unknown"
        user = USERS[request["as"]] if "as" in request else ADMIN
        query = {key: (self.filled(value),) for key, value in request.get("query", {}).items()}
        body = b""
        if "body" in request:
            body = self.filled(json.dumps(request["body"])).encode()
        elif "bodyText" in request:
            body = self.filled(request["bodyText"]).encode()
        return await self.world.server.handle(Request(request["method"], self.filled(request["path"]), query, headers, body, user))

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


@pytest.mark.parametrize("name", _held())
async def test_the_server_answers_as_a_real_one(name: str, lone_world: Any) -> None:
    await Replay(lone_world, json.loads((VECTORS / f"{name}.json").read_text())).run()


@pytest.mark.parametrize("name", [name for name, _ in NOT_HELD])
async def test_a_file_that_is_not_held_is_there_and_does_not_hold(name: str, lone_world: Any) -> None:
    replay = Replay(lone_world, json.loads((VECTORS / f"{name}.json").read_text()))
    with pytest.raises((AssertionError, KeyError)):
        await replay.run()
