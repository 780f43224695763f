"""What stands on clusters: the inventory as the rows have it, and what a preview would have written by now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fleetd.decide.plan import Action
from fleetd.decide.plane.state import DeliveryKey, Plane
from fleetd.decide.previewing.results import ObjectChange
from fleetd.domain.records import InventoryRecord
from fleetd.domain.refs import ObjectRef

Place = tuple[str, ObjectRef]
"""(cluster, object)"""


@dataclass(slots=True)
class Books:
    """Who has which object where. The plane forgets what stands on a cluster that leaves; this does not."""

    inventory: Mapping[str, Mapping[ObjectRef, InventoryRecord]] = field(repr=False)
    _owned: Mapping[DeliveryKey, Iterable[ObjectRef]] = field(repr=False)
    _written: dict[Place, tuple[str, str]] = field(default_factory=dict)
    """by the preview → profile and add-on; empty where it is deleted"""
    _written_by: dict[DeliveryKey, set[ObjectRef]] = field(default_factory=lambda: defaultdict(set))

    @classmethod
    def of(cls, plane: Plane) -> Books:
        return cls(dict(plane.inventory), dict(plane.owned))

    def holder(self, cluster: str, ref: ObjectRef) -> tuple[str, str]:
        """The profile that has the object, and the add-on; both empty where none has."""
        written = self._written.get((cluster, ref))
        if written is not None:
            return written
        known = self.inventory.get(cluster, {}).get(ref)
        return (known.profile, known.addon) if known is not None else ("", "")

    def owned(self, key: DeliveryKey) -> list[ObjectRef]:
        """What the profile has there, in the order of names."""
        refs = {*self._owned.get(key, ()), *self._written_by.get(key, ())}
        return sorted(ref for ref in refs if self.holder(key[1], ref)[0] == key[0])

    def write(self, changes: Iterable[ObjectChange]) -> None:
        """Takes what would be done: first what goes, for another profile may then have it."""
        several = list(changes)
        for change in (*filter(_goes, several), *(item for item in several if not _goes(item))):
            place = change.cluster, change.ref
            if _goes(change):
                self._written[place] = ("", "")
            elif change.action is not Action.CONFLICT:
                self._written[place] = (change.profile, change.addon)
                self._written_by[change.profile, change.cluster].add(change.ref)


def _goes(change: ObjectChange) -> bool:
    return change.action in (Action.DELETE, Action.LEAVE)
