"""How names are found: dots, containers, what hides them, and what happens to those that do not exist."""

from __future__ import annotations

import pytest

from fleetd.decide.cel.program import compile_cel
from fleetd.domain.errors import EvaluationFailed


@pytest.mark.parametrize(
    ("container", "bindings", "value"),
    [
        ("", {"y": 1}, 1),
        ("x", {"x.y": 2, "y": 1}, 2),
        ("a.b", {"a.b.y": 3, "a.y": 2, "y": 1}, 3),
        ("a.b", {"a.y": 2, "y": 1}, 2),
        ("a.b", {"y": 1}, 1),
    ],
)
def test_a_name_is_sought_in_the_container_and_then_outwards(container: str, bindings: dict[str, int], value: int) -> None:
    assert compile_cel("y", variables=tuple(bindings), container=container).evaluate(bindings) == value


def test_a_dot_before_a_name_leaves_the_container_and_the_macros() -> None:
    bindings = {"x.y": 2, "y": 1}
    assert compile_cel(".y", variables=tuple(bindings), container="x").evaluate(bindings) == 1
    assert compile_cel("[5].exists(y, y == 5 && .y == 1)", variables=tuple(bindings), container="x").evaluate(bindings) is True


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("[1].exists(resource, .resource.a == resource)", [("a",)]),
        ("cel.bind(resource, 1, .resource.a.b == resource)", [("a", "b")]),
        ("cel.block([resource.a], cel.index(0) == 1)", [("a",)]),
    ],
)
def test_what_is_read_behind_a_name_that_hides_the_object_is_known(source: str, paths: list[tuple[str, ...]]) -> None:
    assert compile_cel(source).reads == frozenset(paths)


@pytest.mark.parametrize("source", ["x", "f(17)", "resource.a.nothing()", "startsWith(1)", "size()"])
def test_unchecked_what_does_not_exist_is_an_error_of_the_evaluation_that_another_term_may_forgive(source: str) -> None:
    with pytest.raises(EvaluationFailed):
        compile_cel(source)
    lenient = compile_cel(source, checked=False)
    for _ in range(2):
        with pytest.raises(EvaluationFailed):
            lenient.evaluate({"resource": {"a": 1}})
    assert compile_cel(f"{source} || true", checked=False).matches({"a": 1})


def test_one_text_is_compiled_once() -> None:
    assert compile_cel("resource.once == 1") is compile_cel("resource.once == 1")
    assert compile_cel("resource.once == 1") is not compile_cel("resource.once == 1", variables=("resource", "cluster"))
