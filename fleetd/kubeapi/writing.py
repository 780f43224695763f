"""Writes: what happens to an object between a request and the storage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fleetd.kubeapi.admission import Admission, Asked, Operation, admitted
from fleetd.kubeapi.apply import ApplyConflict, ManagedFieldsGiven, NotTyped, apply_patch, update_managers
from fleetd.kubeapi.bodies import in_its_form
from fleetd.kubeapi.cautions import cautions
from fleetd.kubeapi.content import completed, free, what_the_path_writes, with_defaults
from fleetd.kubeapi.definitions import DEFINITIONS
from fleetd.kubeapi.deleting import ATTEMPTS, Deleting, found
from fleetd.kubeapi.ending import may_go
from fleetd.kubeapi.establishing import Establishing
from fleetd.kubeapi.exchange import User
from fleetd.kubeapi.metadata import aged, born, carried_over, generated_name, ordered, same, stamp
from fleetd.kubeapi.options import DeleteOptions, Options
from fleetd.kubeapi.prepared import Circumstances, prepared
from fleetd.kubeapi.quotas import within_quota
from fleetd.kubeapi.refusals import (
    ApiRefusal,
    Cause,
    already_exists,
    bad_request,
    conflict,
    failed,
    forbidden,
    invalid,
    not_found,
)
from fleetd.kubeapi.reviews import Knows, nobody
from fleetd.kubeapi.rights import Rights
from fleetd.kubeapi.rules import immutable, required
from fleetd.kubeapi.services import Allocation
from fleetd.kubeapi.storage import Record, Stale, Storage, Write
from fleetd.kubeapi.structural_rules import Compile
from fleetd.kubeapi.targets import Target
from fleetd.kubeapi.validation import check, readable

Body = dict[str, Any]
OWNING_PATHS = ("status", "scale", "approval", "ephemeralcontainers", "resize")
"""Subresources that managedFields name."""
CONDITIONAL = frozenset(
    (
        "apiservices.apiregistration.k8s.io",
        "csidrivers.storage.k8s.io",
        "csinodes.storage.k8s.io",
        "customresourcedefinitions.apiextensions.k8s.io",
        "leases.coordination.k8s.io",
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        "poddisruptionbudgets.policy",
        "runtimeclasses.node.k8s.io",
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        "volumeattachments.storage.k8s.io",
    )
)
"""Built-in kinds of which a PUT has to say which state it changes."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, and how; `told` takes up what is to be warned of, where anybody wants to know."""

    user: User
    options: Options
    told: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Extras:
    """What a server does beside its bare API.

    `ends_namespaces`: a deleted namespace takes its objects along; without it a controller has to do that. `compile_rule` makes the CEL
    of custom kinds' schemas ready; without it their rules are not asked. `rights` decides instead of the server's `may`, and gives its
    reasons; `knows` says whom a bearer token stands for, whose audience is `audience`. `furnished`: the storage is new and has the first
    namespaces already. `holds_dependents`: there is a collector of garbage, for which foreground deletions and orphaning wait.
    `protects_volumes`: claims and volumes have the finalizers for which a controller has to be there. `wants_accounts`: a Pod is refused
    whose ServiceAccount is not there.
    """

    ends_namespaces: bool = True
    compile_rule: Compile | None = None
    rights: Rights | None = None
    knows: Knows = nobody
    audience: Callable[[], str] = str
    furnished: bool = False
    holds_dependents: bool = False
    protects_volumes: bool = False
    wants_accounts: bool = False


