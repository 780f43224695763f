"""P-TEMPLATES: what a Go template costs to render and to compile, beside the Go engine that the Helm SDK brings."""

from __future__ import annotations

import asyncio
import importlib
import io
import json
import sys
import tarfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.harness import Bench, Check, Goal, Result, median
from fleetd.decide.definitions import compile_profile
from fleetd.decide.gotemplate.template import Template, compile_template, event_functions
from fleetd.decide.members import Member
from fleetd.decide.rendering import Render
from fleetd.decide.wanted import Cache, wanted
from fleetd.domain.errors import EvaluationFailed
from fleetd.domain.objects import ref_of
from fleetd.domain.refs import ObjectRef

CORPUS = Path(__file__).parent.parent / "tests" / "gotemplate" / "corpus"
FLAGSHIP = """\
{{- $service := .Resource }}
apiVersion: v1
kind: Service
metadata:
  name: {{ $service.metadata.name }}
  namespace: {{ $service.metadata.namespace }}
  labels:
    from: {{ .Cluster.metadata.name }}
    env: {{ .Cluster.metadata.labels.env | default "none" | quote }}
spec:
  ports:
  {{- range $service.spec.ports }}
  - name: {{ .name }}
    port: {{ .port }}
    targetPort: {{ .targetPort | default .port }}
  {{- end }}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: {{ $service.metadata.name }}-{{ .Cluster.metadata.name | trunc 20 | trimSuffix "-" }}
  labels:
    kubernetes.io/service-name: {{ $service.metadata.name }}
addressType: IPv4
endpoints:
{{- range $service.status.loadBalancer.ingress }}
- addresses: [{{ .ip | quote }}]
{{- end }}
"""
"""A Service and its endpoints, handed from one cluster to others: what the demonstration does."""
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {a: b}}\n"
FLEET = 1000
HELM_RENDERS = 40
RENDER = Render(datetime(2030, 1, 1, tzinfo=UTC))


def published() -> list[str]:
    """Templates in the manner of published ones, hand-written."""
    files = [(CORPUS / name).read_text() for name in ("idioms.tpl", "documents.tpl")]
    return [part.partition("\n")[2] for text in files for part in text.split("#--- ")[1:]]


def microseconds(body: Callable[[], object], rounds: int, times: int) -> float:
    """CPU of one call: the least of the rounds, because everything else on the machine only adds."""
    least = float("inf")
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(times):
            body()
        least = min(least, time.process_time() - began)
    return least / times * 1e6


def renderable(texts: Sequence[str], data: dict[str, Any]) -> list[tuple[str, Template]]:
    """Those that the data fits, compiled."""
    functions = event_functions()
    fit = []
    for text in texts:
        template = compile_template(text, functions=functions)
        try:
            template.render(data)
        except EvaluationFailed:
            continue
        fit.append((text, template))
    return fit


async def beside_helm(texts: Sequence[str], data: dict[str, Any]) -> list[float] | None:
    """Microseconds of a render of each in Helm's engine, in a process of its own; None where it is not installed."""
    if find_spec("helm_python") is None:
        return None
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.p_templates", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    written, _ = await child.communicate(json.dumps([texts, data]).encode())
    found: list[float] = json.loads(written)
    return found


