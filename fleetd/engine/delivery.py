"""One delivery: read what must be read, plan, act, and say what was done. It changes a cluster and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fleetd.cluster.port import Cluster, FieldConflict, NoSuchKind
from fleetd.decide.definitions import Profile, SyncMode
from fleetd.decide.digest import Digest, digest
from fleetd.decide.drift import brought, field_set, fields_of_entry, held_paths, owned_digest
from fleetd.decide.exclusions import spared
from fleetd.decide.members import Member
from fleetd.decide.ownership import Owned, bare, foreign_owner, ours
from fleetd.decide.plan import Action, Plan, Step, Terms, plan, to_read
from fleetd.decide.plane.delivering import Failure, Outcome
from fleetd.decide.plane.state import DeliveryKey, Placement
from fleetd.domain.errors import Conflict, FleetdError, GiveUp, NotPermitted, TryLater
from fleetd.domain.fieldset import project
from fleetd.domain.objects import Manifest, gvk_of
from fleetd.domain.records import InventoryRecord, JournalRecord, Stage
from fleetd.domain.refs import GroupVersionKind, ObjectRef
from fleetd.domain.states import AddonState
from fleetd.engine.clock import Clock


@dataclass(frozen=True, slots=True)
class Order:
    """What a delivery begins with; taken from the plane in one piece. `profile` is None when all is to be withdrawn."""

    key: DeliveryKey
    placement: Placement
    profile: Profile | None
    member: Member
    inventory: Mapping[ObjectRef, InventoryRecord]
    live: Mapping[ObjectRef, Manifest | None]
    unread: Collection[ObjectRef]
    adopt: Collection[ObjectRef]
    addons: Collection[str]
    epoch: int
    observe: bool = False
    digest: Digest = digest


@dataclass(slots=True)
class Progress:
    """What has been done so far."""

    put: list[InventoryRecord] = field(default_factory=list)
    gone: list[ObjectRef] = field(default_factory=list)
    found: list[tuple[ObjectRef, Manifest | None]] = field(default_factory=list)
    corrected: list[ObjectRef] = field(default_factory=list)
    troubles: dict[str, tuple[AddonState, str]] = field(default_factory=dict)
    told: list[JournalRecord] = field(default_factory=list)
    failure: Failure | None = None

    def trouble(self, addon: str, error: FleetdError) -> None:
        """Notes the first trouble of an add-on, and what it means for the next attempt."""
        state = AddonState.CONFLICT if isinstance(error, Conflict) else AddonState.FAILED
        self.troubles.setdefault(addon, (state, str(error)))
        later = isinstance(error, TryLater)
        after = error.after if isinstance(error, TryLater) else None
        if self.failure is None or (later and self.failure.refused):
            self.failure = Failure(refused=not later, after=after)


class Delivery:
    """Carries out one order on one cluster."""

    def __init__(self, order: Order, cluster: Cluster, clock: Clock) -> None:
        self._order = order
        self._cluster = cluster
        self._clock = clock
        self._done = Progress()

    async def run(self) -> Outcome:
        """Never raises for what a cluster says: the outcome tells."""
        order, done = self._order, self._done
        try:
            if order.profile is None or order.placement.wanted is None:
                await self._withdraw()
            else:
                await self._bring(order.profile)
        except FleetdError as error:
            done.trouble("", error)
        if done.failure is not None and any(item.ref.kind == "CustomResourceDefinition" for item in done.put):
            # A kind that was lacking may be served in a moment.
            done.failure = replace(done.failure, refused=False)
        return Outcome(
            key=order.key,
            placement=order.placement,
            put=tuple(done.put),
            gone=tuple(done.gone),
            addons=self._states(),
            found=tuple(done.found),
            looked=frozenset((*order.live, *order.unread)),
            corrected=tuple(done.corrected),
            failure=done.failure,
            told=tuple(done.told),
        )

    def _states(self) -> dict[str, tuple[AddonState, str]]:
        order, done = self._order, self._done
        wanted = order.placement.wanted
        if wanted is None:
            return dict.fromkeys(order.addons, done.troubles[""]) if "" in done.troubles else {}
        common = done.troubles.get("")
        states: dict[str, tuple[AddonState, str]] = {}
        for item in wanted.addons:
            if item.problem:
                states[item.addon] = (AddonState.WAITING if item.waits else AddonState.FAILED, item.problem)
            else:
                states[item.addon] = done.troubles.get(item.addon) or common or (AddonState.DEPLOYED, item.note)
        names = {item.addon for item in wanted.addons}
        left = {item.addon for item in order.inventory.values() if item.ref not in done.gone} - names
        for addon in {item.addon for item in order.inventory.values()} - names - left:
            states[addon] = (AddonState.REMOVED, "")
        return states

    async def _bring(self, profile: Profile) -> None:
        order = self._order
        wanted = order.placement.wanted
        assert wanted is not None  # noqa: S101 - the caller has looked
        objects, complete = await self._place_names(wanted.objects(profile, order.member, order.digest))
        live = dict(order.live)
        for ref in {*to_read(objects, order.inventory), *order.unread} - live.keys():
            kind = next((item for item in objects if item.ref == ref), None)
            if kind is not None:
                now = live[ref] = await self._cluster.read(gvk_of(kind.manifest), ref.namespace, ref.name)
                known = order.inventory.get(ref)
                changed = known is not None and (now is None or owned_digest(now, order.digest, kind.excluded) != known.live_digest)
                if changed and not (now is not None and brought(now, kind.manifest, kind.excluded)):
                    self._done.found.append((ref, now))
        terms = Terms(profile, order.member, order.adopt, order.digest)
        made = plan(objects, order.inventory, live, terms, prune=complete and not wanted.problem)
        if order.observe:
            self._only_observe(made)
            return
        await self._act(made, profile)

    async def _place_names(self, wanted: Collection[Owned]) -> tuple[list[Owned], bool]:
        """Gives each object the namespace that its kind asks for; leaves out kinds that the cluster does not serve."""
        placed, complete = [], True
        for item in wanted:
            try:
                kind = await self._cluster.resource(gvk_of(item.manifest))
            except NoSuchKind as error:
                self._done.trouble(item.addon, error)
                complete = False
                continue
            namespace = (item.ref.namespace or "default") if kind.namespaced else ""
            placed.append(item if namespace == item.ref.namespace else _moved(item, namespace))
        return placed, complete

    def _only_observe(self, made: Plan) -> None:
        order = self._order
        for step in made.steps:
            if step.action is Action.KEEP and not step.adopted:
                continue
            self._tell(step.ref, f"would {step.action.value}", step.reason)
        wanted = order.placement.wanted
        todo = len(made.of(Action.CREATE, Action.UPDATE, Action.DELETE, Action.LEAVE))
        for item in wanted.addons if wanted else ():
            if not item.problem:
                self._done.troubles[item.addon] = (AddonState.WAITING, f"observing only: {todo} objects would be changed")
        for step in made.of(Action.CONFLICT):
            if step.wanted is not None:
                self._done.troubles[step.wanted.addon] = (AddonState.CONFLICT, f"{step.ref}: {step.reason}")

    async def _act(self, made: Plan, profile: Profile) -> None:
        stop = False
        for step in made.steps:
            addon = step.wanted.addon if step.wanted else ""
            if stop and step.wanted is not None:
                self._done.troubles.setdefault(addon, (AddonState.WAITING, "waits for what comes before it"))
                continue
            try:
                await self._take(step, profile)
            except FleetdError as error:
                self._done.trouble(addon, type(error)(f"{step.ref}: {error}") if type(error) in PLAIN else error)
                if isinstance(error, TryLater):
                    raise
                stop = not profile.continue_on_error

    async def _take(self, step: Step, profile: Profile) -> None:
        match step.action:
            case Action.KEEP:
                if step.adopted and step.wanted is not None and step.live is not None:
                    self._enter(step.wanted, step.live)
                    self._tell(step.ref, "adopted", step.reason)
                elif step.live is not None:
                    self._done.corrected.append(step.ref)
            case Action.CREATE | Action.UPDATE:
                await self._apply(step)
            case Action.CONFLICT:
                self._tell(step.ref, "conflict", step.reason)
                raise Conflict(f"{step.ref} is {step.reason}; `fleetd adopt {step.ref}@{self._order.key[1]}` takes it over")
            case Action.DELETE:
                await self._remove(step.known, profile.ref)
            case Action.LEAVE:
                await self._leave(step.known)

    async def _apply(self, step: Step) -> None:
        wanted = step.wanted
        assert wanted is not None  # noqa: S101 - steps that apply have it
        manifest = await self._spared(step, wanted)
        try:
            live = await self._put(manifest, force=step.force)
        except FieldConflict as error:
            if not self._were_ours(step.known, error):
                claim = error.claims[0] if error.claims else None
                who = f"{claim.manager} holds {claim.path}" if claim else str(error)
                self._tell(step.ref, "conflict", who)
                raise Conflict(f"{step.ref}: {who}; `fleetd adopt {step.ref}@{self._order.key[1]}` takes it over") from error
            live = await self._put(manifest, force=True)
        self._enter(wanted, live)
        self._done.corrected.append(step.ref)
        self._tell(step.ref, "applied", step.reason)

    async def _spared(self, step: Step, wanted: Owned) -> Manifest:
        """What is applied: without the paths that are left to others, where the object is there already."""
        if not wanted.excluded or step.action is Action.CREATE:
            return wanted.manifest
        now = (
            step.live if step.live is not None else await self._cluster.read(gvk_of(wanted.manifest), wanted.ref.namespace, wanted.ref.name)
        )
        return spared(wanted.manifest, now, field_set(fields_of_entry(now)), wanted.excluded) if now is not None else wanted.manifest

    async def _put(self, manifest: Manifest, *, force: bool) -> Manifest:
        """Applies; makes a missing namespace first, as Sveltos does, and tries once more."""
        try:
            return await self._cluster.apply(manifest, force=force)
        except GiveUp as error:
            namespace = manifest["metadata"].get("namespace")
            if not namespace or f'namespaces "{namespace}" not found' not in str(error):
                raise
        await self._cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        return await self._cluster.apply(manifest, force=force)

    def _were_ours(self, known: InventoryRecord | None, error: FieldConflict) -> bool:
        """A field in our last applied set stays ours, whoever took it since."""
        if known is None or not error.claims:
            return False
        mine = held_paths(known.fields)
        return all(claim.path in mine for claim in error.claims)

    def _enter(self, wanted: Owned, live: Manifest) -> None:
        metadata: dict[str, Any] = live["metadata"]
        self._done.put.append(
            InventoryRecord(
                cluster=self._order.key[1],
                ref=wanted.ref,
                api_version=wanted.api_version,
                profile=self._order.key[0],
                addon=wanted.addon,
                applied_at=self._clock.now(),
                wanted_digest=wanted.digest,
                live_digest=owned_digest(live, self._order.digest, wanted.excluded),
                fields=fields_of_entry(live),
                uid=str(metadata.get("uid") or ""),
                resource_version=str(metadata.get("resourceVersion") or ""),
                epoch=self._order.epoch,
                cause_id=self._order.placement.cause,
            )
        )

    async def _withdraw(self) -> None:
        """Takes everything of this profile off the cluster, newest first."""
        order = self._order
        items = sorted(order.inventory.values(), key=lambda item: (item.applied_at, item.ref), reverse=True)
        kind, _, name = order.key[0].partition("/")
        namespace, _, name = name.rpartition("/")
        owner = ObjectRef(kind, "config.projectsveltos.io", namespace, name)
        for item in items:
            if order.observe:
                self._tell(item.ref, "would delete", "no longer wanted here")
                self._done.failure = Failure(refused=True)
            elif order.placement.leave:
                await self._leave(item)
            else:
                await self._remove(item, owner)

    async def _remove(self, item: InventoryRecord | None, owner: ObjectRef) -> None:
        assert item is not None  # noqa: S101 - what is removed is in the inventory
        ref, gvk = item.ref, GroupVersionKind.of(item.api_version, item.ref.kind)
        live = await self._read_if_served(gvk, ref)
        if live is not None:
            profile = _owner_only(owner)
            if not ours(live, profile, self._order.member):
                who = foreign_owner(live, profile, self._order.member) or "nobody"
                self._tell(ref, "left", f"it is held by {who} now")
            else:
                metadata = live["metadata"]
                await self._cluster.delete(gvk, ref.namespace, ref.name, uid=metadata["uid"], resource_version=metadata["resourceVersion"])
                self._tell(ref, "deleted", "no longer wanted")
        self._done.gone.append(ref)

    async def _leave(self, item: InventoryRecord | None) -> None:
        """Takes our marks off and leaves the rest as it stands."""
        assert item is not None  # noqa: S101 - what is left is in the inventory
        ref, gvk = item.ref, GroupVersionKind.of(item.api_version, item.ref.kind)
        live = await self._read_if_served(gvk, ref)
        if live is not None:
            held = project(live, field_set(item.fields))
            metadata = {**held.get("metadata", {}), "name": ref.name, **({"namespace": ref.namespace} if ref.namespace else {})}
            await self._cluster.apply(bare({**held, "apiVersion": item.api_version, "kind": ref.kind, "metadata": metadata}), force=True)
            self._tell(ref, "left", "left as it stands")
        self._done.gone.append(ref)

    async def _read_if_served(self, gvk: GroupVersionKind, ref: ObjectRef) -> Manifest | None:
        """A kind that the cluster no longer serves has no objects."""
        try:
            return await self._cluster.read(gvk, ref.namespace, ref.name)
        except NoSuchKind:
            return None

    def _tell(self, ref: ObjectRef, decision: str, reason: str) -> None:
        order = self._order
        stage = Stage.WITHDRAW if decision in ("deleted", "left") else Stage.APPLY
        self._done.told.append(
            JournalRecord(
                at=self._clock.now(),
                stage=stage,
                subject=str(ref),
                cluster=order.key[1],
                decision=decision,
                reason=f"{order.key[0]}: {reason}" if reason else order.key[0],
                cause_id=order.placement.cause,
            )
        )


PLAIN = (GiveUp, NotPermitted)
"""Errors that may be said again with the object's name before them."""


def _moved(item: Owned, namespace: str) -> Owned:
    metadata = {key: value for key, value in item.manifest["metadata"].items() if key != "namespace"}
    if namespace:
        metadata["namespace"] = namespace
    ref = replace(item.ref, namespace=namespace)
    return replace(item, ref=ref, manifest={**item.manifest, "metadata": metadata})


def _owner_only(ref: ObjectRef) -> Profile:
    """A profile that is gone, as far as ownership asks for it."""
    return Profile(
        id="", ref=ref, selector=None, cluster_refs=frozenset(), policy_refs=(), sync_mode=SyncMode.CONTINUOUS, leave=False,
        tier=0, continue_on_error=False, paused=False, adopt=False,
    )  # fmt: skip
