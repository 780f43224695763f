from __future__ import annotations

from collections.abc import Callable

import pytest

from fleetd.domain.documents import Document, InvalidManifest, parse
from fleetd.domain.kinds.clusters import SveltosCluster
from fleetd.domain.kinds.profiles import ClusterProfile

One = Callable[[str], Document]

_HTTP = "repositoryURL: 'https://a', releaseName: a, releaseNamespace: b"
_JOB = "jobCheck: {jobRef: {kind: Secret, name: a, namespace: b}}"
_WORKLOAD = "workloadIdentity: {provider: AWS, endpoint: e, aws: {clusterName: c}}"
_FILTER = "labelFilters: [{key: a, operation: Equals}]"
_ENDPOINT = "controlPlaneEndpoint: {host: a, port: 70000}"
_REPORT = "clusterNamespace: a, clusterName: b, clusterType: c, eventSourceName: d"


def _spec(kind: str, spec: str, group: str = "lib") -> str:
    return f"{{apiVersion: {group}.projectsveltos.io/v1beta1, kind: {kind}, metadata: {{name: a}}, spec: {spec}}}"


def _profile(spec: str) -> str:
    return _spec("ClusterProfile", spec, "config")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (_profile("{policyRefs: [{name: a}]}"), "exactly one of kind and remoteURL"),
        (_profile("{policyRefs: [{kind: Secret, remoteURL: {url: 'https://a'}}]}"), "exactly one of kind and remoteURL"),
        (_profile("{policyRefs: [{remoteURL: {url: 'ftp://a'}}]}"), "does not fit the pattern"),
        (_profile("{kustomizationRefs: [{path: a}]}"), "exactly one of kind and remoteURL"),
        (_profile("{kustomizationRefs: [{kind: Bucket, targetNamespace: ''}]}"), "must not be empty"),
        (_profile(f"{{helmCharts: [{{{_HTTP}}}]}}"), "needs chartName, chartVersion, repositoryName"),
        (_profile(f"{{helmCharts: [{{{_HTTP}, chartName: c, chartVersion: d}}]}}"), "needs repositoryName"),
        (_profile("{tier: 0}"), "0 is less than 1"),
        (_profile("{tier: '5'}"), "must be a whole number, not the text '5' (leave the quotes out)"),
        (_profile("{maxUpdate: 150%}"), "is no number of clusters"),
        (_profile("{syncMode: continuous}"), "did you mean 'Continuous'?"),
        (_profile("{dependsOn: base}"), "must be a list, not the text 'base' (begin the entry with '- ')"),
        (_profile("{reloader: 1}"), "must be true or false, not 1"),
        (_profile("{templateResourceRefs: [&a {resource: {}, identifier: a}, *a]}"), "two templateResourceRefs"),
        (_profile(f"{{validateHealths: [{{name: a, featureID: Helm, script: b, {_JOB}}}]}}"), "jobCheck cannot stand"),
        (_profile("{clusterSelector: {matchExpressions: [{key: a, operator: In}]}}"), "needs at least one entry in values"),
        (_profile("{clusterSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}}"), "takes no values"),
        (_profile("{clusterSelector: {matchLabels: {a: 1}}}"), "must be text, not 1 (put it into quotes)"),
        (_spec("EventTrigger", "{eventSourceName: a}"), "spec.sourceClusterSelector is missing"),
        (_spec("EventTrigger", "{sourceClusterSelector: {}, eventSourceName: ''}"), "must not be empty"),
        (_spec("EventSource", "{resourceSelectors: [{version: v1, kind: Pod}]}"), "group is missing"),
        (_spec("EventSource", "{resourceSelectors: {group: ''}}"), "must be a list, not a mapping"),
        (_spec("EventSource", f"{{resourceSelectors: [{{group: '', version: v1, kind: P, {_FILTER}}}]}}"), "did you mean 'Equal'?"),
        (_spec("SveltosCluster", f"{{kubeconfigName: a, {_WORKLOAD}}}"), "exclude each other"),
        (_spec("SveltosCluster", "{workloadIdentity: {provider: GCP, endpoint: e, aws: {clusterName: c}}}"), "needs the part gcp"),
        (_spec("SveltosCluster", "{tokenRequestRenewalOption: {renewTokenRequestInterval: 1 hour}}"), "is no duration"),
        (_spec("ClusterPromotion", "{stages: []}", "config"), "needs at least 1 entry"),
        (_spec("ClusterPromotion", "{stages: [{name: a}, {name: a}]}", "config"), "two stages have the name 'a'"),
        (_spec("ClusterPromotion", "{stages: [{name: a, trigger: {}}]}", "config"), "exactly one of manual and auto"),
        (_spec("EventReport", f"{{{_REPORT}, resources: '!'}}"), "not base64"),
        (_spec("AccessRequest", f"{{namespace: a, name: b, type: SveltosAgent, {_ENDPOINT}}}"), "70000 is more than 65535"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a/b: c}}", "is no key for data"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: c}, binaryData: {a: aGk=}}", "in data and in binaryData"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {port: 80}}", "data.port must be text, not 80 (put it into quotes)"),
        ("{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {a: plain text}}", "not base64"),
        ("{apiVersion: v1, kind: Secret, metadata: {name: a}, type: kubernetes.io/tls}", "needs the key 'tls.crt'"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: A_b}}", "is no object name"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: a.b}}", "is no namespace name"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {a: 'b c'}}}", "is no value for the label"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {-a: b}}}", "is no label key"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: {A/b: c, 'x/y/z': d}}}", "is no annotation key"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {}}", "metadata.name is missing"),
        ("{apiVersion: v1, kind: Namespace, metadata: {name: a, namespace: b}}", "has no namespace"),
    ],
)  # fmt: skip
def test_each_rule_of_the_schema_has_its_sentence(one: One, text: str, sentence: str) -> None:
    with pytest.raises(InvalidManifest) as caught:
        parse(one(text))
    assert any(sentence in str(finding) for finding in caught.value.findings), [str(finding) for finding in caught.value.findings]


