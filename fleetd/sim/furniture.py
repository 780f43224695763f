"""The objects that a cluster has from the start; made when somebody first looks, so that an idle cluster does not pay for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fleetd.kubeapi.apply_merge import copied
from fleetd.kubeapi.bootstrap import bootstrap_objects
from fleetd.kubeapi.metadata import ordered
from fleetd.kubeapi.rbac import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES
from fleetd.kubeapi.server import NAMESPACES
from fleetd.sim.identity import uid_of

Body = dict[str, Any]
PRIORITIES = "priorityclasses.scheduling.k8s.io"
SYSTEM_PRIORITIES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}


def furniture(seed: str, now: str) -> Mapping[str, Callable[[], list[Body]]]:
    """By resource what is there; `seed` is the cluster's own, `now` when it began (RFC 3339)."""

    def made(body: Mapping[str, Any]) -> Body:
        new: Body = copied(body)
        name = new["metadata"]["name"]
        new["metadata"] |= {"uid": uid_of(f"{seed}/{new['kind']}/{name}"), "creationTimestamp": now}
        return ordered(new)

    def roles(kind: str) -> list[Body]:
        return [made(body) for body in bootstrap_objects() if body["kind"] == kind]

    return {
        "namespaces": lambda: [made(_namespace(name)) for name in NAMESPACES],
        PRIORITIES: lambda: [made(_priority(name, value)) for name, value in SYSTEM_PRIORITIES.items()],
        CLUSTER_ROLES: lambda: roles("ClusterRole"),
        CLUSTER_ROLE_BINDINGS: lambda: roles("ClusterRoleBinding"),
    }


def _priority(name: str, value: int) -> Body:
    return {
        "kind": "PriorityClass",
        "apiVersion": "scheduling.k8s.io/v1",
        "metadata": {"name": name, "generation": 1},
        "value": value,
        "description": "What the system needs to run.",
        "preemptionPolicy": "PreemptLowerPriority",
    }


def _namespace(name: str) -> Body:
    return {
        "kind": "Namespace",
        "apiVersion": "v1",
        "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }
