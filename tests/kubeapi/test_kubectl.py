"""kubectl, as people have it, against the server on a port."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fleetd.sim.cluster import ClusterSpec, SimulatedCluster
from fleetd.sim.fleet import SimulatedFleet

KUBECTL = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")
CONFIG_MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: default}
data: {k: "VALUE"}
"""
DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, kind: Widget}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
"""
WIDGET = """
apiVersion: example.com/v1
kind: Widget
metadata: {name: w, namespace: default}
spec: {size: SIZE}
"""

pytestmark = pytest.mark.skipif(KUBECTL is None, reason="there is no kubectl here")


class Shell:
    def __init__(self, cluster: SimulatedCluster, kubeconfig: Path, cache: Path) -> None:
        self.cluster = cluster
        self._begin = (str(KUBECTL), "--kubeconfig", str(kubeconfig), "--cache-dir", str(cache))

    async def __call__(self, line: str, *, given: str = "", fails: bool = False) -> str:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*self._begin, *line.split(), stdin=pipe, stdout=pipe, stderr=pipe)
        async with asyncio.timeout(30):
            out, errors = await process.communicate(given.encode())
        assert bool(process.returncode) is fails, errors.decode()
        return (out + errors).decode()


@pytest.fixture
async def kubectl(tmp_path: Path) -> AsyncIterator[Shell]:
    async with SimulatedFleet([ClusterSpec("one")]) as fleet:
        yield Shell(fleet.clusters["one"], fleet.write_kubeconfigs(tmp_path)[0], tmp_path / "cache")


async def test_kubectl_applies_from_both_sides_and_sees_conflicts(kubectl: Shell) -> None:
    assert "created" in await kubectl("apply -f -", given=CONFIG_MAP)
    assert "configured" in await kubectl("apply -f -", given=CONFIG_MAP.replace("VALUE", "2"))
    said = await kubectl("apply --server-side -f -", given=CONFIG_MAP.replace("VALUE", "3"), fails=True)
    assert "conflict with" in said
    await kubectl("apply --server-side --force-conflicts -f -", given=CONFIG_MAP.replace("VALUE", "3"))
    found = await kubectl.cluster.get("v1", "ConfigMap", "default", "a")
    assert found is not None
    assert found["data"] == {"k": "3"}
    assert "+  k: " in await kubectl("diff -f -", given=CONFIG_MAP.replace("VALUE", "4"), fails=True)


async def test_kubectl_creates_changes_shows_and_deletes(kubectl: Shell) -> None:
    await kubectl("create namespace team")
    await kubectl("create deployment web --image=nginx -n team")
    await kubectl("scale deployment web --replicas=3 -n team")
    await kubectl("set image deployment/web nginx=nginx:2 -n team")
    await kubectl("expose deployment web --port=80 -n team")
    found = await kubectl.cluster.get("apps/v1", "Deployment", "team", "web")
    assert found is not None
    assert (found["spec"]["replicas"], found["spec"]["template"]["spec"]["containers"][0]["image"]) == (3, "nginx:2")
    assert "service/web" in await kubectl("get all -n team")
    await kubectl("delete namespace team --timeout=20s")
    assert await kubectl.cluster.objects("v1", "Service", "team") == []
    assert "NotFound" in await kubectl("get namespace team", fails=True)


async def test_kubectl_knows_a_defined_kind_at_once(kubectl: Shell) -> None:
    await kubectl("apply -f -", given=DEFINITION)
    await kubectl("wait --for=condition=Established crd/widgets.example.com --timeout=20s")
    assert "created" in await kubectl("apply -f -", given=WIDGET.replace("SIZE", "1"))
    assert "configured" in await kubectl("apply -f -", given=WIDGET.replace("SIZE", "2"))
    assert "w" in await kubectl("get widgets --no-headers")
    await kubectl("delete crd widgets.example.com --timeout=20s")
