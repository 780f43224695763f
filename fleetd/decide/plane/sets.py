"""Which clusters each set has, and who follows from a change of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from fleetd.decide.definitions import PROFILE_KINDS
from fleetd.decide.plane.state import Plane
from fleetd.decide.plane.statuses import say
from fleetd.decide.plane.turn import Turn
from fleetd.decide.sets import ClusterSet, choose, set_ref
from fleetd.domain.records import Stage
from fleetd.domain.states import ClusterState


def settle_sets(plane: Plane, turn: Turn, members: Collection[str]) -> None:
    """Chooses anew for the sets that changed, and for those that these members concern; who refers to them is dirty then."""
    dirty = plane.dirty
    names = set(dirty.sets)
    dirty.sets.clear()
    for cluster in members:
        names |= sets_with(plane, cluster)
    for name in sorted(names):
        _settle(plane, turn, name)


def sets_with(plane: Plane, cluster: str) -> set[str]:
    """The sets that choose the cluster, name it, or have it."""
    member = plane.members.get(cluster)
    found = plane.choosing.sets(cluster, member.labels) if member is not None else set()
    return found | {name for name, chosen in plane.selections.items() if cluster in chosen}


def _settle(plane: Plane, turn: Turn, name: str) -> None:
    mine = plane.sets.get(name)
    before = plane.selections.get(name, ())
    if mine is None and name in plane.unreadable:
        return
    matching = _matching(plane, mine) if mine is not None else []
    up = {cluster for cluster in matching if not _down(plane, cluster)}
    now = choose(mine.most, before, matching, up) if mine is not None else ()
    if now:
        plane.selections[name] = now
    else:
        plane.selections.pop(name, None)
    if mine is not None:
        say(plane, turn, mine.ref, status={"matchingClusterRefs": _refs(plane, matching), "selectedClusterRefs": _refs(plane, now)})
    if now == before:
        return
    turn.caused_by()
    gone, come = [item for item in before if item not in now], [item for item in now if item not in before]
    words = [f"{what} {', '.join(clusters)}" for what, clusters in (("takes", come), ("lets go", gone)) if clusters]
    turn.tell(Stage.MATCH, set_ref(name), "", "chosen", "; ".join(words) or "another order")
    for user in plane.set_users.get(name, ()):
        if user.startswith(PROFILE_KINDS):
            plane.dirty.profiles.add(user)
        else:
            plane.dirty.triggers.add(user)


def _matching(plane: Plane, mine: ClusterSet) -> list[str]:
    chosen = plane.choosing.clusters(mine.selector) if mine.selector is not None else set()
    found = [plane.members[cluster] for cluster in sorted(chosen.union(mine.cluster_refs)) if cluster in plane.members]
    own = mine.ref.namespace
    return [item.cluster for item in found if item.ready and not item.leaving and (not own or item.namespace == own)]


def _down(plane: Plane, cluster: str) -> bool:
    known = plane.known_members.get(cluster)
    return known is not None and known.state is ClusterState.UNREACHABLE


def _refs(plane: Plane, clusters: Iterable[str]) -> list[dict[str, Any]]:
    return [dict(plane.members[cluster].reference()) for cluster in clusters if cluster in plane.members]