@dataclass(frozen=True, slots=True)
class Writing:
    """Every write of one server goes through here."""

    storage: Storage
    clock: Callable[[], datetime]
    new_uid: Callable[[], str]
    held: Allocation
    deleting: Deleting
    establishing: Establishing
    admission: tuple[Admission, ...] = ()
    extras: Extras = Extras()

    async def create(self, target: Target, body: Body, writer: Writer) -> Record:
        """A new object. Raises ApiRefusal."""
        named = self._named(target, body)
        if body["metadata"].get("resourceVersion"):
            raise failed("resourceVersion should not be set on objects to be created")
        now = stamp(self.clock())

        def owned(made: Body) -> Body:
            return update_managers(None, made, manager=writer.options.manager, now=now, facts=target.kind.facts)

        return await self._born(named, body, writer, owned)

    async def replace(self, target: Target, body: Body, writer: Writer) -> Record:
        """A PUT. Raises ApiRefusal."""
        self._fits(target, body)
        return await self._retried(target, lambda: self._replaced(target, ordered_copy(body), writer))

    async def change(self, target: Target, alter: Callable[[Body], Body], writer: Writer) -> Record:
        """A patch: `alter` makes the new object of a copy of the stored one. Raises ApiRefusal."""

        async def attempt() -> Record:
            live = await self.found(target)
            with in_its_form(target.kind):
                body = alter(live.copy())
            if not isinstance(body.get("metadata"), dict):
                raise bad_request("metadata is missing")
            body["apiVersion"], body["kind"] = live.body["apiVersion"], live.body["kind"]
            self._fits(target, body)
            if target.subresource != "status":
                self._unchanged_identity(target, live, body)
            return await self._updated(target, live, body, writer)

        return await self._retried(target, attempt)

    async def apply(self, target: Target, body: Body, writer: Writer) -> tuple[Record, bool]:
        """A server-side apply; also says whether the object is new. Raises ApiRefusal."""
        self._fits(target, body)
        for _ in range(ATTEMPTS):
            live = await self.storage.get(target.kind.shelf, target.stored_namespace, target.name)
            try:
                if live is None:
                    return await self._applied_anew(target, body, writer), True
                return await self._applied(target, live, body, writer), False
            except Stale:
                continue
        raise conflict(target.kind, target.name)

    async def delete(self, target: Target, options: DeleteOptions, user: User) -> tuple[Record, bool]:
        """The object's last state, and whether it is gone (or waits for its finalizers). Raises ApiRefusal."""
        return await self.deleting.delete(target, options, user)

    async def found(self, target: Target) -> Record:
        """The stored object. Raises ApiRefusal (404)."""
        return await found(self.storage, target)

    async def _retried(self, target: Target, attempt: Callable[[], Awaitable[Record]]) -> Record:
        for _ in range(ATTEMPTS):
            try:
                return await attempt()
            except Stale:
                continue
        raise conflict(target.kind, target.name)

    def _named(self, target: Target, body: Body) -> Target:
        """The target with the new object's name, which may be generated. Raises ApiRefusal (400)."""
        metadata = body["metadata"]
        if target.kind.namespaced and metadata.get("namespace") not in (None, "", target.namespace):
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
        readable(target.kind, body)
        return replace(target, name=metadata.get("name") or "")

    def _fits(self, target: Target, body: Body) -> None:
        """Whether a body and its path name the same object. Raises ApiRefusal (400)."""
        metadata = body["metadata"]
        name = metadata.setdefault("name", target.name)
        if name != target.name:
            raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({target.name})")
        said = metadata.get("namespace")
        if target.kind.namespaced and said and said != target.namespace:
            raise bad_request(f"the namespace of the object ({said}) does not match the namespace on the URL ({target.namespace})")
        readable(target.kind, body)

    def _unchanged_identity(self, target: Target, live: Record, body: Body) -> None:
        metadata = body["metadata"]
        if metadata.get("resourceVersion") not in (None, "", str(live.version)):
            raise conflict(target.kind, target.name)
        uid = metadata.get("uid")
        if uid and uid != live.metadata["uid"]:
            raise invalid(target.kind.group, target.kind.kind, target.name, [immutable("metadata.uid", uid)] * 2)

    async def _open(self, target: Target) -> None:
        """Whether the definition and the namespace take new objects. Raises ApiRefusal (403, 404, 405)."""
        if target.kind.custom:
            definition = await self.storage.get(DEFINITIONS, "", target.kind.resource)
            if definition is not None and definition.metadata.get("deletionTimestamp"):
                raise ApiRefusal(405, "MethodNotAllowed", "create not allowed while custom resource definition is terminating", {})
        if not target.kind.namespaced:
            return
        namespace = await self.storage.get("namespaces", "", target.namespace)
        if namespace is None:
            details = {"name": target.namespace, "kind": "namespaces"}
            raise ApiRefusal(404, "NotFound", f'namespaces "{target.namespace}" not found', details)
        if namespace.metadata.get("deletionTimestamp"):
            cause = Cause("NamespaceTerminating", f"namespace {target.namespace} is being terminated", "metadata.namespace")
            why = f"unable to create new content in namespace {target.namespace} because it is being terminated"
            raise forbidden(target.kind, target.name, why, [cause])

    async def _born(self, target: Target, body: Body, writer: Writer, owned: Callable[[Body], Body]) -> Record:
        await self._open(target)
        kind = target.kind
        uid = self.new_uid()
        born(kind, body, uid, stamp(self.clock()))
        metadata = body["metadata"]
        if kind.namespaced:
            metadata["namespace"] = target.namespace
        if not target.name and metadata.get("generateName"):
            target = replace(target, name=generated_name(str(metadata["generateName"]), uid))
            metadata["name"] = target.name
        if not target.name:
            raise invalid(kind.group, kind.kind, "", [required("metadata.name", "name or generateName is required")])
        if kind.has_status:
            body.pop("status", None)
        with in_its_form(kind):
            with_defaults(kind, body)
        body = await self._admitted(target, Operation.CREATE, None, body, writer)
        with in_its_form(kind):
            body = owned(body)
            completed(kind, body, None, self.held)
            await self._prepared(target, body, None, writer)
            check(kind, body, None, self.extras.compile_rule)
            free(kind, body, self.held)
        await within_quota(self.storage, self._asked(target, Operation.CREATE, None, body, writer))
        if writer.told is not None:
            writer.told.extend(cautions(kind, body, None))
        body = ordered(body)
        if await self.storage.get(kind.shelf, target.stored_namespace, target.name):
            await self._refuse_twice(target)
        if writer.options.dry_run:
            return Record(0, body)
        try:
            record = await self.storage.commit(Write(kind.shelf, target.stored_namespace, target.name, body, 0))
        except Stale:
            return await self._refuse_twice(target)
        if kind.resource == DEFINITIONS:
            await self.establishing.settle(target.name)
        return record

    async def _refuse_twice(self, target: Target) -> Record:
        live = await self.storage.get(target.kind.shelf, target.stored_namespace, target.name)
        raise already_exists(target.kind, target.name, ending=bool(live and live.metadata.get("deletionTimestamp")))

    async def _replaced(self, target: Target, body: Body, writer: Writer) -> Record:
        live = await self.found(target)
        metadata = body["metadata"]
        uid, version = metadata.get("uid"), metadata.get("resourceVersion")
        if uid and uid != live.metadata["uid"]:
            key = f"/registry/{target.kind.plural}/{target.namespace}/{target.name}".replace("//", "/")
            had = f"UID in precondition: {uid}, UID in object meta: {live.metadata['uid']}"
            why = f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: {had}"
            raise conflict(target.kind, target.name, why)
        if version and version != str(live.version):
            raise conflict(target.kind, target.name)
        if not version and (target.kind.custom or target.kind.resource in CONDITIONAL):
            cause = Cause("FieldValueInvalid", "Invalid value: 0: must be specified for an update", "metadata.resourceVersion")
            raise invalid(target.kind.group, target.kind.plural, target.name, [cause], of=target.kind.resource)
        return await self._updated(target, live, body, writer)

    async def _updated(self, target: Target, live: Record, body: Body, writer: Writer) -> Record:
        carried_over(live.body, body)
        now = stamp(self.clock())

        def owned(made: Body) -> Body:
            path, facts = _owner_path(target), target.kind.facts
            return update_managers(live.body, made, manager=writer.options.manager, subresource=path, now=now, facts=facts)

        return await self._settled(target, live, body, writer, owned)

    async def _applied_anew(self, target: Target, body: Body, writer: Writer) -> Record:
        kind = target.kind
        uid = body["metadata"].get("uid")
        if uid:
            why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            raise conflict(kind, target.name, why)
        if target.subresource:
            raise not_found(kind, target.name)
        await self._open(target)
        applied = self._merged(target, None, body, writer)
        return await self._born(target, applied, writer, lambda made: made)

    async def _applied(self, target: Target, live: Record, body: Body, writer: Writer) -> Record:
        self._unchanged_identity(target, live, body)
        merged = self._merged(target, live, body, writer)
        owners = merged["metadata"].get("managedFields")
        carried_over(live.body, merged)
        merged["metadata"]["managedFields"] = owners
        return await self._settled(target, live, merged, writer, lambda made: made)

    def _merged(self, target: Target, live: Record | None, body: Body, writer: Writer) -> Body:
        options = writer.options
        try:
            with in_its_form(target.kind):
                return apply_patch(
                    live.body if live else None,
                    body,
                    manager=options.manager,
                    force=options.force,
                    subresource=_owner_path(target),
                    now=stamp(self.clock()),
                    facts=target.kind.facts,
                )
        except ApplyConflict as error:
            causes = [Cause("FieldManagerConflict", cause.message, cause.path).body() for cause in error.causes]
            raise ApiRefusal(409, "Conflict", str(error), {"causes": causes}) from error
        except ManagedFieldsGiven as error:
            raise bad_request("metadata.managedFields must be nil") from error
        except NotTyped as error:
            raise failed(str(error)) from error

    async def _settled(self, target: Target, live: Record, body: Body, writer: Writer, owned: Callable[[Body], Body]) -> Record:
        """The rest of every write to an object that is there."""
        kind = target.kind
        body = what_the_path_writes(target, live, body)
        with in_its_form(kind):
            with_defaults(kind, body)
        body = await self._admitted(target, Operation.UPDATE, live.body, body, writer)
        with in_its_form(kind):
            body = owned(body)
            completed(kind, body, live.body, self.held)
            await self._prepared(target, body, live.body, writer)
            aged(kind, live.body, body)
            check(kind, body, live.body, self.extras.compile_rule)
            free(kind, body, self.held)
        if writer.told is not None and not target.subresource:
            writer.told.extend(cautions(kind, body, live.body))
        body = ordered(body)
        if may_go(kind, body):
            return await self.deleting.gone(target, live, body, dry_run=writer.options.dry_run)
        if same(live.body, body):
            return live
        if writer.options.dry_run:
            return Record(live.version, body)
        record = await self.storage.commit(Write(kind.shelf, target.stored_namespace, target.name, body, live.version))
        if kind.resource == DEFINITIONS:
            await self.establishing.settle(target.name)
        return record

    async def _prepared(self, target: Target, body: Body, live: Body | None, writer: Writer) -> None:
        where = Circumstances(self.storage, writer.user, stamp(self.clock()), self.extras.protects_volumes, self.extras.wants_accounts)
        await prepared(target.kind.resource, body, live, where)

    async def _admitted(self, target: Target, operation: Operation, before: Body | None, after: Body, writer: Writer) -> Any:
        return await admitted(self.admission, self._asked(target, operation, before, after, writer))

    def _asked(self, target: Target, operation: Operation, before: Body | None, after: Body, writer: Writer) -> Asked:
        where = (target.kind, target.namespace, target.name, target.subresource)
        return Asked(operation, *where, before, after, writer.user, writer.options.dry_run)


def ordered_copy(body: Body) -> Body:
    """A body whose top and metadata may be changed."""
    return {**body, "metadata": dict(body["metadata"])}


def _owner_path(target: Target) -> str:
    return target.subresource if target.subresource in OWNING_PATHS else ""
