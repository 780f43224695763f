from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.decide.lint.check import check, unreadable
from fleetd.decide.lint.variables import variables_in
from fleetd.domain.documents import Document, UnreadableText, read_documents
from fleetd.domain.findings import CODES, Finding, Severity

Checked = Callable[..., list[Finding]]

_SOURCE = """apiVersion: lib.projectsveltos.io/v1beta1
kind: EventSource
metadata: {name: services}
spec:
  collectResources: %s
  resourceSelectors:
  - {group: "", version: v1, kind: Service}
"""
_TRIGGER = """apiVersion: lib.projectsveltos.io/v1beta1
kind: EventTrigger
metadata: {name: open}
spec:
  sourceClusterSelector: {matchLabels: {env: prod}}
  eventSourceName: services
  oneForEvent: %s
  policyRefs:
  - {kind: ConfigMap, name: rule, namespace: default}
"""
_CONTENT = """apiVersion: v1
kind: ConfigMap
metadata:
  name: rule
  namespace: default
  annotations: {%s}
data:
  rule.yaml: |
    kind: Rule
    address: {{ %s }}
"""
_INSTANTIATE = 'projectsveltos.io/instantiate: "true"'


def _codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def _source(spec: str) -> str:
    return f"apiVersion: lib.projectsveltos.io/v1beta1\nkind: EventSource\nmetadata:\n  name: a\nspec:\n{spec}"


def _profile(spec: str, kind: str = "ClusterProfile", place: str = "") -> str:
    return f"apiVersion: config.projectsveltos.io/v1beta1\nkind: {kind}\nmetadata: {{name: a{place}}}\nspec:\n{spec}"


def test_nothing_is_said_of_what_is_well(checked: Checked) -> None:
    files = (_SOURCE % "true", _TRIGGER % "true", _CONTENT % (_INSTANTIATE, ".Resource.spec.clusterIP"))
    assert checked(*files) == []


def test_a_file_that_cannot_be_read_is_one_finding() -> None:
    with pytest.raises(UnreadableText) as caught:
        read_documents("a: 1\na: 2\n", source="shop.yaml")
    finding = unreadable(caught.value)
    assert str(finding) == "shop.yaml:2:1: the key 'a' stands twice in this mapping"
    assert finding.code == "FD001"


@pytest.mark.parametrize(
    ("text", "code", "place", "message"),
    [
        ("apiVersion: v1\nmetadata: {name: a}\n", "FD002", (1, 1), "kind is missing"),
        ("apiVersion: v1\nkin: ConfigMap\n", "FD002", (1, 1), "kind is missing (did you mean it by 'kin'?)"),
        ("apiVersion: lib.projectsveltos.io/v1beta11\nkind: EventSource\n", "FD003", (1, 1), "write lib.projectsveltos.io/v1beta1"),
        ("apiVersion: v1\nkind: EventSource\n", "FD003", (1, 1), "write lib.projectsveltos.io/v1beta1"),
        ("apiVersion: config.projectsveltos.io/v1beta1\nkind: EventSource\n", "FD003", (1, 1), "write lib.projectsveltos.io/v1beta1"),
        ("apiVersion: lib.projectsveltos.io/v1beta1\nkind: Eventsource\n", "FD003", (2, 1), "write EventSource"),
        ("apiVersion: lib.projectsveltos.io/v1beta1\nkind: EventTriger\n", "FD003", (2, 1), "did you mean 'EventTrigger'?"),
        ("apiVersion: lib.projectsveltos.io/v1alpha1\nkind: EventSource\n", "FD004", (1, 1), "write lib.projectsveltos.io/v1beta1"),
        ("apiVersion: lib.projectsveltos.io/v1alpha1\nkind: EventBasedAddOn\n", "FD005", (2, 1), "taken by EventTrigger"),
        ("apiVersion: utils.projectsveltos.io/v1alpha1\nkind: Snapshot\n", "FD005", (2, 1), "no longer a kind"),
    ],
)
def test_what_is_named_wrongly_is_told(checked: Checked, text: str, code: str, place: tuple[int, int], message: str) -> None:
    (finding,) = checked(text)
    assert (finding.code, (finding.line, finding.column)) == (code, place)
    assert message in str(finding)


