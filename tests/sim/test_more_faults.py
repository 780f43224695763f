"""Faults of time, of identity and of what is read; and the ways in which a cluster is reached."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import orjson
import pytest

from fleetd.kubeapi.exchange import Request, Response
from fleetd.sim.cluster import ClusterSpec, SimulatedCluster
from fleetd.sim.control import Control
from fleetd.sim.faults import Fault, FaultKind
from fleetd.sim.fleet import SimulatedFleet

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
async def eu() -> AsyncIterator[SimulatedCluster]:
    async with SimulatedFleet([ClusterSpec("eu")], tls=False) as fleet:
        yield fleet.clusters["eu"]


@pytest.fixture
async def session(eu: SimulatedCluster) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(eu.url, headers={"Authorization": f"Bearer {eu.admin_token}"}) as opened:
        yield opened


def config_map(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}}


async def listed(session: aiohttp.ClientSession) -> list[str]:
    async with session.get(CONFIG_MAPS) as answer:
        return [item["metadata"]["name"] for item in (await answer.json())["items"]]


async def test_stale_reads_tell_of_the_state_when_it_began(eu: SimulatedCluster, session: aiohttp.ClientSession) -> None:
    await eu.create(config_map("a"))
    eu.inject(Fault(FaultKind.STALE))
    await eu.create(config_map("b"))
    assert await listed(session) == ["a"]
    async with session.get(f"{CONFIG_MAPS}/b") as answer:
        assert answer.status == 404
    async with session.get(f"{CONFIG_MAPS}/a") as answer:
        assert (await answer.json())["kind"] == "ConfigMap"
    eu.heal()
    assert await listed(session) == ["a", "b"]


async def test_no_token_is_known_while_it_is_denied_and_old_ones_never_after_they_expired(
    eu: SimulatedCluster, session: aiohttp.ClientSession
) -> None:
    eu.inject(Fault(FaultKind.DENY))
    assert (await session.get(CONFIG_MAPS)).status == 401
    eu.heal()
    assert (await session.get(CONFIG_MAPS)).status == 200
    eu.inject(Fault(FaultKind.EXPIRE))
    assert (await session.get(CONFIG_MAPS)).status == 401
    assert (await session.get(CONFIG_MAPS, headers={"Authorization": f"Bearer {eu.admin_token}"})).status == 200


async def test_a_cluster_comes_back_as_another_one(eu: SimulatedCluster, session: aiohttp.ClientSession) -> None:
    async def identity() -> str:
        found = await eu.get("v1", "Namespace", "", "kube-system")
        assert found is not None
        return str(found["metadata"]["uid"])

    before = await identity()
    await eu.create(config_map("a"))
    eu.inject(Fault(FaultKind.REPLACE))
    assert await identity() != before
    assert await listed(session) == []
    await eu.create(config_map("b"))


async def test_a_clock_that_is_ahead_dates_what_is_made(eu: SimulatedCluster) -> None:
    eu.inject(Fault(FaultKind.CLOCK, seconds=86400))
    made = await eu.create(config_map("a"))
    ahead = datetime.fromisoformat(made["metadata"]["creationTimestamp"]) - datetime.now(UTC)
    assert ahead > timedelta(hours=23)
    eu.heal()
    made = await eu.create(config_map("b"))
    assert datetime.fromisoformat(made["metadata"]["creationTimestamp"]) < datetime.now(UTC) + timedelta(hours=1)


async def test_what_was_frozen_goes_on_where_it_was(eu: SimulatedCluster, session: aiohttp.ClientSession) -> None:
    async with session.get(CONFIG_MAPS, params={"watch": "true"}) as watch:
        eu.inject(Fault(FaultKind.FREEZE))
        await eu.create(config_map("a"))
        asked = asyncio.create_task(listed(session))
        eu.heal()
        assert orjson.loads(await watch.content.readline())["object"]["metadata"]["name"] == "a"
        assert await asked == ["a"]


async def test_a_narrow_line_takes_its_time_and_loses_nothing(eu: SimulatedCluster, session: aiohttp.ClientSession) -> None:
    eu.inject(Fault(FaultKind.BANDWIDTH, rate=100_000))
    await eu.create(config_map("a"))
    assert await listed(session) == ["a"]
    async with session.get(CONFIG_MAPS, params={"watch": "true"}) as watch:
        await eu.create(config_map("b"))
        told = [orjson.loads(await watch.content.readline())["object"]["metadata"]["name"] for _ in range(2)]
    assert told == ["a", "b"]


async def test_many_clusters_share_one_port() -> None:
    specs = [ClusterSpec("eu"), ClusterSpec("us")]
    async with SimulatedFleet(specs, tls=False, ports="shared") as fleet, aiohttp.ClientSession() as session:
        eu, us = fleet.clusters.values()
        assert eu.url.rpartition("/clusters/")[0] == us.url.rpartition("/clusters/")[0]
        await eu.create(config_map("only-eu"))
        for cluster, names in ((eu, ["only-eu"]), (us, [])):
            headers = {"Authorization": f"Bearer {cluster.admin_token}"}
            async with session.get(cluster.url + CONFIG_MAPS, headers=headers) as answer:
                assert [item["metadata"]["name"] for item in (await answer.json())["items"]] == names
        us.inject(Fault(FaultKind.REFUSE))
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(us.url + CONFIG_MAPS)
        assert (await session.get(eu.url + "/version")).status == 200
        us.heal()
        assert (await session.get(us.url + "/version")).status == 200
        assert (await session.get(eu.url.replace("/eu", "/none"))).status == 404


async def test_a_cluster_without_a_socket_answers_as_one_with_a_port() -> None:
    async with SimulatedFleet([ClusterSpec("eu")], tls=False, ports="none") as fleet:
        cluster = fleet.clusters["eu"]

        async def ask(token: str) -> int:
            answer = await cluster.serve(Request("GET", CONFIG_MAPS, {}, {"authorization": f"Bearer {token}"}))
            assert isinstance(answer, Response)
            return answer.status

        assert [await ask(token) for token in (cluster.admin_token, cluster.limited_token, "unknown")] == [200, 403, 401]
        cluster.inject(Fault(FaultKind.STATUS, status=503, times=1))
        assert [await ask(cluster.admin_token) for _ in range(2)] == [503, 200]


async def test_faults_are_asked_for_over_http(eu: SimulatedCluster, session: aiohttp.ClientSession) -> None:
    control = Control({"eu": eu})
    control.open()
    try:
        async with aiohttp.ClientSession(control.url) as desk:
            answer = await desk.post("/faults", json=[{"kind": "deny", "clusters": "e*"}])
            assert await answer.json() == {"struck": ["eu"]}
            assert (await session.get(CONFIG_MAPS)).status == 401
            shown = await (await desk.get("/clusters")).json()
            assert shown["clusters"] == [{"name": "eu", "url": eu.url, "faults": ["deny"]}]
            assert (await desk.post("/faults", json=[{"kind": "none"}])).status == 400
            assert (await desk.post("/faults", data=b"[]", headers={"Content-Type": "text/plain"})).status == 415
            assert await (await desk.delete("/faults", params={"clusters": "eu"})).json() == {"healed": ["eu"]}
            assert (await session.get(CONFIG_MAPS)).status == 200
    finally:
        await control.close()
