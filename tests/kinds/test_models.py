from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from fleetd.domain.documents import Document, parse, with_defaults
from fleetd.domain.errors import InvalidInput
from fleetd.domain.kinds.acted_on import ACTED_ON, unsupported
from fleetd.domain.kinds.clusters import ClusterAPICluster
from fleetd.domain.kinds.events import EventSource, EventTrigger
from fleetd.domain.kinds.immutables import immutable_violations
from fleetd.domain.kinds.profiles import ClusterProfile, SyncMode
from fleetd.domain.kinds.registry import KINDS, kind_by_name, spec_of
from fleetd.domain.kinds.schema import fields_of
from fleetd.domain.objects import gvk_of
from fleetd.domain.refs import GroupKind

One = Callable[[str], Document]


def _collect(value: Any, model: type[BaseModel], seen: dict[type[BaseModel], set[str]]) -> None:
    if isinstance(value, list):
        for entry in value:
            _collect(entry, model, seen)
    elif isinstance(value, dict):
        seen.setdefault(model, set()).update(value)
        for name, shape in fields_of(model).items():
            if shape.part is not None and name in value:
                _collect(value[name], shape.part, seen)


def test_there_are_the_29_kinds_of_sveltos_and_those_beside_them() -> None:
    sveltos = [gvk for gvk in KINDS if gvk.group.endswith("projectsveltos.io")]
    assert len(sveltos) == 29
    assert {gvk.kind for gvk in KINDS} - {gvk.kind for gvk in sveltos} == {"ConfigMap", "Secret", "Namespace", "Cluster"}


def test_every_kind_has_a_full_and_a_minimal_example(full: list[Document], minimal: list[Document]) -> None:
    assert {gvk_of(document.manifest) for document in full} == set(KINDS)
    assert {gvk_of(document.manifest) for document in minimal} == set(KINDS)


def test_the_full_examples_are_taken_and_lose_nothing(full: list[Document]) -> None:
    for document in full:
        model = parse(document)
        assert model.model_dump(by_alias=True, exclude_unset=True, mode="json") == document.manifest


def test_the_full_examples_name_every_field_of_every_part(full: list[Document]) -> None:
    seen: dict[type[BaseModel], set[str]] = {}
    for document in full:
        _collect(document.manifest, KINDS[gvk_of(document.manifest)].model, seen)
    # These three share their fields with parts that are shown whole.
    shared = ("Profile", "Set", "PromotedSpec")
    lacking = {
        f"{model.__name__}.{name}"
        for model, names in seen.items()
        for name in fields_of(model)
        if name not in names and model.__name__ not in shared
    }
    assert lacking == set()


def test_the_minimal_examples_are_taken(minimal: list[Document]) -> None:
    for document in minimal:
        assert parse(document).name == "a"


def test_models_cannot_be_changed(one: One) -> None:
    source = parse(one("{apiVersion: lib.projectsveltos.io/v1beta1, kind: EventSource, metadata: {name: a}}"))
    with pytest.raises(ValueError, match="frozen"):
        source.kind = "Other"


def test_a_model_reads_in_python_names(full: list[Document]) -> None:
    by_kind = {document.manifest["kind"]: parse(document) for document in full if document.manifest["metadata"]["name"] != "aks"}
    trigger, source, profile = by_kind["EventTrigger"], by_kind["EventSource"], by_kind["ClusterProfile"]
    assert isinstance(trigger, EventTrigger)
    assert trigger.spec is not None
    assert trigger.spec.one_for_event
    assert trigger.spec.source_cluster_selector.match_labels == {"env": "production"}
    assert isinstance(source, EventSource)
    assert source.spec.resource_selectors[0].kind == "Service"
    assert isinstance(profile, ClusterProfile)
    assert profile.spec.sync_mode is SyncMode.CONTINUOUS_WITH_DRIFT_DETECTION
    assert profile.spec.helm_charts[0].repository_url == "https://charts.example.com"


