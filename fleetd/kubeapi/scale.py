"""The scale subresource: how many replicas a workload has, in a form that all kinds share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fleetd.kubeapi.bodies import object_of
from fleetd.kubeapi.kinds import Kind
from fleetd.kubeapi.refusals import bad_request, conflict, failed, invalid
from fleetd.kubeapi.rules import not_negative

Body = dict[str, Any]
SCALE_KIND = ("autoscaling/v1", "Scale")
SHOWN = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def _map(value: Any) -> Mapping[str, Any]:
    """A custom object may have anything there."""
    return value if isinstance(value, Mapping) else {}


def _stands(body: Any, path: Sequence[str]) -> Any:
    for step in path:
        body = _map(body).get(step)
    return body


def scale_of(kind: Kind, body: Mapping[str, Any]) -> Body:
    """The Scale of an object. Raises ApiRefusal (500) for a custom one that does not say how many are wanted."""
    metadata = body["metadata"]
    wanted, there, chosen = kind.scaled_by
    replicas = _stands(body, wanted)
    if replicas is None and kind.custom:
        raise failed(f'the spec replicas field ".{".".join(wanted)}" does not exist')
    told: Body = {"replicas": _stands(body, there) or 0}
    said = _stands(body, chosen) if kind.custom and chosen else _selector(_map(body.get("spec")).get("selector"))
    if said:
        told["selector"] = str(said)
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata[key] for key in SHOWN if key in metadata},
        "spec": {"replicas": replicas or 0},
        "status": told,
    }


def _selector(said: Any) -> str:
    labels = _map(said)
    labels = _map(labels.get("matchLabels")) if "matchLabels" in labels or "matchExpressions" in labels else labels
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def scale_body(text: bytes) -> Body:
    """The Scale of a PUT. Raises ApiRefusal (400)."""
    return object_of(text, "Scale")


def _replicas(scale: Any, name: str) -> int:
    wanted = _map(_map(scale).get("spec")).get("replicas", 0)
    if not isinstance(wanted, int) or isinstance(wanted, bool):
        raise bad_request('Scale in version "v1" cannot be handled as a Scale: spec.replicas is a number')
    if wanted < 0:
        raise invalid("autoscaling", "Scale", name, not_negative("spec.replicas", wanted))
    return wanted


def scaled(kind: Kind, alter: Callable[[Body], Body]) -> Callable[[Body], Body]:
    """What changes a Scale, as what changes the object behind it. Raises ApiRefusal (400, 409, 422)."""

    def change(body: Body) -> Body:
        live = scale_of(kind, body)
        wanted = alter(scale_of(kind, body))
        named, said = (_map(wanted.get("metadata")).get(key) for key in ("name", "resourceVersion"))
        if named and named != live["metadata"]["name"]:
            raise bad_request(f"the name of the object ({named}) does not match the name on the URL ({live['metadata']['name']})")
        if said and said != live["metadata"].get("resourceVersion"):
            raise conflict(kind, body["metadata"]["name"])
        _put(body, kind.scaled_by[0], _replicas(wanted, body["metadata"]["name"]))
        return body

    return change


def applied_scale(kind: Kind, name: str, scale: Body) -> Body:
    """An applied Scale as a configuration of the object behind it. Raises ApiRefusal (400, 422)."""
    body: Body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name}}
    _put(body, kind.scaled_by[0], _replicas(scale, name))
    return body


def _put(body: Body, path: Sequence[str], value: int) -> None:
    for step in path[:-1]:
        body[step] = {**_map(body.get(step))}
        body = body[step]
    body[path[-1]] = value
