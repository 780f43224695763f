"""Storage: each PersistentVolumeClaim is given a volume of its own."""

from __future__ import annotations

from collections.abc import Iterator

from fleetd.domain.errors import Conflict, NotFound
from fleetd.domain.objects import Manifest
from fleetd.kubeapi.prepared import CLAIM_FINALIZER, VOLUME_FINALIZER
from fleetd.kubeapi.storage import Change
from fleetd.sim.controllers.loop import Key, itself
from fleetd.sim.inprocess import InProcess

CLAIM = ("v1", "PersistentVolumeClaim")
MANAGER = "kube-controller-manager"


class Volumes:
    """Binds claims, and deletes the volume of a claim that went."""

    resources = ("persistentvolumeclaims",)

    def __init__(self, api: InProcess) -> None:
        self._api = api
        self._volumes: dict[Key, str] = {}

    def concerned(self, change: Change) -> Iterator[Key]:
        return itself(change)

    async def settle(self, key: Key) -> None:
        claim = await self._api.get(*CLAIM, *key)
        if claim is None:
            await self._drop(self._volumes.pop(key, ""))
            return
        if "deletionTimestamp" in claim["metadata"]:
            await release(self._api, claim, CLAIM_FINALIZER)
            return
        if (claim.get("status") or {}).get("phase") == "Bound":
            return
        namespace, name = key
        spec, uid = claim["spec"], claim["metadata"]["uid"]
        volume = spec.get("volumeName") or f"pvc-{uid}"
        capacity = {"storage": ((spec.get("resources") or {}).get("requests") or {}).get("storage", "1Gi")}
        modes = spec.get("accessModes") or ["ReadWriteOnce"]
        reference = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace, "name": name, "uid": uid}
        made = {"capacity": capacity, "accessModes": modes, "persistentVolumeReclaimPolicy": "Delete", "claimRef": reference}
        made |= {"storageClassName": spec["storageClassName"]} if spec.get("storageClassName") else {}
        source = {"hostPath": {"path": f"/var/simulated/{volume}"}}
        try:
            if await self._api.get("v1", "PersistentVolume", "", volume) is None:
                await self._api.create(
                    {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": volume}, "spec": {**made, **source}}
                )
            await self._api.patch(
                "v1", "PersistentVolume", "", volume, {"status": {"phase": "Bound"}}, subresource="status", manager=MANAGER
            )
            await self._api.patch(*CLAIM, *key, {"spec": {"volumeName": volume}}, manager=MANAGER)
            status = {"phase": "Bound", "capacity": capacity, "accessModes": modes}
            await self._api.patch(*CLAIM, *key, {"status": status}, subresource="status", manager=MANAGER)
        except (NotFound, Conflict):
            # Deleted meanwhile; its deletion is heard of next.
            return
        self._volumes[key] = volume

    async def _drop(self, volume: str) -> None:
        if volume and await self._api.get("v1", "PersistentVolume", "", volume) is not None:
            await self._api.delete("v1", "PersistentVolume", "", volume)


class UnusedVolumes:
    """Lets go of volumes that are deleted."""

    resources = ("persistentvolumes",)

    def __init__(self, api: InProcess) -> None:
        self._api = api

    def concerned(self, change: Change) -> Iterator[Key]:
        return itself(change) if change.after is not None else iter(())

    async def settle(self, key: Key) -> None:
        volume = await self._api.get("v1", "PersistentVolume", *key)
        if volume is not None and "deletionTimestamp" in volume["metadata"]:
            await release(self._api, volume, VOLUME_FINALIZER)


async def release(api: InProcess, held: Manifest, finalizer: str) -> None:
    """Takes a finalizer off."""
    metadata = held["metadata"]
    if finalizer in (metadata.get("finalizers") or ()):
        left = [one for one in metadata["finalizers"] if one != finalizer]
        patch = {"metadata": {"finalizers": left or None, "resourceVersion": metadata["resourceVersion"]}}
        try:
            await api.patch(held["apiVersion"], held["kind"], metadata.get("namespace", ""), metadata["name"], patch, manager=MANAGER)
        except (NotFound, Conflict):
            # It is gone, or its change is heard of next.
            return
