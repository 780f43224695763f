"""The one way by which declared objects come in, change and leave, whoever asks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from uuid import uuid4

from fleetd.domain.audit import Decider
from fleetd.domain.declared import DeclaredObject
from fleetd.domain.documents import Document, parse
from fleetd.domain.errors import Conflict, InvalidInput, NotFound
from fleetd.domain.kinds.acted_on import unsupported
from fleetd.domain.kinds.defaults import with_defaults
from fleetd.domain.kinds.immutables import immutable_violations
from fleetd.domain.kinds.registry import KINDS
from fleetd.domain.objects import Manifest, gvk_of, ref_of
from fleetd.domain.records import JournalRecord, Stage
from fleetd.domain.refs import ObjectRef
from fleetd.kubeapi.apply import apply_patch, update_managers
from fleetd.service.checking import judged_alone
from fleetd.store.database import Database

ATTEMPTS = 5


class Done(StrEnum):
    """What became of an object, in kubectl's words."""

    CREATED = "created"
    CONFIGURED = "configured"
    UNCHANGED = "unchanged"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Admitted:
    """One object taken; `warnings` are the checker's, and sentences about what is not acted on yet."""

    ref: ObjectRef
    done: Done
    object: DeclaredObject
    warnings: tuple[str, ...] = ()


class Admission:
    """Admits to one store. `manager` is the field manager that the changes are made under.

    With `by`, or where the database says who holds it, each change leaves an entry in the audit, in the same commit.
    """

    def __init__(self, database: Database, *, manager: str = "fleetd-cli", by: Decider | None = None) -> None:
        self._database = database
        self._manager = manager
        self._by = by or database.by

    async def apply(self, document: Document | Manifest, *, now: datetime, force: bool = False, dry_run: bool = False) -> Admitted:
        """Server-side apply of one object that the checker has nothing against; its warnings go into the journal.

        Raises:
            InvalidInput: the object is not valid; the text says where.
            Conflict: another manager holds a field, or it changed too often meanwhile.
        """
        manifest = placed(document.manifest if isinstance(document, Document) else document)
        # A thread of its own: what others do does not wait for a long script to be compiled.
        warnings = await asyncio.to_thread(judged_alone, document)
        parse(document)
        return await self._warned(await self._applied(manifest, now=now, force=force, dry_run=dry_run), warnings, now, dry_run=dry_run)

    async def foresee(self, document: Document, *, now: datetime, force: bool = False) -> Admitted:
        """What applying a document of a judged input would do. Raises as `apply`."""
        parse(document)
        return await self._applied(placed(document.manifest), now=now, force=force, dry_run=True)

    async def _applied(self, manifest: Manifest, *, now: datetime, force: bool, dry_run: bool) -> Admitted:
        ref = ref_of(manifest)
        for _ in range(ATTEMPTS):
            live = await self._database.declared.get(ref)
            if dry_run:
                return foreseen_on(live, manifest, manager=self._manager, now=now, force=force)
            merged = _merged(live, manifest, manager=self._manager, now=now, force=force)
            try:
                return await self._put(ref, live, merged)
            except Conflict:
                continue
        raise Conflict(f"{ref} changes too often to be applied; try again")

    async def _warned(self, admitted: Admitted, warnings: tuple[str, ...], now: datetime, *, dry_run: bool = False) -> Admitted:
        """With the checker's warnings, which the journal keeps where the object is new or changed."""
        if warnings and admitted.done is not Done.UNCHANGED and not dry_run:
            entry = JournalRecord(
                at=now,
                stage=Stage.DECLARE,
                subject=str(admitted.ref),
                cluster="",
                decision="warned",
                reason="; ".join(warnings),
                cause_id=uuid4().hex,
            )
            await self._database.commit([entry])
        return replace(admitted, warnings=(*warnings, *admitted.warnings))

    async def change(self, ref: ObjectRef, changed: Manifest, live: DeclaredObject, *, now: datetime) -> Admitted:
        """Replaces an object that was read as `live`; `changed` keeps its metadata.

        Raises:
            InvalidInput: what it became is not valid.
            Conflict: it changed meanwhile.
        """
        parse(changed)
        warnings = await asyncio.to_thread(judged_alone, changed, live.manifest)
        after = update_managers(live.manifest, changed, manager=self._manager, subresource="", now=stamp(now))
        return await self._warned(await self._put(ref, live, after), warnings, now)

    async def label(self, ref: ObjectRef, changes: Mapping[str, str | None], *, now: datetime, field: str = "labels") -> Admitted:
        """Sets labels (or `annotations`), and removes those given as None.

        Raises:
            NotFound: there is no such object.
        """
        live = await self._database.declared.get(ref)
        if live is None:
            raise NotFound(f"{ref} does not exist")
        return await self.change(ref, relabelled(live.manifest, changes, field), live, now=now)

    async def delete(self, ref: ObjectRef, *, now: datetime) -> Admitted:
        """Deletes; with finalizers it stays, marked, until they are gone.

        Raises:
            NotFound: there is no such object.
        """
        live = await self._database.declared.get(ref)
        if live is None:
            raise NotFound(f"{ref} does not exist")
        marked = marked_deleted(live.manifest, now)
        if marked is not None:
            put = await self._database.declared.put(marked, expected=live.resource_version, unsupported=live.unsupported, by=self._by)
            return Admitted(ref, Done.DELETED, put)
        removed = await self._database.declared.remove(ref, expected=live.resource_version, by=self._by)
        return Admitted(ref, Done.DELETED, removed)

    async def _put(self, ref: ObjectRef, live: DeclaredObject | None, manifest: Manifest) -> Admitted:
        full, paths, warnings = _completed(ref, live, manifest)
        if live is not None and _differ_in_time_only(live.manifest, full):
            return Admitted(ref, Done.UNCHANGED, live, warnings)
        expected = live.resource_version if live else 0
        put = await self._database.declared.put(full, expected=expected, unsupported=paths, by=self._by)
        if live is None:
            return Admitted(ref, Done.CREATED, put, warnings)
        done = Done.UNCHANGED if put.resource_version == live.resource_version else Done.CONFIGURED
        return Admitted(ref, done, put, warnings)


