"""A virtual cluster from its wish to its end: workload, registration, profiles, and all of it gone again."""

from __future__ import annotations

import base64
from typing import Any

import yaml

from fleetd.sim.cluster import ClusterSpec

LABELS = {"fleet.example.com/vcluster": "blue"}


def service() -> dict[str, Any]:
    spec = {"ports": [{"name": "https", "port": 443, "targetPort": 8443}], "selector": {"app": "vcluster", "release": "blue"}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "vc-blue", "namespace": "teams", "labels": LABELS}, "spec": spec}


def kubeconfig_secret(kubeconfig: dict[str, Any]) -> dict[str, Any]:
    """What the virtual cluster writes once it runs."""
    config = base64.b64encode(yaml.safe_dump(kubeconfig).encode()).decode()
    metadata = {"name": "vc-blue", "namespace": "teams", "labels": LABELS}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": {"config": config}}


async def test_a_virtual_cluster_lives_from_its_wish_to_its_end(world: Any) -> None:
    async with world(host={"role": "host"}) as w:
        virtual = await w.fleet.add(ClusterSpec("blue"))
        await w.example("management-plane")
        await w.example("vcluster")
        await w["host"].apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "teams"}}, manager="team")
        await w["host"].apply(service(), manager="team")
        await w.shows("host", "apps/v1", "StatefulSet", "teams/vc-blue")
        assert not await w.rows("SELECT 1 AS one FROM fleet_clusters WHERE name = 'blue'")

        await w["host"].apply(kubeconfig_secret(virtual.kubeconfig()), manager="vcluster")
        await w.until_row("SELECT * FROM fleet_clusters WHERE name = 'blue'", {"cluster": "vclusters/blue", "connection": "ready"})
        await w.shows("blue", "v1", "ConfigMap", "default/about", lambda live: live["data"]["host"] == "host")

        text = yaml.safe_dump(virtual.kubeconfig())
        for query in ("SELECT * FROM fleet_declared", "SELECT * FROM fleet_generated", "SELECT * FROM fleet_event_objects"):
            assert base64.b64encode(text.encode()).decode() not in str(await w.rows(query))

        # The virtual cluster takes its Secret along, as it does when its workload is taken away.
        await w["host"].delete("v1", "Service", "teams", "vc-blue")
        await w.lacks("host", "apps/v1", "StatefulSet", "teams/vc-blue")
        await w["host"].delete("v1", "Secret", "teams", "vc-blue")
        await w.until(lambda: _gone(w), "the member to leave")
        await w.settled()


async def _gone(w: Any) -> bool:
    return not await w.rows("SELECT 1 AS one FROM fleet_clusters WHERE name = 'blue'")
