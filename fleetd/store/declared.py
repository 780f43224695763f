"""Declared objects: put with an expected version, kept with their history, announced in the same transaction."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import bindparam, delete, select, update

from fleetd.domain.audit import Decider
from fleetd.domain.declared import DeclaredObject
from fleetd.domain.errors import Conflict, InvalidInput, NotFound
from fleetd.domain.objects import Manifest, gvk_of, ref_of
from fleetd.domain.refs import GroupKind, ObjectRef, is_secret
from fleetd.domain.states import DeclaredState
from fleetd.store import tables
from fleetd.store.bodies import json_bytes, json_value, redacted
from fleetd.store.crypto import MasterKey
from fleetd.store.gather import ChangedKind, Changes, Operation, Versions, insert_all, key_is
from fleetd.store.moments import moment, optional_moment
from fleetd.store.references import edges
from fleetd.store.steps import Ask, Fetch, Many, Row, Steps

T = TypeVar("T")
_t, _s, _r = tables.declared, tables.declared_states, tables.declared_references
_VERSIONS = Versions(_t, "ref")
_SAID = (_s.c.state.label("state"), _s.c.reason.label("reason"), _s.c.status.label("status"))
_COLUMNS = (*(column for column in _t.c if column.name != "valid_to"), *_SAID)
_OPEN = select(*_COLUMNS).select_from(_t.outerjoin(_s, _s.c.ref == _t.c.ref)).where(_t.c.valid_to.is_(None))
_ONE = _OPEN.where(key_is(_t, "ref"))
_ALL = _OPEN.order_by(_t.c.ref)
_OF_KIND = _OPEN.where(key_is(_t, "api_group", "kind")).order_by(_t.c.namespace, _t.c.name)
_OF_KIND_IN = _OPEN.where(key_is(_t, "api_group", "kind", "namespace")).order_by(_t.c.name)
_IN = _OPEN.where(key_is(_t, "namespace")).order_by(_t.c.ref)
_HISTORY = select(_t).where(key_is(_t, "ref")).order_by(_t.c.row_id)
_NEXT = (
    update(tables.counters)
    .where(tables.counters.c.name == "resource_version")
    .values(value=tables.counters.c.value + 1)
    .returning(tables.counters.c.value.label("value"))
)
_FORGET_STATE = delete(_s).where(key_is(_s, "ref"))
_FORGET_EDGES = delete(_r).where(_r.c.from_ref == bindparam("k_ref"))
_ADD_EDGE = insert_all(_r)
_SERVERS = ("uid", "resourceVersion", "generation", "creationTimestamp")


@dataclass(frozen=True, slots=True)
class Revision:
    """A version of a declared object as it stood from `valid_from` until `valid_to` (None: now). A Secret's values are redacted."""

    ref: ObjectRef
    resource_version: int
    generation: int
    valid_from: datetime
    valid_to: datetime | None
    manifest: Manifest = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Said:
    """What is put: where which version is expected, and by whom."""

    manifest: Manifest = field(repr=False)
    expected: int | None
    unsupported: tuple[str, ...]
    by: Decider | None


class Session(Protocol):
    """What runs steps: a write joins the next group commit, a read sees one state of the database."""

    async def write(self, work: Callable[[Changes], Steps[T]]) -> T: ...

    async def read(self, steps: Steps[T]) -> T: ...


def declared_object(row: Row, key: MasterKey | None) -> DeclaredObject:
    """A row of `declared` with its status. Without a key a Secret's values are redacted."""
    unsupported = tuple(json_value(row["unsupported"]))
    sealed = row["sealed"]
    text = row["manifest"]
    if sealed is not None and key is not None:
        text = key.unseal(bytes(sealed), table="declared", row=_seal_row(row["uid"], row["resource_version"]))
    state = DeclaredState(row["state"]) if row["state"] else DeclaredState.UNSUPPORTED if unsupported else DeclaredState.READY
    return DeclaredObject(
        ref=ObjectRef.parse(row["ref"]),
        manifest=json_value(text),
        uid=row["uid"],
        resource_version=row["resource_version"],
        generation=row["generation"],
        created_at=moment(row["created_at"]),
        updated_at=moment(row["updated_at"]),
        state=state,
        reason=row["reason"] or "",
        unsupported=unsupported,
        status=json_value(row["status"]) if row["status"] else {},
    )


