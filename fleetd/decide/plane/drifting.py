"""Owned objects that somebody changed: found by comparing, told as incidents, mended by a delivery."""

from __future__ import annotations

from collections.abc import Collection

import orjson

from fleetd.decide.definitions import SyncMode
from fleetd.decide.drift import brought, changed_by, drifted_fields, owned_digest
from fleetd.decide.exclusions import excluded
from fleetd.decide.ownership import IGNORE_DRIFT, OWNER_NAME, marks
from fleetd.decide.plane.alarms import DampedKey
from fleetd.decide.plane.placing import hold
from fleetd.decide.plane.state import Plane
from fleetd.decide.plane.turn import Turn
from fleetd.domain.objects import Manifest, Observed
from fleetd.domain.records import IncidentRecord, InventoryRecord, Stage
from fleetd.domain.refs import GroupVersionKind, ObjectRef
from fleetd.domain.states import DampedKind, DriftOutcome

MARK = f'"{OWNER_NAME}"'.encode()
"""In the text of every object that a profile owns."""


def drift_key(profile: str, cluster: str, ref: ObjectRef) -> DampedKey:
    """What corrections of an object are counted under."""
    return DampedKind.DRIFT, profile, cluster, ref


def guarded(plane: Plane, item: InventoryRecord) -> bool:
    """Whether drift of this object is corrected."""
    profile = plane.profiles.get(item.profile)
    return profile is not None and profile.sync_mode is SyncMode.DRIFT and not profile.paused


def newer(version: str, known: str) -> bool:
    """Whether a resourceVersion is later than the one we know; of one kind on one cluster they are ordered numbers (KEP-5504)."""
    if version.isdecimal() and known.isdecimal():
        return int(version) > int(known)
    return version != known


def owned_seen(plane: Plane, turn: Turn, cluster: str, observed: Observed, exists: bool) -> None:
    """Takes an event of an object in the inventory."""
    item = plane.inventory[cluster][observed.ref]
    if not guarded(plane, item) or (exists and not newer(observed.resource_version, item.resource_version)):
        return
    if exists and not observed.raw:
        return  # seen by a watch from before it was ours: the one that takes its place lists it whole
    live: Manifest | None = orjson.loads(observed.raw) if exists else None
    if (item.profile, cluster) in plane.in_flight:
        plane.seen_in_flight[cluster, observed.ref] = (observed.resource_version, live)
        return
    suspect(plane, turn, cluster, item, live)


def new_seen(plane: Plane, cluster: str, observed: Observed, exists: bool) -> None:
    """Keeps what is seen of an object that a delivery on its way may just have made, until its outcome says so."""
    key = cluster, observed.ref
    if exists and MARK not in observed.raw:
        return
    if (exists or key in plane.seen_in_flight) and any(where == cluster for _, where in plane.in_flight):
        plane.seen_in_flight[key] = (observed.resource_version, orjson.loads(observed.raw) if exists else None)


def suspect(plane: Plane, turn: Turn, cluster: str, item: InventoryRecord, live: Manifest | None) -> None:
    """Opens an incident when the object is not as we left it."""
    placement = plane.placements.get(item.profile, {}).get(cluster)
    if placement is None or placement.wanted is None:
        return
    if live is not None and (_as_left(plane, item, live) or IGNORE_DRIFT in marks(live)):
        incident = plane.incidents.get((cluster, item.ref))
        if incident is None:
            return
        # Somebody put it back: a read that agrees ends the incident.
        placement.suspects.pop(item.ref, None)
        placement.unread.add(item.ref)
        turn.cause = incident.cause_id
    elif live is not None and not placement.settled and _brought(plane, item, live):
        placement.unread.add(item.ref)
    else:
        placement.suspects[item.ref] = live
        open_incident(plane, turn, cluster, item, live)
    if not hold(plane, cluster, item.profile):
        turn.due[item.profile, cluster] = turn.cause


def _as_left(plane: Plane, item: InventoryRecord, live: Manifest) -> bool:
    return owned_digest(live, plane.digest, left_to_others(plane, item)) == item.live_digest


def left_to_others(plane: Plane, item: InventoryRecord) -> tuple[str, ...]:
    """The paths of an object of the inventory that its profile excludes from drift."""
    profile = plane.profiles.get(item.profile)
    if profile is None or not profile.excludes:
        return ()
    wanted = wanted_manifest(plane, item)
    return excluded(profile, wanted) if wanted is not None else ()


def _brought(plane: Plane, item: InventoryRecord, live: Manifest) -> bool:
    wanted = wanted_manifest(plane, item)
    return wanted is not None and brought(live, wanted, left_to_others(plane, item))


def owned_listed(plane: Plane, turn: Turn, cluster: str, gvk: GroupVersionKind, present: Collection[ObjectRef]) -> None:
    """Takes a complete list: an owned object that it lacks is read before anything is concluded."""
    for ref, item in plane.inventory.get(cluster, {}).items():
        if ref.group_kind != gvk.group_kind or ref in present or item.api_version != gvk.api_version or not guarded(plane, item):
            continue
        placement = plane.placements.get(item.profile, {}).get(cluster)
        if placement is not None and placement.wanted is not None:
            placement.unread.add(ref)
            if not hold(plane, cluster, item.profile):
                turn.due[item.profile, cluster] = turn.caused_by()


def open_incident(plane: Plane, turn: Turn, cluster: str, item: InventoryRecord, live: Manifest | None) -> None:
    """Records that an object of ours is not as we left it, once for as long as that lasts."""
    key = (cluster, item.ref)
    known = plane.incidents.get(key)
    if known is not None and known.changed_by == changed_by(live):
        return
    cause = known.cause_id if known else turn.caused_by()
    turn.cause = cause
    wanted = wanted_manifest(plane, item)
    fields = drifted_fields(live, wanted, item.fields, left_to_others(plane, item)) if wanted is not None else ()
    plane.flaps[key] += 0 if known else 1
    incident = IncidentRecord(
        incident_id=known.incident_id if known else turn.new_id(),
        cluster=cluster,
        ref=item.ref,
        profile=item.profile,
        changed_by=changed_by(live),
        detected_at=known.detected_at if known else turn.now,
        corrected_at=None,
        outcome=DriftOutcome.OPEN,
        flap_count=plane.flaps[key],
        fields=fields,
        cause_id=cause,
    )
    plane.incidents[key] = incident
    turn.records.append(incident)
    what = ", ".join(field.path or "the object" for field in fields[:5]) or "our hold on it"
    turn.tell(Stage.DRIFT, item.ref, cluster, "drift", f"{incident.changed_by or 'somebody'} changed {what}")


def wanted_manifest(plane: Plane, item: InventoryRecord) -> Manifest | None:
    """What is wanted of an object of the inventory, with its marks."""
    placement = plane.placements.get(item.profile, {}).get(item.cluster)
    profile, member = plane.profiles.get(item.profile), plane.members.get(item.cluster)
    if placement is None or placement.wanted is None or profile is None or member is None:
        return None
    for owned in placement.wanted.objects(profile, member):
        ref = owned.ref
        if ref == item.ref or (not ref.namespace and (ref.kind, ref.group, ref.name) == (item.ref.kind, item.ref.group, item.ref.name)):
            return owned.manifest
    return None
