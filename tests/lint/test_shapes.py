"""What was written for v1alpha1, and what it is today."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.decide.lint.check import check
from fleetd.decide.lint.rewriting import CannotWrite, rewritten
from fleetd.decide.lint.shapes import migrated, selector_of
from fleetd.decide.select import Operator, Term, compile_selector
from fleetd.domain.documents import read_documents
from fleetd.domain.findings import Severity
from fleetd.service.compilers import Engines


def _today(text: str) -> str:
    documents = read_documents(text, source="a.yaml")
    return rewritten(text, "a.yaml", [(document, migrated(document.manifest).manifest) for document in documents])


def _well(text: str) -> bool:
    return not [one for one in check(read_documents(text, source="a.yaml"), Engines()) if one.severity is Severity.ERROR]


def test_a_selector_as_text_becomes_one_with_labels_and_its_comment_stays() -> None:
    text = dedent("""\
        apiVersion: config.projectsveltos.io/v1alpha1 # old
        kind: ClusterProfile
        metadata:
          name: kyverno
        spec:
          # where
          clusterSelector: env=prod   # for customers
          syncMode: Continuous
        """)
    after = _today(text)
    assert after == text.replace("v1alpha1", "v1beta1").replace(
        "clusterSelector: env=prod   # for customers", "clusterSelector:   # for customers\n    matchLabels:\n      env: prod"
    )
    assert _well(after)


def test_the_fields_of_one_kind_become_a_list_of_selectors() -> None:
    text = dedent("""\
        apiVersion: lib.projectsveltos.io/v1alpha1
        kind: EventSource
        metadata: {name: services}
        spec:
         group: ""
         version: "v1"
         kind: "Service"   # only these
         labelFilters:
         - key: sveltos   # ours
           operation: Equal
           value: fv
         script: |
           function evaluate()
             -- all of them
             return {matching = true}
           end
         collectResources: true
        """)
    assert _today(text).splitlines()[3:] == [
        "spec:",
        " resourceSelectors:",
        ' - group: ""',
        '   version: "v1"',
        '   kind: "Service"   # only these',
        "   labelFilters:",
        "   - key: sveltos   # ours",
        "     operation: Equal",
        "     value: fv",
        "   evaluate: |",
        "     function evaluate()",
        "       -- all of them",
        "       return {matching = true}",
        "     end",
        " collectResources: true",
    ]
    assert _well(_today(text))


_HEALTH = """apiVersion: lib.projectsveltos.io/v1alpha1
kind: HealthCheck
metadata: {name: replicas}
spec:
  group: apps
  version: v1
  kind: Deployment
  script: |
    function evaluate()
      return {status = "Healthy", message = obj.metadata.name}
    end
