"""What roles and bindings allow."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.domain.errors import NotPermitted
from fleetd.kubeapi.exchange import User
from fleetd.kubeapi.rbac import RoleBasedAccess
from fleetd.sim.cluster import SimulatedCluster
from fleetd.sim.inprocess import InProcess

API = "rbac.authorization.k8s.io/v1"
ROBOT = User("system:serviceaccount:shop:robot", ("system:serviceaccounts", "system:serviceaccounts:shop"))


def role(kind: str, name: str, *rules: dict[str, Any]) -> dict[str, Any]:
    namespace = {"namespace": "default"} if kind == "Role" else {}
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name, **namespace}, "rules": list(rules)}


def binding(kind: str, name: str, of: tuple[str, str], subject: dict[str, str]) -> dict[str, Any]:
    namespace = {"namespace": "default"} if kind == "RoleBinding" else {}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": of[0], "name": of[1]}
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name, **namespace}, "roleRef": reference, "subjects": [subject]}


def rule(verbs: list[str], resources: list[str], groups: list[str] | None = None, names: list[str] | None = None) -> dict[str, Any]:
    return {"verbs": verbs, "resources": resources, "apiGroups": groups or [""], **({"resourceNames": names} if names else {})}


def as_user(cluster: SimulatedCluster, user: User) -> InProcess:
    return InProcess(cluster.api.handle, user, "tests")


async def test_a_role_counts_in_its_namespace_only(cluster: SimulatedCluster) -> None:
    robot = as_user(cluster, ROBOT)
    await cluster.create(role("Role", "reader", rule(["get", "list"], ["configmaps"])))
    subject = {"kind": "ServiceAccount", "name": "robot", "namespace": "shop"}
    await cluster.create(binding("RoleBinding", "reader", ("Role", "reader"), subject))
    assert await robot.get("v1", "ConfigMap", "default", "none") is None
    for namespace in ("kube-system", ""):
        with pytest.raises(NotPermitted):
            await robot.objects("v1", "ConfigMap", namespace)
    with pytest.raises(NotPermitted):
        await robot.delete("v1", "ConfigMap", "default", "none")


async def test_rights_end_with_their_binding(cluster: SimulatedCluster) -> None:
    robot = as_user(cluster, ROBOT)
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:serviceaccounts:shop"}
    await cluster.create(binding("ClusterRoleBinding", "all", ("ClusterRole", "cluster-admin"), subject))
    assert await robot.objects("v1", "Secret") == []
    await cluster.delete(API, "ClusterRoleBinding", "", "all")
    with pytest.raises(NotPermitted):
        await robot.objects("v1", "Secret")


async def test_a_role_may_name_objects_and_subresources(cluster: SimulatedCluster) -> None:
    jane = User("jane")
    allowed = rule(["get"], ["configmaps", "services/status"], names=["a"])
    await cluster.create(role("ClusterRole", "narrow", allowed))
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"}
    await cluster.create(binding("ClusterRoleBinding", "narrow", ("ClusterRole", "narrow"), subject))
    review = cluster._admin.review_access
    attributes = {"verb": "get", "resource": "configmaps", "namespace": "default", "name": "a"}
    assert await review("jane", (), attributes)
    assert not await review("jane", (), {**attributes, "name": "b"})
    assert not await review("jane", (), {**attributes, "resource": "services"})
    assert await review("jane", (), {**attributes, "resource": "services", "subresource": "status"})
    assert not await review("joe", (), attributes)
    assert await as_user(cluster, jane).get("v1", "ConfigMap", "default", "a") is None


@given(name=st.text(), groups=st.lists(st.text(), max_size=3), verb=st.sampled_from(["get", "create", "*"]), resource=st.text())
def test_without_bindings_only_masters_may_do_anything(name: str, groups: list[str], verb: str, resource: str) -> None:
    access = RoleBasedAccess()
    assert access(User(name, (*groups, "system:masters")), verb, "", resource, "default", "")
    assert not access(User(name, tuple(group for group in groups if group != "system:masters")), verb, "", resource, "default", "")