@pytest.mark.parametrize("duration", ["90s", "1h30m", "1.5h", "0", "-5m", "100ms", ".5s"])
def test_durations_are_those_of_go(one: One, duration: str) -> None:
    model = parse(one(_spec("SveltosCluster", f"{{tokenRequestRenewalOption: {{renewTokenRequestInterval: '{duration}'}}}}")))
    assert isinstance(model, SveltosCluster)


@pytest.mark.parametrize("share", ["5", "'5'", "20%", "100%", "0"])
def test_max_update_is_a_number_or_a_percentage(one: One, share: str) -> None:
    model = parse(one(_profile(f"{{maxUpdate: {share}}}")))
    assert isinstance(model, ClusterProfile)
    assert isinstance(model.spec.max_update, str) == (not share.isdigit())


def test_all_mistakes_are_told_at_once_with_their_places(one: One) -> None:
    document = one("""apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata:
  name: a
spec:
  synMode: Continuous
  tier: "3"
  policyRefs:
  - kind: ConfgMap
    name: a
""")
    with pytest.raises(InvalidManifest) as caught:
        parse(document)
    told = {(finding.line, finding.column, finding.code) for finding in caught.value.findings}
    assert told == {(6, 3, "FD101"), (7, 3, "FD104"), (9, 5, "FD105")}
    assert "shop.yaml:6:3: spec.synMode is no field (did you mean 'syncMode'?)" in [str(finding) for finding in caught.value.findings]
    assert str(caught.value).endswith("(and 2 more)")


def test_a_manifest_without_a_file_is_told_without_a_place() -> None:
    with pytest.raises(InvalidManifest, match=r"^kind is missing"):
        parse({"apiVersion": "v1"})


def _told(one: One, text: str) -> list[str]:
    with pytest.raises(InvalidManifest) as caught:
        parse(one(text))
    return [str(finding) for finding in caught.value.findings]


@pytest.mark.parametrize("value", ["12345", "true", "[hunter2]", "{hunter2: hunter2}"])
def test_the_value_of_a_secret_is_never_told(one: One, value: str) -> None:
    (told,) = _told(one, f"{{apiVersion: v1, kind: Secret, metadata: {{name: a}}, stringData: {{password: {value}}}}}")
    assert "stringData.password must be text" in told
    assert "12345" not in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("spec", "home"),
    [
        ("{kustomizationRefs: [{kind: Bucket, url: 'https://a'}]}", "spec.kustomizationRefs[].remoteURL.url"),
        ("{helmCharts: [{repositoryURL: a, releaseName: b, releaseNamespace: c, atomic: true}]}", "spec.helmCharts[].options.atomic"),
        ("{policyRefs: [{kind: Secret, syncMode: OneTime}]}", "spec.syncMode"),
        ("{annotations: {a: b}}", "metadata.annotations"),
    ],
)
def test_a_misplaced_field_is_sent_to_the_one_place_nearby(one: One, spec: str, home: str) -> None:
    (told,) = _told(one, _profile(spec))
    assert told.endswith(f"(move it to {home})")


@pytest.mark.parametrize("spec", ["{evaluateCEL: []}", "{clusterSelector: {name: a}}"])
def test_a_field_with_several_homes_is_not_sent_anywhere(one: One, spec: str) -> None:
    (told,) = _told(one, _profile(spec))
    assert "move it to" not in told
    assert "is no field" in told
