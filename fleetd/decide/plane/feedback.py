"""Triggers that make what they watch: found by going back from an object to the event that led to it, and so on."""

from __future__ import annotations

from fleetd.decide.ownership import OWNER_KIND, OWNER_NAME, marks
from fleetd.decide.plane.state import Plane, ReactionKey
from fleetd.domain.records import ReportedObject
from fleetd.domain.refs import ObjectRef

ROUNDS = 3
"""How often one trigger may stand in the lineage of an event before it is a loop."""


def loop(plane: Plane, trigger: str, cluster: str, item: ReportedObject) -> str:
    """The loop as a sentence, or empty; `item` is an object that would make the trigger react once more."""
    profile = _maker(plane, cluster, item.ref, item)
    way = [str(item.ref)]
    rounds = 0
    while (key := plane.reaction_of.get(profile)) is not None and len(way) < 16:
        name, cluster, ref = key
        rounds += name == trigger
        if ref is None or rounds >= ROUNDS:
            break
        way.append(f"{ref} (EventTrigger {name})")
        profile = _maker(plane, cluster, ref, _reported(plane, key, ref))
    if rounds < ROUNDS:
        return ""
    return f"EventTrigger {trigger} makes what it watches: {' made by '.join(way)}; narrow its EventSource or its template"


def _maker(plane: Plane, cluster: str, ref: ObjectRef, item: ReportedObject | None) -> str:
    """The profile that put the object there, by our books or, as long as they do not know it, by its marks."""
    known = plane.inventory.get(cluster, {}).get(ref)
    if known is not None:
        return known.profile
    found = marks(item.body) if item is not None and item.body is not None else {}
    return f"{found.get(OWNER_KIND, '')}/{found.get(OWNER_NAME, '')}"


def _reported(plane: Plane, key: ReactionKey, ref: ObjectRef) -> ReportedObject | None:
    source = plane.selected.get(key[0], {}).get(key[1])
    report = plane.reports.get((source, key[1])) if source else None
    return report.objects.get(ref) if report is not None else None
