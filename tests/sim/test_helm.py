"""Helm's own SDK, in a process of its own: a chart with definitions, hooks and a test, through its whole life."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from fleetd.sim.cluster import ClusterSpec, SimulatedCluster
from fleetd.sim.controllers.chosen import EVERYTHING
from fleetd.sim.fleet import SimulatedFleet

pytestmark = pytest.mark.skipif(importlib.util.find_spec("helm_python") is None, reason="install the extra 'helm'")

PROGRAM = """
import json, sys
from helm_python import Config
kubeconfig, chart = sys.argv[1:]
said = []
with Config(kubeconfig_path=kubeconfig, namespace="shop") as helm:
    said.append(helm.install(chart, "web", {"replicas": 1}, namespace="shop", create_namespace=True, wait="watcher", timeout=30)["status"])
    helm.test("web", timeout=30)
    said.append(helm.upgrade(chart, "web", {"replicas": 3}, namespace="shop", wait="watcher", timeout=30)["status"])
    helm.rollback("web", version=1, wait="watcher", timeout=30)
    said.append(len(helm.history("web")))
    said.append([one["name"] for one in helm.list()])
    if sys.stdin.readline().strip() == "uninstall":
        helm.uninstall("web", wait="watcher", timeout=30)
        said.append(helm.list())
print(json.dumps(said))
"""
FILES = {
    "Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n",
    "values.yaml": "replicas: 1\n",
    "crds/widgets.yaml": """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, kind: Widget}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer, default: 2}}}}}}
""",
    "templates/web.yaml": """
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.example/web:1}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: first}
spec: {}
""",
    "templates/prepare.yaml": """
apiVersion: batch/v1
kind: Job
metadata: {name: prepare, annotations: {helm.sh/hook: "pre-install,pre-upgrade", helm.sh/hook-delete-policy: before-hook-creation}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: registry.example/job}]}}}
""",
    "templates/test.yaml": """
apiVersion: v1
kind: Pod
metadata: {name: probe, annotations: {helm.sh/hook: test}}
spec: {restartPolicy: Never, containers: [{name: c, image: registry.example/probe}]}
""",
}


async def run(cluster: SimulatedCluster, folder: Path, last: str) -> list[Any]:
    for name, text in FILES.items():
        path = folder / "chart" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    pipe = asyncio.subprocess.PIPE
    arguments = (sys.executable, "-c", PROGRAM, str(folder / f"{cluster.name}.yaml"), str(folder / "chart"))
    process = await asyncio.create_subprocess_exec(*arguments, stdin=pipe, stdout=pipe, stderr=pipe)
    async with asyncio.timeout(60):
        out, errors = await process.communicate(f"{last}\n".encode())
    assert process.returncode == 0, errors.decode()[-2000:]
    said: list[Any] = json.loads(out)
    return said


async def test_a_release_is_installed_tested_upgraded_rolled_back_and_uninstalled(tmp_path: Path) -> None:
    async with SimulatedFleet([ClusterSpec("one")], controllers=EVERYTHING) as fleet:
        fleet.write_kubeconfigs(tmp_path)
        cluster = fleet.clusters["one"]
        assert await run(cluster, tmp_path, "uninstall") == ["deployed", "deployed", 3, ["web"], []]
        assert await cluster.get("apps/v1", "Deployment", "shop", "web") is None
        assert await cluster.objects("example.com/v1", "Widget") == []


async def test_what_a_chart_installs_is_there_as_it_says(tmp_path: Path) -> None:
    async with SimulatedFleet([ClusterSpec("one")], controllers=EVERYTHING) as fleet:
        fleet.write_kubeconfigs(tmp_path)
        cluster = fleet.clusters["one"]
        assert len(await run(cluster, tmp_path, "stay")) == 4
        deployment = await cluster.get("apps/v1", "Deployment", "shop", "web")
        widget = await cluster.get("example.com/v1", "Widget", "shop", "first")
        assert deployment is not None
        assert widget is not None
        assert (deployment["spec"]["replicas"], deployment["status"]["readyReplicas"], widget["spec"]) == (1, 1, {"size": 2})
