"""The management plane as a cluster: `mgmt/mgmt`, whose objects are the declared ones.

EventSources watch it and profiles deliver to it through the same port as to any other member, and what is delivered passes
the one admission path.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime

import orjson
import structlog

from fleetd.cluster.port import (
    Changed,
    Changes,
    ChangeType,
    FieldClaim,
    FieldConflict,
    Identity,
    NoSuchKind,
    ResourceKind,
    Sighting,
    Snapshot,
)
from fleetd.domain.declared import DeclaredObject
from fleetd.domain.errors import Conflict, GiveUp, InvalidInput, NotFound
from fleetd.domain.kinds.registry import KINDS
from fleetd.domain.objects import Manifest, Observed, Reads, gvk_of
from fleetd.domain.refs import MANAGEMENT_CLUSTER, GroupVersionKind, ObjectRef
from fleetd.kubeapi.apply import ApplyConflict
from fleetd.service.admission import Admission, Done
from fleetd.service.membership import member_ref
from fleetd.store.database import Database

FIELD_MANAGER = "fleetd"
IDENTITY = Identity(uid="management-plane", version="")
VERBS = frozenset({"get", "list", "watch", "create", "update", "patch", "delete"})
ALWAYS_THERE = ("default", "projectsveltos", "mgmt")

log = structlog.get_logger(__name__)

Declaration = tuple[ObjectRef, DeclaredObject | None]


class PlaneCluster:
    """Implements the cluster port on the store. `announce` must be told of every declared object that changes."""

    name = MANAGEMENT_CLUSTER

    def __init__(self, database: Database) -> None:
        self._database = database
        self._admission = Admission(database, manager=FIELD_MANAGER)
        self._watchers: set[asyncio.Queue[Declaration]] = set()

    async def prepare(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Declares what is always there: the namespaces, and the plane itself as a member."""
        for name in ALWAYS_THERE:
            if await self._database.declared.get(ObjectRef("Namespace", "", "", name)) is None:
                await self._admission.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, now=now())
        if await self._database.declared.get(member_ref("mgmt", "mgmt")) is None:
            metadata = {"name": "mgmt", "namespace": "mgmt"}
            member: Manifest = {"apiVersion": "lib.projectsveltos.io/v1beta1", "kind": "SveltosCluster", "metadata": metadata, "spec": {}}
            await self._admission.apply(member, now=now())

    def announce(self, ref: ObjectRef, found: DeclaredObject | None) -> None:
        """Passes a change on to the watches."""
        for queue in self._watchers:
            queue.put_nowait((ref, found))

    async def identity(self) -> Identity:
        return IDENTITY

    async def resource(self, gvk: GroupVersionKind) -> ResourceKind:
        spec = KINDS.get(gvk)
        if spec is None:
            raise NoSuchKind(f"the management plane does not hold objects of kind {gvk}")
        return ResourceKind(gvk, spec.plural, spec.namespaced, VERBS)

    async def read(self, gvk: GroupVersionKind, namespace: str, name: str) -> Manifest | None:
        await self.resource(gvk)
        found = await self._database.declared.get(ObjectRef(gvk.kind, gvk.group, namespace, name))
        return found.manifest if found else None

    async def apply(self, manifest: Manifest, *, force: bool = False, dry_run: bool = False) -> Manifest:
        await self.resource(gvk_of(manifest))
        try:
            admitted = await self._admission.apply(manifest, now=datetime.now(UTC), force=force, dry_run=dry_run)
        except ApplyConflict as error:
            raise FieldConflict(str(error), tuple(FieldClaim(cause.manager, cause.path) for cause in error.causes)) from error
        except InvalidInput as error:
            raise GiveUp(str(error)) from error
        if admitted.done is not Done.UNCHANGED and not dry_run:
            for warning in admitted.warnings:
                log.warning("what was delivered to the management plane is doubtful", object=str(admitted.ref), reason=warning)
        return admitted.object.manifest

    async def delete(self, gvk: GroupVersionKind, namespace: str, name: str, *, uid: str, resource_version: str = "") -> bool:
        ref = ObjectRef(gvk.kind, gvk.group, namespace, name)
        found = await self._database.declared.get(ref)
        if found is None:
            return False
        if found.uid != uid or (resource_version and str(found.resource_version) != resource_version):
            raise Conflict(f"{ref} is another object by now")
        try:
            await self._admission.delete(ref, now=datetime.now(UTC))
        except NotFound:
            return False
        return True

    async def watch(self, gvk: GroupVersionKind, reads: Reads) -> AsyncGenerator[Sighting, None]:  # noqa: ARG002 - all is at hand
        await self.resource(gvk)
        queue: asyncio.Queue[Declaration] = asyncio.Queue()
        self._watchers.add(queue)
        try:
            objects = await self._database.declared.list(gvk.group_kind)
            known = {item.ref: item.resource_version for item in objects}
            latest = max(known.values(), default=0)
            yield Snapshot(tuple(_observed(item) for item in objects), str(latest))
            while True:
                ref, found = await queue.get()
                if ref.group_kind != gvk.group_kind or (found is not None and known.get(ref) == found.resource_version):
                    continue
                if found is None:
                    if known.pop(ref, None) is not None:
                        gone = Observed(ref, "", "", {"metadata": {"name": ref.name, "namespace": ref.namespace}})
                        yield Changes((Changed(ChangeType.DELETED, gone),))
                    continue
                kind = ChangeType.MODIFIED if ref in known else ChangeType.ADDED
                known[ref] = found.resource_version
                yield Changes((Changed(kind, _observed(found)),))
        finally:
            self._watchers.discard(queue)

    async def close(self) -> None:
        """Nothing is open."""


def _observed(item: DeclaredObject) -> Observed:
    return Observed(item.ref, item.uid, str(item.resource_version), item.manifest, orjson.dumps(item.manifest))
