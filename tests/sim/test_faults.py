"""What a client meets when something goes wrong on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import orjson
import pytest

from fleetd.domain.errors import InvalidInput
from fleetd.sim.cluster import SimulatedCluster
from fleetd.sim.faults import Fault, FaultKind
from fleetd.sim.schedule import PlannedFault, parse_faults, play

Ask = Callable[..., Awaitable[aiohttp.ClientResponse]]
PATH = "/api/v1/namespaces/shop/configmaps"
WATCH = f"{PATH}?watch=true"


async def test_a_closed_port_refuses_until_it_is_healed(echoing: SimulatedCluster, ask: Ask) -> None:
    await ask("GET", PATH)
    echoing.inject(Fault(FaultKind.REFUSE))
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask("POST", PATH)
    echoing.heal()
    assert (await ask("GET", PATH)).status == 200


async def test_a_request_that_hangs_is_cut_when_the_fault_is_healed(echoing: SimulatedCluster, ask: Ask) -> None:
    echoing.inject(Fault(FaultKind.HANG))
    asking = asyncio.create_task(ask("POST", PATH))
    await asyncio.wait([asking], timeout=0.05)
    assert not asking.done()
    echoing.heal()
    with pytest.raises(aiohttp.ClientConnectionError):
        await asking
    assert echoing.api.asked == []
    assert (await ask("GET", PATH)).status == 200


async def test_a_delayed_answer_comes_no_sooner_than_said(echoing: SimulatedCluster, ask: Ask) -> None:
    loop = asyncio.get_running_loop()
    echoing.inject(Fault(FaultKind.DELAY, seconds=0.05))
    before = loop.time()
    assert (await ask("GET", PATH)).status == 200
    assert loop.time() - before >= 0.05


async def test_a_status_strikes_only_the_verbs_and_paths_it_names(echoing: SimulatedCluster, ask: Ask) -> None:
    echoing.inject(Fault(FaultKind.STATUS, status=503, retry_after=7, verbs=frozenset({"create"}), path="*/configmaps"))
    struck = await ask("POST", PATH)
    assert (struck.status, struck.headers["Retry-After"]) == (503, "7")
    assert (await struck.json())["reason"] == "ServiceUnavailable"
    assert (await ask("GET", PATH)).status == 200
    assert (await ask("POST", "/api/v1/namespaces/shop/secrets")).status == 200


async def test_too_many_requests_are_answered_like_a_real_server_does(echoing: SimulatedCluster, ask: Ask) -> None:
    echoing.inject(Fault(FaultKind.STATUS, status=429))
    answer = await ask("GET", PATH)
    assert (answer.status, answer.headers["Retry-After"], answer.content_type) == (429, "1", "text/plain")
    assert await answer.text() == "Too many requests, please try again later.\n"


async def test_a_fault_that_strikes_so_many_times_is_over_then(echoing: SimulatedCluster, ask: Ask) -> None:
    echoing.inject(Fault(FaultKind.STATUS, status=500, times=2))
    assert [(await ask("GET", PATH)).status for _ in range(3)] == [500, 500, 200]


async def test_a_lost_answer_was_carried_out_all_the_same(echoing: SimulatedCluster, ask: Ask) -> None:
    echoing.inject(Fault(FaultKind.LOSE_ANSWER, verbs=frozenset({"create"})))
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask("POST", PATH)
    assert [request.method for request in echoing.api.asked] == ["POST"]
    assert [(served.verb, served.status) for served in echoing.requests] == [("create", 0)]


@pytest.mark.parametrize("kind", [FaultKind.INVALID_JSON, FaultKind.TRUNCATE, FaultKind.CONTENT_TYPE])
async def test_a_spoiled_answer_cannot_be_read(kind: FaultKind, echoing: SimulatedCluster, ask: Ask) -> None:
    echoing.inject(Fault(kind))
    with pytest.raises((orjson.JSONDecodeError, aiohttp.ClientError)):
        await (await ask("GET", PATH)).json(loads=orjson.loads)
    echoing.heal()
    assert await (await ask("GET", PATH)).json(loads=orjson.loads) == {"user": "admin"}


async def watching(cluster: SimulatedCluster, ask: Ask) -> aiohttp.ClientResponse:
    answer = await ask("GET", WATCH)
    await cluster.until(lambda c: c.requests.watching["configmaps"] == 1 and bool(c.api._watches))
    return answer


async def test_cut_connections_end_open_watches_and_new_ones_work(echoing: SimulatedCluster, ask: Ask) -> None:
    answer = await watching(echoing, ask)
    echoing.inject(Fault(FaultKind.CUT))
    with pytest.raises(aiohttp.ClientError):
        await answer.content.read()
    await echoing.until(lambda c: c.requests.watching["configmaps"] == 0)
    await watching(echoing, ask)


async def test_a_silent_watch_stays_open_says_nothing_and_is_closed_when_healed(echoing: SimulatedCluster, ask: Ask) -> None:
    answer = await watching(echoing, ask)
    echoing.api.say(b'{"n":1}\n')
    assert await answer.content.readline() == b'{"n":1}\n'
    echoing.inject(Fault(FaultKind.SILENT))
    echoing.api.say(b'{"n":2}\n')
    assert echoing.requests.watching["configmaps"] == 1
    echoing.heal()
    assert await answer.content.read() == b""


async def test_a_watch_that_had_nothing_to_say_while_silent_goes_on_after_it(echoing: SimulatedCluster, ask: Ask) -> None:
    answer = await watching(echoing, ask)
    echoing.inject(Fault(FaultKind.SILENT))
    echoing.heal()
    echoing.api.say(b'{"n":1}\n')
    assert await answer.content.readline() == b'{"n":1}\n'


async def test_delayed_frames_keep_their_order_also_after_healing(echoing: SimulatedCluster, ask: Ask) -> None:
    answer = await watching(echoing, ask)
    echoing.inject(Fault(FaultKind.DELAY, seconds=0.02, verbs=frozenset({"watch"})))
    echoing.api.say(b"1\n")
    echoing.api.say(b"2\n")
    echoing.heal()
    echoing.api.say(b"3\n")
    assert [await answer.content.readline() for _ in range(3)] == [b"1\n", b"2\n", b"3\n"]


async def test_a_frame_of_an_open_watch_can_break_off(echoing: SimulatedCluster, ask: Ask) -> None:
    answer = await watching(echoing, ask)
    echoing.inject(Fault(FaultKind.TRUNCATE, verbs=frozenset({"watch"})))
    echoing.api.say(b'{"type":"ADDED"}\n')
    with pytest.raises(aiohttp.ClientPayloadError):
        await answer.content.read()


async def test_a_frame_of_an_open_watch_can_be_no_json(echoing: SimulatedCluster, ask: Ask) -> None:
    answer = await watching(echoing, ask)
    echoing.inject(Fault(FaultKind.INVALID_JSON))
    echoing.api.say(b'{"type":"ADDED"}\n')
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(await answer.content.readline())


def test_a_file_of_faults_is_read_with_its_defaults() -> None:
    text = """
    - {clusters: "eu-*", kind: delay, seconds: 1.5, at: 2, for: 10}
    - kind: status
      status: 429
      retry_after: 3
      verbs: [list, watch]
      path: /apis/apps/*
      times: 5
    """
    assert parse_faults(text) == (
        PlannedFault(Fault(FaultKind.DELAY, seconds=1.5), "eu-*", 2.0, 10.0),
        PlannedFault(Fault(FaultKind.STATUS, 0.0, 429, 3, frozenset({"list", "watch"}), "/apis/apps/*", 5)),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: delay", "list"),
        ("- delay", "map"),
        ("- kind: explode", "kind is one of"),
        ("- {kind: delay, second: 1}", "second is not known"),
        ("- {kind: delay, seconds: -1}", "seconds is a number"),
        ("- {kind: delay, at: soon}", "at is a number"),
        ("- {kind: status, status: 5.5}", "status is a number"),
        ("- {kind: status, verbs: get}", "verbs is a list"),
        ("- {kind: [", "no YAML"),
    ],
)
def test_a_file_of_faults_that_says_something_else_is_refused_with_the_place(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        parse_faults(text)


async def test_planned_faults_strike_the_clusters_they_name_and_are_healed_in_time(echoing: SimulatedCluster) -> None:
    fault = Fault(FaultKind.SILENT)
    playing = asyncio.create_task(play([PlannedFault(fault, "e*", 0.0, 0.02), PlannedFault(fault, "other")], {"echo": echoing}))
    await echoing.until(lambda cluster: list(cluster.faults) == [fault])
    await playing
    assert list(echoing.faults) == []
