"""How the built-in kinds and custom resources say they are merged."""

from __future__ import annotations

import pytest

from fleetd.domain.mergefacts import Shape, facts_from_openapi, facts_of
from fleetd.domain.refs import GroupVersionKind


def shape(kind: str, *path: str) -> Shape:
    """The shape at a path of a kind (`apps/v1/Deployment`); `[]` steps into a list."""
    api_version, _, name = kind.rpartition("/")
    found = facts_of(GroupVersionKind.of(api_version, name)).root
    for step in path:
        found = found.item if step == "[]" else found.child(step)
    return found


POD = ("spec", "template", "spec")


@pytest.mark.parametrize(
    ("kind", "path", "keys"),
    [
        ("v1/Service", ("spec", "ports"), ("port", "protocol")),
        ("apps/v1/Deployment", (*POD, "containers"), ("name",)),
        ("apps/v1/StatefulSet", (*POD, "initContainers", "[]", "ports"), ("containerPort", "protocol")),
        ("batch/v1/CronJob", ("spec", "jobTemplate", *POD, "containers", "[]", "env"), ("name",)),
        ("v1/Pod", ("spec", "volumes"), ("name",)),
        ("v1/Pod", ("spec", "topologySpreadConstraints"), ("topologyKey", "whenUnsatisfiable")),
        ("v1/ServiceAccount", ("secrets",), ("name",)),
        ("v1/ConfigMap", ("metadata", "ownerReferences"), ("uid",)),
        ("policy/v1/PodDisruptionBudget", ("status", "conditions"), ("type",)),
        ("networking.k8s.io/v1/Ingress", ("spec", "rules"), ()),
        ("rbac.authorization.k8s.io/v1/Role", ("rules",), ()),
        ("discovery.k8s.io/v1/EndpointSlice", ("endpoints",), ()),
    ],
)
def test_lists_have_their_keys(kind: str, path: tuple[str, ...], keys: tuple[str, ...]) -> None:
    assert shape(kind, *path).keys == keys


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("v1/Service", ("spec", "selector")),
        ("apps/v1/Deployment", ("spec", "selector")),
        ("apps/v1/Deployment", (*POD, "nodeSelector")),
        ("v1/Pod", ("spec", "containers", "[]", "env", "[]", "valueFrom", "secretKeyRef")),
        ("rbac.authorization.k8s.io/v1/RoleBinding", ("roleRef",)),
        ("coordination.k8s.io/v1/Lease", ("metadata", "ownerReferences", "[]")),
    ],
)
def test_some_maps_are_one_piece(kind: str, path: tuple[str, ...]) -> None:
    assert shape(kind, *path).atomic


def test_a_port_without_a_protocol_is_tcp() -> None:
    assert shape("v1/Service", "spec", "ports").defaults == {"protocol": "TCP"}


def test_finalizers_are_a_set_everywhere() -> None:
    assert shape("v1/Secret", "metadata", "finalizers").unique
    assert shape("example.com/v1/Thing", "metadata", "finalizers").unique


def test_two_versions_of_a_kind_may_differ_and_a_version_not_named_is_like_another() -> None:
    assert shape("autoscaling/v1/HorizontalPodAutoscaler", "spec", "scaleTargetRef").atomic
    assert not shape("autoscaling/v2/HorizontalPodAutoscaler", "spec", "scaleTargetRef").atomic
    assert shape("apps/v1beta1/Deployment", *POD, "containers").keys == ("name",)


def test_kinds_without_a_status_of_their_own_have_none_apart() -> None:
    assert facts_of(GroupVersionKind("apps", "v1", "Deployment")).status_apart
    assert not facts_of(GroupVersionKind("", "v1", "ConfigMap")).status_apart


def test_a_schema_says_what_its_lists_and_maps_are() -> None:
    port = {"type": "object", "properties": {"port": {"type": "integer"}, "protocol": {"type": "string", "default": "TCP"}}}
    ports = {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port", "protocol"], "items": port}
    spec = {
        "type": "object",
        "properties": {
            "ports": ports,
            "zones": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "plain": {"type": "array", "items": {"type": "string"}},
            "where": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"a": {"type": "string"}}},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    }
    root = facts_from_openapi({"type": "object", "properties": {"spec": spec}}).root
    found = root.child("spec")
    assert (found.child("ports").keys, found.child("ports").defaults) == (("port", "protocol"), {"protocol": "TCP"})
    assert found.child("zones").unique
    assert not found.child("plain").keys
    assert found.child("where").atomic
    assert found.child("labels").free
    assert found.child("any").child("deep").child("deeper").free
    assert root.child("metadata").child("finalizers").unique
