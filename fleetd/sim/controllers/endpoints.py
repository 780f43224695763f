"""Endpoints and EndpointSlices of Services that select Pods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fleetd.domain.errors import NotFound, NotPermitted
from fleetd.domain.objects import Manifest
from fleetd.kubeapi.storage import Change, Record
from fleetd.sim.controllers.loop import Key, itself
from fleetd.sim.inprocess import InProcess

MANAGER = "endpointslice-controller.k8s.io"
SLICES = "discovery.k8s.io/v1"


class ServiceEndpoints:
    """Writes both forms anew when a Service changes, or a Pod that it may select."""

    resources = ("services", "pods")

    def __init__(self, api: InProcess) -> None:
        self._api = api
        self._selectors: dict[Key, dict[str, str]] = {}

    def concerned(self, change: Change) -> Iterator[Key]:
        if change.resource == "services":
            for key in itself(change):
                selector = change.after.body["spec"].get("selector") if change.after is not None else None
                if selector:
                    self._selectors[key] = selector
                elif self._selectors.pop(key, None) is None:
                    return
                yield key
            return
        for key, selector in self._selectors.items():
            if key[0] == change.namespace and (_chosen(selector, change.before) or _chosen(selector, change.after)):
                yield key

    async def settle(self, key: Key) -> None:
        service = await self._api.get("v1", "Service", *key)
        selector = (service or {}).get("spec", {}).get("selector")
        if service is None or not selector:
            await self._drop(key)
            return
        namespace, name = key
        wanted = ",".join(f"{label}={value}" for label, value in selector.items())
        pods = [pod for pod in await self._api.objects("v1", "Pod", namespace, selector=wanted) if (pod.get("status") or {}).get("podIP")]
        ports = service["spec"].get("ports") or []
        metadata = {"namespace": namespace, "name": name}
        try:
            await self._api.apply(
                {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": _subsets(pods, ports)}, manager=MANAGER
            )
            await self._api.apply(_slice(service, pods, ports), manager=MANAGER)
        except (NotFound, NotPermitted):
            # The namespace ends.
            return

    async def _drop(self, key: Key) -> None:
        namespace, name = key
        for api_version, kind, which in (("v1", "Endpoints", name), (SLICES, "EndpointSlice", f"{name}-simulated")):
            if await self._api.get(api_version, kind, namespace, which) is not None:
                await self._api.delete(api_version, kind, namespace, which)


def _chosen(selector: dict[str, str], record: Record | None) -> bool:
    labels = (record.metadata.get("labels") or {}) if record is not None else None
    return labels is not None and all(labels.get(key) == value for key, value in selector.items())


def ready(pod: Manifest) -> bool:
    """Whether a Pod says that it is."""
    return any(one["type"] == "Ready" and one["status"] == "True" for one in (pod.get("status") or {}).get("conditions") or ())


def _target(pod: Manifest) -> Manifest:
    metadata = pod["metadata"]
    return {"kind": "Pod", "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]}


def _port(port: Manifest, pod: Manifest | None) -> Manifest:
    """A port as endpoints have it; a named one is looked up in a Pod."""
    wanted: Any = port.get("targetPort", port["port"])
    if isinstance(wanted, str):
        containers = (pod or {}).get("spec", {}).get("containers") or ()
        named = [one["containerPort"] for each in containers for one in each.get("ports") or () if one.get("name") == wanted]
        wanted = named[0] if named else port["port"]
    return {**({"name": port["name"]} if port.get("name") else {}), "port": wanted, "protocol": port.get("protocol", "TCP")}


def _subsets(pods: list[Manifest], ports: list[Manifest]) -> list[Manifest]:
    if not pods:
        return []
    parts = {"addresses": [pod for pod in pods if ready(pod)], "notReadyAddresses": [pod for pod in pods if not ready(pod)]}
    told = {key: [{"ip": pod["status"]["podIP"], "targetRef": _target(pod)} for pod in part] for key, part in parts.items() if part}
    return [{**told, "ports": [_port(port, pods[0]) for port in ports]}]


def _slice(service: Manifest, pods: list[Manifest], ports: list[Manifest]) -> Manifest:
    metadata = service["metadata"]
    owner = {"apiVersion": "v1", "kind": "Service", "name": metadata["name"], "uid": metadata["uid"], "controller": True}
    return {
        "apiVersion": SLICES,
        "kind": "EndpointSlice",
        "metadata": {
            "namespace": metadata["namespace"],
            "name": f"{metadata['name']}-simulated",
            "labels": {"kubernetes.io/service-name": metadata["name"], "endpointslice.kubernetes.io/managed-by": MANAGER},
            "ownerReferences": [{**owner, "blockOwnerDeletion": True}],
        },
        "addressType": "IPv4",
        "endpoints": [
            {
                "addresses": [pod["status"]["podIP"]],
                "conditions": {"ready": ready(pod), "serving": ready(pod), "terminating": False},
                "targetRef": _target(pod),
            }
            for pod in pods
        ],
        "ports": [_port(port, pods[0] if pods else None) for port in ports],
    }
