"""What ClusterSets and Sets choose, for who explains why something goes to a cluster."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson

from fleetd.decide.definitions import cluster_key, set_id
from fleetd.decide.members import Member
from fleetd.decide.select import Selector
from fleetd.decide.sets import set_ref
from fleetd.service.answers import Hint
from fleetd.service.choosing import Choice
from fleetd.service.foreign import safe_ref
from fleetd.service.questions.gates import Gate, Gates
from fleetd.service.questions.ground import Ground, any_of
from fleetd.service.teaching import Code, Lesson, Taught, near

Chosen = dict[str, tuple[str, ...]]
"""set → the clusters that it has; a set that is not declared is not in it"""


def chosen(ground: Ground, sets: Collection[str]) -> Chosen:
    """What each of these sets has now, or had then."""
    names = {str(set_ref(name)): name for name in sorted(sets)}
    if not names:
        return {}
    values: dict[str, Any] = {}
    rows = ground.rows(f"SELECT ref, status FROM fleet_cluster_sets WHERE {any_of('ref', 'ref', tuple(names), values)}", values)
    return {names[row["ref"]]: _selected(row["status"]) for row in rows}


def _selected(status: str) -> tuple[str, ...]:
    return tuple(cluster_key(item) for item in orjson.loads(status).get("selectedClusterRefs") or ())


def resolved(ground: Ground, choice: Choice) -> tuple[Choice, bool]:
    """With the clusters of its sets as names; and whether that leaves nobody who could be meant.

    Raises:
        Taught: there is no such set.
    """
    meant = _of(ground, choice.sets)
    names = tuple(dict.fromkeys((*choice.names, *meant)))
    without = (*choice.without, *_of(ground, choice.without_sets))
    return Choice(names, without, choice.labels), not names and bool(choice.sets)


def _of(ground: Ground, names: Collection[str]) -> list[str]:
    """Of sets that left members behind only those that are there still: a status is as old as its last change."""
    ids = {_id(name): name for name in names}
    having = chosen(ground, ids)
    for one in ids.keys() - having.keys():
        rows = ground.rows("SELECT kind, namespace, name FROM fleet_cluster_sets ORDER BY ref LIMIT 500")
        known = [row["name"] if row["kind"] == "ClusterSet" else f"{row['namespace']}/{row['name']}" for row in rows]
        near_by = tuple(f"set:{safe_ref(name)}" for name in near(ids[one], known))
        lesson = Lesson(
            code=Code.NOT_FOUND,
            sentence="there is no ClusterSet or Set of this name",
            field="clusters",
            got=f"set:{ids[one]}",
            did_you_mean=near_by,
            next=Hint(why="the sets that there are", tool="find_objects", arguments={"kinds": ["ClusterSet", "Set"]}),
        )
        raise Taught(lesson)
    clusters = dict.fromkeys(cluster for found in having.values() for cluster in found)
    values: dict[str, Any] = {}
    if not clusters:
        return []
    rows = ground.rows(f"SELECT cluster FROM fleet_clusters WHERE {any_of('cluster', 'had', tuple(clusters), values)}", values)
    return [str(row["cluster"]) for row in rows]


def _id(name: str) -> str:
    namespace, _, own = name.rpartition("/")
    return set_id(own, namespace)


def chosen_gate(ground: Ground, selector: Selector | None, sets: Collection[str], member: Member) -> Gate:
    """Whether a selector chooses the cluster, or one of the sets has it."""
    having = chosen(ground, sets)
    for name, clusters in having.items():
        if member.cluster in clusters:
            return Gate(gate="cluster_selected", passed=True, because=f"{safe_ref(name)} has the cluster")
    gate = Gates.selected(selector, member.labels) if selector is not None else None
    if gate is not None and (gate.passed or not sets):
        return gate
    others = [_without(name, having) for name in sorted(sets)]
    said = [gate.because] if gate is not None and selector is not None and selector.terms else []
    words = "; ".join([*said, *others]) or "no selector chooses the cluster, and clusterRefs does not name it"
    return Gate(gate="cluster_selected", passed=False, because=words, said_untrusted=gate.said_untrusted if gate is not None else "")


def _without(name: str, having: Chosen) -> str:
    if name not in having:
        return f"there is no {safe_ref(name)}"
    count = len(having[name])
    return f"{safe_ref(name)} has {count} other cluster{'s' if count > 1 else ''}" if count else f"{safe_ref(name)} has no cluster"