@pytest.mark.parametrize(
    ("spec", "code", "place", "message"),
    [
        ("  evaluateCEL: []\n", "FD102", (6, 3), "'evaluateCEL' stands in spec; it belongs inside an entry of spec.resourceSelectors"),
        ("  evaluate: 'return {}'\n", "FD102", (6, 3), "'evaluate' stands in spec; it belongs inside an entry of spec.resourceSelectors"),
        ("  resourceSelectors: []\nname: b\n", "FD102", (7, 1), "'name' stands at top level; it belongs under metadata"),
        (
            "  resourceSelectors: []\ncollectResources: true\n",
            "FD102",
            (7, 1),
            "'collectResources' stands at top level; it belongs under spec",
        ),
        ("  colectResources: true\n", "FD101", (6, 3), "did you mean 'collectResources'?"),
        ("  CollectResources: true\n", "FD101", (6, 3), "did you mean 'collectResources'?"),
        ("  xyzzy: true\n", "FD101", (6, 3), "spec.xyzzy is no field of EventSource"),
        ("  resourceSelectors:\n  - {group: '', version: v1}\n", "FD103", (7, 5), "spec.resourceSelectors[0].kind is missing"),
        ("  collectResources: 'true'\n", "FD104", (6, 3), "must be true or false, not the text 'true' (leave the quotes out)"),
    ],
)
def test_fields_that_do_not_fit_are_told(checked: Checked, spec: str, code: str, place: tuple[int, int], message: str) -> None:
    (finding,) = checked(_source(spec))
    assert (finding.code, (finding.line, finding.column)) == (code, place)
    assert message in str(finding)


def test_an_expression_under_another_apis_name_is_told(checked: Checked) -> None:
    found = checked(
        _source(
            "  resourceSelectors:\n  - group: ''\n    version: v1\n    kind: Pod\n"
            "    evaluateCEL:\n    - name: a\n      expression: 'true'\n"
        )
    )
    assert "write 'rule' for 'expression'" in [finding.fix for finding in found if finding.code == "FD101"]


def test_an_option_of_helm_one_level_too_high_is_told(checked: Checked) -> None:
    chart = "repositoryURL: gitrepository://a/b/c, releaseName: a, releaseNamespace: b"
    (finding,) = checked(
        _profile(f"  clusterSelector: {{matchLabels: {{a: b}}}}\n  helmCharts:\n  - {{{chart}, options: {{createNamespace: true}}}}\n")
    )
    assert finding.code == "FD102"
    assert finding.fix == "move it to spec.helmCharts[].options.installOptions.createNamespace"


def test_the_same_object_twice_is_told_with_both_places(checked: Checked) -> None:
    (finding,) = checked(("one.yaml", _SOURCE % "true"), ("two.yaml", "\n" + _SOURCE % "false"))
    assert (finding.file, finding.line, finding.code) == ("two.yaml", 4, "FD109")
    assert "the other one is at one.yaml:1" in finding.message


def test_objects_of_one_name_in_two_namespaces_are_two(checked: Checked) -> None:
    text = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: %s}}"
    assert checked(text % "a", text % "b") == []


def _rules(*rules: str) -> str:
    selector = "  resourceSelectors:\n  - group: ''\n    version: v1\n    kind: Pod\n    evaluateCEL:\n"
    return _source(selector + "".join(f"    - name: r{number}\n      rule: {rule}\n" for number, rule in enumerate(rules)))


def test_broken_cel_is_told_in_the_file_and_not_in_the_text(checked: Checked) -> None:
    text = _rules("|\n        resource.a == 1 &&\n          (resource.b")
    (finding,) = [finding for finding in checked(text) if finding.code == "FD201"]
    assert (finding.line, finding.column) == (14, 22)
    assert text.split("\n")[13][10:] == "(resource.b"


def test_broken_cel_in_one_line_is_told_with_its_column(checked: Checked) -> None:
    (finding,) = [finding for finding in checked(_rules("'resource.a ==='")) if finding.code == "FD201"]
    line = _rules("'resource.a ==='").split("\n")[finding.line - 1]
    assert line[finding.column - 1 :].startswith("=")


