"""SEC-15: what a value brings in beyond the declared kinds is refused, whichever way it came in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fleetd.decide.definitions import compile_profile
from fleetd.decide.members import Member
from fleetd.decide.rendering import Render
from fleetd.decide.wanted import wanted
from fleetd.domain.objects import ref_of

RENDER = Render(datetime(2030, 1, 1, tzinfo=UTC))
TEXT = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Cluster.metadata.labels.team }}\n  namespace: default\n"
REST = "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: rest"
BINDING = f"\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: root}}{REST}"


def problem(
    label: str,
    text: str = TEXT,
    *,
    content: dict[str, str] | None = None,
    profile: dict[str, str] | None = None,
    patches: list[Any] | None = None,
) -> str:
    manifest = {"kind": "SveltosCluster", "metadata": {"name": "c", "namespace": "fleet", "labels": {"team": label}}}
    member = Member("fleet/c", "SveltosCluster", "fleet", "c", {}, manifest, ready=True)
    annotations = {"projectsveltos.io/template": "ok", **(content or {})}
    tpl = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "tpl", "namespace": "default", "annotations": annotations},
        "data": {"a": text},
    }
    spec = {"policyRefs": [{"kind": "ConfigMap", "namespace": "default", "name": "tpl"}], "patches": patches or []}
    metadata = {"name": "p", "annotations": profile or {}}
    declared = compile_profile(
        {"apiVersion": "config.projectsveltos.io/v1beta1", "kind": "ClusterProfile", "metadata": metadata, "spec": spec}
    )
    return wanted(declared, member, {ref_of(tpl): tpl}, RENDER, {}).problem


LIMIT = {"fleetd.io/kinds": "ConfigMap, EndpointSlice.discovery.k8s.io"}


def test_what_is_declared_comes_through() -> None:
    assert problem("red", content=LIMIT) == ""
    assert problem("red", profile=LIMIT) == ""
    assert problem("red") == ""
    slice_ = TEXT.replace("v1\nkind: ConfigMap", "discovery.k8s.io/v1\nkind: EndpointSlice")
    assert problem("red", slice_, content=LIMIT, profile=LIMIT) == ""


@pytest.mark.parametrize("where", ["content", "profile"])
@pytest.mark.parametrize(
    "label",
    [
        f"red{BINDING}",
        "red\n--- # x\napiVersion: v1\nkind: Secret\nmetadata: {name: s}" + REST,
        "red\n---\n{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Secret, metadata: {name: s}}]}" + REST,
        "red\n---\n{apiVersion: other/v1, kind: ConfigMap, metadata: {name: s}}" + REST,
        "red\n---\napiVersion: v1\n!!str kind: Pod\nmetadata: {name: s}" + REST,
    ],
)
def test_another_kind_is_refused_with_the_kinds_that_are_allowed(label: str, where: str) -> None:
    assert problem(label) == ""
    said = problem(label, **{where: LIMIT})  # type: ignore[arg-type]
    assert "fleetd.io/kinds allows ConfigMap, EndpointSlice.discovery.k8s.io" in said


def test_each_of_two_limits_counts_and_an_empty_one_allows_nothing() -> None:
    assert "allows Pod" in problem("red", content=LIMIT, profile={"fleetd.io/kinds": "Pod"})
    assert "allows none" in problem("red", content={"fleetd.io/kinds": ""})
    assert "did you mean" in problem("red", content={"fleetd.io/kinds": "ConfigMaps"})


def test_in_a_structured_template_the_same_values_stay_values() -> None:
    text = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: default}\ndata: {team: "{{ .Cluster.metadata.labels.team }}"}\n'
    assert problem(f"red{BINDING}", text, content={**LIMIT, "fleetd.io/template-form": "structured"}) == ""
