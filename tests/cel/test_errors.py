"""What is wrong is said in one sentence, with its place."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest

from fleetd.decide.cel.port import NotUnderstood
from fleetd.decide.cel.program import compile_cel
from fleetd.domain.errors import EvaluationFailed


def _refused(source: str, variables: tuple[str, ...] = ("resource",)) -> EvaluationFailed:
    with pytest.raises(EvaluationFailed) as caught:
        compile_cel(source, variables=variables)
    return caught.value


@pytest.mark.parametrize(
    ("source", "line", "column", "part"),
    [
        ("", 1, 1, "empty"),
        ("1 +", 1, 4, "a value is missing"),
        ("true &&\n  (resource.a", 2, 14, "')' is missing"),
        ("resource.a = 1", 1, 12, "equality is written =="),
        ("resource.a & true", 1, 12, "'and' is written &&"),
        ("object.spec.x == 1", 1, 1, "undeclared reference to 'object'; the object is called 'resource' here"),
        ("true || self.a", 1, 9, "undeclared reference to 'self'; the object is called 'resource' here"),
        ("resourc.a", 1, 1, "did you mean resource?"),
        ("resource.a.starsWith('x')", 1, 12, "there is no function starsWith; did you mean startsWith?"),
        ("resource.a.exist(x, x == 1)", 1, 12, "did you mean exists?"),
        ("startsWith(resource.a, 'x')", 1, 1, "it is written x.startsWith()"),
        ("resource.a.has()", 1, 12, "there is no function has"),
        ("resource.a.startsWith()", 1, 12, "startsWith does not take 0 arguments"),
        ("resource.a.exists(x)", 1, 12, "exists takes a name and an expression"),
        ("has(resource)", 1, 5, "has takes the selection of a field"),
        ("resource.a.matches('(')", 1, 20, "is no regular expression"),
        ("'open", 1, 1, "not closed"),
        ("'\\q'", 1, 2, "escape"),
        ("9223372036854775808", 1, 1, "too large"),
        ("1e999", 1, 1, "too large"),
        ("while", 1, 1, "reserved word"),
        ("resource.a ? 1", 1, 15, "':' is missing"),
        ("1 2", 1, 3, "an operator is missing"),
        ("12ab", 1, 1, "no number"),
        ("resource.a.map(x, x, x, x)", 1, 12, "map takes"),
        ("# no comment", 1, 1, "has no meaning"),
    ],
)
def test_a_text_that_makes_no_sense_is_refused_at_its_place(source: str, line: int, column: int, part: str) -> None:
    error = _refused(source)
    assert part in str(error)
    assert (error.line, error.column) == (line, column)


@pytest.mark.parametrize(
    ("source", "resource", "column", "part"),
    [
        ("resource.spec.replicas > 1", {"spec": {}}, 15, "no such key: 'replicas'"),
        ("resource.spec.replicas > 1", {}, 10, "no such key: 'spec'"),
        ("resource.spec.replicas > 1", {"spec": []}, 15, "cannot be selected from a value of type list"),
        ("resource.a == 1 && resource.b", {"a": 1, "b": 2}, 20, "&& takes booleans, not int"),
        ("resource.a + 'x'", {"a": 1}, 12, "int + string has no meaning"),
        ("resource.a < 'x'", {"a": 1}, 12, "int < string has no meaning"),
        ("resource.a.startsWith('x')", {"a": 1}, 12, "startsWith does not take (int, string)"),
        ("resource.a[3]", {"a": [1]}, 12, "the index 3 is out of range"),
        ("1 / resource.a", {"a": 0}, 3, "division by zero"),
        ("resource.a + 9223372036854775807", {"a": 1}, 12, "integer overflow"),
        ("int(resource.a)", {"a": "x"}, 1, "'x' is no integer"),
        ("resource.a.all(x, x)", {"a": 5}, 1, "all goes over a list or a map, not int"),
        ("resource.a ? 1 : 2", {"a": "yes"}, 1, "? takes booleans, not string"),
        ("has(resource.a.b)", {"a": 1}, 16, "has() asks for 'b' in a value of type int"),
        ("resource.a.exists(x, x.b == 1)", {"a": [{}]}, 24, "no such key: 'b'"),
    ],
)
def test_an_evaluation_that_fails_says_where(source: str, resource: Any, column: int, part: str) -> None:
    with pytest.raises(EvaluationFailed, match=re.escape(part)) as caught:
        compile_cel(source).evaluate({"resource": resource})
    assert (caught.value.line, caught.value.column) == (1, column)


def test_the_hint_about_the_name_of_the_object_names_the_variable_there_is() -> None:
    assert "called 'event' here" in str(_refused("object.x", ("event",)))
    assert "did you mean cluster?" in str(_refused("clster.x", ("event", "cluster")))


def test_a_variable_without_a_value_is_an_error_of_the_evaluation() -> None:
    with pytest.raises(EvaluationFailed, match="'event'"):
        compile_cel("event.a", variables=("event",)).evaluate({})


@pytest.mark.parametrize("source", ["google.protobuf.Struct{}", "Foo{a: 1}", "proto.getExt(resource, resource.a)"])
def test_what_other_engines_may_have_is_told_apart(source: str) -> None:
    with pytest.raises(NotUnderstood):
        compile_cel(source)


@pytest.mark.parametrize(
    "source",
    [
        "(" * 5000 + "1" + ")" * 5000,
        "[" * 5000 + "]" * 5000,
        "!" * 5000 + "true",
        "-" * 5000 + "1",
        "1" + "+1" * 5000,
        "resource" + ".a" * 5000,
        "resource" + "[0]" * 5000,
        "true ? " * 2000 + "1" + " : 1" * 2000,
        "[1].map(x, " * 500 + "x" + ")" * 500,
        "{1: " * 2000 + "1" + "}" * 2000,
        "resource.a(" * 2000,
        " " * 70000 + "1",
        "1" * 5000,
    ],
    ids=lambda source: source[:12],
)
def test_a_text_that_is_too_deep_or_too_long_is_refused(source: str) -> None:
    error = _refused(source)
    assert error.line == 1


@pytest.mark.parametrize(
    "source",
    [
        "(" * 90 + "1" + ")" * 90,
        "1" + " + 1" * 240,
        "[1].map(x, " * 60 + "x" + ")" * 60,
        "!" * 240 + "true",
        " || ".join(f"resource.a == {n}" for n in range(700)),
        "resource.a in [" + ", ".join(map(str, range(2500))) + "]",
        "false ? 1 : " * 90 + "1",
    ],
    ids=lambda source: source[:12],
)
def test_what_stays_within_the_limits_is_evaluated(source: str) -> None:
    compile_cel(source).evaluate({"resource": {"a": 699}})


@pytest.mark.parametrize("source", ["1" + " + 1" * 240, "!" * 239 + "true", "[1].map(x, " * 60 + "x" + ")" * 60])
def test_who_asks_from_far_down_gets_the_same_answer(source: str) -> None:
    expected = compile_cel(source).evaluate({"resource": {}})

    def far_down(depth: int) -> Any:
        # A blank more is another text, so that nothing is found compiled.
        return far_down(depth - 1) if depth else compile_cel(source + " ").evaluate({"resource": {}})

    assert far_down(sys.getrecursionlimit() - 400) == expected


def test_nested_macros_are_compiled_once_each() -> None:
    # Twice for every level would be 2 to the power of 60.
    source = "[1].exists(x, " * 60 + "x == 1" + ")" * 60
    assert compile_cel(source).matches({})
