"""Which declared objects a declared object names: the edges of `fleet_references`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fleetd.domain.objects import Manifest, ref_of
from fleetd.domain.refs import ObjectRef

_LIB = "lib.projectsveltos.io"
_LISTS = ("policyRefs", "templateResourceRefs", "valuesFrom", "kustomizationRefs", "helmCharts", "patchesFrom", "driftExclusionsFrom")
_CORE = {"ConfigMap", "Secret", "Service", "Namespace", "ServiceAccount"}


def edges(manifest: Manifest) -> dict[str, ObjectRef]:
    """Field path → what it names. Templates stand as they are written; an empty namespace stays empty."""
    spec = manifest.get("spec")
    if not isinstance(spec, Mapping) or "projectsveltos.io" not in str(manifest.get("apiVersion")):
        return {}
    found = dict(_listed(spec, "spec"))
    if ref_of(manifest).kind == "EventTrigger" and spec.get("eventSourceName"):
        found["spec.eventSourceName"] = ObjectRef("EventSource", _LIB, "", str(spec["eventSourceName"]))
    return found


def _listed(part: Mapping[str, Any], path: str) -> Iterator[tuple[str, ObjectRef]]:
    for name in _LISTS:
        items = part.get(name)
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if isinstance(item, Mapping):
                yield from _named(item, f"{path}.{name}[{index}]")


def _named(item: Mapping[str, Any], path: str) -> Iterator[tuple[str, ObjectRef]]:
    """The item's own reference, where it is one, and those inside it (`resource`, `valuesFrom`)."""
    for place, ref in ((path, item), (f"{path}.resource", item.get("resource"))):
        if isinstance(ref, Mapping) and ref.get("kind") and ref.get("name"):
            kind = str(ref["kind"])
            group = str(ref.get("apiVersion") or "").rpartition("/")[0]
            yield place, ObjectRef(kind, "" if kind in _CORE else group, str(ref.get("namespace") or ""), str(ref["name"]))
    yield from _listed(item, path)
