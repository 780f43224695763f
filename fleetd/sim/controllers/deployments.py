"""Deployments: a ReplicaSet for each template, and the newest one has all replicas."""

from __future__ import annotations

from collections.abc import Iterator

from fleetd.domain.errors import Conflict, NotFound, NotPermitted
from fleetd.domain.objects import Manifest
from fleetd.kubeapi.storage import Change
from fleetd.sim.controllers.loop import Key, itself
from fleetd.sim.controllers.pods import PodSet, condition, owned_by, owner_keys
from fleetd.sim.controllers.workloads import MANAGER, Now, labelled, revision_of
from fleetd.sim.inprocess import InProcess

APPS = "apps/v1"
HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"


class Deployments:
    """Moves all replicas at once to the newest template."""

    resources = ("deployments.apps", "replicasets.apps")

    def __init__(self, api: InProcess, now: Now) -> None:
        self._api = api
        self._now = now

    def concerned(self, change: Change) -> Iterator[Key]:
        return owner_keys(change, "Deployment") if change.resource == "replicasets.apps" else itself(change)

    async def settle(self, key: Key) -> None:
        found = await self._api.get(APPS, "Deployment", *key)
        if found is None or "deletionTimestamp" in found["metadata"]:
            return
        try:
            await self._settle(found)
        except (Conflict, NotFound, NotPermitted):
            # It changed or went meanwhile, or its namespace ends: what did that is heard of next.
            return

    async def _settle(self, found: Manifest) -> None:
        namespace, uid = found["metadata"]["namespace"], found["metadata"]["uid"]
        sets = [one for one in await self._api.objects(APPS, "ReplicaSet", namespace) if owned_by(one, uid)]
        name = f"{found['metadata']['name']}-{revision_of(found['spec']['template'])}"
        numbers = {one["metadata"]["name"]: int((one["metadata"].get("annotations") or {}).get(REVISION, "0")) for one in sets}
        number = max(numbers.values(), default=0)
        if numbers.get(name, 0) < number or not number:
            number += 1
        wanted = found["spec"].get("replicas", 1)
        if name not in numbers:
            await self._create(found, name, wanted, number)
        for one in sets:
            newest = one["metadata"]["name"] == name
            await self._scale(one, wanted if newest else 0, number if newest else numbers[one["metadata"]["name"]])
        await self._number(found, number)
        await self._report(found, name)

    async def _create(self, found: Manifest, name: str, replicas: int, number: int) -> None:
        spec, label = found["spec"], {HASH: name.rpartition("-")[2]}
        selector = {**spec["selector"], "matchLabels": {**(spec["selector"].get("matchLabels") or {}), **label}}
        template = labelled(spec["template"], label)
        metadata = {
            "namespace": found["metadata"]["namespace"],
            "name": name,
            "labels": template["metadata"]["labels"],
            "annotations": {REVISION: str(number), "deployment.kubernetes.io/desired-replicas": str(replicas)},
            "ownerReferences": [PodSet(self._api, found, MANAGER).reference()],
        }
        made = {"replicas": replicas, "selector": selector, "template": template}
        await self._api.create({"apiVersion": APPS, "kind": "ReplicaSet", "metadata": metadata, "spec": made})

    async def _scale(self, one: Manifest, replicas: int, number: int) -> None:
        metadata = one["metadata"]
        patch: Manifest = {}
        if one["spec"].get("replicas") != replicas:
            patch["spec"] = {"replicas": replicas}
        if (metadata.get("annotations") or {}).get(REVISION) != str(number):
            patch["metadata"] = {"annotations": {REVISION: str(number)}}
        if patch:
            await self._api.patch(APPS, "ReplicaSet", metadata["namespace"], metadata["name"], patch, manager=MANAGER)

    async def _number(self, found: Manifest, number: int) -> None:
        metadata = found["metadata"]
        if (metadata.get("annotations") or {}).get(REVISION) != str(number):
            patch = {"metadata": {"annotations": {REVISION: str(number)}}}
            await self._api.patch(APPS, "Deployment", metadata["namespace"], metadata["name"], patch, manager=MANAGER)

    async def _report(self, found: Manifest, name: str) -> None:
        namespace, uid = found["metadata"]["namespace"], found["metadata"]["uid"]
        sets = [one for one in await self._api.objects(APPS, "ReplicaSet", namespace) if owned_by(one, uid)]

        def total(key: str, which: str = "") -> int:
            return sum((one.get("status") or {}).get(key, 0) for one in sets if which in ("", one["metadata"]["name"]))

        wanted, there = found["spec"].get("replicas", 1), total("availableReplicas")
        updated = total("replicas", name)
        whole = there >= wanted and updated >= wanted and total("replicas") == updated
        now = self._now()
        available = ("MinimumReplicasAvailable", "Deployment has minimum availability.")
        missing = ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
        done = ("NewReplicaSetAvailable", f'ReplicaSet "{name}" has successfully progressed.')
        going = ("ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')
        has = there >= wanted
        told = {
            "observedGeneration": found["metadata"]["generation"],
            "replicas": total("replicas"),
            "updatedReplicas": updated,
            "readyReplicas": total("readyReplicas"),
            "availableReplicas": there,
            "unavailableReplicas": max(0, wanted - there) or None,
            "conditions": [
                condition("Available", has, *(available if has else missing), found, now),
                condition("Progressing", True, *(done if whole else going), found, now),
            ],
        }
        await PodSet(self._api, found, MANAGER).report(told)
