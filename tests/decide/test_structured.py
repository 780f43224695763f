"""Structured templates, of both languages: a value stays in its place and keeps its type (SEC-15)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetd.decide.engines.contained import Contained
from fleetd.decide.engines.go_structure import compile_go
from fleetd.decide.gotemplate.functions.library import event_functions
from fleetd.decide.gotemplate.run import Budget, Surroundings
from fleetd.domain.documents import read_documents
from fleetd.domain.errors import EvaluationFailed, OverBudget

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FUNCTIONS = event_functions()
CONTAINED = Contained(Budget())


def go(text: str, data: dict[str, Any]) -> str:
    return compile_go(text, FUNCTIONS).render(data, Budget(), Surroundings(NOW))


def jinja(text: str, data: dict[str, Any]) -> str:
    CONTAINED.forget()
    CONTAINED.keep("it", text)
    answer = CONTAINED.run("it", "jinja2 structured event", orjson.dumps({"data": data, "now": NOW.isoformat()}), lambda: None)
    if answer.error:
        raise EvaluationFailed(answer.error, line=answer.line)
    assert answer.value is not None
    return answer.value


def documents(text: str) -> list[Any]:
    """What a delivery would read of it."""
    return [document.manifest for document in read_documents(text, source="made")]


GO = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: made
  labels: {"{{ .value }}": x}
data:
  alone: "{{ .value }}"
  amid: "a{{ .value }}b"
  block: |
    {{ .value }}
    end
  folded: >-
    {{ .value }} {{ .value }}
  list: ["{{ .value }}", "{{ .value }}-x"]
"""
JINJA = GO.replace("{{ .value }}", "{{ value }}")
BREAKING = (
    "a\nkind: ClusterRoleBinding", "---\napiVersion: v1\nkind: Secret", '"', "'", '", "x": "', "}", "]", "{", "[", "{}", "#",
    "a # b", "&a", "*a", "!!python/object:os.system", "!!binary aGk=", "<<", "<<: *x", "|", ">-", "%YAML 1.1", "null", "~",
    "true", "no", "on", "0x10", "012", "1e3", ".inf", "2026-01-01", "1_000", "12:30:45", "", " ", "\t", "\n", "\r\n", "\u2028",
    "\x85", "\ufeff", "\\", "\\n", "\\u0022", "...", "- a", "? a", ": a", "a: b", "{{ .value }}", "{{ value }}", "{% raw %}", "`",
    "$", "${x}", "$(x)", "\u202e", "=", "@", ",", "a: &a [*a]", "key:\n  sub: 1",
)  # fmt: skip


def expected(value: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "made", "labels": {value: "x"}},
        "data": {
            "alone": value,
            "amid": f"a{value}b",
            "block": f"{value}\nend\n",
            "folded": f"{value} {value}",
            "list": [value, f"{value}-x"],
        },
    }


@pytest.mark.parametrize("value", BREAKING)
def test_no_value_breaks_out_of_its_place(value: str) -> None:
    assert documents(go(GO, {"value": value})) == [expected(value)]
    assert documents(jinja(JINJA, {"value": value})) == [expected(value)]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
@settings(max_examples=150)
def test_whatever_a_value_is_the_structure_stays(value: str) -> None:
    assert documents(go(GO, {"value": value})) == [expected(value)]
    assert documents(jinja(JINJA, {"value": value})) == [expected(value)]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
PLAIN = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | TEXT
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: number != int(number) if abs(number) < 2**53 else False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(PLAIN)
@settings(max_examples=100)
def test_types_survive(value: Any) -> None:
    wanted = {"a": value, "b": [value]}
    for made in (go('{a: "{{ .v }}", b: ["{{ .v }}"]}', {"v": value}), jinja('{a: "{{ v }}", b: ["{{ v }}"]}', {"v": value})):
        assert json.dumps(json.loads(made), sort_keys=True) == json.dumps(wanted, sort_keys=True)


EQUIVALENT = [
    ('a: "{{ .n }}"', 'a: "{{ n }}"', {"a": 3}),
    ('a: "{{ .n }} "', 'a: "{{ n }} "', {"a": "3 "}),
    ("a: 3\nb: 'x'", "a: 3\nb: 'x'", {"a": 3, "b": "x"}),
    ('a: "{{ .none }}"\nb: ["{{ .none }}", 1]', 'a: "{{ none }}"\nb: ["{{ none }}", 1]', {"b": [1]}),
    ('a: "{{ eq .n 3 }}"', 'a: "{{ n == 3 }}"', {"a": True}),
    ('a: ["{{ range .list }}": "p-{{ . }}"]', 'a: ["{% for x in list %}": "p-{{ x }}"]', {"a": ["p-80", "p-81"]}),
    (
        'a:\n- "{{ range $i, $x := .list }}": {port: "{{ $x }}", name: "{{ $.n }}-{{ $i }}"}',
        'a:\n- "{% for x in list %}": {port: "{{ x }}", name: "{{ n }}-{{ list.index(x) }}"}',
        {"a": [{"port": 80, "name": "3-0"}, {"port": 81, "name": "3-1"}]},
    ),
    (
        'a: {"{{ range $k, $v := .map }}": {"k-{{ $k }}": "{{ $v }}"}, z: 1}',
        'a: {"{% for k, v in map.items() %}": {"k-{{ k }}": "{{ v }}"}, z: 1}',
        {"a": {"k-one": 1, "k-two": "2", "z": 1}},
    ),
    ('"{{ if .yes }}": {a: 1}\n"{{ if not .yes }}": {b: 1}', '"{% if yes %}": {a: 1}\n"{% if not yes %}": {b: 1}', {"a": 1}),
    ('a: {"{{ range .list }}": ["{{ . }}", 0]}', 'a: {"{% for x in list %}": ["{{ x }}", 0]}', {"a": [80, 0, 81, 0]}),
    ('a: {"{{ if .yes }}": x}\nb: {"{{ if not .yes }}": x}', 'a: {"{% if yes %}": x}\nb: {"{% if not yes %}": x}', {"a": "x"}),
    (
        'a: ["{{ range .list }}": {"{{ range $.list }}": {"p{{ . }}": 1}}]',
        'a: ["{% for x in list %}": {"{% for y in list %}": {"p{{ y }}": 1}}]',
        {"a": [{"p80": 1}, {"p81": 1}, {"p80": 1}, {"p81": 1}]},
    ),
    ('a: "{{ if .yes }}{{ .n }}{{ end }}"', 'a: "{% if yes %}{{ n }}{% endif %}"', {"a": "3"}),
]
GIVEN = {"n": 3, "none": None, "list": [80, 81], "map": {"one": 1, "two": "2"}, "yes": True}


