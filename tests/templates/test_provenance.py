"""Which template, which place in it and which expression made a field, whatever the language; and what the journal says of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fleetd.decide.engines.answers import Asking
from fleetd.decide.languages import GO, JINJA2, STRUCTURED, Contained, Moment
from fleetd.decide.rehearsing.shapes import Shape
from fleetd.decide.trail import line_trail

FLEET = """\
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventSource
metadata: {name: teams}
spec:
  collectResources: true
  resourceSelectors: [{group: "", version: v1, kind: Namespace, labelFilters: [{key: team, operation: Has}]}]
---
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventTrigger
metadata: {name: teams}
spec:
  sourceClusterSelector: {matchLabels: {role: teams}}
  eventSourceName: teams
  oneForEvent: true
  destinationClusterSelector: {matchLabels: {role: apps}}
  policyRefs: [{kind: ConfigMap, namespace: default, name: tpl}]
---
"""
OBJECTS = """\
apiVersion: v1
kind: List
metadata: {annotations: {fleetd.io/cluster: default/east}}
items:
  - {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: "yes"}}}
"""
CLUSTERS = """\
apiVersion: lib.projectsveltos.io/v1beta1
kind: SveltosCluster
metadata: {name: east, namespace: default, labels: {role: teams}}
---
apiVersion: lib.projectsveltos.io/v1beta1
kind: SveltosCluster
metadata: {name: north, namespace: default, labels: {role: apps}}
"""
JINJA = """\
apiVersion: v1
kind: Namespace
metadata:
  name: {{ Resource.metadata.name }}-{{ Cluster.metadata.name }}
  labels:
    {% for key, value in Resource.metadata.labels.items() %}
    l-{{ key }}: {{ value | quote }}
    {% endfor %}
    fixed: x
"""
STRUCTURE = """\
apiVersion: v1
kind: Service
metadata: {name: "s-{{ .Resource.metadata.name }}", namespace: default}
spec:
  ports:
    - "{{ range $n := list 80 443 }}": {port: "{{ $n }}"}
    - {port: 99}
"""


def origins(tmp_path: Path, moment: str, text: str, **annotations: str) -> dict[str, list[str]]:
    """Of each field its expressions."""
    marks = {f"projectsveltos.io/{moment}": "ok", **{f"fleetd.io/{key}": value for key, value in annotations.items()}}
    content = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "tpl", "namespace": "default", "annotations": marks}}
    head = json.dumps(content)[:-1] + ', "data": {"a": '
    (tmp_path / "fleet.yaml").write_text(FLEET + head + json.dumps(text) + "}}\n")
    (tmp_path / "objects.yaml").write_text(OBJECTS)
    (tmp_path / "clusters.yaml").write_text(CLUSTERS)
    given = ["-f", "fleet.yaml", "--objects", "objects.yaml", "--clusters", "clusters.yaml", "--provenance", "-o", "json"]
    done = subprocess.run(
        [sys.executable, "-m", "fleetd.cli", "render", *given], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    fields: list[dict[str, Any]] = json.loads(done.stdout)["results"][0]["provenance"][0]
    assert {field["template"] for field in fields} == {"ConfigMap default/tpl, data[a]"}
    return {field["field"]: field["expressions"] for field in fields}


@pytest.mark.parametrize("moment", ["instantiate", "template"])
def test_of_jinja2_the_expressions_of_each_field_are_told(moment: str, tmp_path: Path) -> None:
    text = JINJA if moment == "instantiate" else JINJA.replace("Resource.metadata", "Cluster.metadata")
    fields = origins(tmp_path, moment, text, **{"template-engine": "jinja2"})
    owner = "Resource" if moment == "instantiate" else "Cluster"
    assert fields["metadata.name"] == [f"{owner}.metadata.name", "Cluster.metadata.name"][: 2 if moment == "instantiate" else 1]
    assert fields["metadata.labels.fixed"] == []
    assert fields["metadata.labels.l-team" if moment == "instantiate" else "metadata.labels.l-role"] == ["value | quote"]


def test_of_structured_templates_the_place_with_the_same_shape_is_told(tmp_path: Path) -> None:
    fields = origins(tmp_path, "instantiate", STRUCTURE, **{"template-form": "structured"})
    assert fields["metadata.name"] == [".Resource.metadata.name"]
    assert [fields[f"spec.ports[{at}].port"] for at in range(3)] == [["$n"], ["$n"], []]


def test_a_shape_tells_the_place_of_each_field() -> None:
    shape = Shape(STRUCTURE)
    made = {"apiVersion": "v1", "kind": "Service"}
    placed = shape.place(shape.of(made), ("spec", "ports", 2, "port"), 99)
    assert placed is not None
    assert (placed.line, placed.expressions) == (7, ())
    assert shape.place(shape.of(made), ("spec", "type"), "x") is None
    assert not shape.of({**made, "kind": "Secret"})
    assert not Shape("a: [").of(made)


def test_a_trail_of_lines_names_the_expressions_in_their_order() -> None:
    told = {"text": "n: x-y", "parts": [[3, 1, False], [1, 2, True], [1, 2, False], [1, 2, True]]}
    pieces = line_trail("# first\nn: {{ a }}-{{ b | upper }}\n", json.dumps(told)).pieces
    assert [piece.expression for piece in pieces] == ["", "a", "", "b | upper"]


def test_what_a_template_reads_is_known_without_rendering_it() -> None:
    jinja, jsonnet = (
        Contained(JINJA2, Asking()),
        "local c = std.extVar('Cluster'); {a: c.metadata.name, b: std.extVar(\"Resource\").metadata.name}",
    )
    go = "{{ range .Resource.spec.ports }}{{ .name }}{{ $.Cluster.metadata.name }}{{ end }}"
    assert GO.reads(go, Moment.EVENT) == ("Cluster.metadata.name", "Resource.spec.ports")
    assert GO.reads("{{", Moment.EVENT) == ()
    assert STRUCTURED.reads(STRUCTURE, Moment.EVENT) == ("Resource.metadata.name",)
    assert jinja.reads(JINJA, Moment.EVENT) == ("Cluster.metadata.name", "Resource.metadata.labels", "Resource.metadata.name")
    assert jinja.reads(jsonnet, Moment.EVENT) == ("Cluster", "Resource.metadata.name")