def test_a_cluster_api_cluster_is_ready_when_its_control_plane_came_up(one: One) -> None:
    def cluster(status: str) -> ClusterAPICluster:
        model = parse(one(f"{{apiVersion: cluster.x-k8s.io/v1beta2, kind: Cluster, metadata: {{name: a}}, status: {status}}}"))
        assert isinstance(model, ClusterAPICluster)
        return model

    assert cluster("{initialization: {controlPlaneInitialized: true}}").status.ready  # type: ignore[union-attr]
    assert cluster('{conditions: [{type: ControlPlaneInitialized, status: "True"}]}').status.ready  # type: ignore[union-attr]
    assert not cluster('{conditions: [{type: Ready, status: "True"}]}').status.ready  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text",
    [
        "eventsource",
        "eventsources",
        "EventSource",
        "EVENTSOURCE",
        "EventSource.lib.projectsveltos.io",
        "eventsources.lib.projectsveltos.io",
    ],
)
def test_a_kind_is_found_by_every_name_that_people_use(text: str) -> None:
    assert kind_by_name(text).gvk.kind == "EventSource"


@pytest.mark.parametrize(
    ("text", "kind"), [("cm", "ConfigMap"), ("ns", "Namespace"), ("secrets", "Secret"), ("clustersummaries", "ClusterSummary")]
)
def test_short_names_and_odd_plurals_are_known(text: str, kind: str) -> None:
    assert kind_by_name(text).gvk.kind == kind


def test_cluster_by_name_is_the_newer_version() -> None:
    assert kind_by_name("cluster").gvk.version == "v1beta2"
    assert spec_of(GroupKind("cluster.x-k8s.io", "Cluster")) == kind_by_name("clusters")
    assert spec_of(GroupKind("apps", "Deployment")) is None


def test_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(InvalidInput, match="did you mean clusterprofile"):
        kind_by_name("clusterprofil")
    with pytest.raises(InvalidInput, match="there is no kind 'xyzzy'"):
        kind_by_name("xyzzy")


def test_kinds_without_a_status_have_no_status_subresource() -> None:
    without = {spec.gvk.kind for spec in KINDS.values() if not spec.status_subresource}
    assert without == {"EventSource", "HealthCheck", "Reloader", "DebuggingConfiguration", "ConfigMap", "Secret"}


def test_the_schemas_defaults_are_written_and_nothing_else(one: One) -> None:
    profile = one("""
apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {name: a}
spec:
  syncMode: null
  policyRefs:
  - {kind: ConfigMap, name: a}
  helmCharts:
  - {repositoryURL: gitrepository://a/b/c, releaseName: a, releaseNamespace: b, options: {installOptions: {}}}
""").manifest
    spec = with_defaults(profile)["spec"]
    assert spec == {
        "syncMode": "Continuous",
        "tier": 100,
        "continueOnConflict": False,
        "continueOnError": False,
        "stopMatchingBehavior": "WithdrawPolicies",
        "reloader": False,
        "policyRefs": [
            {
                "kind": "ConfigMap",
                "name": "a",
                "deploymentType": "Remote",
                "optional": False,
                "tier": 100,
                "skipNamespaceCreation": False,
                "force": False,
            }
        ],
        "helmCharts": [
            {
                "repositoryURL": "gitrepository://a/b/c",
                "releaseName": "a",
                "releaseNamespace": "b",
                "helmChartAction": "Install",
                "options": spec["helmCharts"][0]["options"],
            }
        ],
    }
    assert spec["helmCharts"][0]["options"]["installOptions"] == {
        "createNamespace": True,
        "replace": True,
        "disableHooks": False,
        "takeOwnership": False,
        "recoverAfterConsecutiveFailures": 5,
    }
    assert "timeout" not in spec["helmCharts"][0]["options"]
    assert profile["spec"]["syncMode"] is None


def test_an_absent_part_stays_absent_and_unknown_kinds_pass() -> None:
    bare = {"apiVersion": "config.projectsveltos.io/v1beta1", "kind": "ClusterProfile", "metadata": {"name": "a"}}
    assert with_defaults(bare) == bare
    other = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": None}}
    assert with_defaults(other) is other


def test_defaults_are_the_same_written_once_or_twice(full: list[Document], minimal: list[Document]) -> None:
    for document in (*full, *minimal):
        written = with_defaults(document.manifest)
        assert with_defaults(written) == written
        assert type(parse(written)) is type(parse(document))


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("HealthCheck", "evaluateIndependently", True),
        ("SveltosCluster", "consecutiveFailureThreshold", 3),
        ("EventTrigger", "cloudEventAction", "Create"),
        ("EventSource", "collectResources", False),
        ("ConfigurationGroup", "updatePhase", "Ready"),
    ],
)
def test_defaults_of_other_kinds(kind: str, field: str, value: Any) -> None:
    manifest = {"apiVersion": "lib.projectsveltos.io/v1beta1", "kind": kind, "metadata": {"name": "a"}, "spec": {}}
    assert with_defaults(manifest)["spec"][field] == value


