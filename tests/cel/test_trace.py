"""Who asks why gets the sub-expression that decided, with its values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.decide.cel.program import compile_cel
from fleetd.decide.cel.trace import Trace
from fleetd.domain.errors import EvaluationFailed

SERVICE = {
    "kind": "Service",
    "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {"type": "ClusterIP", "replicas": 2, "ports": [{"port": 80}, {"port": 443}]},
}


@pytest.mark.parametrize(
    ("source", "deciding"),
    [
        ("resource.spec.replicas == 3", "resource.spec.replicas == 3 is false: resource.spec.replicas = 2"),
        (
            "resource.kind == 'Service' && resource.spec.type == 'LoadBalancer'",
            "resource.spec.type == 'LoadBalancer' is false: resource.spec.type = \"ClusterIP\"",
        ),
        ("resource.kind == 'Pod' || resource.spec.replicas > 1", "resource.spec.replicas > 1 is true: resource.spec.replicas = 2"),
        ("!(resource.kind == 'Service')", "(resource.kind == 'Service') is true: resource.kind = \"Service\""),
        ("resource.spec.ports.exists(p, p.port == 443)", "p.port == 443 is true: p.port = 443"),
        ("resource.spec.ports.all(p, p.port > 100)", "p.port > 100 is false: p.port = 80"),
        (
            "resource.kind == 'Service' ? resource.spec.replicas > 5 : true",
            "resource.spec.replicas > 5 is false: resource.spec.replicas = 2",
        ),
        ("has(resource.status) && resource.status.ready", "has(resource.status) is false"),
        ("resource.status.ready == true", "resource.status.ready failed: no such key: 'status'"),
        ("resource.kind == 'Service' && resource.a.b", "resource.a.b failed: no such key: 'a'"),
        ("cel.bind(n, resource.spec.replicas, n > 1 && n > 5)", "n > 5 is false: n = 2"),
        (
            "resource.kind == 'Pod' || resource.kind == 'Node'",
            "resource.kind == 'Pod' || resource.kind == 'Node' is false: resource.kind = \"Service\"",
        ),
        ("resource.kind in ['Pod', 'Node']", "resource.kind in ['Pod', 'Node'] is false: resource.kind = \"Service\""),
    ],
)
def test_the_smallest_part_that_decided_is_named_with_its_values(source: str, deciding: str) -> None:
    assert compile_cel(source).trace({"resource": SERVICE}).deciding.startswith(deciding)


def _walk(trace: Trace) -> Iterator[Trace]:
    yield trace
    for child in trace.children:
        yield from _walk(child)


def test_every_part_carries_its_own_text_and_value() -> None:
    source = "(resource.spec.replicas + 1) * 2 == 6 && size(resource.spec.ports) == 2"
    trace = compile_cel(source).trace({"resource": SERVICE})
    found = {each.text: each.value for each in _walk(trace)}
    assert found["(resource.spec.replicas + 1)"] == 3
    assert found["(resource.spec.replicas + 1) * 2"] == 6
    assert found["size(resource.spec.ports)"] == 2
    assert all(source[each.start : each.end] == each.text for each in _walk(trace))


def test_an_error_is_kept_where_it_arose_and_not_raised() -> None:
    trace = compile_cel("resource.missing.x == 1 || resource.kind == 'Service'").trace({"resource": SERVICE})
    assert trace.value is True
    assert [each.error for each in trace.children] == ["no such key: 'missing'", None]


def test_a_budget_that_is_used_up_ends_the_trace_with_its_error() -> None:
    trace = compile_cel("resource.spec.ports.all(p, p.port > 0)").trace({"resource": SERVICE}, budget=8)
    assert trace.error is not None
    assert "steps" in trace.error


def test_the_trace_of_a_large_loop_is_cut_and_its_value_is_not() -> None:
    trace = compile_cel("resource.all(x, x >= 0)").trace({"resource": list(range(5000))})
    assert trace.value is True
    assert sum(1 for _ in _walk(trace)) <= 2001


def test_long_and_deep_values_are_shown_short() -> None:
    deep: Any = 1
    for _ in range(200):
        deep = {"a": deep, "b": [deep, deep]}
    trace = compile_cel("resource.a == resource.text").trace({"resource": {"a": deep, "text": "x" * 10_000}}, budget=10**6)
    assert len(trace.deciding) < 2000


@given(
    st.sampled_from(
        ["resource.a > 1 && resource.b", "resource.a == 1 || !resource.b", "resource.l.exists(x, x == resource.a)", "resource.b ? 1 : 2"]
    ),
    st.fixed_dictionaries(
        {}, optional={"a": st.integers(0, 2), "b": st.booleans() | st.none(), "l": st.lists(st.integers(0, 2) | st.text(max_size=1))}
    ),
)
def test_a_trace_has_the_value_of_the_evaluation(source: str, resource: dict[str, Any]) -> None:
    program = compile_cel(source)
    trace = program.trace({"resource": resource})
    if trace.error is None:
        assert program.evaluate({"resource": resource}) == trace.value
        return
    with pytest.raises(EvaluationFailed) as caught:
        program.evaluate({"resource": resource})
    assert trace.error == str(caught.value)