@pytest.mark.parametrize(("of_go", "of_jinja", "made"), EQUIVALENT)
def test_both_languages_make_the_same(of_go: str, of_jinja: str, made: Any) -> None:
    assert json.loads(go(of_go, GIVEN)) == made
    assert json.loads(jinja(of_jinja, GIVEN)) == made


def test_a_repeated_document_is_many_documents() -> None:
    given = {"names": ["a", "b"]}
    repeated = '"{{ range .names }}":\n  apiVersion: v1\n  kind: Namespace\n  metadata: {name: "{{ . }}"}\n'
    text = repeated + "---\n# nothing\n---\nkind: X\napiVersion: v1\n"
    made = documents(go(text, given))
    assert [document["kind"] for document in made] == ["Namespace", "Namespace", "X"]
    assert [document["metadata"]["name"] for document in made[:2]] == ["a", "b"]


WRONG = [
    ("a: {{ .n }}", "a: {{ n }}", "a structured template must be YAML: 1:5: .*an expression must stand in quotes"),
    ("a: [", "a: [", "a structured template must be YAML"),
    ('x:\n  a: "{{ .list.x }}"', 'x:\n  a: "{{ map.x }}"', r"x\.a: .*"),
    ('a:\n- 1\n- "{{ nope . }}"', 'a:\n- 1\n- "{{ nope(n) }}"', r"a\[1\]: .*nope"),
    ('"{{ .n }}": 1', '"{{ n }}": 1', "a key must be a text"),
    ('"{{ .map.two }}": 1\n"2": 2', '"{{ map.two }}": 1\n"2": 2', 'the key "2" stands twice'),
    ('a: "{{ range .list }}"', 'a: "{% for x in list %}"', "belongs into a key"),
    ('"{{ range .n }}": {a: 1}', '"{% for x in n %}": {a: 1}', "."),
    ('"{{ range .list }}": {a: 1}\nb: 1', '"{% for x in list %}": {a: 1}\nb: 1', 'the key "a" stands twice'),
    ('"{{ if .yes }}": 1\nb: 1', '"{% if yes %}": 1\nb: 1', "a map must stand below it"),
    ('a: "{{ .n"', 'a: "{{ n"', "a: "),
    ('a: {"{{ range .list }}": 1}', 'a: {"{% for x in list %}": 1}', "a list or a map must stand below"),
    ('"{{ if $x := .yes }}": {a: 1}', '"{% for x in list if x %}": {a: 1}', "takes no variable|this key repeats or chooses"),
    ("a: &a ['{{ .n }}', *a]", "a: &a ['{{ n }}', *a]", "must be YAML"),
]


@pytest.mark.parametrize(("of_go", "of_jinja", "sentence"), WRONG)
def test_what_is_wrong_is_said_in_one_sentence_with_its_place(of_go: str, of_jinja: str, sentence: str) -> None:
    for render, text in ((go, of_go), (jinja, of_jinja)):
        with pytest.raises(EvaluationFailed, match=sentence) as caught:
            render(text, GIVEN)
        assert "\n" not in str(caught.value)


def test_the_line_of_a_wrong_expression_is_known() -> None:
    for render, text in ((go, 'a: 1\nb:\n  c: "{{ .x }}"'), (jinja, 'a: 1\nb:\n  c: "{{ x }}"')):
        with pytest.raises(EvaluationFailed) as caught:
            render(text, GIVEN)
        assert caught.value.line == 3


@pytest.mark.parametrize(
    "text",
    [
        '"{{ range until 10000 }}": ["{{ range until 10000 }}": "{{ . }}"]',
        "a: \"{{ repeat 10000000 .n }}\"",
        'a: ["{{ range until 10000 }}": "{{ $.big }}"]',
        'a: "{{ range until 10000 }}{{ range until 10000 }}{{ end }}{{ end }}"',
        "a: " + '["{{ .big }}", ' * 100 + "1" + "]" * 100,
    ],
)  # fmt: skip
def test_a_structured_template_that_makes_too_much_is_over_its_budget(text: str) -> None:
    with pytest.raises((OverBudget, EvaluationFailed)):
        go(text, {"n": "x", "big": ["x" * 1000] * 1000})


def test_what_a_function_changes_in_place_is_a_copy() -> None:
    data = {"map": {"a": 1}}
    assert json.loads(go('a: "{{ set .map `b` 2 }}"\nc: "{{ .map }}"', data)) == {"a": {"a": 1, "b": 2}, "c": {"a": 1}}
    assert data == {"map": {"a": 1}}
