"""Garbage collection: objects whose owners are all gone go too (metadata.ownerReferences)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from fleetd.domain.errors import Conflict, NotFound
from fleetd.domain.objects import Manifest
from fleetd.kubeapi.storage import Change, Record
from fleetd.sim.controllers.loop import Key
from fleetd.sim.inprocess import InProcess

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"


class _Place(NamedTuple):
    """Where an object is."""

    api_version: str
    kind: str
    namespace: str
    name: str


class GarbageCollector:
    """Keys are uids, in the place of names: of owners that went or end, and of dependents that are new."""

    resources = ("*",)

    def __init__(self, api: InProcess) -> None:
        self._api = api
        self._dependents: dict[str, set[_Place]] = {}
        self._ending: dict[str, _Place] = {}
        self._new: dict[str, _Place] = {}

    def concerned(self, change: Change) -> Iterator[Key]:
        before, after = change.before, change.after
        record = after or before
        if record is None:
            return
        uid = str(record.metadata["uid"])
        owners, old = _owners(after), _owners(before)
        if owners != old:
            for owner in old - owners:
                self._dependents.get(owner, set()).discard(_place(record))
            for owner in owners:
                self._dependents.setdefault(owner, set()).add(_place(record))
            if owners:
                self._new[uid] = _place(record)
                yield "", uid
            for owner in (old - owners) & self._ending.keys():
                yield "", owner
        if after is None and self._dependents.get(uid):
            yield "", uid
        held = after is not None and after.metadata.get("deletionTimestamp") and after.metadata.get("finalizers")
        if held and {FOREGROUND, ORPHAN} & {*record.metadata["finalizers"]}:
            self._ending[uid] = _place(record)
            yield "", uid

    async def settle(self, key: Key) -> None:
        _, uid = key
        fresh, ending = self._new.pop(uid, None), self._ending.get(uid)
        if fresh is not None:
            await self._collect(fresh)
        if ending is not None:
            await self._end(uid, ending)
        else:
            for place in sorted(self._dependents.get(uid, ())):
                await self._collect(place)
        if not self._dependents.get(uid):
            self._dependents.pop(uid, None)

    async def _collect(self, place: _Place) -> None:
        """Deletes an object none of whose owners is there."""
        found = await self._api.get(*place)
        if found is None or "deletionTimestamp" in found["metadata"]:
            return
        references = found["metadata"].get("ownerReferences") or []
        there = [one for one in references if await self._is_there(one, place.namespace)]
        if references and not there:
            await self._delete(place)
        elif len(there) < len(references):
            await self._patch(place, {"ownerReferences": there})

    async def _is_there(self, reference: Manifest, namespace: str) -> bool:
        try:
            owner = await self._api.get(reference["apiVersion"], reference["kind"], namespace, reference["name"])
        except NotFound:
            # A kind that is not served: its objects are gone with it.
            return False
        return owner is not None and owner["metadata"]["uid"] == reference["uid"]

    async def _end(self, uid: str, place: _Place) -> None:
        owner = await self._api.get(*place)
        finalizers = (owner or {}).get("metadata", {}).get("finalizers") or []
        dependents = sorted(self._dependents.get(uid, ()))
        if owner is None or not {FOREGROUND, ORPHAN} & {*finalizers}:
            del self._ending[uid]
            return
        for dependent in dependents:
            if ORPHAN in finalizers:
                await self._leave(dependent, uid)
            else:
                await self._delete(dependent)
        if ORPHAN in finalizers or not self._dependents.get(uid):
            del self._ending[uid]
            await self._patch(place, {"finalizers": [one for one in finalizers if one not in (FOREGROUND, ORPHAN)]})

    async def _leave(self, place: _Place, uid: str) -> None:
        found = await self._api.get(*place)
        if found is not None:
            left = [one for one in found["metadata"].get("ownerReferences") or () if one["uid"] != uid]
            await self._patch(place, {"ownerReferences": left or None})

    async def _delete(self, place: _Place) -> None:
        try:
            await self._api.delete(*place)
        except NotFound:
            return

    async def _patch(self, place: _Place, metadata: Manifest) -> None:
        try:
            await self._api.patch(*place, {"metadata": metadata}, manager="garbage-collector")
        except (NotFound, Conflict):
            return


def _owners(record: Record | None) -> frozenset[str]:
    references = record.metadata.get("ownerReferences") if record is not None else None
    return frozenset(str(one.get("uid")) for one in references) if references else frozenset()


def _place(record: Record) -> _Place:
    body, metadata = record.body, record.metadata
    return _Place(body["apiVersion"], body["kind"], metadata.get("namespace", ""), metadata["name"])
