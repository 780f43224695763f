"""A fleet in memory that lives: objects come, change and go, and what is deployed stands on its clusters, where triggers see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fleetd.decide.definitions import SyncMode
from fleetd.decide.plane.state import Placement
from fleetd.decide.rehearsing.rehearsal import Rehearsal, observed_of
from fleetd.domain.documents import with_defaults
from fleetd.domain.objects import Manifest, Observed, gvk_of, ref_of
from fleetd.domain.refs import MANAGEMENT_CLUSTER, GroupVersionKind, ObjectRef

ROUNDS = 20
"""How often what is deployed may lead to something new before it counts as going in a circle."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """An object by fleetd's doing: the profile and its add-on."""

    manifest: Manifest = field(repr=False)
    profile: str
    addon: str


@dataclass(slots=True)
class Fleet:
    """The rehearsal, what others put on the clusters, and what is deployed there."""

    rehearsal: Rehearsal
    others: dict[str, dict[ObjectRef, Manifest]] = field(default_factory=dict)
    deployed: dict[str, dict[ObjectRef, Deployed]] = field(default_factory=dict)

    def live(self, cluster: str, ref: ObjectRef) -> Manifest | None:
        """An object as a client would read it: what is deployed, over what others wrote."""
        theirs = self.others.get(cluster, {}).get(ref)
        ours = self.deployed.get(cluster, {}).get(ref)
        if ours is None:
            return theirs
        return ours.manifest if theirs is None else merged(theirs, ours.manifest)

    def standing(self, cluster: str, gvk: GroupVersionKind) -> list[Observed]:
        """All objects of a kind on a cluster."""
        refs = dict.fromkeys((*self.others.get(cluster, {}), *self.deployed.get(cluster, {})))
        live = [manifest for ref in refs if (manifest := self.live(cluster, ref)) is not None]
        return [observed_of(one) for one in live if gvk_of(one) == gvk]

    def put(self, cluster: str, ref: ObjectRef, manifest: Manifest | None) -> None:
        """Somebody writes an object, or deletes it (None); of what is deployed nothing is lost by that."""
        before = self.live(cluster, ref)
        mine = self.others.setdefault(cluster, {})
        if manifest is None:
            mine.pop(ref, None)
        else:
            mine[ref] = manifest
        self._show(cluster, ref, before)

    def declare(self, ref: ObjectRef, manifest: Manifest | None) -> None:
        """Somebody declares an object, or deletes it (None); the management plane shows it, if it is a member."""
        whole = with_defaults(manifest) if manifest is not None else None
        self.rehearsal.declare(ref, whole)
        self.rehearsal.meet_all()
        self.put(MANAGEMENT_CLUSTER, ref, whole)

    def _show(self, cluster: str, ref: ObjectRef, before: Manifest | None) -> None:
        now = self.live(cluster, ref)
        shown = now if now is not None else before
        if shown is not None and now != before:
            self.rehearsal.show(cluster, shown, exists=now is not None)

    def deploy(self) -> bool:
        """Brings the clusters to what is wanted now; whether that was anything new."""
        changed = False
        for cluster in sorted({*self.deployed, *(cluster for placed in self.rehearsal.plane.placements.values() for cluster in placed)}):
            before = self.deployed.get(cluster, {})
            now = dict(self._wanted(cluster, before))
            if {ref: one.manifest for ref, one in now.items()} == {ref: one.manifest for ref, one in before.items()}:
                self.deployed[cluster] = now
                continue
            changed = True
            refs = dict.fromkeys((*before, *now))
            stood = {ref: self.live(cluster, ref) for ref in refs}
            self.deployed[cluster] = now
            for ref in refs:
                self._arrived(cluster, ref, stood[ref])
        return changed

    def _arrived(self, cluster: str, ref: ObjectRef, before: Manifest | None) -> None:
        if cluster == MANAGEMENT_CLUSTER:
            now = self.live(cluster, ref)
            self.rehearsal.declare(ref, with_defaults(now) if now is not None else None)
            self.rehearsal.meet_all()
        self._show(cluster, ref, before)

    def _wanted(self, cluster: str, before: Mapping[ObjectRef, Deployed]) -> Iterator[tuple[ObjectRef, Deployed]]:
        """The first profile that wants an object has it. What cannot be rendered now stays as it was, and so does what is let be."""
        plane = self.rehearsal.plane
        taken: set[ObjectRef] = set()
        for name, clusters in plane.placements.items():
            placement = clusters.get(cluster)
            if placement is None:
                continue
            mine = {ref: one for ref, one in before.items() if one.profile == name}
            for ref, one in self._of(name, placement, mine):
                if ref not in taken:
                    taken.add(ref)
                    yield ref, one
        for ref, one in before.items():
            if cluster not in plane.members and ref not in taken:
                yield ref, one  # a cluster that left keeps what it has

    def _of(self, name: str, placement: Placement, mine: Mapping[ObjectRef, Deployed]) -> Iterator[tuple[ObjectRef, Deployed]]:
        profile = self.rehearsal.plane.profiles.get(name)
        if placement.wanted is None:
            yield from mine.items() if placement.leave else ()
            return
        if profile is not None and profile.sync_mode is SyncMode.DRY_RUN:
            return
        once = profile is not None and profile.sync_mode is SyncMode.ONE_TIME
        for addon in placement.wanted.addons:
            stood = [(ref, one) for ref, one in mine.items() if one.addon == addon.addon]
            if addon.problem or (once and stood):
                yield from stood
                continue
            for manifest, _ in addon.parsed.objects:
                yield ref_of(manifest), Deployed(manifest, name, addon.addon)


def merged(under: Any, over: Any) -> Any:
    """Mappings joined, with the second's values where both have one; the second's null stays a value."""
    if not isinstance(under, Mapping) or not isinstance(over, Mapping):
        return over
    return {**under, **{key: merged(under[key], value) if key in under else value for key, value in over.items()}}


def patched(target: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7386): null takes a field away."""
    if not isinstance(patch, Mapping):
        return patch
    kept = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = patched(kept.get(key), value)
    return kept
