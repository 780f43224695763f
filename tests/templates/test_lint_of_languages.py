"""The checker knows every template language: what does not compile is told with its place in the user's file."""

from __future__ import annotations

import pytest

from fleetd.decide.lint.check import check
from fleetd.domain.documents import read_documents
from fleetd.service.compilers import Engines

HEAD = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: default, annotations: {projectsveltos.io/template: ok%s}}
data:
  a.yaml: |
"""
JINJA = ", fleetd.io/template-engine: jinja2"
STRUCTURED = ", fleetd.io/template-form: structured"


def found(text: str, annotations: str) -> list[tuple[str, int, int, str]]:
    whole = HEAD % annotations + "".join(f"    {line}\n" for line in text.splitlines())
    return [(one.code, one.line, one.column, one.message) for one in check(read_documents(whole, source="a.yaml"), Engines())]


@pytest.mark.parametrize(
    ("text", "annotations", "line", "said"),
    [
        ("a: b\nc: {{ .Cluster.metadata.name }}", JINJA, 7, "looks like a Go template: in Jinja2 it is Cluster, not .Cluster"),
        ('a: {{ printf "%s" Cluster.metadata.name }}', JINJA, 6, "looks like a Go template"),
        ("a: {{ $x }}", JINJA, 6, "looks like a Go template"),
        ("{% for a in b %}\n{{ a | uper }}\n{% endfor %}", JINJA, 7, "there is no filter uper; did you mean upper?"),
        ("a: b\n{% if x %}\n", JINJA, 7, "endif"),
        ("a: {{ Cluster.metadata.name }}", "", 6, "data has a dot before it, .Cluster"),
        ('a: x\nb: "{{ nope }}"', STRUCTURED, 7, 'function "nope" not defined'),
        ("a: {{ .x }}", STRUCTURED, 6, "an expression must stand in quotes"),
        ('a:\n  - "{{ x | uper }}"', JINJA + STRUCTURED, 7, "there is no filter uper; did you mean upper?"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", JINJA, 6, "nested too deeply"),
        ("{{ 1" + " + 1" * 9000 + " }}", JINJA, 6, "nested too deeply"),
    ],
)
def test_what_does_not_compile_is_told_with_its_place(text: str, annotations: str, line: int, said: str) -> None:
    ((code, at, column, message),) = found(text, annotations)
    assert (code, at) == ("FD203", line)
    assert column > 0
    assert said in message


@pytest.mark.parametrize("annotations", [", fleetd.io/template-engine: jinja", ", fleetd.io/template-form: struktured"])
def test_a_language_that_is_none_is_told_at_its_annotation(annotations: str) -> None:
    ((code, line, column, message),) = found("a: b", annotations)
    assert (code, line) == ("FD105", 3)
    assert column > 50
    assert "may be" in message


@pytest.mark.parametrize(
    ("text", "annotations"),
    [
        ("{% for a in Cluster.metadata.labels.items() %}\n{{ a[0] | trunc(5) }}: {{ a[1] }}\n{% endfor %}", JINJA),
        ('a: "{{ .Cluster.metadata.name }}"', STRUCTURED),
        ('"{% for a in x %}": {"{{ a }}": 1}', JINJA + STRUCTURED),
        ("{apiVersion: std.extVar('Cluster').x}", ", fleetd.io/template-engine: jsonnet"),
        ("a: {{ .Cluster.metadata.name }}", ", fleetd.io/template-engine: go"),
    ],
)
def test_what_compiles_is_not_complained_about(text: str, annotations: str) -> None:
    assert found(text, annotations) == []
