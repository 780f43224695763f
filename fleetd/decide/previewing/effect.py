"""Two standings make an effect: what is done with which object on which cluster, and what leads to it.

Laws: what a preview says of creates, updates and deletes is what the deliveries then do, on a fleet that was at rest; two equal
standings have no effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from fleetd.decide.definitions import Profile
from fleetd.decide.members import Member
from fleetd.decide.ownership import Owned, owned
from fleetd.decide.plan import Action
from fleetd.decide.plane.state import DeliveryKey, Plane
from fleetd.decide.previewing.books import Books, Place
from fleetd.decide.previewing.fields import changed_fields
from fleetd.decide.previewing.results import FieldChange, ObjectChange
from fleetd.decide.previewing.standing import Placed, Standing, waits
from fleetd.decide.wanted import Wanted, WantedAddon
from fleetd.domain.objects import Manifest, ref_of
from fleetd.domain.refs import GroupKind, ObjectRef

DATA = frozenset(
    {
        GroupKind("", "PersistentVolumeClaim"),
        GroupKind("", "PersistentVolume"),
        GroupKind("", "Namespace"),
        GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"),
        GroupKind("apps", "StatefulSet"),
    }
)
"""Kinds with which data goes: what they hold, or all that is in them or of them."""
NAMESPACE = GroupKind("", "Namespace")
INHERITED = "it goes from the profile that has it"
UNKNOWN = "how it stands is not known"


@dataclass(frozen=True, slots=True)
class Piece:
    """One wanted object of one add-on, without its owner's marks."""

    addon: WantedAddon
    manifest: Manifest = field(repr=False)
    hashed: str

    def owned(self, profile: Profile, member: Member) -> Owned:
        return owned(self.manifest, self.hashed, profile, member, self.addon.source)


Pieces = dict[ObjectRef, Piece]


def pieces(wanted: Wanted) -> Pieces:
    """By reference; of several wants for one object the first counts."""
    found: Pieces = {}
    for addon in wanted.addons:
        for manifest, hashed in addon.parsed.objects:
            found.setdefault(ref_of(manifest), Piece(addon, manifest, hashed))
    return found


def sealed(addon: WantedAddon) -> bool:
    """Whether it is not told what it deploys: it is made of a Secret whose values are not read."""
    return addon.source.kind == "Secret" and not addon.parsed.objects and not addon.problem


