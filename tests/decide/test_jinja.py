"""Jinja2 has the data and functions of Go templates, and says in one sentence what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from fleetd.decide.engines.annotations import Engine, Form, Language, Task, language_of
from fleetd.decide.engines.contained import Contained, Outcome
from fleetd.decide.engines.jinja import OWN_FILTERS, OWN_GLOBALS, Jinja
from fleetd.decide.gotemplate.functions.library import deploy_functions, event_functions
from fleetd.decide.gotemplate.run import Budget, Surroundings
from fleetd.decide.gotemplate.template import compile_template
from fleetd.domain.errors import EvaluationFailed

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CONTAINED = Contained(Budget())
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}, "annotations": {"a/b": "c"}, "uid": "1"},
    "spec": {"ports": [{"port": 80, "name": "http"}, {"port": 443}], "clusterIP": "10.0.0.1"},
    "items": [1],
    "keys": {"get": "own"},
}
DATA: dict[str, Any] = {
    "Cluster": {"metadata": {"name": "east", "labels": {"region": "eu-north", "tier": "1"}}},
    "ClusterName": "east",
    "ClusterNamespace": "projectsveltos",
    "Resource": SERVICE,
    "MatchingResource": {"APIVersion": "v1", "Kind": "Service", "Namespace": "shop", "Name": "web"},
    "MgmtResources": {"Vault": {"kind": "Secret", "data": {"k": "dg=="}}},
}


def ask(text: str, task: str = "jinja2 text event", data: dict[str, Any] = DATA) -> Outcome:
    CONTAINED.forget()
    CONTAINED.keep("it", text)
    return CONTAINED.run("it", task, orjson.dumps({"data": data, "now": NOW.isoformat()}), lambda: None)


def jinja(text: str, task: str = "jinja2 text event") -> str:
    answer = ask(text, task)
    assert answer.error == ""
    assert answer.value is not None
    return answer.value


TESTS = (
    "boolean", "callable", "defined", "divisibleby", "eq", "equalto", "even", "false", "float", "ge", "greaterthan", "gt", "in",
    "integer", "iterable", "le", "lessthan", "lower", "lt", "mapping", "ne", "none", "number", "odd", "sameas", "sequence",
    "string", "true", "undefined", "upper", "==", "!=", "<", "<=", ">", ">=",
)  # fmt: skip
SAME = [
    ("{{ .Cluster.metadata.name | upper }}", "{{ Cluster.metadata.name | upper }}"),
    ("{{ .Resource.metadata.labels | toYaml }}", "{{ Resource.metadata.labels | toYaml }}"),
    ("{{ .Resource.spec | toJson }}", "{{ Resource.spec | toJson }}"),
    ("{{ trunc 2 .ClusterName }}", "{{ trunc(2, ClusterName) }}"),
    ("{{ .ClusterName | trunc 2 }}", "{{ ClusterName | trunc(2) }}"),
    ("{{ copy .Resource }}", "{{ copy(Resource) }}"),
    ('{{ setField .Resource "metadata.name" "x" }}', '{{ setField(Resource, "metadata.name", "x") }}'),
    ('{{ getField .Resource "spec.clusterIP" }}', '{{ getField(Resource, "spec.clusterIP") }}'),
    ("{{ range .Resource.spec.ports }}{{ .port }},{{ end }}", "{% for p in Resource.spec.ports %}{{ p.port }},{% endfor %}"),
    ('{{ dig "metadata" "labels" "nope" "d" .Cluster }}', '{{ dig("metadata", "labels", "nope", "d", Cluster) }}'),
    ("{{ .MatchingResource.Name }} {{ .MatchingResource.APIVersion }}", "{{ MatchingResource.Name }} {{ MatchingResource.APIVersion }}"),
    ('{{ now | date "2006-01-02" }}', '{{ now() | date("2006-01-02") }}'),
    ("{{ now }}", "{{ now() }}"),
    ('{{ dateInZone "15:04" now "Asia/Tokyo" }}', '{{ dateInZone("15:04", now(), "Asia/Tokyo") }}'),
    ("{{ add 1 2 3 }} {{ div 7 2 }} {{ mod 7 2 }}", "{{ add(1, 2, 3) }} {{ div(7, 2) }} {{ mod(7, 2) }}"),
    ('{{ list 1 "a" true | toJson }}', '{{ list(1, "a", true) | toJson }}'),
    ('{{ dict "a" 1 | toYaml }}', '{{ dict("a", 1) | toYaml }}'),
    ('{{ "eA==" | b64dec }} {{ "x" | b64enc }} {{ sha256sum "x" }}', '{{ "eA==" | b64dec }} {{ "x" | b64enc }} {{ sha256sum("x") }}'),
    ('{{ regexReplaceAll "a+" "baab" "x" }}', '{{ regexReplaceAll("a+", "baab", "x") }}'),
    ('{{ (semver "1.2.3").Minor }}', '{{ semver("1.2.3").Minor }}'),
    ("{{ quote .ClusterName }} {{ true }} {{ 1.5 }}", "{{ quote(ClusterName) }} {{ true }} {{ 1.5 }}"),
    ('{{ index .Resource.metadata.annotations "a/b" }}', '{{ Resource.metadata.annotations["a/b"] }}'),
    ("{{ .Resource.metadata.labels | toString }}", "{{ Resource.metadata.labels | toString }}"),
    ('{{ splitList "," "a,b" | join "-" }}', '{{ splitList(",", "a,b") | join("-") }}'),
    ('{{ if semverCompare ">=1.0" "1.2.3" }}yes{{ end }}', '{% if semverCompare(">=1.0", "1.2.3") %}yes{% endif %}'),
    ('{{ ternary "a" "b" true }}', '{{ ternary("a", "b", true) }}'),
]


@pytest.mark.parametrize(("of_go", "of_jinja"), SAME)
def test_the_functions_make_the_same_as_in_go_templates(of_go: str, of_jinja: str) -> None:
    made = compile_template(of_go, functions=event_functions()).render(DATA, surroundings=Surroundings(NOW))
    assert jinja(of_jinja) == made


def test_the_functions_of_the_deployment_take_identifiers() -> None:
    assert jinja('{{ getField("Vault", "data.k") | b64dec }} {{ MgmtResources.Vault.kind }}', "jinja2 text deploy") == "v Secret"


def test_a_key_comes_before_a_method() -> None:
    assert jinja(
        "{{ Resource.items }} {{ Resource.keys.get }} {{ Resource.get('kind') }} {{ Cluster.metadata.labels.items() | list }}"
    ) == ('[1] own Service [["region","eu-north"],["tier","1"]]')


def test_what_is_no_text_is_written_as_json() -> None:
    assert jinja("{{ Resource.spec.ports[0] }} {{ none }} {{ false }} {{ [1, 'a'] }} {{ (1, 2) }}") == (
        '{"port":80,"name":"http"} null false [1,"a"] [1,2]'
    )


def test_lines_of_blocks_leave_no_empty_lines() -> None:
    assert jinja("a:\n  {% for p in Resource.spec.ports %}\n  - {{ p.port }}\n  {% endfor %}\nb: 1\n") == "a:\n  - 80\n  - 443\nb: 1\n"


def test_what_may_be_missing_can_be_asked() -> None:
    assert (
        jinja("{{ Resource.spec.nope | default('x') }} {{ Resource.spec.nope is defined }} {{ Resource.get('nope', 'y') }}") == "x false y"
    )


SENTENCES = [
    ("a\n{{ Resource.spec.prots }}", 2, 'there is no key "prots"; the keys there are clusterIP, ports; did you mean ports?'),
    ("{{ Resourcee.spec }}", 1, "there is no variable or function Resourcee; did you mean Resource?"),
    ("{{ MatchingResources[0] }}", 1, "there is no variable or function MatchingResources; did you mean MatchingResource?"),
    ("{{ xyzzy }}", 1, f"there is no variable or function xyzzy; the variables are {', '.join(sorted(DATA))}"),
    ("{{ upperr('a') }}", 1, "there is no variable or function upperr; did you mean upper?"),
    ("\n\n{{ ClusterName | upperr }}", 3, "there is no filter upperr; did you mean upper?"),
    ("{% if ClusterName is definedd %}{% endif %}", 1, "there is no test definedd; did you mean defined?"),
    ("{{ trunc(ClusterName, 2) }}", 1, "trunc: argument 1 is a text, and a whole number is needed"),
    ("{{ upper(5) }}", 1, "upper: argument 1 is a number, and a text is needed"),
    ("{{ trunc(2.5, 'a') }}", 1, "trunc: argument 1 is a number, and a whole number is needed"),
    ("{{ trunc(2) }}", 1, "wrong number of args for trunc: want 2 got 1"),
    ("{{ trunc(length=2, text='a') }}", 1, "trunc takes no argument by name (length)"),
    ("{{ fail('not here') }}", 1, "fail: not here"),
    ("{{ env('HOME') }}", 1, "env is not available: templates do not see the process's environment"),
    ("{{ Resource.spec.ports[7] }}", 1, "there is no element 7: the list has 2"),
    ("{{ Resource.spec.clusterIP.nope }}", 1, '"nope" is read of a text, which has no such part'),
    ("{% for x in Resource.spec.ports %}\n{{ x.name }}\n{% endfor %}", 2, 'there is no key "name"; the keys there are port'),
    ("{% if %}", 1, "Expected an expression, got 'end of statement block'"),
    ("a\n{% for x in y %}", 2, None),
    ("{{ 1 / 0 }}", 1, "division by zero"),
    ("{% include 'x' %}", 1, 'there are no other templates to take in: "x"'),
    ("{{ upper }}", 1, "a function cannot be written into the text; call it, or make a list of it"),
    ("{{ chainSetField(5, 'a', 1) }}", 1, "chainSetField: argument 1 is a number, and a map is needed"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "sentence"), SENTENCES)
def test_what_is_wrong_is_one_sentence_with_its_line(text: str, line: int, sentence: str | None) -> None:
    answer = ask(text)
    assert answer.line == line
    assert "\n" not in answer.error
    assert sentence is None or answer.error == sentence


def test_the_functions_are_those_of_go_templates_and_the_rest_is_listed() -> None:
    """What a template may call is an explicit list: an addition must be made here, too (SEC-12)."""
    for functions in (event_functions(), deploy_functions({})):
        environment = Jinja(functions, 1 << 20)
        assert set(environment.globals) == {*functions, *OWN_GLOBALS}
        assert set(environment.filters) == {*functions, *OWN_FILTERS, "tojson"}
        assert set(environment.tests) == frozenset(TESTS)
    assert OWN_GLOBALS == ("range", "namespace")
    assert not {"attr", "random", "pprint", "xmlattr", "urlize", "safe", "forceescape", "striptags"} & set(OWN_FILTERS)


def test_a_template_changes_no_data_of_another_run() -> None:
    text = "{% set _ = set(Resource, 'added', 1) %}{{ Resource | keys | sortAlpha | join(' ') }}"
    CONTAINED.forget()
    CONTAINED.keep("it", text)
    for _ in range(2):
        answer = CONTAINED.run("it", "jinja2 text event", orjson.dumps({"data": DATA, "now": NOW.isoformat()}), lambda: None)
        assert answer.value == "added apiVersion items keys kind metadata spec"


@pytest.mark.parametrize(
    ("annotations", "language"),
    [
        (({}, None), Language()),
        (({"fleetd.io/template-engine": "jinja2"}, None), Language(Engine.JINJA2)),
        ((None, {"fleetd.io/template-engine": "jinja2"}), Language(Engine.JINJA2)),
        (({"fleetd.io/template-engine": "go"}, {"fleetd.io/template-engine": "jinja2"}), Language()),
        (({"fleetd.io/template-form": "structured"}, {"fleetd.io/template-engine": "jinja2"}), Language(Engine.JINJA2, Form.STRUCTURED)),
    ],
)
def test_the_contents_own_annotations_come_before_its_profiles(annotations: Any, language: Language) -> None:
    assert language_of(*annotations) == language
    assert Task.parse(str(Task(language, event=True))) == Task(language, event=True)


@pytest.mark.parametrize(
    ("annotations", "sentence"),
    [
        (
            {"fleetd.io/template-engine": "jinja"},
            'fleetd.io/template-engine is "jinja" and may be go, jinja2, jsonnet; did you mean jinja2?',
        ),
        ({"fleetd.io/template-form": "yes"}, 'fleetd.io/template-form is "yes" and may be text, structured'),
        (
            {"fleetd.io/template-form": "structured", "fleetd.io/template-engine": "jsonnet"},
            "fleetd.io/template-form: Jsonnet yields objects in any case, so it has no structured form",
        ),
    ],
)
def test_an_annotation_that_names_nothing_is_told(annotations: dict[str, str], sentence: str) -> None:
    with pytest.raises(EvaluationFailed) as caught:
        language_of(annotations)
    assert str(caught.value) == sentence
