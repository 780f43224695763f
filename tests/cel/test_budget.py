"""No expression takes more than it may: steps, memory, or depth."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.decide.cel.program import compile_cel
from fleetd.domain.errors import EvaluationFailed, OverBudget

MANY = list(range(200))


@pytest.mark.parametrize(
    "source",
    [
        "resource.many.all(a, resource.many.all(b, resource.many.all(c, resource.many.all(d, true))))",
        "resource.many.map(a, resource.many.map(b, resource.many.map(c, c)))",
        "resource.many.exists(a, resource.many.exists(b, resource.many.exists(c, false)))",
        "resource.many.filter(a, resource.many.all(b, resource.many.all(c, true))).size() > 0",
        "resource.many.map(a, resource.many.map(b, a + b)) == resource.many.map(a, resource.many.map(b, a + b))",
        "resource.many.all(a, resource.many.all(b, a in resource.many || true))",
        "resource.many.all(a, resource.long.matches('(a+)+$'))",
        "resource.many.map(a, resource.long.replace('a', 'bbbbbbbb')).size() > 0",
        "resource.long.replace('', resource.long).size() > 0",
        "resource.many.map(a, resource.long).join(resource.long).size() > 0",
        "resource.many.map(a, resource.many).flatten().map(a, resource.many).size() > 0",
        "resource.many.all(a, resource.deep == resource.deep)",
        "lists.range(100000).size() > 0",
        "resource.many.all(a, resource.many.all(b, '%.1000f'.format([1.0]).size() > 0))",
    ],
)
def test_a_bomb_is_stopped(source: str) -> None:
    program = compile_cel(source)
    resource = {"many": MANY, "long": "a" * 20_000, "deep": {str(key): MANY for key in range(20)}}
    with pytest.raises(OverBudget):
        program.evaluate({"resource": resource})


@pytest.mark.parametrize("join", ["x + x", "[x, x]", "{'a': x, 'b': x}"])
@pytest.mark.parametrize("seed", ["'aaaaaaaa'", "[1, 2]"])
def test_doubling_is_stopped(join: str, seed: str) -> None:
    source = seed
    for _ in range(60):
        source = f"cel.bind(x, {source}, {join})"
    with pytest.raises(OverBudget):
        compile_cel(source).evaluate({"resource": {}})


def test_what_is_shared_many_times_is_charged_each_time_it_is_looked_at() -> None:
    shared = "cel.bind(a, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1], {})"
    for _ in range(9):
        shared = shared.format("cel.bind(a, [a, a, a, a, a, a, a, a, a, a], {})")
    for question in (
        "a == a",
        "'%s'.format([a]) == ''",
        "a.flatten(20).size() > 0",
        "a in [a]",
        "sets.contains(a, a)",
        "a.distinct() == a",
    ):
        with pytest.raises(OverBudget):
            compile_cel(shared.replace("{}", question)).evaluate({"resource": {}})


@pytest.mark.parametrize(
    "source",
    [
        "{} || true",
        "true && ({} || true)",
        "!({} && false)",
        "[1].exists(x, {} || true)",
        "[1, 2].all(x, {}) || true",
        "[1, 2].exists(x, x == 2 || {})",
        "{} ? 1 : 2",
    ],
)
def test_a_budget_that_is_used_up_is_never_forgiven(source: str) -> None:
    bomb = "resource.many.all(a, resource.many.all(b, resource.many.all(c, true)))"
    with pytest.raises(OverBudget):
        compile_cel(source.replace("{}", f"({bomb})")).evaluate({"resource": {"many": MANY}})


def test_the_budget_is_that_of_one_evaluation() -> None:
    program = compile_cel("resource.many.all(a, a >= 0)")
    for _ in range(50):
        assert program.evaluate({"resource": {"many": MANY}}, budget=2000) is True


@given(st.integers(0, 30), st.integers(0, 200))
def test_a_larger_budget_never_changes_an_answer(items: int, budget: int) -> None:
    program = compile_cel("resource.items.map(x, x * 2).filter(x, x > 3).size() > 2 || 3 in resource.items")
    resource: dict[str, Any] = {"items": list(range(items))}
    full = program.evaluate({"resource": resource})
    try:
        assert program.evaluate({"resource": resource}, budget=budget) == full
    except OverBudget:
        assert budget < 15 + items * 15


def test_straight_lines_cost_nothing_while_they_run_and_are_weighed_beforehand() -> None:
    program = compile_cel("resource.a == 1 && resource.b == 2")
    with pytest.raises(OverBudget, match="at least"):
        program.evaluate({"resource": {"a": 1, "b": 2}}, budget=3)


def test_a_value_that_is_nested_too_deeply_is_an_error_and_no_crash() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises((EvaluationFailed, OverBudget)):
        compile_cel("resource.a == resource.b").evaluate({"resource": {"a": deep, "b": [deep]}}, budget=10**9)
