"""What the controllers of a cluster bring about."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from fleetd.kubeapi.bootstrap import GROUP
from fleetd.kubeapi.exchange import Request, Response, User
from fleetd.sim.cluster import ClusterSpec, SimulatedCluster
from fleetd.sim.controllers.chosen import EVERYTHING
from fleetd.sim.controllers.pods import OUTCOME
from fleetd.sim.fleet import SimulatedFleet

ADMIN = User("admin", ("system:masters",))
TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
SELECTED = {"selector": {"matchLabels": {"app": "a"}}, "template": TEMPLATE}


@pytest.fixture
async def whole() -> AsyncIterator[SimulatedCluster]:
    """A cluster with all of its controllers, reached without a socket."""
    async with SimulatedFleet([ClusterSpec("one")], tls=False, ports="none", controllers=EVERYTHING) as fleet:
        yield fleet.clusters["one"]


def config_map(name: str, owner: dict[str, Any] | None = None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": "default"}
    if owner is not None:
        reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}
        metadata["ownerReferences"] = [{**reference, "blockOwnerDeletion": True}]
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


async def delete(cluster: SimulatedCluster, path: str, policy: str) -> None:
    answer = await cluster.api.handle(Request("DELETE", path, {"propagationPolicy": (policy,)}, {}, b"", ADMIN))
    assert isinstance(answer, Response)
    assert answer.status == 200, answer.body


def names(kind: str, wanted: set[str]) -> Callable[[SimulatedCluster], Awaitable[bool]]:
    async def held(cluster: SimulatedCluster) -> bool:
        found = {one["metadata"]["name"] for one in await cluster.objects("v1", kind, "default")}
        return found - {"kube-root-ca.crt"} == wanted

    return held


@pytest.mark.parametrize(("policy", "left"), [("Background", set()), ("Foreground", set()), ("Orphan", {"child", "grandchild"})])
async def test_dependents_end_as_the_deletion_of_their_owner_says(whole: SimulatedCluster, policy: str, left: set[str]) -> None:
    owner = await whole.create(config_map("owner"))
    child = await whole.create(config_map("child", owner))
    await whole.create(config_map("grandchild", child))
    await delete(whole, "/api/v1/namespaces/default/configmaps/owner", policy)
    await whole.until(names("ConfigMap", left))


async def test_an_object_whose_owner_never_was_is_collected(whole: SimulatedCluster) -> None:
    ghost = {"metadata": {"name": "ghost", "uid": "00000000-0000-0000-0000-000000000000"}}
    await whole.create(config_map("child", ghost))
    await whole.until(names("ConfigMap", set()))


async def test_every_namespace_has_an_account_and_the_authority_again_when_deleted(whole: SimulatedCluster) -> None:
    await whole.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})

    async def furnished(cluster: SimulatedCluster) -> bool:
        account = await cluster.get("v1", "ServiceAccount", "shop", "default")
        return account is not None and await cluster.get("v1", "ConfigMap", "shop", "kube-root-ca.crt") is not None

    await whole.until(furnished)
    await whole.delete("v1", "ServiceAccount", "shop", "default")
    await whole.until(furnished)
    await whole.delete("v1", "Namespace", "", "shop")
    assert await whole.get("v1", "ServiceAccount", "shop", "default") is None


@pytest.mark.parametrize(
    ("kind", "spec", "ready"),
    [
        ("Deployment", {"replicas": 2}, ("readyReplicas", 2)),
        ("StatefulSet", {"replicas": 3, "serviceName": "a"}, ("readyReplicas", 3)),
        ("DaemonSet", {}, ("numberReady", 1)),
    ],
)
async def test_workloads_become_ready_and_take_their_pods_along(
    whole: SimulatedCluster, kind: str, spec: dict[str, Any], ready: tuple[str, int]
) -> None:
    metadata = {"name": "a", "namespace": "default"}
    await whole.create({"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": {**SELECTED, **spec}})

    async def is_ready(cluster: SimulatedCluster) -> bool:
        found = await cluster.get("apps/v1", kind, "default", "a")
        status = (found or {}).get("status") or {}
        return status.get(ready[0]) == ready[1] and status.get("observedGeneration") == 1

    await whole.until(is_ready)
    assert len(await whole.objects("v1", "Pod", "default")) == ready[1]
    await whole.delete("apps/v1", kind, "default", "a")
    await whole.until(names("Pod", set()))


@pytest.mark.parametrize(("outcome", "condition"), [("", "Complete"), ("fail", "Failed")])
async def test_a_job_completes_or_fails(whole: SimulatedCluster, outcome: str, condition: str) -> None:
    pod = {**TEMPLATE, "metadata": {"annotations": {OUTCOME: outcome}}, "spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}
    spec = {"completions": 2, "backoffLimit": 1, "template": pod}
    await whole.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a", "namespace": "default"}, "spec": spec})

    async def ended(cluster: SimulatedCluster) -> bool:
        found = await cluster.get("batch/v1", "Job", "default", "a")
        return [one["type"] for one in ((found or {}).get("status") or {}).get("conditions") or ()] == [condition]

    await whole.until(ended)


async def test_a_role_that_gathers_shows_the_rules_of_the_roles_it_chooses(whole: SimulatedCluster) -> None:
    labels = {f"{GROUP}/aggregate-to-view": "true"}
    rule = {"apiGroups": ["example.com"], "resources": ["widgets"], "verbs": ["get"]}
    await whole.create({"apiVersion": f"{GROUP}/v1", "kind": "ClusterRole", "metadata": {"name": "w", "labels": labels}, "rules": [rule]})

    async def gathered(cluster: SimulatedCluster) -> bool:
        found = await cluster.get(f"{GROUP}/v1", "ClusterRole", "", "view")
        return rule in (found or {})["rules"]

    await whole.until(gathered)
