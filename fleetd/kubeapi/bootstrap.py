"""The roles and bindings that every cluster has, for people and for discovery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from fleetd.kubeapi.exchange import AUTHENTICATED, UNAUTHENTICATED

GROUP = "rbac.authorization.k8s.io"
BOOTSTRAPPING = "kubernetes.io/bootstrapping"
Body = Mapping[str, Any]

READ = ("get", "list", "watch")
WRITE = ("create", "delete", "deletecollection", "patch", "update")
CORE = "configmaps endpoints persistentvolumeclaims pods replicationcontrollers replicationcontrollers/scale serviceaccounts services"
WORKLOADS = "daemonsets deployments deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale"
VIEWED: Sequence[tuple[str, str]] = (
    ("", f"{CORE} persistentvolumeclaims/status services/status"),
    (
        "",
        "bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas "
        "resourcequotas/status namespaces",
    ),
    ("discovery.k8s.io", "endpointslices"),
    ("apps", f"controllerrevisions {WORKLOADS} daemonsets/status deployments/status replicasets/status statefulsets/status"),
    ("autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
    ("batch", "cronjobs cronjobs/status jobs jobs/status"),
    ("networking.k8s.io", "ingresses ingresses/status networkpolicies"),
    ("policy", "poddisruptionbudgets poddisruptionbudgets/status"),
)
EDITED: Sequence[tuple[str, str]] = (
    ("", f"{CORE} events secrets pods/attach pods/exec pods/portforward pods/proxy pods/eviction services/proxy serviceaccounts/token"),
    ("apps", f"{WORKLOADS} deployments/rollback"),
    ("autoscaling", "horizontalpodautoscalers"),
    ("batch", "cronjobs jobs"),
    ("networking.k8s.io", "ingresses networkpolicies"),
    ("policy", "poddisruptionbudgets"),
    ("coordination.k8s.io", "leases"),
)
HEALTH = ("/healthz", "/livez", "/readyz", "/version", "/version/")
DISCOVERY = ("/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version", "/version/")


def rule(verbs: Iterable[str], group: str, resources: str) -> Body:
    """One rule for resources of one group."""
    return {"verbs": list(verbs), "apiGroups": [group], "resources": resources.split()}


def _pages(paths: Iterable[str]) -> Body:
    return {"verbs": ["get"], "nonResourceURLs": list(paths)}


def _role(name: str, rules: Sequence[Body], *, into: str = "", gathers: str = "") -> Body:
    labels = {BOOTSTRAPPING: "rbac-defaults"} | ({f"{GROUP}/aggregate-to-{into}": "true"} if into else {})
    annotations = {f"{GROUP}/autoupdate": "true"}
    role: dict[str, Any] = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name, "labels": labels, "annotations": annotations},
        "rules": list(rules),
    }
    if gathers:
        role["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {f"{GROUP}/aggregate-to-{gathers}": "true"}}]}
    return role


def _binding(role: str, *groups: str) -> Body:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": role, "labels": {BOOTSTRAPPING: "rbac-defaults"}, "annotations": {f"{GROUP}/autoupdate": "true"}},
        "subjects": [{"apiGroup": GROUP, "kind": "Group", "name": group} for group in groups],
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role},
    }


@cache
def bootstrap_objects() -> tuple[Body, ...]:
    """ClusterRoles and ClusterRoleBindings; nobody may change what this returns."""
    viewing = [rule(READ, *each) for each in VIEWED]
    editing = [rule((*READ, *WRITE), *each) for each in EDITED]
    editing.append(rule(("impersonate",), "", "serviceaccounts"))
    managing = [rule((*READ, *WRITE), GROUP, "roles rolebindings"), rule(("create",), "authorization.k8s.io", "localsubjectaccessreviews")]
    everything = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}, {"verbs": ["*"], "nonResourceURLs": ["*"]}]
    asking = [
        rule(("create",), "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews"),
        rule(("create",), "authentication.k8s.io", "selfsubjectreviews"),
    ]
    return (
        _role("admin", [*managing, *editing, *viewing], gathers="admin"),
        _role("cluster-admin", everything),
        _role("edit", [*editing, *viewing], gathers="edit", into="admin"),
        _role("system:aggregate-to-admin", managing, into="admin"),
        _role("system:aggregate-to-edit", editing, into="edit"),
        _role("system:aggregate-to-view", viewing, into="view"),
        _role("system:basic-user", asking),
        _role("system:discovery", [_pages(DISCOVERY)]),
        _role("system:public-info-viewer", [_pages(HEALTH)]),
        _role("view", viewing, gathers="view", into="edit"),
        _binding("cluster-admin", "system:masters"),
        _binding("system:basic-user", AUTHENTICATED),
        _binding("system:discovery", AUTHENTICATED),
        _binding("system:public-info-viewer", AUTHENTICATED, UNAUTHENTICATED),
    )
