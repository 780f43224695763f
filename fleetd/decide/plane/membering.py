"""What is known of a member's state, as the one record that the store keeps of it."""

from __future__ import annotations

from dataclasses import replace

from fleetd.decide.members import Member
from fleetd.decide.plane.declaring import became_ready
from fleetd.decide.plane.delivering import reached
from fleetd.decide.plane.sets import sets_with
from fleetd.decide.plane.state import Plane
from fleetd.decide.plane.turn import Turn
from fleetd.domain.records import MemberRecord, Stage
from fleetd.domain.states import ClusterState

SPEAKING = (ClusterState.READY, ClusterState.DEGRADED)


def member_state(
    plane: Plane, turn: Turn, cluster: str, state: ClusterState, reason: str = "", *, version: str = "", uid: str = ""
) -> None:
    """Takes what became of a cluster's connection; deliveries wait or go on accordingly."""
    member = plane.members.get(cluster)
    if member is None:
        return
    before = plane.known_members.get(cluster)
    _put_member(plane, turn, member, state, reason, version=version, uid=uid)
    if before is None or (before.state, before.reason) != (state, reason):
        turn.caused_by()
        turn.tell(Stage.CONNECT, member.kind + "/" + cluster, cluster, state.value, reason)
    if state is ClusterState.READY:
        became_ready(plane, cluster)
    if before is None or (before.state is ClusterState.UNREACHABLE) != (state is ClusterState.UNREACHABLE):
        plane.dirty.sets |= sets_with(plane, cluster)
    reached(plane, turn, cluster, state in SPEAKING, reason)


def _put_member(plane: Plane, turn: Turn, member: Member, state: ClusterState, reason: str, *, version: str = "", uid: str = "") -> None:
    """Records the member as it is now, if that is news."""
    cluster = member.cluster
    before = plane.known_members.get(cluster)
    record = MemberRecord(
        cluster=cluster,
        namespace=member.namespace,
        name=member.name,
        kind=member.kind,
        state=state,
        reason=reason,
        since=turn.now if before is None or before.state is not state else before.since,
        ready=member.ready or state is ClusterState.READY,
        paused=member.paused,
        version=version or (before.version if before else ""),
        uid=uid or (before.uid if before else ""),
        mode=before.mode if before else "push",
        last_seen_at=turn.now if state in SPEAKING else (before.last_seen_at if before else None),
        labels=member.labels,
    )
    if before is None or replace(before, last_seen_at=record.last_seen_at) != record:
        plane.known_members[cluster] = record
        turn.records.append(record)


def member_declared(plane: Plane, turn: Turn, cluster: str) -> None:
    """A member's declaration changed: its record takes over the labels and whether it is paused.

    Whether it can be spoken to is for who speaks to it to say.
    """
    before = plane.known_members.get(cluster)
    member = plane.members.get(cluster)
    if member is None:
        return
    if before is None:
        member_state(plane, turn, cluster, ClusterState.CONNECTING)
    elif dict(before.labels) != dict(member.labels) or before.paused != member.paused:
        _put_member(plane, turn, member, before.state, before.reason)


def uid_of(plane: Plane, cluster: str) -> str:
    """Which cluster this was when it was first met; empty before."""
    known = plane.known_members.get(cluster)
    return known.uid if known else ""