def all_declared(key: MasterKey | None) -> Steps[tuple[DeclaredObject, ...]]:
    """Every declared object, by reference."""
    rows = yield Fetch(_ALL)
    return tuple(declared_object(row, key) for row in rows)


class DeclaredObjects:
    """The repository of declared objects, for the daemon and for every other process beside it."""

    def __init__(self, session: Session, key: MasterKey | None) -> None:
        self._session = session
        self._key = key

    async def get(self, ref: ObjectRef) -> DeclaredObject | None:
        """The object as it stands, None when there is none."""
        rows = await self._session.read(_fetched(Fetch(_ONE, {"k_ref": str(ref)})))
        return declared_object(rows[0], self._key) if rows else None

    async def list(self, group_kind: GroupKind | None = None, namespace: str | None = None) -> Sequence[DeclaredObject]:
        """All objects, or those of a kind, or in a namespace, in the order of their names."""
        params = {"k_namespace": namespace} if namespace is not None else {}
        if group_kind is None:
            fetch = Fetch(_ALL if namespace is None else _IN, params)
        else:
            params |= {"k_api_group": group_kind.group, "k_kind": group_kind.kind}
            fetch = Fetch(_OF_KIND if namespace is None else _OF_KIND_IN, params)
        return [declared_object(row, self._key) for row in await self._session.read(_fetched(fetch))]

    async def put(
        self, manifest: Manifest, *, expected: int | None, unsupported: tuple[str, ...] = (), by: Decider | None = None
    ) -> DeclaredObject:
        """Creates or replaces; one that says nothing new changes nothing and gives back what is there.

        Args:
            manifest: uid, resourceVersion, generation and creationTimestamp are the store's; what it says of them is dropped.
            expected: the resourceVersion that must be there; 0 for none; None to put whatever is there.
            by: who decided it; a change leaves an entry in the audit.

        Raises:
            Conflict: another version is there.
            InvalidInput: it has no kind or no name.
        """
        ref = ref_of(manifest)
        if not ref.kind or not ref.name or "/" in ref.name:
            raise InvalidInput("a declared object needs apiVersion, kind and metadata.name")
        return await self._session.write(lambda changes: self._put(ref, _Said(manifest, expected, unsupported, by), changes))

    async def remove(self, ref: ObjectRef, *, expected: int | None = None, by: Decider | None = None) -> DeclaredObject:
        """Removes the object now, and gives back what it was; finalizers are the caller's to honour.

        Raises:
            NotFound: there is none.
            Conflict: another version is there.
        """
        return await self._session.write(lambda changes: self._remove(ref, expected, by, changes))

    async def history(self, ref: ObjectRef) -> Sequence[Revision]:
        """Every kept version, oldest first."""
        rows = await self._session.read(_fetched(Fetch(_HISTORY, {"k_ref": str(ref)})))
        return [
            Revision(
                ref,
                row["resource_version"],
                row["generation"],
                moment(row["valid_from"]),
                optional_moment(row["valid_to"]),
                json_value(row["manifest"]),
            )
            for row in rows
        ]

    def _put(self, ref: ObjectRef, said: _Said, changes: Changes) -> Steps[DeclaredObject]:
        manifest, unsupported = said.manifest, said.unsupported
        rows = yield Fetch(_ONE, {"k_ref": str(ref)})
        before = declared_object(rows[0], self._key) if rows else None
        _expect(ref, before, said.expected)
        if before is not None and before.unsupported == unsupported and _said(manifest) == _said(before.manifest):
            return before
        version = (yield Fetch(_NEXT))[0]["value"]
        after = _next(ref, manifest, before, version, changes.at, unsupported)
        if before is None:
            yield Many(_FORGET_STATE, [{"k_ref": str(ref)}])
        yield from _VERSIONS.steps({(str(ref),): self._row(after)}, changes.at)
        yield Many(_FORGET_EDGES, [{"k_ref": str(ref)}])
        named = edges(manifest)
        if named:
            yield Many(_ADD_EDGE, [{"from_ref": str(ref), "field_path": path, "to_ref": str(to)} for path, to in named.items()])
        changes.note(ChangedKind.DECLARED, str(ref))
        if said.by is not None:
            changes.decided.append(said.by.entry(str(ref), _outcome(before, after)))
        return after

    def _remove(self, ref: ObjectRef, expected: int | None, by: Decider | None, changes: Changes) -> Steps[DeclaredObject]:
        rows = yield Fetch(_ONE, {"k_ref": str(ref)})
        if not rows:
            raise NotFound(f"{ref} is not there")
        before = declared_object(rows[0], self._key)
        _expect(ref, before, expected)
        yield Fetch(_NEXT)
        yield from _VERSIONS.steps({(str(ref),): None}, changes.at)
        yield Many(_FORGET_STATE, [{"k_ref": str(ref)}])
        yield Many(_FORGET_EDGES, [{"k_ref": str(ref)}])
        changes.note(ChangedKind.DECLARED, str(ref), Operation.REMOVE)
        if by is not None:
            changes.decided.append(by.entry(str(ref), "deleted"))
        return before

    def _row(self, after: DeclaredObject) -> Row:
        sealed, shown = None, after.manifest
        if is_secret(after.ref):
            if self._key is None:
                raise InvalidInput("a Secret cannot be stored without the master key: name its file in FLEETD_KEY_FILE")
            row = _seal_row(after.uid, after.resource_version)
            sealed = self._key.seal(json_bytes(after.manifest), table="declared", row=row)
            shown = redacted(after.manifest)
        return {
            "ref": str(after.ref),
            "kind": after.ref.kind,
            "api_group": after.ref.group,
            "api_version": gvk_of(after.manifest).api_version,
            "namespace": after.ref.namespace,
            "name": after.ref.name,
            "uid": after.uid,
            "resource_version": after.resource_version,
            "generation": after.generation,
            "created_at": after.created_at,
            "updated_at": after.updated_at,
            "manifest": json_bytes(shown).decode("utf-8"),
            "sealed": sealed,
            "unsupported": json_bytes(list(after.unsupported)).decode("utf-8"),
        }