def in_helm(texts: Sequence[str], data: dict[str, Any]) -> list[float]:
    """What Helm's engine takes for each: the data are values, so that only rendering is measured, in a chart that is loaded already."""
    helm = importlib.import_module("helm_python")
    costs = []
    for text in texts:
        packed = io.BytesIO()
        body = '{{ template "x/templates/_u.tpl" .Values.d }}'
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for name, content in {
                "x/Chart.yaml": "apiVersion: v2\nname: x\nversion: 0.1.0\n",
                "x/templates/_u.tpl": text,
                "x/templates/t.txt": body,
            }.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content.encode())
                archive.addfile(entry, io.BytesIO(content.encode()))
        chart = helm.Chart.load_archive(packed.getvalue())
        try:
            costs.append(microseconds(lambda chart=chart: chart.render({"d": data}), 3, HELM_RENDERS // 3))  # type: ignore[misc]
        except helm.errors.HelmError:
            continue
    return costs


def of_a_fleet(rounds: int) -> tuple[float, float]:
    """Microseconds for each of many clusters: of ten documents one reads the cluster's name, or all do."""
    profile = compile_profile(
        {
            "apiVersion": "config.projectsveltos.io/v1beta1",
            "kind": "ClusterProfile",
            "metadata": {"name": "p"},
            "spec": {"policyRefs": [{"kind": "ConfigMap", "namespace": "default", "name": "tpl"}]},
        }
    )
    metadata = {"name": "tpl", "namespace": "default", "annotations": {"projectsveltos.io/template": "ok"}}
    members = []
    for number in range(FLEET):
        cluster: dict[str, Any] = {"kind": "SveltosCluster", "metadata": {"name": f"c{number}", "namespace": "fleet", "labels": {}}}
        members.append(Member(f"fleet/c{number}", "SveltosCluster", "fleet", f"c{number}", {}, cluster, ready=True))
    own = ["{{ .Cluster.metadata.name }}-" + str(number) for number in range(10)]
    costs = []
    for names in ([f"n-{number}" for number in range(9)] + own[:1], own):
        tpl = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": {"a": "---\n".join(NAMESPACE % name for name in names)},
        }
        declared = {ref_of(tpl): tpl}

        def everywhere(declared: dict[ObjectRef, Any] = declared) -> None:
            cache: Cache = {}
            for member in members:
                wanted(profile, member, declared, RENDER, cache)

        costs.append(microseconds(everywhere, rounds, 1) / FLEET)
    return costs[0], costs[1]


async def run(bench: Bench) -> Result:
    """The flagship, the median of the published ones, and compiling, each in a loop of its own."""
    times = max(20, bench.sizes.events // 100)
    data: dict[str, Any] = json.loads((CORPUS / "data.json").read_text())[0]
    fit = renderable(published(), data)
    functions = event_functions()
    flagship = compile_template(FLAGSHIP, functions=functions)
    rounds = bench.sizes.rounds
    flagship_us = microseconds(lambda: flagship.render(data), rounds, times)
    renders = [microseconds(lambda template=template: template.render(data), rounds, times // 4) for _, template in fit]  # type: ignore[misc]
    compiles = [
        microseconds(lambda text=text: compile_template(text, functions=functions), rounds, max(5, times // 20))  # type: ignore[misc]
        for text, _ in fit
    ]
    compile_us = microseconds(lambda: compile_template(FLAGSHIP, functions=functions), rounds, max(5, times // 20))
    checks = [
        Check("render of the flagship", flagship_us, 20.0, "us"),
        Check("median render of a published style", median(renders), 8.0, "us"),
        Check("median compile of a published style", median(compiles), 150.0, "us"),
    ]
    one, all_of_them = of_a_fleet(rounds)
    checks.append(Check("a cluster more, of whose ten documents one reads it, share of one where all do", one / all_of_them, 0.4, "of it"))
    raw: dict[str, Any] = {
        "fleet_us_a_cluster_of_one_and_of_all": [one, all_of_them],
        "templates": len(fit),
        "flagship_us": flagship_us,
        "flagship_compile_us": compile_us,
        "render_us_median_and_most": [median(renders), max(renders)],
        "compile_us_median_and_most": [median(compiles), max(compiles)],
    }
    notes = ["compiled templates are kept by their content, so that compiling is paid once for an edit"]
    texts = [FLAGSHIP, *(text for text, _ in fit)]
    helm = await beside_helm(texts[: 10 if bench.sizes.name == "tiny" else len(texts)], data)
    if helm:
        raw["helm_us_flagship_and_median"] = [helm[0], median(helm)]
        checks.append(Check("flagship, share of what Helm's renderer takes", flagship_us / helm[0], 0.2, "of it"))
        checks.append(Check("median, share of what Helm's renderer takes", median(renders) / median(helm), 0.2, "of it"))
    else:
        notes.append("helm-python-sdk is not installed: nothing to compare with")
    return Result(tuple(checks), raw, tuple(notes))


GOAL = Goal(
    "P-TEMPLATES",
    "A Go template costs microseconds, and a fifth of Helm's renderer at the most.",
    "flagship <= 20 us; median published style <= 8 us; compile <= 150 us; >= 5 times Helm's renderer in the same run",
    run,
)


if __name__ == "__main__":
    json.dump(in_helm(*json.load(sys.stdin)), sys.stdout)
