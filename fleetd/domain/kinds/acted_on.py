"""What fleetd acts on today: everything else is taken, kept and shown as not acted on yet.

The table below is the whole truth: a field that fleetd learns to act on gets its line here, nothing else changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from fleetd.domain.kinds.registry import CLUSTER_API_GROUP, CONFIG_GROUP, KINDS, LIB_GROUP
from fleetd.domain.kinds.schema import FieldShape, fields_of
from fleetd.domain.objects import Manifest, gvk_of
from fleetd.domain.refs import GroupKind


class Whole:
    """The field and all below it is acted on."""


WHOLE = Whole()

Acted = Whole | frozenset[str] | Mapping[str, "Acted"]
"""All of a field, these values of it, or these fields of it (of every entry, where it is a list)."""

_CONFIG_OBJECTS = frozenset({"ConfigMap", "Secret"})

_RESOURCE_SELECTOR: Acted = {
    "group": WHOLE,
    "version": WHOLE,
    "kind": WHOLE,
    "namespace": WHOLE,
    "name": WHOLE,
    "labelFilters": WHOLE,
    "evaluate": WHOLE,
    "evaluateCEL": WHOLE,
}
_POLICY_REF: Acted = {
    "kind": _CONFIG_OBJECTS,
    "namespace": WHOLE,
    "name": WHOLE,
    "deploymentType": frozenset({"Remote"}),
    "optional": WHOLE,
}
_RENDERED: Mapping[str, Acted] = {"templateResourceRefs": WHOLE, "patches": WHOLE, "patchesFrom": WHOLE, "driftExclusions": WHOLE}
"""What becomes of templates before they are deployed."""
_PROFILE: Acted = {
    "clusterSelector": WHOLE,
    "clusterRefs": WHOLE,
    "setRefs": WHOLE,
    "policyRefs": _POLICY_REF,
    "syncMode": frozenset({"OneTime", "Continuous", "ContinuousWithDriftDetection"}),
    "stopMatchingBehavior": WHOLE,
    "tier": WHOLE,
    "continueOnError": WHOLE,
    **_RENDERED,
}

_SET: Acted = {"clusterSelector": WHOLE, "clusterRefs": WHOLE, "maxReplicas": WHOLE}

ACTED_ON: Mapping[GroupKind, Mapping[str, Acted]] = {
    GroupKind(LIB_GROUP, "EventSource"): {
        "spec": {"resourceSelectors": _RESOURCE_SELECTOR, "aggregatedSelection": WHOLE, "collectResources": WHOLE},
    },
    GroupKind(LIB_GROUP, "EventTrigger"): {
        "spec": {
            "sourceClusterSelector": WHOLE,
            "clusterSetRefs": WHOLE,
            "destinationClusterSelector": WHOLE,
            "destinationCluster": WHOLE,
            "profileNameFormat": WHOLE,
            "eventSourceName": WHOLE,
            "oneForEvent": WHOLE,
            "configMapGenerator": WHOLE,
            "secretGenerator": WHOLE,
            "policyRefs": _POLICY_REF,
            "syncMode": frozenset({"OneTime", "Continuous", "ContinuousWithDriftDetection"}),
            "stopMatchingBehavior": WHOLE,
            "tier": WHOLE,
            **_RENDERED,
        }
    },
    GroupKind(CONFIG_GROUP, "ClusterProfile"): {"spec": _PROFILE},
    GroupKind(CONFIG_GROUP, "Profile"): {"spec": _PROFILE},
    GroupKind(LIB_GROUP, "ClusterSet"): {"spec": _SET},
    GroupKind(LIB_GROUP, "Set"): {"spec": _SET},
    GroupKind(LIB_GROUP, "SveltosCluster"): {
        "spec": {"kubeconfigName": WHOLE, "kubeconfigKeyName": WHOLE, "paused": WHOLE, "data": WHOLE},
    },
    GroupKind(CLUSTER_API_GROUP, "Cluster"): {"spec": WHOLE},
    GroupKind("", "ConfigMap"): {"data": WHOLE, "binaryData": WHOLE, "immutable": WHOLE},
    GroupKind("", "Secret"): {"type": WHOLE, "data": WHOLE, "stringData": WHOLE, "immutable": WHOLE},
    GroupKind("", "Namespace"): {"spec": WHOLE},
}

_ALWAYS = frozenset({"apiVersion", "kind", "metadata", "status"})
_NOTHING: tuple[Any, ...] = (None, "", [], {}, False)


def unsupported(manifest: Manifest) -> tuple[str, ...]:
    """What of a manifest is taken but not acted on yet: the kind as a whole, or dotted paths of fields.

    A field with its default, or with nothing in it, is not listed: it asks for nothing.
    """
    gvk = gvk_of(manifest)
    acted = ACTED_ON.get(gvk.group_kind)
    spec = KINDS.get(gvk)
    if acted is None or spec is None:
        return (str(gvk.group_kind),)
    body = {key: value for key, value in manifest.items() if key not in _ALWAYS}
    return tuple(dict.fromkeys(_unacted(body, acted, spec.model, "")))


def _unacted(value: Any, acted: Acted, part: type[BaseModel] | None, path: str) -> Iterator[str]:
    match acted:
        case Whole():
            return
        case frozenset():
            if not isinstance(value, str) or value not in acted:
                yield f"{path}={value}"
        case Mapping():
            if isinstance(value, list):
                for index, entry in enumerate(value):
                    yield from _unacted(entry, acted, part, f"{path}[{index}]")
            elif isinstance(value, dict):
                yield from _unacted_fields(value, acted, fields_of(part) if part else {}, path)


def _unacted_fields(value: Mapping[str, Any], acted: Mapping[str, Acted], shapes: Mapping[str, FieldShape], path: str) -> Iterator[str]:
    for name, held in value.items():
        shape = shapes.get(name)
        here = f"{path}.{name}" if path else name
        if _asks_for_nothing(held, shape.default if shape else None):
            continue
        if name in acted:
            yield from _unacted(held, acted[name], shape.part if shape else None, here)
        else:
            yield here


def _asks_for_nothing(held: Any, default: Any) -> bool:
    return bool(held == default) if default is not None else held in _NOTHING