def test_what_is_not_acted_on_is_listed_by_path(one: One) -> None:
    manifest = one("""
apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {name: a}
spec:
  clusterSelector: {matchLabels: {a: b}}
  tier: 100
  reloader: false
  extraLabels: {}
  dependsOn: [b]
  policyRefs:
  - {kind: ConfigMap, name: a, force: false}
  - {kind: GitRepository, name: b, path: c}
  - {kind: Secret, name: b, tier: 5}
""").manifest
    expected = ("spec.dependsOn", "spec.policyRefs[1].kind=GitRepository", "spec.policyRefs[1].path", "spec.policyRefs[2].tier")
    assert unsupported(manifest) == expected
    assert unsupported(with_defaults(manifest)) == expected


def test_a_default_that_is_switched_off_counts_as_asked_for() -> None:
    manifest = {
        "apiVersion": "lib.projectsveltos.io/v1beta1",
        "kind": "SveltosCluster",
        "metadata": {"name": "a"},
        "spec": {"consecutiveFailureThreshold": 0, "pullMode": False, "paused": True},
    }
    assert unsupported(manifest) == ("spec.consecutiveFailureThreshold",)


def test_a_kind_that_is_only_kept_is_named_as_a_whole() -> None:
    manifest = {"apiVersion": "lib.projectsveltos.io/v1beta1", "kind": "HealthCheck", "metadata": {"name": "a"}}
    assert unsupported(manifest) == ("HealthCheck.lib.projectsveltos.io",)


def test_the_table_and_the_registry_agree_on_what_is_supported() -> None:
    assert {spec.gvk.group_kind for spec in KINDS.values() if spec.supported} == set(ACTED_ON)


def _walk(acted: Any, model: type[BaseModel], path: str) -> list[str]:
    if not isinstance(acted, dict):
        return []
    unknown = [f"{path}.{name}" for name in acted if name not in fields_of(model)]
    for name, below in acted.items():
        part = fields_of(model)[name].part if name in fields_of(model) else None
        if part is not None:
            unknown += _walk(below, part, f"{path}.{name}")
    return unknown


def test_the_table_names_only_fields_that_exist() -> None:
    for group_kind, acted in ACTED_ON.items():
        spec = spec_of(group_kind)
        assert spec is not None
        assert _walk(acted, spec.model, str(group_kind)) == []


def _trigger(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "lib.projectsveltos.io/v1beta1",
        "kind": "EventTrigger",
        "metadata": {"name": "a"},
        "spec": {"sourceClusterSelector": {}, "eventSourceName": "a", **spec},
    }


def test_one_for_event_cannot_change_but_may_be_added() -> None:
    assert immutable_violations(_trigger(), _trigger(oneForEvent=True)) == []
    assert immutable_violations(_trigger(oneForEvent=True), _trigger(oneForEvent=True, tier=3)) == []
    (mistake,) = immutable_violations(_trigger(oneForEvent=True), _trigger(oneForEvent=False))
    assert mistake.path == ("spec", "oneForEvent")


def test_pull_mode_and_a_secrets_type_cannot_change() -> None:
    def cluster(*, pull: bool) -> dict[str, Any]:
        return {"apiVersion": "lib.projectsveltos.io/v1beta1", "kind": "SveltosCluster", "spec": {"pullMode": pull}}

    assert immutable_violations(cluster(pull=False), cluster(pull=True))
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque"}
    assert immutable_violations(secret, {**secret, "type": "x"})


def test_an_immutable_config_map_keeps_its_data_for_good() -> None:
    sealed = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}, "immutable": True}
    assert immutable_violations(sealed, {**sealed, "metadata": {"labels": {"a": "b"}}}) == []
    assert [mistake.path for mistake in immutable_violations(sealed, {**sealed, "data": {}, "immutable": False})] == [
        ("data",),
        ("immutable",),
    ]