@dataclass(slots=True)
class Effects:
    """Compares the deliveries of two standings. `sealed` counts add-ons whose contents nobody here may read."""

    plane: Plane
    books: Books
    before: Standing
    after: Standing
    sealed: int = 0
    standing: int = 0
    _fields: dict[tuple[str, str], tuple[FieldChange, ...]] = field(default_factory=dict)
    _gone: dict[Place, str] = field(default_factory=dict)
    """what a profile gives up in this effect → the profile"""

    def objects(self) -> list[ObjectChange]:
        """Everything that would be done, by cluster, profile and object."""
        keys = [key for key in sorted(self.before.placed.keys() | self.after.placed.keys()) if self._touched(key)]
        found: list[ObjectChange] = []
        for key in keys:
            going = list(self._going(key))
            self._gone |= {(item.cluster, item.ref): item.profile for item in going if item.action is Action.DELETE}
            found += going
        for key in keys:
            found += self._coming(key)
        found += self._inherited(set(keys))
        return sorted(found, key=lambda item: (item.cluster, item.profile, item.action.value, item.ref))

    def _touched(self, key: DeliveryKey) -> bool:
        was, now = self.before.placed.get(key), self.after.placed.get(key)
        if was is None or now is None:
            return True
        if (was.wanted is None) != (now.wanted is None):
            return True
        return was.wanted is not None and was.digest != now.digest

    # What goes.

    def _going(self, key: DeliveryKey) -> Iterator[ObjectChange]:
        was, now = self.before.placed.get(key), self.after.placed.get(key)
        if key[1] not in self.after.members:
            self.standing += len(self.books.owned(key))
            return
        if now is None or now.wanted is None:
            if was is not None and was.wanted is not None:
                self.sealed += sum(map(sealed, was.wanted.addons))
                yield from self._withdrawn(key, leave=now.leave if now is not None else was.leave)
            return
        if now.wanted.unknown or now.wanted.problem:
            return
        wanted, had = pieces(now.wanted), _known(was)
        still = {item.addon for item in now.wanted.addons}
        secret = {item.addon for item in now.wanted.addons if sealed(item)}
        for ref in self.books.owned(key):
            addon = self.books.holder(key[1], ref)[1]
            if ref in wanted or addon in secret:
                continue
            if ref in had or addon not in still or _murky(was):
                yield self._goes(key, ref, leave=now.leave)

    def _withdrawn(self, key: DeliveryKey, *, leave: bool) -> Iterator[ObjectChange]:
        for ref in self.books.owned(key):
            yield self._goes(key, ref, leave=leave)

    def _goes(self, key: DeliveryKey, ref: ObjectRef, *, leave: bool) -> ObjectChange:
        name, cluster = key
        loses = not leave and ref.group_kind in DATA
        return ObjectChange(
            Action.LEAVE if leave else Action.DELETE,
            cluster,
            ref,
            name,
            self.books.holder(cluster, ref)[1],
            reason=self._with(cluster, ref) if loses else "left as it stands" if leave else "",
            data_loss=loses,
            waits=waits(self.plane, key),
            because=self._because(name),
        )

    def _with(self, cluster: str, ref: ObjectRef) -> str:
        if ref.group_kind != NAMESPACE:
            return "what it holds goes with it"
        inside = sum(item.namespace == ref.name for item in self.books.inventory.get(cluster, ()))
        return f"all that is in it goes with it, {inside} objects of ours among it"

    # What comes.

    def _coming(self, key: DeliveryKey) -> Iterator[ObjectChange]:
        was, now = self.before.placed.get(key), self.after.placed.get(key)
        if now is None or now.wanted is None or now.wanted.unknown or key[0] not in self.after.profiles:
            return
        had = _known(was)
        known = {item.addon: item.digest for item in was.wanted.addons} if was is not None and was.wanted is not None else {}
        self.sealed += sum(sealed(item) and known.get(item.addon) != item.digest for item in now.wanted.addons)
        for ref, piece in pieces(now.wanted).items():
            before = had.get(ref)
            if before is not None and (before.addon.addon, before.addon.digest) == (piece.addon.addon, piece.addon.digest):
                if self._freed(key, ref):
                    yield self._made(key, ref, piece, Action.CREATE, INHERITED)
                continue
            change = self._comes(key, ref, piece, before, murky=_murky(was))
            if change is not None:
                yield change

    def _inherited(self, touched: set[DeliveryKey]) -> Iterator[ObjectChange]:
        """What goes and is wanted by a profile that the change leaves alone, which could not have it so far."""
        where = {cluster for cluster, _ in self._gone}
        refs: dict[int, frozenset[ObjectRef]] = {}
        for key, placed in self.after.placed.items():
            if key in touched or key[1] not in where or placed.wanted is None:
                continue
            for addon in placed.wanted.addons:
                made = refs.get(id(addon.parsed))
                if made is None:
                    made = refs[id(addon.parsed)] = frozenset(ref_of(manifest) for manifest, _ in addon.parsed.objects)
                for ref in sorted(made):
                    if self._freed(key, ref):
                        yield self._made(key, ref, pieces(placed.wanted)[ref], Action.CREATE, INHERITED)

    def _freed(self, key: DeliveryKey, ref: ObjectRef) -> bool:
        """Whether another profile, to which it belonged so far, gives it up; the first who asks has it then."""
        place = key[1], ref
        if self._gone.get(place, key[0]) == key[0]:
            return False
        del self._gone[place]
        return True

    def _comes(self, key: DeliveryKey, ref: ObjectRef, piece: Piece, before: Piece | None, *, murky: bool) -> ObjectChange | None:
        name, cluster = key
        holder = self.books.holder(cluster, ref)[0]
        if self._freed(key, ref):
            return self._made(key, ref, piece, Action.CREATE, INHERITED)
        if not holder:
            # Wanted before and not there yet: that it comes is not the change's doing.
            return self._made(key, ref, piece, Action.CREATE) if before is None else None
        if holder != name:
            # What it wanted before and could not have is news where it can have it now.
            return self._taken(key, ref, piece, holder) if before is None or self._wins(name, holder) else None
        if before is None:
            return self._made(key, ref, piece, Action.UPDATE, UNKNOWN if murky else "it was to be removed", unsure=True)
        old = before.owned(self.before.profiles[name], self.before.members[cluster])
        new = piece.owned(self.after.profiles[name], self.after.members[cluster])
        if old.digest == new.digest:
            return None
        return self._made(key, ref, piece, Action.UPDATE, fields=self._changed(old, new))

    def _taken(self, key: DeliveryKey, ref: ObjectRef, piece: Piece, holder: str) -> ObjectChange:
        if _may_take(self.after.profiles[key[0]], self.after.profiles.get(holder) or self.before.profiles.get(holder)):
            return self._made(key, ref, piece, Action.UPDATE, f"taken over from {holder}")
        return self._made(key, ref, piece, Action.CONFLICT, f"held by {holder}")

    def _wins(self, name: str, holder: str) -> bool:
        """Whether a profile may take what another one holds, and might not before."""
        was, other = self.before.profiles.get(name), self.before.profiles.get(holder)
        now = _may_take(self.after.profiles[name], self.after.profiles.get(holder) or other)
        return now and not (was is not None and _may_take(was, other))

    def _made(
        self,
        key: DeliveryKey,
        ref: ObjectRef,
        piece: Piece,
        action: Action,
        reason: str = "",
        *,
        fields: tuple[FieldChange, ...] = (),
        unsure: bool = False,
    ) -> ObjectChange:
        name, cluster = key
        addon, held = piece.addon.addon, waits(self.plane, key)
        return ObjectChange(action, cluster, ref, name, addon, reason, fields, unsure=unsure, waits=held, because=self._because(name))

    def _changed(self, old: Owned, new: Owned) -> tuple[FieldChange, ...]:
        """Clusters that get the same change share it."""
        mark = f"{old.ref} {old.hash}", f"{new.addon} {new.hash}"
        if mark not in self._fields:
            self._fields[mark] = changed_fields(old, new)
        return self._fields[mark]

    def _because(self, profile: str) -> str:
        maker = self.after.makers.get(profile) or self.before.makers.get(profile)
        return f"EventTrigger/{maker[0]}" if maker is not None else ""


def _may_take(mine: Profile, other: Profile | None) -> bool:
    return mine.adopt or (other is not None and mine.tier < other.tier)


def _known(placed: Placed | None) -> Pieces:
    return pieces(placed.wanted) if placed is not None and placed.wanted is not None else {}


def _murky(placed: Placed | None) -> bool:
    """Whether what was wanted before is not known as a whole."""
    return placed is not None and placed.wanted is not None and bool(placed.wanted.problem)


def clusters_of(changes: Sequence[ObjectChange]) -> set[str]:
    """Where something is done."""
    return {item.cluster for item in changes if item.action not in (Action.CONFLICT, Action.LEAVE)}
