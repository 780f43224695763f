"""The end of a namespace: all that is in it is deleted, and then the namespace itself."""

from __future__ import annotations

from fleetd.domain.errors import Conflict, NotFound
from fleetd.domain.objects import Manifest
from fleetd.kubeapi.storage import Change
from fleetd.sim.controllers.loop import ControlLoop, Key
from fleetd.sim.inprocess import InProcess

FINALIZER = "kubernetes"


class Namespaces:
    """Empties namespaces that are being deleted. What has finalizers holds its namespace until they are gone.

    `told` is to hear every change of the storage.
    """

    def __init__(self, api: InProcess) -> None:
        self._api = api
        self._loop = ControlLoop(api, "/api/v1/namespaces", self._settle)
        self._held: dict[str, Manifest] = {}

    async def start(self) -> None:
        await self._loop.start()

    async def stop(self) -> None:
        await self._loop.stop()

    def told(self, change: Change) -> None:
        """Something left a namespace that waited for it."""
        held = self._held.get(change.namespace)
        if held is not None and change.after is None:
            self._loop.again(("", change.namespace), held)

    async def _settle(self, key: Key, namespace: Manifest | None) -> None:
        _, name = key
        if namespace is None or "deletionTimestamp" not in namespace["metadata"]:
            self._held.pop(name, None)
            return
        self._held[name] = namespace
        if FINALIZER in (namespace.get("spec") or {}).get("finalizers", ()) and await self._empty(name):
            await self._finalize(name)

    async def _empty(self, namespace: str) -> bool:
        """Deletes all that is there; True when nothing is left."""
        left = 0
        for root, plural in await self._api.namespaced():
            path = f"{root}/namespaces/{namespace}/{plural}"
            if (await self._api.listed(path))["items"]:
                await self._api.delete_all(path)
                left += len((await self._api.listed(path))["items"])
        return left == 0

    async def _finalize(self, name: str) -> None:
        try:
            await self._api.finalize(name, FINALIZER)
        except (NotFound, Conflict):
            # Somebody else wrote meanwhile: the change comes by the watch, and it is settled anew.
            return
        self._held.pop(name, None)
