"""Addresses for Services of type LoadBalancer."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.domain.errors import NotFound
from fleetd.sim.cluster import ClusterSpec, SimulatedCluster
from fleetd.sim.controllers.load_balancer import BENCHMARK_NETWORK, AddressPool
from fleetd.sim.faults import Fault, FaultKind
from fleetd.sim.fleet import SimulatedFleet
from fleetd.sim.load import service

SERVICE = ("v1", "Service")


async def address(cluster: SimulatedCluster, name: str) -> str:
    found = await cluster.get(*SERVICE, "default", name)
    ingress = ((found or {}).get("status") or {}).get("loadBalancer", {}).get("ingress") or [{}]
    return str(ingress[0].get("ip", ""))


async def addressed(cluster: SimulatedCluster, name: str) -> str:
    async def has(cluster: SimulatedCluster) -> bool:
        return await address(cluster, name) != ""

    await cluster.until(has)
    return await address(cluster, name)


async def test_a_load_balancer_gets_an_address_through_its_status(cluster: SimulatedCluster) -> None:
    await cluster.create(service("default", "web", kind="LoadBalancer"))
    assert ip_address(await addressed(cluster, "web")) in BENCHMARK_NETWORK
    found = await cluster.get(*SERVICE, "default", "web")
    assert found is not None
    managers = [(entry["manager"], entry.get("subresource")) for entry in found["metadata"]["managedFields"]]
    assert ("cloud-controller-manager", "status") in managers


async def test_the_same_seed_gives_the_same_address() -> None:
    seen = []
    for _ in range(2):
        async with SimulatedFleet([ClusterSpec("eu")], seed=3, tls=False) as fleet:
            await fleet.clusters["eu"].create(service("default", "web", kind="LoadBalancer"))
            seen.append(await addressed(fleet.clusters["eu"], "web"))
    assert seen[0] == seen[1]


async def test_a_service_of_another_type_or_class_gets_none(cluster: SimulatedCluster) -> None:
    await cluster.create(service("default", "inner"))
    classed = service("default", "classed", kind="LoadBalancer")
    classed["spec"]["loadBalancerClass"] = "example.com/other"
    await cluster.create(classed)
    await cluster.create(service("default", "web", kind="LoadBalancer"))
    await addressed(cluster, "web")
    assert (await address(cluster, "inner"), await address(cluster, "classed")) == ("", "")


async def test_a_service_that_becomes_a_load_balancer_gets_an_address_and_loses_it_again(cluster: SimulatedCluster) -> None:
    await cluster.create(service("default", "web"))
    await cluster.patch(*SERVICE, "default", "web", {"spec": {"type": "LoadBalancer"}})
    await addressed(cluster, "web")
    await cluster.patch(*SERVICE, "default", "web", {"spec": {"type": "ClusterIP"}})

    async def gone(cluster: SimulatedCluster) -> bool:
        return await address(cluster, "web") == ""

    await cluster.until(gone)


async def test_an_address_can_be_changed_and_is_put_back_when_somebody_else_changes_it(cluster: SimulatedCluster) -> None:
    await cluster.create(service("default", "web", kind="LoadBalancer"))
    first = await addressed(cluster, "web")
    second = await cluster.reassign("default", "web")
    assert first != second == await address(cluster, "web")
    await cluster.patch(*SERVICE, "default", "web", {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}, subresource="status")

    async def put_back(cluster: SimulatedCluster) -> bool:
        return await address(cluster, "web") == second

    await cluster.until(put_back)


async def test_a_deleted_service_gives_its_address_back(cluster: SimulatedCluster) -> None:
    await cluster.create(service("default", "web", kind="LoadBalancer"))
    await addressed(cluster, "web")
    await cluster.delete(*SERVICE, "default", "web")
    await cluster.create(service("default", "other", kind="LoadBalancer"))
    await addressed(cluster, "other")
    with pytest.raises(NotFound):
        await cluster.reassign("default", "web")


async def test_addresses_are_given_also_after_the_history_was_dropped(cluster: SimulatedCluster) -> None:
    cluster.inject(Fault(FaultKind.DROP_HISTORY))
    await cluster.create(service("default", "web", kind="LoadBalancer"))
    await addressed(cluster, "web")


async def test_without_load_balancers_there_is_nothing_to_reassign() -> None:
    async with SimulatedFleet([ClusterSpec("eu")], tls=False, load_balancers=False) as fleet:
        with pytest.raises(NotFound, match="no load balancers"):
            await fleet.clusters["eu"].reassign("default", "web")


@given(seed=st.text(), count=st.integers(1, 600), returned=st.data())
def test_no_address_is_given_twice_while_it_is_taken(seed: str, count: int, returned: st.DataObject) -> None:
    pool = AddressPool(seed)
    taken = [pool.take() for _ in range(count)]
    assert len(set(taken)) == count
    given_back = returned.draw(st.sets(st.sampled_from(taken), max_size=10))
    for address in given_back:
        pool.give_back(address)
    kept = set(taken) - given_back
    assert all(pool.take() not in kept for _ in range(5))
    assert all(ip_address(address) in BENCHMARK_NETWORK and address.split(".")[3] not in {"0", "255"} for address in taken)
