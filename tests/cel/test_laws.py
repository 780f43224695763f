"""Laws of evaluation, on generated expressions and objects: traced as untraced, budgets only end, the paths read are enough."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fleetd.cluster.decoding import ObjectDecoder
from fleetd.decide.cel.checking import ANY, check
from fleetd.decide.cel.parser import parse
from fleetd.decide.cel.program import Program, compile_cel
from fleetd.decide.cel.values import freeze, type_name
from fleetd.domain.errors import EvaluationFailed, OverBudget
from fleetd.domain.objects import Reads
from fleetd.domain.refs import GroupVersionKind

LIMITS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_LEAVES = st.sampled_from(
    [
        *("1", "0", "2u", "1.5", "'a'", "'abc'", "true", "false", "null", "[]", "[1, 2]", "{'a': 1}", "x"),
        *("resource.n", "resource.s", "resource.l", "resource.m", "resource.m.a", "resource.m['a']", "resource.m.b.c", "resource.?m.?z"),
        *(
            "has(resource.m.a)",
            "has(resource.gone)",
            "resource.gone.x",
            "resource",
            "resource.ports",
            "resource['n']",
            "resource[resource.s]",
        ),
    ]
)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    one = st.sampled_from(
        [
            "!({})",
            "-({})",
            "size({})",
            "string({})",
            "[{}]",
            "({}).a",
            "({})[0]",
            "type({})",
            "({}).size()",
            "{{'k': {}}}",
            "int({})",
            "dyn({})",
        ]
    )
    two = st.sampled_from(
        [
            *("({}) + ({})", "({}) == ({})", "({}) != ({})", "({}) < ({})", "({}) in ({})", "({}) && ({})", "({}) || ({})", "[{}, {}]"),
            *("({}).exists(x, {})", "({}).all(x, {})", "({}).map(x, {})", "({}).filter(x, {})", "({}).exists_one(x, {})"),
            *("cel.bind(x, {}, {})", "({}).startsWith({})", "({}).exists(k, v, {})", "({}).transformList(i, v, {})", "({}).orValue({})"),
        ]
    )
    three = st.sampled_from(["({}) ? ({}) : ({})", "({}).map(x, {}, {})", "({}) && ({}) && ({})", "cel.bind(x, {}, [{}, {}])"])
    return st.one_of(
        st.builds(lambda form, a: form.format(a), one, inner),
        st.builds(lambda form, a, b: form.format(a, b), two, inner, inner),
        st.builds(lambda form, a, b, c: form.format(a, b, c), three, inner, inner, inner),
    )


EXPRESSIONS = st.recursive(_LEAVES, _grown, max_leaves=8).map("cel.bind(x, 3, {})".format)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from([0.5, 2.0]) | st.sampled_from(["", "a", "abc"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abz"), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.fixed_dictionaries(
    {"apiVersion": st.just("v1"), "kind": st.just("Thing"), "metadata": st.just({"name": "one", "labels": {"a": "b"}})},
    optional=dict.fromkeys(("n", "s", "l", "m", "ports", "other"), _JSON),
)


def _outcome(program: Program, resource: Any, budget: int = 100_000) -> tuple[str, Any]:
    try:
        return "value", freeze(program.evaluate({"resource": resource}, budget=budget))
    except (EvaluationFailed, OverBudget) as error:
        return type(error).__name__, str(error)


@LIMITS
@given(EXPRESSIONS, OBJECTS, st.integers(0, 60) | st.just(100_000))
def test_a_traced_evaluation_comes_to_what_an_untraced_one_does(source: str, resource: Any, budget: int) -> None:
    program = compile_cel(source)
    kind, outcome = _outcome(program, resource, budget)
    trace = program.trace({"resource": resource}, budget=budget)
    assert (trace.error, "error") == (outcome, "error") if kind != "value" else trace.error is None
    if kind == "value":
        assert freeze(trace.value) == outcome


def _every(trace: Any) -> list[Any]:
    return [trace, *(each for child in trace.children for each in _every(child))]


@LIMITS
@given(EXPRESSIONS, OBJECTS)
def test_every_part_of_a_trace_lies_within_its_whole(source: str, resource: Any) -> None:
    for part in _every(compile_cel(source).trace({"resource": resource})):
        assert part.text == source[part.start : part.end]
        assert all(part.start <= child.start and child.end <= part.end for child in part.children)
        # An error comes from below, or arises here: then everything that was evaluated for it is well, or was forgiven.
        assert part.error is None or part.text


@LIMITS
@given(EXPRESSIONS, OBJECTS, st.integers(0, 80))
def test_a_budget_ends_an_evaluation_and_never_changes_its_result(source: str, resource: Any, budget: int) -> None:
    program = compile_cel(source)
    found = _outcome(program, resource, budget)
    assert found[0] == "OverBudget" or found == _outcome(program, resource)
    assert _outcome(program, resource, 1_000_000) == _outcome(program, resource)


@LIMITS
@given(EXPRESSIONS, OBJECTS)
def test_an_object_with_the_paths_that_are_read_gives_the_same_result(source: str, resource: Any) -> None:
    program = compile_cel(source)
    reads = Reads(frozenset(path for path in program.reads if path), () in program.reads)
    decoder = ObjectDecoder(GroupVersionKind("", "v1", "Thing"), reads)
    whole = ObjectDecoder(GroupVersionKind("", "v1", "Thing"), Reads(whole=True))
    raw = orjson.dumps(resource)
    assert _outcome(program, decoder.observed(raw).body) == _outcome(program, whole.observed(raw).body)


@LIMITS
@given(EXPRESSIONS, OBJECTS)
def test_what_is_known_of_types_beforehand_holds(source: str, resource: Any) -> None:
    kind = check(parse(source)).type
    assume(kind != ANY)
    try:
        assert type_name(compile_cel(source).evaluate({"resource": resource})) == kind
    except EvaluationFailed:
        return


_STRAIGHT = st.recursive(
    st.sampled_from(
        ["1", "2u", "1.5", "'a'", "true", "null", "[1]", "{'a': 1}", "duration('1s')", "timestamp(0)", "resource.n", "resource.m"]
    ),
    lambda inner: st.one_of(
        st.builds(
            lambda form, a, b: form.format(a, b),
            st.sampled_from(["({}) + ({})", "({}) - ({})", "({}) < ({})", "({}) in ({})", "({})[{}]", "({}).contains({})", "[{}, {}]"]),
            inner,
            inner,
        ),
        st.builds(
            lambda form, a: form.format(a),
            st.sampled_from(
                ["!({})", "-({})", "size({})", "string({})", "int({})", "({}).a", "uint({})", "timestamp({})", "({}).lowerAscii()"]
            ),
            inner,
        ),
    ),
    max_leaves=5,
)


@LIMITS
@given(_STRAIGHT, OBJECTS)
def test_nothing_that_evaluates_is_called_wrong(source: str, resource: Any) -> None:
    remarks = check(parse(source)).remarks
    if remarks:
        with pytest.raises(EvaluationFailed):
            compile_cel(source).evaluate({"resource": resource})
