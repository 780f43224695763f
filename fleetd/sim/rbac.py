"""Who may do what, by the roles and bindings that the cluster holds (rbac.authorization.k8s.io/v1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fleetd.domain.objects import Manifest
from fleetd.kubeapi.exchange import User
from fleetd.kubeapi.storage import Change
from fleetd.sim.authentication import ANONYMOUS, AUTHENTICATED

GROUP = "rbac.authorization.k8s.io"
ROLES = f"roles.{GROUP}"
CLUSTER_ROLES = f"clusterroles.{GROUP}"
ROLE_BINDINGS = f"rolebindings.{GROUP}"
CLUSTER_ROLE_BINDINGS = f"clusterrolebindings.{GROUP}"
KEPT = frozenset({ROLES, CLUSTER_ROLES, ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS})

READING = ["get", "list", "watch"]
WRITING = ["create", "update", "patch", "delete", "deletecollection"]
COMMON = [
    {
        "apiGroups": [""],
        "resources": ["configmaps", "endpoints", "events", "pods", "persistentvolumeclaims", "serviceaccounts", "services"],
    },
    {"apiGroups": ["apps"], "resources": ["daemonsets", "deployments", "replicasets", "statefulsets"]},
    {"apiGroups": ["batch"], "resources": ["cronjobs", "jobs"]},
    {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses", "networkpolicies"]},
    {"apiGroups": ["autoscaling", "policy"], "resources": ["*"]},
]
SECRETS = {"apiGroups": [""], "resources": ["secrets"]}
OWN_ROLES = {"apiGroups": [GROUP], "resources": ["roles", "rolebindings"]}


def default_roles() -> list[Manifest]:
    """The roles for people that every cluster has: cluster-admin, admin, edit and view, the last three for the common kinds."""
    viewing = [{**rule, "verbs": READING} for rule in [*COMMON, {"apiGroups": [""], "resources": ["namespaces"]}]]
    editing = [*viewing, *({**rule, "verbs": [*READING, *WRITING]} for rule in [*COMMON, SECRETS])]
    everything = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    rules = {
        "cluster-admin": everything,
        "admin": [*editing, {**OWN_ROLES, "verbs": [*READING, *WRITING]}],
        "edit": editing,
        "view": viewing,
    }
    return [
        {"apiVersion": f"{GROUP}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": allowed}
        for name, allowed in rules.items()
    ]


class RoleBasedAccess:
    """The rule of RBAC: what no binding allows is forbidden; `system:masters` may do everything.

    `told` is to hear every change of the storage; the instance itself is asked.
    """

    def __init__(self) -> None:
        self._objects: dict[str, dict[tuple[str, str], Mapping[str, Any]]] = {resource: {} for resource in KEPT}

    def told(self, change: Change) -> None:
        if change.resource not in KEPT:
            return
        record = change.after or change.before
        key = change.namespace, str(record.metadata["name"]) if record else ""
        if change.after is None:
            self._objects[change.resource].pop(key, None)
        else:
            self._objects[change.resource][key] = change.after.body

    def __call__(self, user: User, verb: str, group: str, resource: str, namespace: str, name: str) -> bool:
        if "system:masters" in user.groups:
            return True
        groups = {*user.groups} if user == ANONYMOUS else {*user.groups, AUTHENTICATED}
        return any(_allows(rule, verb, group, resource, name) for rule in self._rules(user.name, groups, namespace))

    def _rules(self, user: str, groups: set[str], namespace: str) -> Iterator[Mapping[str, Any]]:
        for binding in self._objects[CLUSTER_ROLE_BINDINGS].values():
            if _binds(binding, user, groups, ""):
                yield from self._role(CLUSTER_ROLES, "", binding)
        if not namespace:
            return
        for (place, _), binding in self._objects[ROLE_BINDINGS].items():
            if place == namespace and _binds(binding, user, groups, namespace):
                cluster_wide = binding["roleRef"]["kind"] == "ClusterRole"
                yield from self._role(CLUSTER_ROLES if cluster_wide else ROLES, "" if cluster_wide else namespace, binding)

    def _role(self, resource: str, namespace: str, binding: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        role = self._objects[resource].get((namespace, binding["roleRef"]["name"]))
        return (role or {}).get("rules") or ()


def _binds(binding: Mapping[str, Any], user: str, groups: set[str], namespace: str) -> bool:
    for subject in binding.get("subjects") or ():
        match subject["kind"]:
            case "User" if subject["name"] == user:
                return True
            case "Group" if subject["name"] in groups:
                return True
            case "ServiceAccount" if f"system:serviceaccount:{subject.get('namespace') or namespace}:{subject['name']}" == user:
                return True
    return False


def _allows(rule: Mapping[str, Any], verb: str, group: str, resource: str, name: str) -> bool:
    _, _, below = resource.partition("/")
    resources = {"*", resource, f"*/{below}"} if below else {"*", resource}
    names = rule.get("resourceNames") or ()
    return (
        not {"*", verb}.isdisjoint(rule.get("verbs") or ())
        and not {"*", group}.isdisjoint(rule.get("apiGroups") or ())
        and not resources.isdisjoint(rule.get("resources") or ())
        and (not names or name in names)
    )