"""
_OLD: dict[str, tuple[str, dict[str, Any]]] = {
    "EventBasedAddOn": (
        "lib",
        {"clusterSelector": "env=fv", "eventSourceName": "a", "policyRefs": [{"kind": "ConfigMap", "namespace": "a", "name": "b"}]},
    ),
    "ClusterFeature": ("config", {"clusterSelector": "env in (a,b),!c", "syncMode": "OneTime"}),
    "EventTrigger": ("lib", {"sourceClusterSelector": "a=b", "destinationClusterSelector": "c!=d", "eventSourceName": "a"}),
    "ClusterHealthCheck": (
        "lib",
        {
            "clusterSelector": "a=b",
            "livenessChecks": [
                {"name": "a", "type": "HealthCheck", "livenessSourceRef": {"apiVersion": "lib.projectsveltos.io/v1alpha1", "name": "b"}}
            ],
            "notifications": [{"name": "a", "type": "KubernetesEvent"}],
        },
    ),
    "Classifier": (
        "lib",
        {
            "classifierLabels": [{"key": "a", "value": "b"}],
            "kubernetesVersion": {"version": "1.30.0", "comparison": "Equal"},
            "deployedResources": [{"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "a", "minCount": 1}],
        },
    ),
    "ClusterSet": ("lib", {"clusterSelector": "a", "maxReplicas": 2}),
    "RoleRequest": (
        "lib",
        {"clusterSelector": "a=b", "serviceAccountName": "a", "serviceAccountNamespace": "b",
         "roleRefs": [{"kind": "ConfigMap", "name": "a", "namespace": "b"}]},
    ),
    "DebuggingConfiguration": ("lib", {"configuration": [{"component": "AddonManager", "logLevel": "LogLevelDebug"}]}),
}  # fmt: skip


@pytest.mark.parametrize("kind", _OLD)
def test_every_old_kind_is_valid_today(kind: str) -> None:
    group, spec = _OLD[kind]
    manifest = {"apiVersion": f"{group}.projectsveltos.io/v1alpha1", "kind": kind, "metadata": {"name": "a"}, "spec": spec}
    done = migrated(manifest)
    assert done.remarks == ()
    assert "v1alpha1" not in str(done.manifest)
    (document,) = read_documents(json.dumps(done.manifest), source="a.json")
    assert [str(one) for one in check([document], Engines()) if one.severity is Severity.ERROR] == []


def test_an_addon_for_each_event_stays_one_for_each() -> None:
    manifest = {"apiVersion": "lib.projectsveltos.io/v1alpha1", "kind": "EventBasedAddOn", "spec": {"clusterSelector": "a=b"}}
    assert migrated(manifest).manifest["spec"] == {"sourceClusterSelector": {"matchLabels": {"a": "b"}}, "oneForEvent": True}


def test_values_of_a_chart_become_their_text() -> None:
    chart = {"repositoryURL": "https://a", "values": {"replicas": 3, "image": {"tag": "1.0"}}}
    manifest = {"apiVersion": "config.projectsveltos.io/v1alpha1", "kind": "ClusterProfile", "spec": {"helmCharts": [chart]}}
    (after,) = migrated(manifest).manifest["spec"]["helmCharts"]
    assert after["values"] == "replicas: 3\nimage:\n  tag: '1.0'\n"


def test_what_has_no_successor_is_told_and_left() -> None:
    manifest = {"apiVersion": "utils.projectsveltos.io/v1alpha1", "kind": "Snapshot", "metadata": {"name": "a"}}
    done = migrated(manifest)
    assert done.manifest == manifest
    assert done.remarks == ("Snapshot: it has no successor; keep the declared objects in a repository",)


def test_what_is_of_today_or_of_others_is_left() -> None:
    cleaner = {"apiVersion": "apps.projectsveltos.io/v1alpha1", "kind": "Cleaner", "spec": {"clusterSelector": "a=b"}}
    for manifest in ({"apiVersion": "v1", "kind": "ConfigMap", "spec": {"clusterSelector": "a=b"}}, {"apiVersion": 5}, cleaner):
        assert migrated(manifest).manifest == manifest


def test_json_stays_json() -> None:
    head = '{"apiVersion": "lib.projectsveltos.io/v1alpha1", "kind": "EventSource", "metadata": {"name": "a"},\n'
    text = head + ' "spec": {"group": "", "version": "v1", "kind": "Pod"}}'
    selectors = '{"resourceSelectors": [{"group": "", "version": "v1", "kind": "Pod"}]}'
    assert _today(text) == text.replace("v1alpha1", "v1beta1").replace('{"group": "", "version": "v1", "kind": "Pod"}', selectors)


def test_a_list_of_a_cluster_keeps_its_status() -> None:
    item = "- apiVersion: lib.projectsveltos.io/v1alpha1\n  kind: ClusterSet\n  metadata: {name: a, uid: b}\n"
    item += "  spec: {clusterSelector: 'a=b', maxReplicas: 1}\n  status: {a: b}\n"
    text = f"apiVersion: v1\nkind: List\nitems:\n{item}"
    assert _today(text) == text.replace("v1alpha1", "v1beta1").replace("'a=b'", "{matchLabels: {a: b}}")


def test_merged_keys_are_not_guessed_at() -> None:
    text = "base: &b {clusterSelector: a=b}\napiVersion: config.projectsveltos.io/v1alpha1\nkind: ClusterProfile\n"
    text += "metadata: {name: a}\nspec: {<<: *b}\n"
    with pytest.raises(CannotWrite):
        _today(text)


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        ("env=prod", {"matchLabels": {"env": "prod"}}),
        (" env == prod , tier=web ", {"matchLabels": {"env": "prod", "tier": "web"}}),
        ("a!=b", {"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["b"]}]}),
        ("example.com/a in (b, c)", {"matchExpressions": [{"key": "example.com/a", "operator": "In", "values": ["b", "c"]}]}),
        ("a notin (b)", {"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["b"]}]}),
        ("a,!b", {"matchExpressions": [{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "DoesNotExist"}]}),
        ("", {}),
        ("a in b", None),
        ("a=b=c", None),
        ("(", None),
    ],
)
def test_selectors_as_kubectl_writes_them_are_read(text: str, selector: dict[str, Any] | None) -> None:
    assert selector_of(text) == selector


_WORDS = st.sampled_from(["a", "b-c", "d.e", "f"])
_TERMS = st.builds(
    lambda key, operator, values: Term(key, operator, values if operator in (Operator.IN, Operator.NOT_IN) else frozenset()),
    _WORDS,
    st.sampled_from(Operator),
    st.frozensets(_WORDS, min_size=1, max_size=3),
)


@given(st.lists(_TERMS, min_size=1, max_size=4))
def test_a_selector_and_its_text_choose_the_same(terms: list[Term]) -> None:
    selector = selector_of(",".join(map(str, terms)))
    assert selector is not None
    assert set(compile_selector(selector).terms) == set(terms)
