"""A small operator, written with kopf, on a simulated cluster."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from fleetd.sim.cluster import ClusterSpec, SimulatedCluster
from fleetd.sim.controllers.chosen import EVERYTHING
from fleetd.sim.fleet import SimulatedFleet

kopf = pytest.importorskip("kopf")

GROUP = "example.org"
SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}},
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"notes.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"plural": "notes", "kind": "Note"},
        "versions": [
            {"name": "v1", "served": True, "storage": True, "subresources": {"status": {}}, "schema": {"openAPIV3Schema": SCHEMA}}
        ],
    },
}
NOTE = (f"{GROUP}/v1", "Note", "default", "hello")


@pytest.fixture
async def cluster() -> AsyncIterator[SimulatedCluster]:
    async with SimulatedFleet([ClusterSpec("one")], tls=False, controllers=EVERYTHING) as fleet:
        yield fleet.clusters["one"]


def operator(url: str, token: str) -> Any:
    """Writes the text of each Note into a ConfigMap of the same name, and what it did into the Note's status."""
    registry = kopf.OperatorRegistry()
    headers = {"Authorization": f"Bearer {token}"}

    @kopf.on.login(registry=registry)
    def login(**_: Any) -> Any:
        return kopf.ConnectionInfo(server=url, token=token, scheme="Bearer")

    @kopf.on.create(GROUP, "notes", registry=registry, id="written")
    @kopf.on.update(GROUP, "notes", registry=registry, id="written")
    async def written(name: str, namespace: str, spec: Any, body: Any, **_: Any) -> dict[str, str]:
        path = f"/api/v1/namespaces/{namespace}/configmaps/{name}?fieldManager=notes"
        form = {"Content-Type": "application/apply-patch+yaml"}
        said = json.dumps(config_map(namespace, name, spec["text"]))
        async with aiohttp.ClientSession(url, headers=headers) as session, session.patch(path, data=said, headers=form) as answer:
            answer.raise_for_status()
        kopf.event(body, type="Normal", reason="Written", message=spec["text"])
        return {"text": spec["text"]}

    @kopf.on.delete(GROUP, "notes", registry=registry)
    async def removed(name: str, namespace: str, **_: Any) -> None:
        path = f"/api/v1/namespaces/{namespace}/configmaps/{name}"
        async with aiohttp.ClientSession(url, headers=headers) as session, session.delete(path) as answer:
            answer.raise_for_status()

    return registry


def config_map(namespace: str, name: str, text: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": {"text": text}}


@pytest.fixture
async def operated(cluster: SimulatedCluster) -> AsyncIterator[SimulatedCluster]:
    """A cluster with the operator, which has an event loop of its own: at its end it cancels whatever is left in its loop."""
    await cluster.create(DEFINITION)
    stop, ready = threading.Event(), threading.Event()
    registry = operator(cluster.url, cluster.admin_token)
    running = asyncio.create_task(
        asyncio.to_thread(kopf.run, registry=registry, standalone=True, namespaces=["default"], stop_flag=stop, ready_flag=ready)
    )
    assert await asyncio.to_thread(ready.wait, 20)
    yield cluster
    stop.set()
    await asyncio.wait_for(running, 20)


async def test_what_an_operator_is_to_do_is_done(operated: SimulatedCluster) -> None:
    async def says(text: str) -> None:
        async def held(cluster: SimulatedCluster) -> bool:
            found, note = await cluster.get("v1", "ConfigMap", "default", "hello"), await cluster.get(*NOTE)
            if found is None or note is None:
                return False
            return found["data"]["text"] == text and note.get("status", {}).get("written", {}).get("text") == text

        await operated.until(held, 20)

    manifest = {"apiVersion": NOTE[0], "kind": "Note", "metadata": {"name": "hello", "namespace": "default"}, "spec": {"text": "one"}}
    await operated.create(manifest)
    await says("one")
    note = await operated.get(*NOTE)
    assert note is not None
    assert note["metadata"]["finalizers"] == ["kopf.zalando.org/KopfFinalizerMarker"]
    await operated.patch(*NOTE, {"spec": {"text": "two"}})
    await says("two")
    await operated.delete(*NOTE)

    async def gone(cluster: SimulatedCluster) -> bool:
        return await cluster.get(*NOTE) is None and await cluster.get("v1", "ConfigMap", "default", "hello") is None

    await operated.until(gone, 20)

    async def told(cluster: SimulatedCluster) -> bool:
        events = [event for event in await cluster.objects("v1", "Event", "default") if event["reason"] == "Written"]
        return {event["message"] for event in events} == {"one", "two"}

    await operated.until(told, 20)
