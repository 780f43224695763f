"""Which kinds may come of a template: what a value brings in beyond them is refused, whatever way it came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fleetd.decide.gotemplate.source import nearest
from fleetd.domain.errors import EvaluationFailed
from fleetd.domain.objects import Manifest, gvk_of

KINDS = "fleetd.io/kinds"
"""Annotation: `Service, EndpointSlice.discovery.k8s.io`; of a core kind its name alone."""


def allowed(annotations: Mapping[str, str] | None) -> frozenset[str] | None:
    """The kinds that annotations allow; None where they say nothing."""
    said = (annotations or {}).get(KINDS)
    return None if said is None else frozenset(one.strip() for one in said.split(",") if one.strip())


def check_kinds(manifests: Iterable[Manifest], *annotations: Mapping[str, str] | None, secretive: bool = False) -> None:
    """Looks at what was rendered and patched; each of several annotations counts. A secretive one says nothing of what came.

    Raises:
        EvaluationFailed: an object is of a kind that is not allowed.
    """
    limits = [limit for limit in map(allowed, annotations) if limit is not None]
    for manifest in manifests if limits else ():
        gvk = gvk_of(manifest)
        name = f"{gvk.kind}.{gvk.group}" if gvk.group else gvk.kind
        for limit in limits:
            if name not in limit:
                there = ", ".join(sorted(limit)) or "none"
                what = "another kind" if secretive else f"{name} {str(manifest['metadata'].get('name'))[:60]}"
                said = f"{what} came of it, and {KINDS} allows {there}"
                raise EvaluationFailed(said if secretive else f"{said}{nearest(sorted(limit), name)}")
