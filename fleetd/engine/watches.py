"""What each cluster is watched for: one watch for a kind, however many want it."""

from __future__ import annotations

from fleetd.decide.plane.drifting import guarded
from fleetd.decide.plane.state import Plane
from fleetd.domain.objects import Reads
from fleetd.domain.refs import GroupVersionKind

PULSE = GroupVersionKind("", "v1", "Namespace")
"""Watched, metadata only, where nothing else is: an open watch is how an idle cluster shows that it is there."""


def wanted_watches(plane: Plane, cluster: str) -> dict[GroupVersionKind, Reads]:
    """Kinds that sources ask for, and kinds of objects of ours whose drift is corrected."""
    wanted: dict[GroupVersionKind, Reads] = {}
    for gvk, sources in plane.interest.get(cluster, {}).items():
        reads = Reads()
        for source in sources:
            reads |= source.reads(gvk)
        wanted[gvk] = reads
    guarding: dict[tuple[str, str], bool] = {}
    for ref, item in plane.inventory.get(cluster, {}).items():
        kind = (item.api_version, ref.kind)
        if not guarding.get(kind) and guarded(plane, item):
            guarding[kind] = True
    for api_version, name in guarding:
        gvk = GroupVersionKind.of(api_version, name)
        wanted[gvk] = wanted.get(gvk, Reads()) | Reads(raw=True)
    if not wanted:
        wanted[PULSE] = Reads()
    return wanted
