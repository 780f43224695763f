"""Objects that begin and stop matching again and again: their report stands as it is for a while, and then follows the newest of it."""

from __future__ import annotations

from collections.abc import Iterable

from fleetd.decide.damping import FREE, QUIET
from fleetd.decide.plane.alarms import DampedKey
from fleetd.decide.plane.pausing import paused, stops, strike
from fleetd.decide.plane.state import Plane, Report, ReportKey
from fleetd.decide.plane.turn import Turn
from fleetd.domain.records import ChangeKind, ObjectChange, ReportedObject
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import DampedKind

Pending = dict[ObjectRef, ReportedObject | None]


def calm(plane: Plane, turn: Turn, key: ReportKey, report: Report, after: Pending) -> Pending:
    """What may follow now; of an object that is held back the newest stays pending, whether it is there or gone.

    What nobody listens to any more is let go at once: that is somebody's word.
    """
    source, cluster = key
    if not plane.damped or source not in plane.sources or not plane.listeners.get(cluster, {}).get(source):
        return after
    waiting = {ref for ref in after if paused(plane, turn, _key(key, ref)) is not None}
    report.pending.update({ref: after[ref] for ref in waiting})
    return {ref: now for ref, now in after.items() if ref not in waiting} if waiting else after


def changes(plane: Plane, turn: Turn, key: ReportKey, found: Iterable[ObjectChange]) -> None:
    """Notes who stopped matching, and who began again soon after."""
    for change in found:
        place = _key(key, change.object.ref)
        if change.change is ChangeKind.REMOVED:
            stops(plane, turn, place)
        elif change.change is ChangeKind.ADDED and place in plane.stopped and _soon(plane, turn, place):
            strike(plane, turn, place, f"it stopped matching and began again {FREE} times and more, each within {QUIET.seconds} s")


def reason_of(plane: Plane, turn: Turn, source: str, cluster: str, ref: ObjectRef) -> str:
    """Why nothing follows from what is seen of the object; empty where it does."""
    if not plane.damped:
        return ""
    known = paused(plane, turn, _key((source, cluster), ref))
    return known.reason if known is not None else ""


def _soon(plane: Plane, turn: Turn, place: DampedKey) -> bool:
    return place in plane.damped or turn.now - plane.stopped[place] <= QUIET


def _key(key: ReportKey, ref: ObjectRef) -> DampedKey:
    return DampedKind.FLAPPING, f"EventSource/{key[0]}", key[1], ref
