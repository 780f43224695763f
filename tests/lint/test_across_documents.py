"""What documents say of each other: loops, and references to what is not there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fleetd.decide.lint.check import check
from fleetd.decide.lint.elsewhere import unknown
from fleetd.domain.documents import read_documents
from fleetd.domain.findings import Finding, Severity

Checked = Callable[..., list[Finding]]

_SOURCE = """apiVersion: lib.projectsveltos.io/v1beta1
kind: EventSource
metadata: {name: maps}
spec:
  resourceSelectors:
  - {group: "", version: v1, kind: ConfigMap%s}
"""
_TRIGGER = """apiVersion: lib.projectsveltos.io/v1beta1
kind: EventTrigger
metadata: {name: copy}
spec:
  sourceClusterSelector: {matchLabels: {env: prod, role: a}}
  eventSourceName: maps
  policyRefs: [{kind: ConfigMap, name: content, namespace: default}]
%s"""
_CONTENT = """apiVersion: v1
kind: ConfigMap
metadata: {name: content, namespace: default, annotations: {projectsveltos.io/instantiate: ok}}
data:
  copy.yaml: |
    {{- range .MatchingResources }}
    ---
    apiVersion: v1
    kind: %s
    metadata:
      name: copy-of-{{ .Name }}
      namespace: {{ .Namespace }}
      labels: {copied: "yes"}
    {{- end }}
"""


@pytest.mark.parametrize(
    ("selector", "destination", "kind", "loops"),
    [
        ("", "", "ConfigMap", True),
        ("", "  destinationClusterSelector: {matchLabels: {env: prod}}\n", "ConfigMap", True),
        (", namespace: shop", "", "ConfigMap", True),
        (", evaluateCEL: [{name: a, rule: \"has(resource.metadata.labels.copied)\"}]", "", "ConfigMap", True),
        ("", "", "Secret", False),
        ("", "  destinationClusterSelector: {matchLabels: {env: test}}\n", "ConfigMap", False),
        ("", "  destinationClusterSelector: {matchLabels: {role: b}}\n", "ConfigMap", False),
        ("", "  destinationCluster: {kind: SveltosCluster, namespace: a, name: b}\n", "ConfigMap", False),
        (", labelFilters: [{key: copied, operation: DoesNotHave}]", "", "ConfigMap", False),
        (", evaluateCEL: [{name: a, rule: \"!has(resource.metadata.labels.copied)\"}]", "", "ConfigMap", False),
        (", evaluate: 'function evaluate() return {matching = true} end'", "", "ConfigMap", False),
    ],
)  # fmt: skip
def test_a_trigger_that_feeds_itself_is_told(selector: str, destination: str, kind: str, loops: bool, checked: Checked) -> None:
    found = checked(_SOURCE % selector, ("trigger.yaml", _TRIGGER % destination), _CONTENT % kind)
    assert [(one.file, one.code, one.line, one.severity) for one in found] == [("trigger.yaml", "FD406", 7, Severity.WARNING)] * loops


_REFERENCES = """apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {name: web}
spec:
  clusterRefs: [{kind: SveltosCluster, namespace: fleet, name: east}]
  setRefs: [spare]
  dependsOn: [base]
  policyRefs:
  - {kind: ConfigMap, namespace: default, name: there}
  - {kind: ConfigMap, namespace: default, name: maybe, optional: true}
  - {kind: ConfigMap, name: of-the-cluster}
  - {kind: ConfigMap, namespace: default, name: "{{ .Cluster.metadata.name }}"}
  helmCharts:
  - repositoryURL: gitrepository://a/b/c
    releaseName: a
    releaseNamespace: b
    valuesFrom: [{kind: Secret, namespace: default, name: values}]
---
apiVersion: lib.projectsveltos.io/v1beta1
kind: ClusterHealthCheck
metadata: {name: health}
spec:
  livenessChecks: [{name: a, type: HealthCheck, livenessSourceRef: {kind: HealthCheck, name: pods}}]
  notifications: [{name: a, type: KubernetesEvent}]
"""
_MEANT = {"SveltosCluster fleet/east", "ClusterSet spare", "ClusterProfile base", "ConfigMap default/there", "Secret default/values",
          "HealthCheck pods"}  # fmt: skip


def test_references_are_information_where_nobody_can_be_asked() -> None:
    found = check(read_documents(_REFERENCES, source="a"), None, unknown)
    assert {(one.code, one.severity) for one in found} == {("FD407", Severity.INFORMATION)}
    assert {one.message.partition(": ")[2].removesuffix(" is not in the input") for one in found} == _MEANT


def test_references_to_what_is_not_declared_are_warnings() -> None:
    declared = {("ConfigMap", "default", "there"), ("HealthCheck", "", "pods"), ("ClusterSet", "", "spare")}
    found = check(read_documents(_REFERENCES, source="a"), None, lambda *ref: ref in declared)
    assert [(one.line, one.severity) for one in found] == [(5, Severity.WARNING), (7, Severity.WARNING), (17, Severity.WARNING)]
    assert "there is no Secret default/values, neither in the input nor declared" in found[-1].message


def test_what_is_in_the_input_is_not_asked_for() -> None:
    content = "{apiVersion: v1, kind: ConfigMap, metadata: {name: content}}\n---\n" + _SOURCE % ""
    assert check(read_documents(f"{content}---\n{_TRIGGER % ''}", source="a"), None, lambda *_: False) == []


def test_a_page_may_show_an_object_twice_and_objects_of_clusters(checked: Checked) -> None:
    block = f"```yaml\n{_SOURCE % ''}```\n"
    service = "```yaml\napiVersion: v1\nkind: Service\nmetadata: {name: a}\n```\n"
    assert checked(("page.md", f"{block}\nand then\n\n{block}{service}")) == []
    assert [one.code for one in checked(("page.md", f"```yaml\n{_SOURCE % ''}---\n{_SOURCE % ''}```\n"))] == ["FD109"]
