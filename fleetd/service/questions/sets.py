"""What ClusterSets and Sets choose, for who explains why something goes to a cluster."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson

from fleetd.decide.definitions import cluster_key
from fleetd.decide.members import Member
from fleetd.decide.select import Selector
from fleetd.decide.sets import set_ref
from fleetd.service.foreign import safe_ref
from fleetd.service.questions.gates import Gate, Gates
from fleetd.service.questions.ground import Ground, any_of

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
