"""Hours of a fleet in moments: time is the test's."""

from __future__ import annotations

import orjson

from fleetd.kubeapi.exchange import Request, Response, User
from fleetd.sim.cluster import ClusterSpec
from fleetd.sim.faults import Fault, FaultKind
from fleetd.sim.fleet import SimulatedFleet
from fleetd.sim.virtual import VirtualLoop, run_virtually

PATH = "/api/v1/namespaces/default/configmaps"
ADMIN = User("admin", ("system:masters",))


async def an_hour(loop: VirtualLoop) -> list[str]:
    fleet = SimulatedFleet([ClusterSpec("a"), ClusterSpec("b")], seed=4, tls=False, ports="none")
    fleet.clock = loop.clock
    said: list[str] = []
    async with fleet:
        for name, cluster in fleet.clusters.items():
            token = {"authorization": f"Bearer {cluster.admin_token}"}
            cluster.inject(Fault(FaultKind.DELAY, seconds=1800, times=2))
            for number in range(2):
                body = orjson.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"c{number}"}})
                answer = await cluster.serve(Request("POST", PATH, {}, token, body))
                assert isinstance(answer, Response)
                made = orjson.loads(answer.body)["metadata"]
                said.append(f"{name} {made['uid']} {made['creationTimestamp']}")
    return said


def test_an_hour_passes_in_a_moment_and_the_same_each_time() -> None:
    first = run_virtually(an_hour)
    assert first == run_virtually(an_hour)
    assert [line.split()[2] for line in first] == [
        "2026-01-01T00:30:00Z",
        "2026-01-01T01:00:00Z",
        "2026-01-01T01:30:00Z",
        "2026-01-01T02:00:00Z",
    ]


def test_a_watch_ends_when_its_time_is_over() -> None:
    async def main(loop: VirtualLoop) -> float:
        fleet = SimulatedFleet([ClusterSpec("a")], tls=False, ports="none")
        fleet.clock = loop.clock
        async with fleet:
            stream = await fleet.clusters["a"].api.handle(Request("GET", PATH, {"watch": ("1",), "timeoutSeconds": ("3600",)}, user=ADMIN))
            assert not isinstance(stream, Response)
            ended = loop.create_future()
            stream.start(lambda _frame: None, lambda: ended.set_result(loop.time()))
            return float(await ended)

    assert run_virtually(main) == 3600.0
