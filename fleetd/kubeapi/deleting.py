"""Deletions, and what goes along: the objects of a namespace, the objects of a definition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fleetd.kubeapi.admission import Admission, Asked, Operation, admitted
from fleetd.kubeapi.definitions import CLEANUP, DEFINITIONS, kinds_of
from fleetd.kubeapi.ending import check_preconditions, ending, finalizers_after, grace_of, is_held
from fleetd.kubeapi.establishing import Establishing
from fleetd.kubeapi.exchange import User
from fleetd.kubeapi.kinds import Kind, Kinds
from fleetd.kubeapi.options import DeleteOptions
from fleetd.kubeapi.refusals import conflict, not_found
from fleetd.kubeapi.storage import Record, Stale, Storage, Write
from fleetd.kubeapi.targets import Target

Body = dict[str, Any]
SWEEPER = User("system:serviceaccount:kube-system:namespace-controller", ("system:masters",))
AT_ONCE = DeleteOptions(grace=0)
ATTEMPTS = 8
"""How often a write is decided anew when somebody else was quicker."""


async def found(storage: Storage, target: Target) -> Record:
    """The stored object. Raises ApiRefusal (404)."""
    live = await storage.get(target.kind.shelf, target.stored_namespace, target.name)
    if live is None:
        raise not_found(target.kind, target.name)
    return live


@dataclass(frozen=True, slots=True)
class Deleting:
    """Every deletion of one server goes through here.

    `ends_namespaces`: a deleted namespace takes its objects along; otherwise a controller does that. `holds_dependents`: an object that is
    deleted with what depends on it waits for a collector of garbage.
    """

    storage: Storage
    clock: Callable[[], datetime]
    kinds: Kinds
    establishing: Establishing
    admission: tuple[Admission, ...]
    ends_namespaces: bool
    holds_dependents: bool = True

    async def delete(self, target: Target, options: DeleteOptions, user: User) -> tuple[Record, bool]:
        """The object's last state, and whether it is gone (or waits for its finalizers). Raises ApiRefusal."""
        record, gone = await self._deleted(target, options, user)
        if not options.dry_run:
            if target.kind.resource == DEFINITIONS:
                await self._end_instances(record, user)
            await self.follow(target)
        return record, gone

    async def gone(self, target: Target, live: Record, body: Body, *, dry_run: bool) -> Record:
        """The last thing that held an ending object is off: it goes, and the answer is what it would have been."""
        if not dry_run:
            await self.storage.commit(Write(target.kind.shelf, target.stored_namespace, target.name, None, live.version))
            await self.follow(target)
        return Record(live.version, body)

    async def follow(self, target: Target) -> None:
        """What ends with an object that went: the namespace or the definition that waited for it."""
        kind = target.kind
        if kind.custom:
            await self._finish(kind)
        if self.ends_namespaces:
            await self._sweep(target.name if kind.resource == "namespaces" else target.stored_namespace)

    async def _deleted(self, target: Target, options: DeleteOptions, user: User) -> tuple[Record, bool]:
        for _ in range(ATTEMPTS):
            live = await found(self.storage, target)
            check_preconditions(target, live, options)
            where = (target.kind, target.namespace, target.name, target.subresource)
            await admitted(self.admission, Asked(Operation.DELETE, *where, live.body, None, user, options.dry_run))
            try:
                return await self._ended(target, live, options)
            except Stale:
                continue
        raise conflict(target.kind, target.name)

    async def _ended(self, target: Target, live: Record, options: DeleteOptions) -> tuple[Record, bool]:
        kind, metadata = target.kind, live.metadata
        write = Write(kind.shelf, target.stored_namespace, target.name, None, live.version)
        had, grace = list(metadata.get("finalizers") or ()), grace_of(kind, live.body, options)
        finalizers = finalizers_after(kind, live.body, options) if self.holds_dependents else had
        held = is_held(kind, {**live.body, "metadata": {**metadata, "finalizers": finalizers}})
        begun = bool(metadata.get("deletionTimestamp"))
        shorter = grace < metadata.get("deletionGracePeriodSeconds", 0)
        if begun and (held or grace) and not shorter and (grace or finalizers == had):
            return live, False
        if not held and not grace:
            if kind.resource == "pods" and (shorter or not begun):
                # Where things take time to end, even one that ends at once is marked first.
                marked = ending(kind, live, self.clock(), [], 0)
                if options.dry_run:
                    return Record(live.version, marked), True
                write = replace(write, expected=(await self.storage.commit(replace(write, body=marked))).version)
            return (live if options.dry_run else await self.storage.commit(write)), True
        body = ending(kind, live, self.clock(), finalizers, grace)
        if options.dry_run:
            return Record(live.version, body), False
        return await self.storage.commit(replace(write, body=body)), False

    async def _end_instances(self, definition: Record, user: User) -> None:
        """With a definition go the objects of its kind."""
        for kind in kinds_of(definition.body)[:1]:
            for record in (await self.storage.listing(kind.resource)).records:
                metadata = record.metadata
                await self._deleted(Target(kind, metadata.get("namespace", ""), metadata["name"]), AT_ONCE, user)
            await self._finish(kind)

    async def _finish(self, kind: Kind) -> None:
        """A definition that ends goes when there is no object of its kind any more."""
        definition = await self.storage.get(DEFINITIONS, "", kind.resource)
        if definition is None or not definition.metadata.get("deletionTimestamp"):
            return
        if (await self.storage.listing(kind.resource)).records:
            return
        body = definition.copy()
        left = [one for one in body["metadata"].get("finalizers") or () if one != CLEANUP]
        body["metadata"]["finalizers"] = left
        await self.storage.commit(Write(DEFINITIONS, "", kind.resource, body if left else None, definition.version))
        if not left:
            await self.establishing.settle("")

    async def _sweep(self, name: str) -> None:
        """An ending namespace takes what is in it along, and goes when nothing is left."""
        namespace = await self.storage.get("namespaces", "", name) if name else None
        if namespace is None or not namespace.metadata.get("deletionTimestamp"):
            return
        left = 0
        for kind in self.kinds.stored():
            if not kind.namespaced:
                continue
            for record in (await self.storage.listing(kind.resource, name)).records:
                _, gone = await self._deleted(Target(kind, name, record.metadata["name"]), AT_ONCE, SWEEPER)
                left += not gone
        if left:
            return
        body = {**namespace.copy(), "spec": {}}
        kept = body if namespace.metadata.get("finalizers") else None
        if kept is None or namespace.body.get("spec"):
            await self.storage.commit(Write("namespaces", "", name, kept, namespace.version))