@pytest.mark.parametrize("word", ["self", "object"])
def test_another_name_for_the_object_is_told(checked: Checked, word: str) -> None:
    text = _rules(f"{word}.spec.type == 'NodePort'")
    (finding,) = [finding for finding in checked(text) if finding.code == "FD204"]
    assert text.split("\n")[finding.line - 1][finding.column - 1 :].startswith(f"{word}.spec")
    assert finding.fix == f"write resource for {word}"


@pytest.mark.parametrize(
    "rule", ["resource.list.exists(self, self.a == 1)", "resource.object.a == 1", "resource.metadata.name == 'self.a'"]
)
def test_other_uses_of_the_word_are_left_alone(checked: Checked, rule: str) -> None:
    assert checked(_rules(f'"{rule}"')) == []


def test_rules_about_different_fields_look_meant_together(checked: Checked) -> None:
    (finding,) = checked(_rules("resource.spec.type == 'NodePort'", "has(resource.metadata.labels)"))
    assert (finding.code, finding.severity) == ("FD205", Severity.WARNING)
    assert checked(_rules("resource.spec.type == 'NodePort'", "resource.spec.type == 'LoadBalancer'")) == []


def test_broken_lua_is_told_in_the_line_of_the_file(checked: Checked) -> None:
    script = "function evaluate()\n        if then\n      end\n"
    selector = f"  resourceSelectors:\n  - group: ''\n    version: v1\n    kind: Pod\n    evaluate: |\n      {script}"
    (finding,) = checked(_source(selector))
    assert (finding.code, finding.line) == ("FD202", 12)


_LUA = (
    "  resourceSelectors:\n  - group: ''\n    version: v1\n    kind: Pod\n"
    "    evaluate: |\n      function evaluate()\n        %s\n      end\n"
)


def test_a_result_with_the_name_of_another_place_is_told(checked: Checked) -> None:
    (finding,) = checked(_source(_LUA % "return {healthy=true}"))
    assert (finding.code, finding.line, finding.column, finding.fix) == ("FD206", 12, 17, "write matching for healthy")


@pytest.mark.parametrize("body", ["return {matching=true}", "hs.Matching = true return hs", "return compute()", "-- healthy = true"])
def test_a_result_that_may_be_right_is_left_alone(checked: Checked, body: str) -> None:
    assert checked(_source(_LUA % body)) == []


def test_a_broken_template_is_told_in_the_line_of_the_file(checked: Checked) -> None:
    text = _CONTENT % (_INSTANTIATE, ".Resource.spec | nosuchfunction")
    (finding,) = checked(text)
    assert (finding.code, finding.line) == ("FD203", 10)


def test_without_compilers_syntax_is_not_looked_at() -> None:
    assert check(read_documents(_rules("'a ==='"), source="a")) == []


@pytest.mark.parametrize(
    ("one", "variable", "fix"),
    [
        ("true", ".Resources", "write .Resource"),
        ("true", ".MatchingResources", "write .MatchingResource"),
        ("true", "$.CloudEvents", "write .CloudEvent"),
        ("false", ".Resource.spec", "range over .Resources, or set oneForEvent: true"),
        ("false", ".MatchingResource.Name", "range over .MatchingResources, or set oneForEvent: true"),
    ],
)
def test_singular_and_plural_follow_one_for_event(checked: Checked, one: str, variable: str, fix: str) -> None:
    text = _CONTENT % (_INSTANTIATE, variable)
    (finding,) = checked(_SOURCE % "true", _TRIGGER % one, text)
    assert (finding.file, finding.code, finding.fix) == ("3.yaml", "FD301", fix)
    assert text.split("\n")[finding.line - 1][finding.column - 1 :].startswith(variable)


def test_the_triggers_own_texts_are_templates_too(checked: Checked) -> None:
    trigger = (_TRIGGER % "false").replace("name: rule", "name: 'x-{{ .MatchingResource.Name }}'")
    (finding,) = checked(trigger)
    assert (finding.code, finding.line) == ("FD301", 9)


