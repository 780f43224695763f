"""The life of a match: opened by an event, acted when its destinations have what is wanted, withdrawn when it ends."""

from __future__ import annotations

from dataclasses import replace

from fleetd.decide.plane.state import Placement, Plane, Reaction, ReactionKey
from fleetd.decide.plane.turn import Turn
from fleetd.domain.records import DestinationGone, DestinationRecord, MatchRecord, Stage
from fleetd.domain.states import AddonState, MatchState

FINISHED = (MatchState.ACTED, MatchState.WITHDRAWN, MatchState.SUPPRESSED)
BY_ADDON = {
    AddonState.WAITING: MatchState.BLOCKED,
    AddonState.APPLYING: MatchState.ACTING,
    AddonState.DEPLOYED: MatchState.ACTED,
    AddonState.HEALTHY: MatchState.ACTED,
    AddonState.FAILED: MatchState.FAILED,
    AddonState.CONFLICT: MatchState.BLOCKED,
    AddonState.REMOVING: MatchState.ACTING,
    AddonState.REMOVED: MatchState.ACTED,
}
WORST_FIRST = (MatchState.FAILED, MatchState.BLOCKED, MatchState.ACTING, MatchState.PENDING, MatchState.ACTED)


def new_match(plane: Plane, turn: Turn, key: ReactionKey, event_id: str) -> None:
    """Opens a match for the key; one before it that was still on its way is superseded."""
    trigger, cluster, ref = key
    before = plane.matches.get(plane.match_of.get(key, ""))
    if before is not None:
        if before.state not in FINISHED:
            put_match(plane, turn, replace(before, state=MatchState.SUPPRESSED, reason="superseded by a newer event"))
        _forget(plane, turn, before.match_id)
    match = MatchRecord(
        match_id=turn.new_id(),
        trigger=trigger,
        source=plane.selected[trigger][cluster],
        event_id=event_id,
        cluster=cluster,
        object_ref=ref,
        profile=before.profile if before else "",
        state=MatchState.PENDING,
        reason="",
        matched_at=turn.now,
        acted_at=None,
        cause_id=turn.cause or turn.caused_by(),
    )
    plane.match_of[key] = match.match_id
    put_match(plane, turn, match)
    turn.tell(Stage.MATCH, f"EventTrigger/{trigger}", cluster, "match", str(ref or "the whole report"))


def put_match(plane: Plane, turn: Turn, match: MatchRecord) -> None:
    """Records the match as it is now, if that is news."""
    if plane.matches.get(match.match_id) != match:
        plane.matches[match.match_id] = match
        turn.records.append(match)


def _forget(plane: Plane, turn: Turn, match_id: str) -> None:
    for cluster in plane.destinations.pop(match_id, {}):
        turn.records.append(DestinationGone(match_id=match_id, cluster=cluster, at=turn.now))
    plane.matches.pop(match_id, None)


def withdraw_match(plane: Plane, turn: Turn, key: ReactionKey, reason: str) -> None:
    """Ends the match of a reaction that is taken back."""
    match_id = plane.match_of.pop(key)
    put_match(plane, turn, replace(plane.matches[match_id], state=MatchState.WITHDRAWN, reason=reason))
    _forget(plane, turn, match_id)


def destination_states(plane: Plane, turn: Turn, profile: str) -> None:
    """Brings the match that made this profile, and its destinations, up to where their deliveries are."""
    key = plane.reaction_of.get(profile)
    match = plane.matches.get(plane.match_of[key]) if key in plane.match_of else None
    reaction = plane.reactions.get(key) if key else None
    if match is None or reaction is None:
        return
    plane.dirty.matches.discard(profile)
    placements = {cluster: item for cluster, item in plane.placements.get(profile, {}).items() if item.wanted is not None}
    known = plane.destinations[match.match_id]
    for cluster in [cluster for cluster in known if cluster not in placements]:
        del known[cluster]
        turn.records.append(DestinationGone(match_id=match.match_id, cluster=cluster, at=turn.now))
    for cluster, placement in placements.items():
        _put_destination(plane, turn, match, profile, cluster, placement)
    _put_whole(plane, turn, match, reaction)


def destination_state(plane: Plane, turn: Turn, profile: str, cluster: str) -> None:
    """Brings one destination up to where its delivery is; `matches_settled` sees to the match."""
    key = plane.reaction_of.get(profile)
    match = plane.matches.get(plane.match_of[key]) if key in plane.match_of else None
    if match is None:
        return
    placement = plane.placements.get(profile, {}).get(cluster)
    if placement is not None and placement.wanted is not None:
        _put_destination(plane, turn, match, profile, cluster, placement)
    elif plane.destinations[match.match_id].pop(cluster, None) is not None:
        turn.records.append(DestinationGone(match_id=match.match_id, cluster=cluster, at=turn.now))
    plane.dirty.matches.add(profile)


def matches_settled(plane: Plane, turn: Turn) -> None:
    """Brings the matches whose destinations changed up to date, once a turn however many there were."""
    for profile in sorted(plane.dirty.matches):
        key = plane.reaction_of.get(profile)
        match = plane.matches.get(plane.match_of[key]) if key in plane.match_of else None
        reaction = plane.reactions.get(key) if key else None
        if match is not None and reaction is not None:
            _put_whole(plane, turn, match, reaction)
    plane.dirty.matches.clear()


def _put_destination(plane: Plane, turn: Turn, match: MatchRecord, profile: str, cluster: str, placement: Placement) -> None:
    known = plane.destinations[match.match_id]
    state, reason = _destination(plane, profile, cluster, placement)
    before = known.get(cluster)
    if before is not None and (before.state, before.reason) == (state, reason):
        return
    known[cluster] = record = DestinationRecord(
        match_id=match.match_id,
        cluster=cluster,
        state=state,
        reason=reason,
        rendered_at=before.rendered_at if before else turn.now,
        applied_at=turn.now if state is MatchState.ACTED else None,
    )
    turn.records.append(record)


def _put_whole(plane: Plane, turn: Turn, match: MatchRecord, reaction: Reaction) -> None:
    if reaction.problem:
        return
    state, reason = _whole(plane.destinations[match.match_id])
    acted_at = (match.acted_at or turn.now) if state is MatchState.ACTED else None
    put_match(plane, turn, replace(match, state=state, reason=reason, acted_at=acted_at))


def _destination(plane: Plane, profile: str, cluster: str, placement: Placement) -> tuple[MatchState, str]:
    addons = plane.addons.get((profile, cluster), {}).values()
    if not addons:
        return (MatchState.ACTED, "there is nothing to deploy") if placement.settled else (MatchState.PENDING, "")
    states = [(BY_ADDON[item.state], item.reason) for item in addons]
    state, reason = min(states, key=lambda item: WORST_FIRST.index(item[0]))
    return state, ("" if state is MatchState.ACTED else reason)


def _whole(destinations: dict[str, DestinationRecord]) -> tuple[MatchState, str]:
    if not destinations:
        return MatchState.BLOCKED, "no ready cluster is a destination"
    worst = min(destinations.values(), key=lambda item: (WORST_FIRST.index(item.state), item.cluster))
    return worst.state, (f"{worst.cluster}: {worst.reason}" if worst.reason else "")
