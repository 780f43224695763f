"""Wanted, owned and live objects make a plan: what an add-on still needs on a cluster.

One function serves apply, dry run, preview and drift. Laws: a plan carried out leaves nothing to do; nothing is deleted
that is not in the inventory; the order of the inputs' keys does not matter.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from fleetd.decide.definitions import Profile
from fleetd.decide.digest import Digest, digest
from fleetd.decide.drift import owned_digest
from fleetd.decide.members import Member
from fleetd.decide.ownership import HASH as HASH_MARK
from fleetd.decide.ownership import Owned, entry_of, foreign_owner, marks, ours
from fleetd.domain.fieldset import NotMergeable, missing_or_different
from fleetd.domain.mergefacts import facts_of
from fleetd.domain.objects import Manifest, gvk_of
from fleetd.domain.records import InventoryRecord
from fleetd.domain.refs import ObjectRef


class Action(StrEnum):
    """What is to be done with one object."""

    CREATE = "create"
    UPDATE = "update"
    KEEP = "keep"
    CONFLICT = "conflict"
    DELETE = "delete"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Step:
    """One object's part of a plan.

    `force` takes fields that others hold; `adopted` says that a kept object enters the inventory as it stands.
    """

    action: Action
    ref: ObjectRef
    reason: str
    wanted: Owned | None = field(default=None, repr=False)
    known: InventoryRecord | None = field(default=None, repr=False)
    live: Manifest | None = field(default=None, repr=False)
    force: bool = False
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in the order in which they are to be taken: what is wanted in its own order, then what goes, newest first."""

    steps: tuple[Step, ...]

    def of(self, *actions: Action) -> tuple[Step, ...]:
        """The steps of these kinds."""
        return tuple(step for step in self.steps if step.action in actions)

    @property
    def nothing_to_do(self) -> bool:
        """Whether the cluster already is as wanted."""
        return all(step.action is Action.KEEP and not step.adopted for step in self.steps)


def to_read(wanted: Sequence[Owned], inventory: Mapping[ObjectRef, InventoryRecord]) -> tuple[ObjectRef, ...]:
    """Objects that we meet for the first time: how they stand must be known before they are touched."""
    return tuple(item.ref for item in wanted if item.ref not in inventory)


@dataclass(frozen=True, slots=True)
class Terms:
    """Under what terms a plan is made: who plans, where, and what may be taken from others."""

    profile: Profile
    member: Member
    adopt: Collection[ObjectRef] = ()
    digest: Digest = digest

    def adopts(self, ref: ObjectRef) -> bool:
        """Whether somebody said that this object may be taken over."""
        return self.profile.adopt or ref in self.adopt


def plan(
    wanted: Sequence[Owned],
    inventory: Mapping[ObjectRef, InventoryRecord],
    live: Mapping[ObjectRef, Manifest | None],
    terms: Terms,
    *,
    prune: bool = True,
) -> Plan:
    """Says what to do.

    Args:
        inventory: what this profile has on this cluster.
        live: objects that were read or seen, None where they are absent; an object of the inventory that is not in it is
            taken to be as it was left.
        prune: False keeps what is no longer wanted, for when not all that is wanted is known.
    """
    steps = [_step(item, inventory.get(item.ref), live, terms) for item in _once(wanted)]
    if prune:
        names = {item.ref for item in wanted}
        gone = [item for ref, item in inventory.items() if ref not in names]
        action, reason = (Action.LEAVE, "left as it stands") if terms.profile.leave else (Action.DELETE, "no longer wanted")
        steps.extend(
            Step(action, item.ref, reason, known=item) for item in sorted(gone, key=lambda item: (item.applied_at, item.ref), reverse=True)
        )
    return Plan(tuple(steps))


def _once(wanted: Sequence[Owned]) -> list[Owned]:
    """The first of several wants for one object counts, as the first owner does among profiles."""
    seen: dict[ObjectRef, Owned] = {}
    for item in wanted:
        seen.setdefault(item.ref, item)
    return list(seen.values())


def _step(item: Owned, known: InventoryRecord | None, live: Mapping[ObjectRef, Manifest | None], terms: Terms) -> Step:
    seen = item.ref in live
    now = live.get(item.ref)
    if known is None:
        return _first_contact(item, now, terms)
    if known.wanted_digest == item.digest:
        if not seen:
            return Step(Action.KEEP, item.ref, "as it was left", item, known)
        if now is None:
            return Step(Action.CREATE, item.ref, "it was deleted", item, known, force=True)
        if owned_digest(now, terms.digest, item.excluded) == known.live_digest:
            return Step(Action.KEEP, item.ref, "as it was left", item, known, now)
        return Step(Action.UPDATE, item.ref, "it was changed", item, known, now, force=True)
    if seen and now is None:
        return Step(Action.CREATE, item.ref, "it was deleted", item, known, force=True)
    return Step(Action.UPDATE, item.ref, "what is wanted changed", item, known, now)


def _first_contact(item: Owned, now: Manifest | None, terms: Terms) -> Step:
    if now is None:
        return Step(Action.CREATE, item.ref, "it is not there", item)
    adopt = terms.adopts(item.ref)
    if ours(now, terms.profile, terms.member):
        if marks(now).get(HASH_MARK) == item.hash and _stands(item.manifest, now):
            return Step(Action.KEEP, item.ref, "it already stands as wanted", item, live=now, adopted=True)
        return Step(Action.UPDATE, item.ref, "ours, from before", item, live=now)
    owner = foreign_owner(now, terms.profile, terms.member)
    if owner is not None and not adopt:
        return Step(Action.CONFLICT, item.ref, f"held by {owner}", item, live=now)
    return Step(Action.UPDATE, item.ref, "taken over" if adopt else "nobody's", item, live=now, force=adopt or entry_of(now) is not None)


def _stands(wanted: Manifest, live: Manifest) -> bool:
    """Whether nobody changed it since; what a server writes in another form than it was given counts as changed, and is applied."""
    try:
        return not missing_or_different(wanted, live, facts_of(gvk_of(wanted)))
    except NotMergeable:
        return False