def test_a_function_of_the_deployment_is_told_in_the_template_of_an_event(checked: Checked) -> None:
    text = _CONTENT % (_INSTANTIATE, 'getField "Login" "data.user"')
    (finding,) = checked(_SOURCE % "true", _TRIGGER % "true", text)
    assert (finding.file, finding.code) == ("3.yaml", "FD304")
    assert text.split("\n")[finding.line - 1][finding.column - 1 :].startswith("getField")
    assert checked(_SOURCE % "true", _TRIGGER % "true", _CONTENT % (_INSTANTIATE, 'getField .Resource "data.user"')) == []


def test_objects_that_are_not_collected_are_told(checked: Checked) -> None:
    (finding,) = checked(_SOURCE % "false", _TRIGGER % "true", _CONTENT % (_INSTANTIATE, ".Resource.spec.clusterIP"))
    assert (finding.code, finding.fix) == ("FD302", "set collectResources: true in EventSource services")
    assert checked(_SOURCE % "false", _TRIGGER % "true", _CONTENT % (_INSTANTIATE, ".MatchingResource.Name")) == []


@pytest.mark.parametrize("annotation", ["", "projectsveltos.io/template: ok"])
def test_content_that_is_not_marked_is_told(checked: Checked, annotation: str) -> None:
    (finding,) = checked(_SOURCE % "true", _TRIGGER % "true", _CONTENT % (annotation, ".Resource.spec.clusterIP"))
    assert (finding.file, finding.line, finding.column, finding.code) == ("3.yaml", 10, 17, "FD303")


def test_what_a_generator_names_is_a_template_without_a_mark(checked: Checked) -> None:
    reference = "{kind: ConfigMap, namespace: projectsveltos, name: made}"
    generated = f"[{{name: rule, namespace: default, nameFormat: made}}]\n  policyRefs: [{reference}]\n"
    trigger = f"{(_TRIGGER % 'true').partition('  policyRefs')[0]}  configMapGenerator: {generated}"
    assert checked(_SOURCE % "true", trigger, _CONTENT % ("", ".Resource.spec.clusterIP")) == []
    (finding,) = checked(_SOURCE % "true", trigger, _CONTENT % ("", ".Resources"))
    assert finding.code == "FD301"


def test_content_for_the_time_of_deployment_needs_no_mark(checked: Checked) -> None:
    assert checked(_SOURCE % "true", _TRIGGER % "true", _CONTENT % ("", ".Cluster.metadata.name")) == []


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("{{ .Resource.a }} .Resources", ["Resource"]),
        ("{{ `{{ .Resource }}` }}{{ .Resources }}", ["Resources"]),
        ("{{/* .Resource */}}{{ $.CloudEvent }}", ["CloudEvent"]),
        ('{{ "a\\".Resource" | quote }}', []),
        ("{{ $x.Resource }}{{ .A.Resource }}{{ (f).Resource }}", []),
        ("{{ .Resource", []),
        ("{{ `open", []),
        ("{{ .ResourceX }}{{- .MatchingResources -}}", ["MatchingResources"]),
    ],
)
def test_variables_are_found_in_code_only(text: str, variables: list[str]) -> None:
    assert [name for name, _, _ in variables_in(text)] == variables


@given(st.text('{}`"/*. \nResource\\'))
def test_no_text_breaks_the_search_for_variables(text: str) -> None:
    for name, line, column in variables_in(text):
        assert text.split("\n")[line - 1][column - 1 :].lstrip("$").startswith(f".{name}")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (_profile("  clusterSelector: {}\n"), "FD401"),
        (_profile("  clusterSelector: {matchLabels: {}}\n"), "FD401"),
        ((_TRIGGER % "true").replace("{matchLabels: {env: prod}}", "{}"), "FD401"),
        (_profile("  maxUpdate: '5'\n"), "FD404"),
        ("{apiVersion: lib.projectsveltos.io/v1beta1, kind: ClusterSet, metadata: {name: a}, spec: {clusterRefs: []}}", "FD405"),
    ],
)
def test_what_selects_nothing_is_a_warning(checked: Checked, text: str, code: str) -> None:
    (finding,) = checked(text)
    assert (finding.code, finding.severity) == (code, Severity.WARNING)


