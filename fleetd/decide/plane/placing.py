"""Profiles and clusters make placements: who gets what; and placements the work that is due."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from fleetd.decide.definitions import Profile, SyncMode
from fleetd.decide.digest import digest
from fleetd.decide.engines.answers import Asking
from fleetd.decide.members import Member
from fleetd.decide.plane.blame import blamed
from fleetd.decide.plane.holding import held, nothing_lost
from fleetd.decide.plane.matching import destination_states
from fleetd.decide.plane.screening import screened
from fleetd.decide.plane.state import Placement, Plane
from fleetd.decide.plane.turn import Turn
from fleetd.decide.wanted import Wanted, WantedAddon, wanted
from fleetd.domain.records import AddonGone, AddonRecord, InventoryGone, Stage
from fleetd.domain.states import AddonState, DriftOutcome

DONE = (AddonState.DEPLOYED, AddonState.HEALTHY)
MOVING = (AddonState.APPLYING, AddonState.REMOVING)
PAUSED = "the profile is paused"


def place(plane: Plane, turn: Turn) -> None:
    """Brings every dirty profile's placements up to date."""
    for ref in plane.dirty.contents:
        plane.dirty.profiles |= plane.users.get(ref, set())
    plane.dirty.contents.clear()
    for name in sorted(plane.dirty.profiles):
        _place(plane, turn, name)
    plane.dirty.profiles.clear()


def reaches(profile: Profile, member: Member, chosen: Collection[str] = ()) -> bool:
    """Whether the profile belongs on the cluster: by selector only when the cluster is ready, by name always.

    Args:
        chosen: the clusters that its sets have.
    """
    if member.leaving or (profile.namespaced and member.namespace != profile.ref.namespace):
        return False
    if member.cluster in profile.cluster_refs or member.cluster in chosen:
        return True
    return profile.selector is not None and member.ready and profile.selector.matches(member.labels)


def _place(plane: Plane, turn: Turn, name: str) -> None:
    profile = plane.profiles.get(name)
    current = plane.placements[name]
    key = plane.reaction_of.get(name)
    turn.cause = plane.matches[plane.match_of[key]].cause_id if key in plane.match_of else turn.caused_by()
    if profile is None and name in plane.unreadable:
        return
    if profile is not None and profile.paused:
        _tell_waiting(plane, turn, name, PAUSED)
        return
    chosen = plane.chosen(profile.set_refs) if profile is not None else set()
    members = [member for member in _candidates(plane, profile, chosen) if profile is not None and reaches(profile, member, chosen)]
    names = {member.cluster for member in members}
    lost = [cluster for cluster, item in current.items() if cluster not in names and cluster in plane.members and item.wanted is not None]
    # Somebody's word took away a profile that is gone, and whatever is on a cluster that leaves.
    doubted = [cluster for cluster in lost if profile is not None and not plane.members[cluster].leaving]
    if not doubted:
        nothing_lost(plane, turn, f"Profile/{name}")
    elif held(plane, turn, Stage.SCHEDULE, f"Profile/{name}", doubted, len(current)):
        lost = [cluster for cluster in lost if cluster not in doubted]
    for cluster in sorted(lost):
        _withdraw(plane, turn, name, cluster)
    for member in members:
        assert profile is not None  # noqa: S101 - members are empty without a profile
        _want(plane, turn, profile, member)
    if not current:
        plane.placements.pop(name, None)
    destination_states(plane, turn, name)


def _candidates(plane: Plane, profile: Profile | None, chosen: set[str]) -> Iterable[Member]:
    """The clusters that are named and those that the index finds: most profiles of events name one of a thousand."""
    if profile is None:
        return ()
    selected = plane.choosing.clusters(profile.selector) if profile.selector is not None else set()
    return [plane.members[name] for name in sorted(selected.union(profile.cluster_refs, chosen)) if name in plane.members]


def _withdraw(plane: Plane, turn: Turn, name: str, cluster: str) -> None:
    # A new one, so that a delivery that is on its way is known to have brought what is no longer wanted.
    profile = plane.profiles.get(name)
    leave = profile.leave if profile is not None else plane.placements[name][cluster].leave
    plane.placements[name][cluster] = Placement(None, "", turn.cause, leave=leave)
    for addon in list(plane.addons[name, cluster].values()):
        put_addon(plane, turn, replace(addon, state=AddonState.REMOVING, reason="no longer wanted here", at=turn.now, next_attempt_at=None))
    turn.tell(Stage.WITHDRAW, name, cluster, "withdraw", "no longer wanted here")
    if not hold(plane, cluster, name):
        turn.due[name, cluster] = turn.cause


def forget(plane: Plane, turn: Turn, name: str, cluster: str) -> None:
    """Drops what is known of a profile on a cluster; its objects, if any are left, stay as they are."""
    plane.placements.get(name, {}).pop(cluster, None)
    plane.placed[cluster].discard(name)
    for addon in plane.addons.pop((name, cluster), {}):
        turn.records.append(AddonGone(profile=name, cluster=cluster, addon=addon, at=turn.now))


def depart(plane: Plane, turn: Turn, cluster: str) -> None:
    """Drops what is known of a cluster that left. What stands there stays, and is met for the first time should it come back."""
    for name in sorted(plane.placed.pop(cluster, ())):
        forget(plane, turn, name, cluster)
        plane.dirty.profiles.add(name)
    for ref, item in plane.inventory.pop(cluster, {}).items():
        plane.owned.pop((item.profile, cluster), None)
        turn.records.append(InventoryGone(cluster=cluster, ref=ref, at=turn.now))
    for key in [key for key in plane.incidents if key[0] == cluster]:
        incident = plane.incidents.pop(key)
        turn.records.append(replace(incident, corrected_at=turn.now, outcome=DriftOutcome.WITHDRAWN))
    for key in [key for key in plane.seen_in_flight if key[0] == cluster]:
        del plane.seen_in_flight[key]


