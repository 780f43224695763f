"""Load for a simulated cluster, at a steady rate."""

from __future__ import annotations

import asyncio

from fleetd.domain.objects import Manifest
from fleetd.sim.cluster import SimulatedCluster


def service(namespace: str, name: str, *, kind: str = "ClusterIP") -> Manifest:
    """A small Service of a type."""
    metadata = {"namespace": namespace, "name": name, "labels": {"app": name}}
    spec = {"type": kind, "selector": {"app": name}, "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


async def create_services(
    cluster: SimulatedCluster, count: int, per_second: float, *, namespace: str = "default", prefix: str = "load", kind: str = "ClusterIP"
) -> float:
    """Creates `PREFIX-0` to `PREFIX-COUNT-1`; returns how many seconds it took.

    The rate is kept over the whole, not between neighbours: what came late is made up for.
    """
    loop = asyncio.get_running_loop()
    start = loop.time()
    for number in range(count):
        early = start + number / per_second - loop.time()
        if early > 0:
            await asyncio.sleep(early)
        await cluster.create(service(namespace, f"{prefix}-{number}", kind=kind))
    return loop.time() - start
