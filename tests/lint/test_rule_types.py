"""Rules whose types do not fit, and rules for another engine: each with a twin that is well."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fleetd.domain.findings import Finding, Severity

Checked = Callable[..., list[Finding]]


def _source(rule: str, *, kind: str = "Deployment", group: str = "apps", annotations: str = "{}") -> str:
    return (
        f"apiVersion: lib.projectsveltos.io/v1beta1\nkind: EventSource\nmetadata:\n  name: a\n  annotations: {annotations}\nspec:\n"
        f"  resourceSelectors:\n  - group: '{group}'\n    version: v1\n    kind: {kind}\n    evaluateCEL:\n    - name: r\n      rule: |-\n"
        f"        {rule}\n"
    )


@pytest.mark.parametrize(
    ("rule", "column", "said", "twin"),
    [
        ('resource.a == 1 || 1 + "a" == 2', 28, "an int + a string has no meaning", "resource.a == 1 || 1 + 1 == 2"),
        ("'a' > 1 || resource.a == 1", 9, "a string > an int has no meaning", "'a' > 'b' || resource.a == 1"),
        ("size(3) > 1 || resource.a == 1", 9, "size does not take an int", "size('3') > 1 || resource.a == 1"),
        (
            "resource.spec.replicas == '3' || resource.spec.paused",
            9,
            "an int never equals a string",
            "resource.spec.replicas == 3 || resource.spec.paused",
        ),
        ("resource.metadata.labels.size > 3", 9, "a string > an int has no meaning", "int(resource.metadata.labels.size) > 3"),
        ("resource.metadata.name.exists(n, n == 'a')", 9, "goes over a list or a map", "resource.metadata.labels.exists(n, n == 'a')"),
        ("resource.spec.replicas && resource.a", 9, "&& takes booleans", "resource.spec.paused && resource.a"),
    ],
)
def test_types_that_do_not_fit_are_a_warning_in_the_file(rule: str, column: int, said: str, twin: str, checked: Checked) -> None:
    (finding,) = checked(_source(rule))
    assert (finding.code, finding.severity, finding.line, finding.column) == ("FD212", Severity.WARNING, 14, column)
    assert said in finding.message
    assert checked(_source(twin)) == []


@pytest.mark.parametrize(
    "rule", ["resource.metadata.name", "resource.metadata.labels.map(k, k)", "resource.spec.replicas + 1", "string(resource.x)"]
)
def test_a_rule_that_yields_no_boolean_is_never_true(rule: str, checked: Checked) -> None:
    (finding,) = checked(_source(rule))
    assert (finding.code, finding.line) == ("FD210", 14)
    assert "not true or false" in finding.message


def test_fields_of_other_kinds_are_not_guessed(checked: Checked) -> None:
    assert checked(_source("resource.spec.replicas == '3'", kind="Thing", group="example.com")) == []


def test_a_rule_for_the_second_engine_is_a_warning(checked: Checked) -> None:
    (finding,) = checked(_source("google.protobuf.Int64Value{value: 3} == 3"))
    assert (finding.code, finding.severity) == ("FD213", Severity.WARNING)
    assert "cel-python" in finding.message
    assert checked(_source("resource.a == 3")) == []


def test_a_source_may_name_its_engine_and_no_other(checked: Checked) -> None:
    assert checked(_source("google.protobuf.Int64Value{value: 3} == 3", annotations="{fleetd.io/cel-engine: cel-python}")) == []
    (finding,) = checked(_source("resource.a == 3", annotations="{fleetd.io/cel-engine: celpython}"))
    assert (finding.code, finding.line) == ("FD105", 5)
    assert "did you mean cel-python?" in finding.message


def test_a_rule_may_ask_about_the_cluster(checked: Checked) -> None:
    assert checked(_source("cluster.labels.env == 'prod' && cluster.name != resource.metadata.name && cluster.namespace == 'a'")) == []