def _want(plane: Plane, turn: Turn, profile: Profile, member: Member) -> None:
    key = (profile.id, member.cluster)
    placement = plane.placements[profile.id].get(member.cluster)
    addons = plane.addons[key]
    if profile.sync_mode is SyncMode.ONE_TIME and placement is not None and placement.wanted is not None and _deployed(addons):
        return
    if profile.sync_mode is SyncMode.DRY_RUN:
        return
    plane.answers.begin(key)
    render = replace(turn.render, digest=plane.digest, asking=Asking(plane.answers, key))
    want = screened(plane, profile, wanted(profile, member, plane.contents, render, plane.parsed))
    if want.problem:
        want = blamed(plane, render, want)
    for ref in want.uses:
        plane.users[ref].add(profile.id)
    if want.waits and placement is not None and placement.wanted is not None and placement.wanted.unknown:
        return  # after a restart: what is there is not to be called anything else before it is known
    mark = digest([[item.addon, item.digest, item.problem] for item in want.addons] + [profile.adopt, profile.leave])
    if placement is not None and placement.wanted is not None and placement.digest == mark:
        placement.wanted, placement.leave = want, profile.leave
        return
    made = Placement(want, mark, turn.cause, leave=profile.leave)
    if placement is not None:
        made.suspects, made.unread = placement.suspects, placement.unread
    placement = plane.placements[profile.id][member.cluster] = made
    plane.placed[member.cluster].add(profile.id)
    _put_addons(plane, turn, profile, member, want)
    if any(item.state in MOVING for item in addons.values()) or _stale(plane, key, want):
        if not hold(plane, member.cluster, profile.id):
            turn.due[key] = turn.cause
            turn.tell(Stage.SCHEDULE, profile.id, member.cluster, "due", _contents(want))
    else:
        problems = {item.addon for item in want.addons if item.problem}
        placement.settled = not want.waits and all(item.state in DONE or item.addon in problems for item in addons.values())


def _contents(want: Wanted) -> str:
    """How much, and what there is to say about it."""
    note = next((item.note for item in want.addons if item.note), "")
    return f"{len(want.addons)} add-ons{'; ' if note else ''}{note}"


def _deployed(addons: dict[str, AddonRecord]) -> bool:
    return bool(addons) and all(item.state in DONE for item in addons.values())


def _stale(plane: Plane, key: tuple[str, str], want: Wanted) -> bool:
    """Whether the cluster has something of an add-on that is wanted no more."""
    names = {item.addon for item in want.addons}
    inventory = plane.inventory.get(key[1], {})
    return any(inventory[ref].addon not in names for ref in plane.owned.get(key, ()) if ref in inventory)


def _put_addons(plane: Plane, turn: Turn, profile: Profile, member: Member, want: Wanted) -> None:
    key = (profile.id, member.cluster)
    known = plane.addons[key]
    for item in want.addons:
        before = known.get(item.addon)
        if before is not None and before.wanted_digest == item.digest and _stands(before, item):
            continue
        put_addon(plane, turn, _addon(plane, turn, key, item, before))
    names = {item.addon for item in want.addons}
    for addon in [] if want.problem else [addon for addon in known if addon not in names]:
        put_addon(plane, turn, replace(known[addon], state=AddonState.REMOVING, reason="no longer wanted", at=turn.now))


def _stands(before: AddonRecord, item: WantedAddon) -> bool:
    if item.problem:
        return (before.state, before.reason) == (AddonState.WAITING if item.waits else AddonState.FAILED, item.problem)
    return before.state in DONE


def _addon(plane: Plane, turn: Turn, key: tuple[str, str], item: WantedAddon, before: AddonRecord | None) -> AddonRecord:
    state, reason = AddonState.APPLYING, ""
    if item.problem:
        state, reason = AddonState.WAITING if item.waits else AddonState.FAILED, item.problem
    else:
        because = hold(plane, key[1], key[0])
        if because:
            state, reason = AddonState.WAITING, because
    return AddonRecord(
        profile=key[0],
        cluster=key[1],
        addon=item.addon,
        kind=item.source.kind,
        state=state,
        reason=reason,
        attempts=0,
        wanted_digest=item.digest,
        at=turn.now,
        applied_at=before.applied_at if before else None,
        cause_id=turn.cause,
    )


def hold(plane: Plane, cluster: str, name: str) -> str:
    """Why nothing of the profile is delivered to the cluster now; empty when it is."""
    profile = plane.profiles.get(name)
    if profile is None and name in plane.unreadable:
        return "the profile cannot be read as it is declared"
    if profile is not None and profile.paused:
        return PAUSED
    member = plane.members.get(cluster)
    if member is None:
        return "the cluster is not a member"
    if member.paused:
        return "the cluster is paused"
    return "" if plane.reachable.get(cluster) else "the cluster cannot be reached"


def put_addon(plane: Plane, turn: Turn, addon: AddonRecord) -> None:
    """Records the add-on as it is now, if that is news."""
    known = plane.addons[addon.profile, addon.cluster]
    before = known.get(addon.addon)
    if before is not None and replace(before, at=addon.at) == addon:
        return
    known[addon.addon] = addon
    turn.records.append(addon)


def _tell_waiting(plane: Plane, turn: Turn, name: str, reason: str) -> None:
    for cluster in plane.placements[name]:
        for addon in list(plane.addons[name, cluster].values()):
            if addon.state not in (*DONE, AddonState.REMOVING):
                put_addon(plane, turn, replace(addon, state=AddonState.WAITING, reason=reason, at=turn.now))
