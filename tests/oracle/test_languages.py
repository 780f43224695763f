"""The oracle's own languages, by cases that are plain to see."""

from __future__ import annotations

import runpy
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

LANGUAGES = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("languages.py"))))
DESIRED = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("desired.py"))))
LABELS = {"env": "prod", "tier": "gold"}


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        ({}, False),
        (None, False),
        ({"matchLabels": {"env": "prod"}}, True),
        ({"matchLabels": {"env": "prod", "tier": "iron"}}, False),
        ({"matchExpressions": [{"key": "env", "operator": "In", "values": ["test", "prod"]}]}, True),
        ({"matchExpressions": [{"key": "env", "operator": "NotIn", "values": ["prod"]}]}, False),
        ({"matchExpressions": [{"key": "no", "operator": "NotIn", "values": ["prod"]}]}, True),
        ({"matchExpressions": [{"key": "no", "operator": "Exists"}]}, False),
        ({"matchLabels": {"env": "prod"}, "matchExpressions": [{"key": "no", "operator": "DoesNotExist"}]}, True),
    ],
)
def test_selectors(selector: Any, chosen: bool) -> None:
    assert LANGUAGES.selected(selector, LABELS) is chosen


@pytest.mark.parametrize(
    ("operation", "key", "value", "fits"),
    [
        ("Equal", "env", "prod", True),
        ("Equal", "no", "", False),
        ("Different", "env", "prod", False),
        ("Different", "no", "prod", True),
        ("Has", "tier", "", True),
        ("DoesNotHave", "tier", "", False),
    ],
)
def test_label_filters(operation: str, key: str, value: str, fits: bool) -> None:
    assert LANGUAGES.filtered([{"operation": operation, "key": key, "value": value}], LABELS) is fits


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ("resource.spec.n > 2", True),
        ("resource.spec.n > 3", False),
        ("resource.spec.missing == 1", False),
        ("has(resource.spec.n) && cluster.labels.env == 'prod'", True),
        ("resource.spec.n", False),
        ("resource.spec.list.exists(i, has(i.ip))", True),
    ],
)
def test_rules(rule: str, holds: bool) -> None:
    resource = {"spec": {"n": 3, "list": [{"host": "a"}, {"ip": "b"}]}}
    assert LANGUAGES.cel_holds(rule, resource, {"labels": LABELS}) is holds


@pytest.mark.parametrize("rule", ["resource.a ==", "resource.name.unknown(1)"])
def test_what_is_not_understood_is_not_guessed(rule: str) -> None:
    with pytest.raises(LANGUAGES.Beyond):
        LANGUAGES.cel_holds(rule, {"name": "x"}, {})


@pytest.mark.skipif(find_spec("helm_python") is None, reason="the Go engine is in helm-python-sdk")
def test_templates() -> None:
    go = LANGUAGES.Go()
    try:
        data = {"R": {"n": 3, "list": ["a", 'b"'], "none": None, "yes": True, "half": 0.5}}
        text = "{{ .R.n }} {{ range .R.list }}{{ . | quote }}{{ end }} {{ if .R.yes }}{{ .R.half }}{{ end }} {{ hasKey .R `x` }}"
        assert go.rendered(text, data) == '3 "a""b\\"" 0.5 false'
        assert go.rendered("as it is", {}) == "as it is"
        with pytest.raises(LANGUAGES.Beyond):
            go.rendered("{{ .R.n.m.o }}", data)
        with pytest.raises(LANGUAGES.Beyond):
            go.rendered('{{ getResource "x" }}', data)
    finally:
        go.close()


@pytest.mark.parametrize(
    ("wanted", "found", "short"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, [".a.b[1]: wanted 2, found 3"]),
        ({"a": [1]}, {"a": [1, 2]}, [".a: wanted [1], found [1, 2]"]),
        ({"a": None, "b": {}}, {}, []),
        ({"a": 1}, {}, [".a: wanted 1, found None"]),
    ],
)
def test_what_is_beside_what_is_wanted_does_not_count(wanted: Any, found: Any, short: list[str]) -> None:
    assert list(DESIRED.falls_short(wanted, found)) == short
