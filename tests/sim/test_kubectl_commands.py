"""The commands of kubectl that people use, with default flags, on a cluster with all of its controllers."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleetd.sim.cluster import ClusterSpec, SimulatedCluster
from fleetd.sim.controllers.chosen import EVERYTHING
from fleetd.sim.fleet import SimulatedFleet

PROGRAM = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no kubectl here")

WEB = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "registry.example/web:1", "resources": {"limits": {"cpu": "1000m"}}}]},
        },
    },
}


class Kubectl:
    def __init__(self, cluster: SimulatedCluster, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "KUBECONFIG": str(folder / "one.yaml")}

    async def run(self, line: str, given: Any = None, **variables: str) -> tuple[int, str]:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            str(PROGRAM), *line.split(" "), env=self.environment | variables, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT
        )
        async with asyncio.timeout(30):
            out, _ = await process.communicate(json.dumps(given).encode() if given is not None else b"")
        return process.returncode or 0, out.decode()

    async def __call__(self, line: str, given: Any = None, **variables: str) -> str:
        code, out = await self.run(line, given, **variables)
        assert code == 0, out
        return out


@pytest.fixture
async def kubectl(tmp_path: Path) -> AsyncIterator[Kubectl]:
    async with SimulatedFleet([ClusterSpec("one")], controllers=EVERYTHING) as fleet:
        fleet.write_kubeconfigs(tmp_path)
        yield Kubectl(fleet.clusters["one"], tmp_path)


async def test_kinds_and_their_fields_are_explained(kubectl: Kubectl) -> None:
    listed = await kubectl("api-resources")
    assert {"deployments", "customresourcedefinitions", "endpointslices"} <= {line.split()[0] for line in listed.splitlines()}
    assert "apps/v1" in (await kubectl("api-versions")).split()
    assert "containers\t<[]Container> -required-" in await kubectl("explain pod.spec")
    assert "maxSurge" in await kubectl("explain deployment.spec.strategy.rollingUpdate")
    assert "FIELDS" in await kubectl("explain deployments --recursive")


async def test_a_deployment_is_rolled_out_scaled_and_deleted(kubectl: Kubectl) -> None:
    assert await kubectl("apply -f -", WEB) == "deployment.apps/web created\n"
    assert "successfully rolled out" in await kubectl("rollout status deployment/web --timeout=20s")
    await kubectl("wait --for=condition=Available deployment/web --timeout=20s")
    row = (await kubectl("get deployment web --no-headers")).split()
    assert row[:4] == ["web", "2/2", "2", "2"]
    pods = (await kubectl("get pods -l app=web --no-headers")).splitlines()
    assert [line.split()[1:3] for line in pods] == [["1/1", "Running"]] * 2
    await kubectl("scale deployment web --replicas=3")
    await kubectl("set image deployment/web web=registry.example/web:2")
    assert "successfully rolled out" in await kubectl("rollout status deployment/web --timeout=20s")
    assert len((await kubectl("rollout history deployment/web")).strip().splitlines()) == 4
    await kubectl("rollout undo deployment/web")
    assert "successfully rolled out" in await kubectl("rollout status deployment/web --timeout=20s")
    assert await kubectl("get deployment web -o jsonpath={.spec.template.spec.containers[0].image}") == "registry.example/web:1"
    assert await kubectl("get deployment web -o jsonpath={.spec.template.spec.containers[0].resources.limits.cpu}") == "1"
    await kubectl("delete deployment web --cascade=foreground --timeout=20s")

    async def empty(cluster: SimulatedCluster) -> bool:
        return not [*await cluster.objects("apps/v1", "ReplicaSet"), *await cluster.objects("v1", "Pod")]

    await kubectl.cluster.until(empty)


async def test_output_forms(kubectl: Kubectl) -> None:
    await kubectl("create configmap a --from-literal=k=v")
    assert json.loads(await kubectl("get configmap a -o json"))["data"] == {"k": "v"}
    assert yaml.safe_load(await kubectl("get configmap a -o yaml"))["data"] == {"k": "v"}
    assert await kubectl("get configmap a -o name") == "configmap/a\n"
    assert await kubectl("get configmap a -o custom-columns=D:.data.k --no-headers") == "v\n"
    assert (await kubectl("get configmaps -A -o wide --no-headers")).count("kube-root-ca.crt") == 4
    assert await kubectl("get configmap a -o go-template={{.data.k}}") == "v"
    assert "Data\n====" in await kubectl("describe configmap a")


async def test_changes_by_all_ways(kubectl: Kubectl) -> None:
    await kubectl("create configmap a --from-literal=k=v")
    await kubectl("label configmap a tier=front")
    await kubectl("annotate configmap a note=x")
    await kubectl('patch configmap a -p {"data":{"k":"w"}}')
    await kubectl('patch configmap a --type=json -p [{"op":"add","path":"/data/l","value":"1"}]')
    await kubectl("edit configmap a", KUBE_EDITOR="sed -i s/front/back/")
    found = await kubectl.cluster.get("v1", "ConfigMap", "default", "a")
    assert found is not None
    assert found["data"] == {"k": "w", "l": "1"}
    assert (found["metadata"]["labels"], found["metadata"]["annotations"]["note"]) == ({"tier": "back"}, "x")
    code, out = await kubectl.run("diff -f -", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "z"}})
    assert (code, "+  k: z" in out) == (1, True)


async def test_a_wrong_field_is_named(kubectl: Kubectl) -> None:
    code, out = await kubectl.run("apply -f -", {**WEB, "spec": {**WEB["spec"], "replica": 3}})
    assert (code, 'strict decoding error: unknown field "spec.replica"' in out) == (1, True)
    code, out = await kubectl.run("apply -f -", {**WEB, "spec": {**WEB["spec"], "replicas": "3"}})
    assert (code, "cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32" in out) == (1, True)


async def test_rights_of_oneself_and_of_others(kubectl: Kubectl) -> None:
    assert await kubectl("auth can-i create deployments") == "yes\n"
    code, out = await kubectl.run("auth can-i get pods --as=jane")
    assert (code, out) == (1, "no\n")
    await kubectl("create rolebinding jane --clusterrole=view --user=jane")
    assert await kubectl("auth can-i get pods --as=jane") == "yes\n"
    assert "jane" in await kubectl("auth whoami --as=jane")
    code, out = await kubectl.run("get secrets --as=jane")
    assert (code, 'User "jane" cannot list resource "secrets"' in out) == (1, True)
    assert "configmaps" in await kubectl("auth can-i --list --as=jane")


async def test_jobs_end_claims_are_bound_and_services_have_endpoints(kubectl: Kubectl) -> None:
    await kubectl("create job once --image=registry.example/job -- true")
    await kubectl("wait --for=condition=Complete job/once --timeout=20s")
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "disk"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}},
    }
    await kubectl("apply -f -", claim)
    await kubectl("wait --for=jsonpath={.status.phase}=Bound pvc/disk --timeout=20s")
    assert await kubectl("get pvc disk -o jsonpath={.status.capacity.storage}") == "1Gi"
    await kubectl("apply -f -", WEB)
    await kubectl("expose deployment web --port=80")
    await kubectl("rollout status deployment/web --timeout=20s")

    async def served(cluster: SimulatedCluster) -> bool:
        found = await cluster.objects("discovery.k8s.io/v1", "EndpointSlice", "default")
        return any(len(one["endpoints"] or ()) == 2 for one in found)

    await kubectl.cluster.until(served)


async def test_a_node_is_drained_as_far_as_budgets_allow(kubectl: Kubectl) -> None:
    await kubectl("apply -f -", WEB)
    await kubectl("rollout status deployment/web --timeout=20s")
    await kubectl("create pdb web --selector=app=web --min-available=0")

    async def counted(cluster: SimulatedCluster) -> bool:
        found = await cluster.get("policy/v1", "PodDisruptionBudget", "default", "web")
        return bool(found and found["status"].get("disruptionsAllowed") == 2)

    await kubectl.cluster.until(counted)
    before = {pod["metadata"]["name"] for pod in await kubectl.cluster.objects("v1", "Pod", "default")}
    for name in before:
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "default"}}
        await kubectl(f"create --raw /api/v1/namespaces/default/pods/{name}/eviction -f -", eviction)

    async def others(cluster: SimulatedCluster) -> bool:
        found = {pod["metadata"]["name"] for pod in await cluster.objects("v1", "Pod", "default")}
        return len(found) == 2 and not found & before

    await kubectl.cluster.until(others)
    assert "Ready,SchedulingDisabled" in await kubectl("cordon node-1") + await kubectl("get nodes")


async def test_what_kubectl_creates_in_protobuf(kubectl: Kubectl) -> None:
    await kubectl("create ingress web --rule=a.example/x=web:80,tls=cert --class=nginx")
    assert (await kubectl("get ingress web --no-headers")).split()[:3] == ["web", "nginx", "a.example"]
    await kubectl("create quota few --hard=pods=1,services=2")
    await kubectl("apply -f -", WEB)
    await kubectl("autoscale deployment web --max=3 --cpu=50%")
    assert "cpu: <unknown>/50%" in await kubectl("get hpa web")
    await kubectl("create service nodeport web --tcp=80 --node-port=30100")
    assert len((await kubectl("create token default")).strip()) > 20
    code, out = await kubectl.run("run second --image=registry.example/second")
    assert (code, "exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1" in out) == (1, True)


async def test_a_pod_that_is_never_restarted_is_over_and_says_so(kubectl: Kubectl) -> None:
    await kubectl("run once --image=registry.example/once --restart=Never")
    await kubectl("wait --for=jsonpath={.status.phase}=Succeeded pod/once --timeout=20s")
    assert (await kubectl("get pod once --no-headers")).split()[1:3] == ["0/1", "Completed"]
    assert await kubectl("logs once") == "once runs in a simulation, where containers say nothing\n"
    await kubectl("run up --image=registry.example/up")
    await kubectl("wait --for=condition=Ready pod/up --timeout=20s")
    code, out = await kubectl.run("exec up -- ls")
    assert (code, "nothing runs in a simulated pod" in out) == (1, True)
    await kubectl("delete pod once --timeout=20s")
