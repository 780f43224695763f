"""The scale subresource: how many replicas a workload has, in a form that all kinds share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fleetd.kubeapi.refusals import bad_request

Body = dict[str, Any]
SHOWN = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def _map(value: Any) -> Mapping[str, Any]:
    """A custom object may have anything there."""
    return value if isinstance(value, Mapping) else {}


def scale_of(body: Mapping[str, Any]) -> Body:
    """The Scale of an object."""
    metadata, spec, status = body["metadata"], _map(body.get("spec")), _map(body.get("status"))
    told: Body = {"replicas": status.get("replicas", 0)}
    labels = _map(_map(spec.get("selector")).get("matchLabels"))
    if labels:
        told["selector"] = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata[key] for key in SHOWN if key in metadata},
        "spec": {"replicas": spec.get("replicas", 0)},
        "status": told,
    }


def scaled(alter: Callable[[Body], Body]) -> Callable[[Body], Body]:
    """What changes a Scale, as what changes the object behind it."""

    def change(body: Body) -> Body:
        wanted = _map(_map(alter(scale_of(body))).get("spec")).get("replicas", 0)
        if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 0:
            raise bad_request("spec.replicas must be a number that is not negative")
        body["spec"] = {**_map(body.get("spec")), "replicas": wanted}
        return body

    return change