def _fetched(fetch: Fetch) -> Generator[Ask, Sequence[Row], Sequence[Row]]:
    return (yield fetch)


def _seal_row(uid: str, version: int) -> str:
    return f"{uid}/{version}"


def _expect(ref: ObjectRef, before: DeclaredObject | None, expected: int | None) -> None:
    there = before.resource_version if before is not None else 0
    if expected is None or expected == there:
        return
    if expected == 0:
        raise Conflict(f"{ref} exists already")
    if there == 0:
        raise Conflict(f"{ref} was removed meanwhile")
    raise Conflict(f"{ref} changed meanwhile: version {expected} was expected, {there} is there")


def _outcome(before: DeclaredObject | None, after: DeclaredObject) -> str:
    if before is None:
        return "created"
    return "deleting" if after.deleting and not before.deleting else "configured"


def _said(manifest: Manifest) -> Any:
    """What somebody said, without what the store adds."""
    metadata = manifest.get("metadata") or {}
    return {**manifest, "metadata": {name: value for name, value in metadata.items() if name not in _SERVERS}}


def _intent(manifest: Manifest) -> Manifest:
    return {name: value for name, value in manifest.items() if name not in ("metadata", "status")}


def _next(
    ref: ObjectRef, manifest: Manifest, before: DeclaredObject | None, version: int, at: datetime, unsupported: tuple[str, ...]
) -> DeclaredObject:
    generation = 1
    if before is not None:
        generation = before.generation + (_intent(manifest) != _intent(before.manifest))
    uid = before.uid if before is not None else str(uuid.uuid4())
    created_at = before.created_at if before is not None else at.replace(microsecond=0)
    said = _said(manifest)
    server = {
        "uid": uid,
        "resourceVersion": str(version),
        "generation": generation,
        "creationTimestamp": created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    fallback = DeclaredState.UNSUPPORTED if unsupported else DeclaredState.READY
    known = before is not None and not before.unsupported and not unsupported
    return DeclaredObject(
        ref=ref,
        manifest={**said, "metadata": {**said["metadata"], **server}},
        uid=uid,
        resource_version=version,
        generation=generation,
        created_at=created_at,
        updated_at=at,
        state=before.state if known and before is not None else fallback,
        reason=before.reason if known and before is not None else "",
        unsupported=unsupported,
    )