def foreseen_on(live: DeclaredObject | None, manifest: Manifest, *, manager: str, now: datetime, force: bool = False) -> Admitted:
    """What applying a placed manifest to `live` would do.

    Raises:
        InvalidInput: a field that may not change would.
        Conflict: another manager holds a field, or the object is being deleted.
    """
    ref = ref_of(manifest)
    full, paths, warnings = _completed(ref, live, _merged(live, manifest, manager=manager, now=now, force=force))
    admitted = _foreseen(ref, live, full, warnings)
    return replace(admitted, object=replace(admitted.object, unsupported=paths))


def _merged(live: DeclaredObject | None, manifest: Manifest, *, manager: str, now: datetime, force: bool) -> Manifest:
    """Server-side apply."""
    if live is not None and live.deleting:
        raise Conflict(f"{live.ref} is being deleted")
    return apply_patch(live.manifest if live else None, manifest, manager=manager, force=force, subresource="", now=stamp(now))


def _completed(ref: ObjectRef, live: DeclaredObject | None, manifest: Manifest) -> tuple[Manifest, tuple[str, ...], tuple[str, ...]]:
    """With its defaults; the paths that are not acted on, and warnings about them."""
    full = with_defaults(manifest)
    if live is not None:
        broken = immutable_violations(live.manifest, full)
        if broken:
            raise InvalidInput(f"{ref}: {'; '.join(map(str, broken))}")
    paths = unsupported(full)
    return full, paths, tuple(f"{ref}: {path} is taken, but not acted on yet" for path in paths)


def relabelled(manifest: Manifest, changes: Mapping[str, str | None], field: str = "labels") -> Manifest:
    """With these labels (or `annotations`) set, and those given as None removed."""
    metadata = dict(manifest["metadata"])
    values = {**(metadata.get(field) or {}), **{key: value for key, value in changes.items() if value is not None}}
    metadata[field] = {key: value for key, value in values.items() if changes.get(key, "") is not None}
    return {**manifest, "metadata": metadata}


def marked_deleted(manifest: Manifest, now: datetime) -> Manifest | None:
    """What a delete leaves: None, or the object with its mark until its finalizers are gone."""
    metadata = manifest["metadata"]
    if not metadata.get("finalizers"):
        return None
    return {**manifest, "metadata": {**metadata, "deletionTimestamp": metadata.get("deletionTimestamp") or stamp(now)}}


def _differ_in_time_only(live: Manifest, manifest: Manifest) -> bool:
    """Defaults within a list that is one piece make server-side apply see a change where there is none but of the time."""

    def timeless(said: Manifest) -> Manifest:
        metadata = said["metadata"]
        entries = [{key: value for key, value in entry.items() if key != "time"} for entry in metadata.get("managedFields") or ()]
        return {**said, "metadata": {**metadata, "managedFields": entries}}

    return timeless(live) == timeless(manifest)


def _foreseen(ref: ObjectRef, live: DeclaredObject | None, manifest: Manifest, warnings: tuple[str, ...]) -> Admitted:
    """What a put would do."""
    if live is None:
        never = datetime(1970, 1, 1, tzinfo=UTC)
        nothing = DeclaredObject(ref=ref, manifest=manifest, uid="", resource_version=0, generation=1, created_at=never, updated_at=never)
        return Admitted(ref, Done.CREATED, nothing, warnings)
    same = all(manifest.get(key) == live.manifest.get(key) for key in {*manifest, *live.manifest} - {"metadata"})
    said = ("labels", "annotations", "finalizers")
    same = same and all(manifest["metadata"].get(key) == live.manifest["metadata"].get(key) for key in said)
    return Admitted(ref, Done.UNCHANGED if same else Done.CONFIGURED, replace(live, manifest=manifest), warnings)


def placed(manifest: Manifest) -> Manifest:
    """With the namespace that its kind asks for: `default` where a namespaced object names none.

    Raises:
        InvalidInput: a cluster-scoped object names one.
    """
    spec = KINDS.get(gvk_of(manifest))
    metadata = manifest.get("metadata")
    if spec is None or not isinstance(metadata, dict):
        return manifest
    if spec.namespaced and not metadata.get("namespace"):
        return {**manifest, "metadata": {**metadata, "namespace": "default"}}
    if not spec.namespaced and metadata.get("namespace"):
        raise InvalidInput(f"{spec.gvk.kind} {metadata.get('name')} is cluster-scoped: metadata.namespace does not belong there")
    return manifest


def stamp(now: datetime) -> str:
    """A time as Kubernetes writes it."""
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")