def test_an_empty_selector_beside_named_clusters_is_well(checked: Checked) -> None:
    assert checked(_profile("  clusterSelector: {}\n  clusterRefs: [{kind: SveltosCluster, name: a}]\n")) == []


@pytest.mark.parametrize(
    "spec",
    [
        "  policyRefs: [{kind: ConfigMap, name: a, namespace: other}]\n",
        "  clusterRefs: [{kind: SveltosCluster, name: a, namespace: other}]\n",
        "  kustomizationRefs: [{kind: Bucket, name: a, valuesFrom: [{kind: Secret, name: b, namespace: other}]}]\n",
        "  policyRefs: [{remoteURL: {url: 'https://a', secretRef: {name: a, namespace: other}}}]\n",
    ],
)
def test_a_profile_stays_in_its_namespace(checked: Checked, spec: str) -> None:
    (finding,) = checked(_profile(spec, "Profile", ", namespace: team"))
    assert finding.code == "FD402"
    assert checked(_profile(spec)) == []
    assert checked(_profile(spec.replace("other", "team"), "Profile", ", namespace: team")) == []


def test_a_secret_that_a_profile_may_not_use_is_told_once_at_the_secret(checked: Checked) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: team}\ntype: %s\nstringData: {a: b}\n"
    profile = _profile("  policyRefs: [{kind: Secret, name: s, namespace: team}, {kind: Secret, name: s, namespace: team}]\n")
    (finding,) = checked(profile, secret % "Opaque")
    assert (finding.file, finding.line, finding.code) == ("2.yaml", 4, "FD403")
    assert checked(profile, secret % "addons.projectsveltos.io/cluster-profile") == []


def test_findings_come_in_the_order_of_the_text(checked: Checked) -> None:
    text = _profile("  tier: x\n  syncMode: y\n  maxUpdate: '5'\n")
    found = checked(("b.yaml", text), ("a.yaml", text.replace("name: a", "name: b")))
    assert [(finding.file, finding.line) for finding in found] == [(file, line) for file in ("b.yaml", "a.yaml") for line in (5, 6, 7)]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(["name", "kind", "spec", "metadata", "rule"]), below),
    max_leaves=8,
)
_ANY_SPEC = st.dictionaries(
    st.sampled_from(["policyRefs", "helmCharts", "clusterSelector", "resourceSelectors", "maxUpdate", "eventSourceName", "oneForEvent"]),
    _JSON,
)


@given(st.sampled_from(["EventSource", "EventTrigger", "ClusterProfile", "Profile", "Secret", "ConfigMap"]), _ANY_SPEC | _JSON, _JSON)
def test_no_shape_of_a_manifest_breaks_the_checker(kind: str, spec: object, metadata: object) -> None:
    group = {"EventSource": "lib", "EventTrigger": "lib"}.get(kind, "config")
    version = "v1" if kind in ("Secret", "ConfigMap") else f"{group}.projectsveltos.io/v1beta1"
    manifest = {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec, "data": spec}
    check([Document(manifest, "a", 1), Document(manifest, "a", 2)])


def test_every_code_is_tested_here_or_with_the_kinds() -> None:
    folder = Path(__file__).parent
    tested = "".join(path.read_text() for path in (*folder.glob("test_*.py"), *folder.parent.joinpath("kinds").glob("test_*.py")))
    sentences = {"FD105": "did you mean 'Continuous'?", "FD106": "is no duration", "FD107": "exactly one of", "FD108": "has no namespace"}
    assert [code for code in CODES if f'"{code}"' not in tested and sentences.get(code, code) not in tested] == []


def test_every_code_has_a_title_and_an_explanation() -> None:
    for code, spec in CODES.items():
        assert code.startswith("FD")
        assert len(code) == 5
        assert spec.title
        assert spec.explanation.endswith(".")


def test_every_code_has_a_place_in_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "lint.md").read_text("utf-8")
    assert re.findall(r"^### (FD\d+)$", text, re.MULTILINE) == list(CODES)
