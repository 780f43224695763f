"""What the change writes is shown to the sources that look there: their triggers are what would fire next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fleetd.decide.digest import digest
from fleetd.decide.ownership import Owned
from fleetd.decide.plan import Action
from fleetd.decide.plane.observing import Change, seen
from fleetd.decide.plane.state import Plane
from fleetd.decide.plane.turn import Turn
from fleetd.decide.previewing.books import Books
from fleetd.decide.previewing.effect import pieces
from fleetd.decide.previewing.recorded import observed
from fleetd.decide.previewing.results import ObjectChange
from fleetd.domain.objects import Manifest, Observed
from fleetd.domain.refs import GroupKind, GroupVersionKind, ObjectRef

WRITES = (Action.CREATE, Action.UPDATE)


@dataclass(slots=True)
class Cascade:
    """Shows one round of changes. `unjudged` counts objects of which too little is known to be judged."""

    plane: Plane
    books: Books
    unjudged: int = 0
    shown: dict[str, list[ObjectRef]] = field(default_factory=lambda: defaultdict(list))
    """cluster → what was shown there"""

    def show(self, turn: Turn, changes: Iterable[ObjectChange]) -> bool:
        """Whether anybody looks at any of it."""
        for cluster, several in _by_cluster(changes).items():
            kinds = {gvk.group_kind: gvk for gvk in self.plane.interest.get(cluster, {})}
            told: dict[GroupVersionKind, list[Change]] = defaultdict(list)
            for change in several:
                gvk = kinds.get(change.ref.group_kind)
                if gvk is not None:
                    told[gvk] += self._told(change)
            for gvk, seen_there in told.items():
                self.shown[cluster] += [item.ref for _, item in seen_there]
                _see(self.plane, turn, cluster, gvk, seen_there)
        return bool(self.shown)

    def _told(self, change: ObjectChange) -> Iterator[Change]:
        if change.action is Action.DELETE:
            yield False, Observed(ref=change.ref, uid="", resource_version="", body={"metadata": {}})
            return
        wanted = self._wanted(change)
        if wanted is None:
            return
        known = [
            report.objects[change.ref]
            for name in sorted(self.plane.reported_on.get(change.cluster, ()))
            if (report := self.plane.reports.get((name, change.cluster))) is not None and change.ref in report.objects
        ]
        if any(item.body is None for item in known):
            # It is reported, and nothing is known of what others wrote into it (a status): it may match all the same.
            self.unjudged += 1
            return
        base: Mapping[str, Any] = known[0].body or {} if known else {}
        uid = known[0].uid if known else digest([change.cluster, str(change.ref)])
        yield True, observed(_merged(base, wanted.manifest), uid=uid)

    def _wanted(self, change: ObjectChange) -> Owned | None:
        placement = self.plane.placements.get(change.profile, {}).get(change.cluster)
        profile, member = self.plane.profiles.get(change.profile), self.plane.members.get(change.cluster)
        if placement is None or placement.wanted is None or profile is None or member is None:
            return None
        piece = pieces(placement.wanted).get(change.ref)
        return piece.owned(profile, member) if piece is not None else None


def _by_cluster(changes: Iterable[ObjectChange]) -> dict[str, list[ObjectChange]]:
    """Deletes first: what is deleted and made anew stands at the end."""
    found: dict[str, list[ObjectChange]] = defaultdict(list)
    several = [item for item in changes if not item.waits]
    for change in (*_of(several, (Action.DELETE,)), *_of(several, WRITES)):
        found[change.cluster].append(change)
    return found


def _of(changes: Iterable[ObjectChange], actions: Iterable[Action]) -> list[ObjectChange]:
    return [item for item in changes if item.action in actions]


def _see(plane: Plane, turn: Turn, cluster: str, gvk: GroupVersionKind, changes: list[Change]) -> None:
    """As the watch would, but what it does to our own objects is no drift."""
    inventory = plane.inventory.pop(cluster, None)
    try:
        seen(plane, turn, cluster, gvk, changes)
    finally:
        if inventory is not None:
            plane.inventory[cluster] = inventory


def _merged(base: Mapping[str, Any], applied: Mapping[str, Any]) -> Manifest:
    """What is recorded, with what would be applied over it; lists are taken as they are applied."""
    found = dict(base)
    for key, value in applied.items():
        before = found.get(key)
        found[key] = _merged(before, value) if isinstance(before, Mapping) and isinstance(value, Mapping) else value
    return found


def kinds_of(changes: Iterable[ObjectChange]) -> set[GroupKind]:
    """The kinds of what is written or deleted."""
    return {item.ref.group_kind for item in changes if item.action in (*WRITES, Action.DELETE)}
