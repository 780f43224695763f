"""Namespaces that are deleted."""

from __future__ import annotations

from typing import Any

from fleetd.sim.cluster import SimulatedCluster


def named(kind: str, name: str, **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, **metadata}}


async def gone(cluster: SimulatedCluster) -> bool:
    return await cluster.get("v1", "Namespace", "", "shop") is None


async def test_a_deleted_namespace_goes_with_all_that_was_in_it(cluster: SimulatedCluster) -> None:
    await cluster.create(named("Namespace", "shop"))
    await cluster.create(named("ConfigMap", "a", namespace="shop"))
    await cluster.create(named("Secret", "b", namespace="shop"))
    await cluster.create(named("ConfigMap", "kept", namespace="default"))
    await cluster.delete("v1", "Namespace", "", "shop")
    await cluster.until(gone)
    left = [*await cluster.objects("v1", "ConfigMap"), *await cluster.objects("v1", "Secret")]
    assert [found["metadata"]["name"] for found in left] == ["kept"]


async def test_what_has_a_finalizer_holds_its_namespace(cluster: SimulatedCluster) -> None:
    await cluster.create(named("Namespace", "shop"))
    await cluster.create(named("ConfigMap", "held", namespace="shop", finalizers=["example.com/hold"]))
    await cluster.delete("v1", "Namespace", "", "shop")

    async def ending(cluster: SimulatedCluster) -> bool:
        found = await cluster.get("v1", "ConfigMap", "shop", "held")
        return found is not None and "deletionTimestamp" in found["metadata"]

    await cluster.until(ending)
    assert not await gone(cluster)
    await cluster.patch("v1", "ConfigMap", "shop", "held", {"metadata": {"finalizers": None}})
    await cluster.until(gone)
