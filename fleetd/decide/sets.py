"""ClusterSets and Sets: so many of the clusters that match, the same ones as long as they do.

Sveltos' rules (release 1.14): clusters that match and are ready are candidates, `maxReplicas` unset chooses nothing, what was chosen stays.
Here a cluster that cannot be reached keeps its place until another can take it, and a smaller `maxReplicas` keeps as many as it says.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from fleetd.decide.definitions import LIB_GROUP, cluster_key, set_id
from fleetd.decide.select import Selector, compile_selector
from fleetd.domain.objects import Manifest, ref_of
from fleetd.domain.refs import GroupKind, ObjectRef

SETS = (GroupKind(LIB_GROUP, "ClusterSet"), GroupKind(LIB_GROUP, "Set"))


@dataclass(frozen=True, slots=True)
class ClusterSet:
    """A ClusterSet, or a Set, which has clusters of its own namespace only. `most` is `maxReplicas`."""

    id: str
    ref: ObjectRef
    selector: Selector | None
    cluster_refs: frozenset[str]
    most: int


def set_ref(name: str) -> ObjectRef:
    """The object that an id stands for."""
    kind, _, rest = name.partition("/")
    namespace, _, own = rest.rpartition("/")
    return ObjectRef(kind, LIB_GROUP, namespace, own)


def compile_set(manifest: Manifest) -> ClusterSet:
    """From a manifest with its defaults.

    Raises:
        InvalidInput: its selector is none.
    """
    ref, spec = ref_of(manifest), manifest.get("spec") or {}
    selector = spec.get("clusterSelector")
    return ClusterSet(
        set_id(ref.name, ref.namespace),
        ref,
        compile_selector(selector) if selector else None,
        frozenset(cluster_key(item, default_namespace=ref.namespace) for item in spec.get("clusterRefs") or ()),
        int(spec.get("maxReplicas") or 0),
    )


def choose(most: int, before: Sequence[str], matching: Sequence[str], up: Collection[str]) -> tuple[str, ...]:
    """Which clusters a set has now.

    Args:
        before: those that it had, in its order.
        matching: those that it may have, in the order in which they are taken.
        up: those of them that can be reached.
    """
    stay = [cluster for cluster in before if cluster in matching]
    fresh = [cluster for cluster in matching if cluster in up and cluster not in stay]
    kept = [cluster for cluster in stay if cluster in up][:most]
    free = max(0, most - len(kept))
    taken = fresh[:free]
    # Who cannot be reached gives its place up to somebody, never to nobody.
    waiting = [cluster for cluster in stay if cluster not in up][: free - len(taken)]
    return tuple(cluster for cluster in stay if cluster in kept or cluster in waiting) + tuple(taken)
