"""Selectors choose what they say, alone and by the index."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.decide.select import Operator, Selector, Term, compile_label_filters, compile_selector
from fleetd.decide.select_index import SelectorIndex
from fleetd.domain.errors import InvalidInput


def _expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("selector", "labels", "chosen"),
    [
        ({"matchLabels": {"env": "prod"}}, {"env": "prod", "x": "y"}, True),
        ({"matchLabels": {"env": "prod"}}, {"env": "dev"}, False),
        ({"matchLabels": {"env": "prod", "tier": "a"}}, {"env": "prod"}, False),
        ({"matchLabels": {"env": ""}}, {}, False),
        ({"matchLabels": {"env": ""}}, {"env": ""}, True),
        (_expression("env", "In", "prod", "dev"), {"env": "dev"}, True),
        (_expression("env", "In", "prod"), {}, False),
        (_expression("env", "NotIn", "prod"), {"env": "dev"}, True),
        (_expression("env", "NotIn", "prod"), {}, True),
        (_expression("env", "NotIn", "prod"), {"env": "prod"}, False),
        (_expression("env", "Exists"), {"env": ""}, True),
        (_expression("env", "Exists"), {}, False),
        (_expression("env", "DoesNotExist"), {}, True),
        (_expression("env", "DoesNotExist"), {"env": "x"}, False),
    ],
)
def test_a_selector_chooses_by_its_terms(selector: dict[str, Any], labels: dict[str, str], chosen: bool) -> None:
    compiled = compile_selector(selector)
    assert compiled.matches(labels) is chosen
    assert (compiled.why_not(labels) is None) is chosen


@pytest.mark.parametrize("empty", [{}, {"matchLabels": {}}, {"matchExpressions": []}, {"matchLabels": None, "matchExpressions": None}])
@pytest.mark.parametrize("labels", [{}, {"env": "prod"}])
def test_an_empty_selector_matches_nothing_and_says_so(empty: dict[str, Any], labels: dict[str, str]) -> None:
    assert not compile_selector(empty).matches(labels)
    assert compile_selector(empty).why_not(labels) == "the selector is empty, and an empty selector matches nothing"


def test_the_first_term_that_fails_is_named_with_the_label_that_is_there() -> None:
    selector = compile_selector({"matchLabels": {"env": "prod"}, **_expression("region", "In", "eu", "us")})
    assert selector.why_not({"env": "dev"}) == "env=prod does not hold: it has env=dev"
    assert selector.why_not({"env": "prod"}) == "region in (eu, us) does not hold: it has no label region"
    assert str(selector) == "env=prod,region in (eu, us)"


@pytest.mark.parametrize(
    ("operation", "labels", "passes"),
    [
        ("Equal", {"a": "1"}, True),
        ("Equal", {"a": "2"}, False),
        ("Equal", {}, False),
        ("Different", {"a": "1"}, False),
        ("Different", {"a": "2"}, True),
        ("Different", {}, True),
        ("Has", {"a": "2"}, True),
        ("Has", {}, False),
        ("DoesNotHave", {"a": "2"}, False),
        ("DoesNotHave", {}, True),
    ],
)
def test_a_label_filter_passes_what_its_operation_says(operation: str, labels: dict[str, str], passes: bool) -> None:
    filters = compile_label_filters([{"key": "a", "operation": operation, "value": "1"}])
    assert filters.matches(labels) is passes
    assert (filters.why_not(labels) is None) is passes


def test_label_filters_must_all_hold_and_none_leaves_nothing_out() -> None:
    filters = compile_label_filters([{"key": "a", "operation": "Has"}, {"key": "b", "operation": "Different", "value": "x"}])
    assert filters.matches({"a": ""})
    assert not filters.matches({"a": "", "b": "x"})
    assert compile_label_filters([]).matches({})


@pytest.mark.parametrize(
    "selector",
    [
        _expression("a", "Equals", "1"),
        _expression("a", "In"),
        _expression("a", "Exists", "1"),
        _expression("", "Exists"),
        {"matchExpressions": [{"operator": "Exists"}]},
        {"matchExpressions": {"key": "a"}},
        {"matchExpressions": [{"key": "a", "operator": "In", "values": "abc"}]},
        {"matchLabels": ["a"]},
        {"matchLabels": {"a": True}},
        {"matchlabels": {"a": "b"}},
    ],
)
def test_a_selector_that_makes_no_sense_is_refused(selector: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        compile_selector(selector)


@pytest.mark.parametrize(
    "item", [{"key": "a", "operation": "Equals"}, {"operation": "Has"}, {"key": "a"}, "a", {"key": "a", "operation": "Equal", "value": 1}]
)
def test_a_label_filter_that_makes_no_sense_is_refused(item: Any) -> None:
    with pytest.raises(InvalidInput):
        compile_label_filters([item])


KEYS, VALUES = st.sampled_from("abcd"), st.sampled_from(["", "1", "2", "3"])
LABELS = st.dictionaries(KEYS, VALUES)
TERMS = st.one_of(
    st.builds(Term, KEYS, st.sampled_from([Operator.IN, Operator.NOT_IN]), st.frozensets(VALUES, min_size=1)),
    st.builds(Term, KEYS, st.sampled_from([Operator.EXISTS, Operator.DOES_NOT_EXIST])),
)
SELECTORS = st.builds(Selector, st.lists(TERMS, max_size=4).map(tuple))
STEPS = st.lists(st.tuples(st.integers(0, 9).map(str), st.none() | LABELS), max_size=30)


@given(STEPS, st.lists(SELECTORS, max_size=6))
def test_the_index_finds_the_clusters_that_asking_each_would_find(
    steps: list[tuple[str, dict[str, str] | None]], selectors: list[Selector]
) -> None:
    index, clusters = SelectorIndex(), {}
    for identity, labels in steps:
        if labels is None:
            index.remove(identity)
            clusters.pop(identity, None)
        else:
            index.add_cluster(identity, labels)
            clusters[identity] = labels
    for selector in selectors:
        expected = {identity for identity, labels in clusters.items() if selector.matches(labels)}
        assert index.matching(selector) == expected
        assert len(index.bits(selector)) == len(expected)


@given(
    st.lists(LABELS, max_size=5),
    st.lists(st.tuples(st.integers(0, 9).map(str), st.none() | SELECTORS), max_size=20),
    st.lists(LABELS, min_size=1, max_size=5),
)
def test_the_index_finds_the_selectors_that_asking_each_would_find(
    clusters: list[dict[str, str]], steps: list[tuple[str, Selector | None]], asked: list[dict[str, str]]
) -> None:
    index = SelectorIndex()
    selectors: dict[str, Selector] = {}
    for number, labels in enumerate(clusters):
        index.add_cluster(str(number), labels)
    for name, selector in steps:
        if selector is None:
            index.remove_selector(name)
            selectors.pop(name, None)
        else:
            index.add_selector(name, selector)
            selectors[name] = selector
    for labels in asked:
        assert index.selectors_matching(labels) == {name for name, selector in selectors.items() if selector.matches(labels)}


def test_an_answer_of_the_index_is_the_callers_own() -> None:
    index = SelectorIndex()
    index.add_cluster("a", {"env": "prod"})
    selector = compile_selector({"matchLabels": {"env": "prod"}})
    index.matching(selector).clear()
    index.bits(selector).clear()
    assert index.matching(selector) == {"a"}
