"""What deliveries and clusters report back: inventories, states, the next attempts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from fleetd.decide.plane.drifting import drift_key, guarded, newer, open_incident, suspect
from fleetd.decide.plane.matching import destination_state, destination_states
from fleetd.decide.plane.pausing import strike
from fleetd.decide.plane.placing import DONE, forget, hold, put_addon
from fleetd.decide.plane.state import DeliveryKey, Placement, Plane
from fleetd.decide.plane.turn import Turn
from fleetd.decide.retry import next_attempt
from fleetd.domain.objects import Manifest
from fleetd.domain.records import AddonGone, InventoryGone, InventoryRecord, JournalRecord, Stage
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import AddonState, DriftOutcome


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a delivery did not end well; `refused`: the same again would fail again, as far as one knows."""

    refused: bool
    after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one delivery did. `placement` is the one that it began with; `found` are objects of ours that it met changed,
    `looked` those whose drift it was to mend.
    """

    key: DeliveryKey
    placement: Placement
    put: tuple[InventoryRecord, ...] = ()
    gone: tuple[ObjectRef, ...] = ()
    addons: Mapping[str, tuple[AddonState, str]] = field(default_factory=dict)
    found: tuple[tuple[ObjectRef, Manifest | None], ...] = ()
    looked: frozenset[ObjectRef] = frozenset()
    corrected: tuple[ObjectRef, ...] = ()
    failure: Failure | None = None
    told: tuple[JournalRecord, ...] = ()


def delivered(plane: Plane, turn: Turn, outcome: Outcome, *, chance: float) -> datetime | None:
    """Takes an outcome; the time of the next attempt where one is needed."""
    key = outcome.key
    name, cluster = key
    plane.in_flight.discard(key)
    turn.cause = outcome.placement.cause
    turn.records.extend(outcome.told)
    if cluster not in plane.members:
        return None
    for ref, live in outcome.found:
        item = plane.inventory.get(cluster, {}).get(ref)
        if item is not None:
            open_incident(plane, turn, cluster, item, live)
    turn.cause = outcome.placement.cause
    _keep_inventory(plane, turn, outcome)
    placement = plane.placements.get(name, {}).get(cluster)
    again: datetime | None = None
    if placement is not None and placement.wanted is not None:
        placement.unread |= outcome.looked - {item.ref for item in outcome.put} - set(outcome.corrected)
    if placement is not outcome.placement:
        if placement is not None and not placement.settled and not hold(plane, cluster, name):
            turn.due[key] = placement.cause
    elif outcome.failure is not None:
        placement.failures += 1
        again = next_attempt(placement.failures, turn.now, chance=chance, refused=outcome.failure.refused, after=outcome.failure.after)
        _put_states(plane, turn, outcome, again)
    elif placement.wanted is None:
        forget(plane, turn, name, cluster)
        turn.tell(Stage.WITHDRAW, name, cluster, "withdrawn", f"{len(outcome.gone)} objects")
    else:
        placement.failures, placement.settled = 0, True
        _put_states(plane, turn, outcome, None)
    _close_incidents(plane, turn, outcome)
    _look_again(plane, turn, key)
    if not plane.placements.get(name, True):
        plane.placements.pop(name, None)
    destination_state(plane, turn, name, cluster)
    return again


def _keep_inventory(plane: Plane, turn: Turn, outcome: Outcome) -> None:
    cluster = outcome.key[1]
    inventory, owned = plane.inventory[cluster], plane.owned[outcome.key]
    for item in outcome.put:
        before = inventory.get(item.ref)
        if before is not None and before.profile != item.profile:
            _taken_from(plane, turn, before)
        inventory[item.ref] = item
        owned.add(item.ref)
        turn.records.append(item)
    for ref in outcome.gone:
        item_known = inventory.get(ref)
        owned.discard(ref)
        if item_known is not None and item_known.profile == outcome.key[0]:
            del inventory[ref]
            turn.records.append(InventoryGone(cluster=cluster, ref=ref, at=turn.now))
    if not owned:
        plane.owned.pop(outcome.key, None)
    if outcome.put or outcome.gone:
        turn.rewatch.add(cluster)


def _taken_from(plane: Plane, turn: Turn, item: InventoryRecord) -> None:
    """A profile of a lower tier took the object: who had it has to say that it is in conflict."""
    key = item.profile, item.cluster
    plane.owned[key].discard(item.ref)
    placement = plane.placements.get(item.profile, {}).get(item.cluster)
    if placement is not None and placement.wanted is not None:
        placement.settled = False
        if not hold(plane, item.cluster, item.profile):
            turn.due[key] = turn.cause


def _put_states(plane: Plane, turn: Turn, outcome: Outcome, again: datetime | None) -> None:
    name, cluster = outcome.key
    known = plane.addons[outcome.key]
    for addon, (state, reason) in outcome.addons.items():
        before = known.get(addon)
        if before is None:
            continue
        if state is AddonState.REMOVED:
            del known[addon]
            turn.records.append(AddonGone(profile=name, cluster=cluster, addon=addon, at=turn.now))
            continue
        done = state in DONE
        put_addon(
            plane,
            turn,
            replace(
                before,
                state=state,
                reason=reason,
                attempts=before.attempts + 1,
                at=turn.now,
                applied_at=turn.now if done else before.applied_at,
                next_attempt_at=None if done else again,
            ),
        )


def _close_incidents(plane: Plane, turn: Turn, outcome: Outcome) -> None:
    cluster = outcome.key[1]
    put = {item.ref for item in outcome.put}
    for ref in outcome.corrected:
        incident = plane.incidents.pop((cluster, ref), None)
        if incident is not None:
            turn.records.append(replace(incident, corrected_at=turn.now, outcome=DriftOutcome.CORRECTED))
            turn.tell(Stage.DRIFT, ref, cluster, "corrected", cause=incident.cause_id)
            if ref in put:
                strike(
                    plane, turn, drift_key(incident.profile, cluster, ref), f"{incident.changed_by or 'somebody'} changes it back each time"
                )
    for ref in outcome.gone:
        incident = plane.incidents.pop((cluster, ref), None)
        if incident is not None:
            turn.records.append(replace(incident, corrected_at=turn.now, outcome=DriftOutcome.WITHDRAWN))


def _look_again(plane: Plane, turn: Turn, key: DeliveryKey) -> None:
    """What was seen of our objects while they were being worked on is judged now, against what we left."""
    cluster = key[1]
    if not plane.seen_in_flight:
        return
    for ref in [ref for where, ref in plane.seen_in_flight if where == cluster]:
        item = plane.inventory.get(cluster, {}).get(ref)
        if (item.profile, cluster) in plane.in_flight if item is not None else any(where == cluster for _, where in plane.in_flight):
            continue
        version, live = plane.seen_in_flight.pop((cluster, ref))
        if item is not None and guarded(plane, item) and newer(version, item.resource_version):
            suspect(plane, turn, cluster, item, live)


def reached(plane: Plane, turn: Turn, cluster: str, reachable: bool, reason: str = "") -> None:
    """A cluster can be spoken to, or cannot; what waited for it is due."""
    if plane.reachable.get(cluster) == reachable:
        return
    plane.reachable[cluster] = reachable
    for name in sorted(plane.placed.get(cluster, ())):
        release(plane, turn, name, cluster, reason)


def release(plane: Plane, turn: Turn, name: str, cluster: str, reason: str = "") -> None:
    """Makes due what is not settled and no longer held; otherwise says why it waits."""
    placement = plane.placements.get(name, {}).get(cluster)
    if placement is None or (placement.settled and not placement.suspects and not placement.unread):
        return
    held = hold(plane, cluster, name)
    for addon in list(plane.addons.get((name, cluster), {}).values()):
        if held and addon.state is AddonState.APPLYING:
            put_addon(plane, turn, replace(addon, state=AddonState.WAITING, reason=reason or held, at=turn.now))
        elif not held and addon.state is AddonState.WAITING:
            put_addon(plane, turn, replace(addon, state=AddonState.APPLYING, reason="", at=turn.now))
    if not held:
        turn.due[name, cluster] = placement.cause
    destination_states(plane, turn, name)
