"""What may be disrupted, and what is used: the status of PodDisruptionBudgets and ResourceQuotas; and the one node that there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from math import ceil
from typing import Any

from fleetd.domain.errors import Conflict, NotFound
from fleetd.domain.objects import Manifest
from fleetd.kubeapi.metadata import stamp
from fleetd.kubeapi.quantities import shown_amount
from fleetd.kubeapi.quotas import OBJECTS, QUOTAS, used
from fleetd.kubeapi.selectors import selects
from fleetd.kubeapi.storage import Change, Storage
from fleetd.sim.controllers.endpoints import ready
from fleetd.sim.controllers.loop import Key, itself
from fleetd.sim.controllers.pods import NODE
from fleetd.sim.inprocess import InProcess

MANAGER = "kube-controller-manager"
BUDGET = ("policy/v1", "PodDisruptionBudget")


class _OfANamespace:
    """What both have in common: a change in a namespace concerns all of the kind that are there."""

    resource = ""
    resources: tuple[str, ...] = ()

    def __init__(self, api: InProcess, storage: Storage) -> None:
        self._api = api
        self._storage = storage
        self._known: set[Key] = set()

    def concerned(self, change: Change) -> Iterator[Key]:
        if change.resource == self.resource:
            for key in itself(change):
                (self._known.add if change.after is not None else self._known.discard)(key)
                yield key
        else:
            yield from [key for key in self._known if key[0] == change.namespace]

    async def _report(self, live: Manifest, status: dict[str, Any]) -> None:
        if {**(live.get("status") or {}), **status} == (live.get("status") or {}):
            return
        metadata = live["metadata"]
        where = (live["apiVersion"], live["kind"], metadata["namespace"], metadata["name"])
        try:
            await self._api.patch(*where, {"status": status}, subresource="status", manager=MANAGER)
        except NotFound:
            return


class Budgets(_OfANamespace):
    """How many of the pods that a budget protects may go."""

    resource = "poddisruptionbudgets.policy"
    resources = (resource, "pods")

    async def settle(self, key: Key) -> None:
        found = await self._api.get(*BUDGET, *key)
        if found is None:
            return
        spec = found["spec"]
        chosen = spec.get("selector") or {}
        pods = [one for one in await self._api.objects("v1", "Pod", key[0]) if selects(chosen, one["metadata"].get("labels") or {})]
        count, healthy = len(pods), sum(map(ready, pods))
        if spec.get("maxUnavailable") is not None:
            wanted = max(0, count - _part(spec["maxUnavailable"], count))
        else:
            wanted = _part(spec.get("minAvailable", 1), count)
        told = {"expectedPods": count, "currentHealthy": healthy, "desiredHealthy": wanted}
        allowed = max(0, healthy - wanted) if count else 0
        await self._report(found, {**told, "disruptionsAllowed": allowed, "observedGeneration": found["metadata"]["generation"]})


def _part(said: int | str, count: int) -> int:
    return ceil(count * int(said[:-1]) / 100) if isinstance(said, str) else said


class Quotas(_OfANamespace):
    """What is used of each quota."""

    resource = QUOTAS
    resources = OBJECTS

    async def settle(self, key: Key) -> None:
        found = await self._api.get("v1", "ResourceQuota", *key)
        if found is not None:
            hard = found["spec"].get("hard") or {}
            there = await used(self._storage, key[0], hard)
            await self._report(found, {"hard": hard, "used": {name: shown_amount(value) for name, value in there.items()}})


class Nodes:
    """One node, on which everything runs, as long as nobody deletes it."""

    resources = ("namespaces",)

    def __init__(self, api: InProcess, now: Callable[[], datetime]) -> None:
        self._api = api
        self._now = now

    def concerned(self, _change: Change) -> Iterator[Key]:
        return iter(())

    async def settle(self, key: Key) -> None:
        if key[1] != "default":
            return
        labels = {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
        try:
            await self._api.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE, "labels": labels}})
        except Conflict:
            return
        at, room = stamp(self._now()), {"cpu": "64", "memory": "256Gi", "pods": "1000"}
        said = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "it is simulated"}
        status = {
            "nodeInfo": {"operatingSystem": "linux", "architecture": "amd64", "kubeletVersion": "v1.36.2", "osImage": "simulated"},
            "capacity": room,
            "allocatable": room,
            "addresses": [{"type": "InternalIP", "address": "192.0.2.1"}, {"type": "Hostname", "address": NODE}],
            "conditions": [{**said, "lastHeartbeatTime": at, "lastTransitionTime": at}],
        }
        await self._api.patch("v1", "Node", "", NODE, {"status": status}, subresource="status", manager="kubelet")
        await self._api.patch("v1", "Node", "", NODE, {"spec": {"taints": None}}, manager="node-lifecycle")
