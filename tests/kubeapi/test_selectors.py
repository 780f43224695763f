"""Label selectors against a reading that cannot be misunderstood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.kubeapi.refusals import ApiRefusal
from fleetd.kubeapi.selectors import labels_match, parse_fields, parse_labels

KEYS = st.sampled_from(["app", "tier", "example.com/zone", "in", "notin"])
VALUES = st.sampled_from(["web", "db", "v1.2", "a_b", "in"])
LABELS = st.dictionaries(KEYS, VALUES)
TERMS = st.one_of(
    st.tuples(st.sampled_from(["=", "==", "!="]), KEYS, st.lists(VALUES, min_size=1, max_size=1)),
    st.tuples(st.sampled_from(["in", "notin"]), KEYS, st.lists(VALUES, min_size=1, max_size=3)),
    st.tuples(st.sampled_from(["exists", "!"]), KEYS, st.just([])),
)


def written(term: tuple[str, str, list[str]], space: str) -> str:
    kind, key, values = term
    match kind:
        case "in" | "notin":
            return f"{key} {kind} ({f',{space}'.join(values)})"
        case "exists":
            return key
        case "!":
            return f"!{space}{key}"
        case _:
            return f"{key}{space}{kind}{space}{values[0]}"


def holds(term: tuple[str, str, list[str]], labels: dict[str, str]) -> bool:
    kind, key, values = term
    if kind in ("=", "==", "in"):
        return key in labels and labels[key] in values
    if kind in ("!=", "notin"):
        return key not in labels or labels[key] not in values
    return (key in labels) is (kind == "exists")


@given(terms=st.lists(TERMS, max_size=4), labels=LABELS, space=st.sampled_from(["", " "]))
def test_a_selector_matches_where_each_of_its_terms_holds(
    terms: list[tuple[str, str, list[str]]], labels: dict[str, str], space: str
) -> None:
    text = f",{space}".join(written(term, space) for term in terms)
    assert labels_match(text, labels) is all(holds(term, labels) for term in terms)


@pytest.mark.parametrize(
    ("text", "labels", "matched"),
    [("a=", {"a": ""}, True), ("a=", {}, False), ("a in ()", {"a": ""}, True), ("n>3", {"n": "4"}, True), ("n<3", {"n": "x"}, False)],
)
def test_empty_values_and_numbers_are_compared(text: str, labels: dict[str, str], matched: bool) -> None:
    assert labels_match(text, labels) is matched


@pytest.mark.parametrize("text", ["a in web", "a=b,", "=b", "a in (b", "a b", "(a)", "!", "a==b c"])
def test_a_selector_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ApiRefusal) as refusal:
        parse_labels(text)
    assert refusal.value.status == 400


@pytest.mark.parametrize("text", ["a", "=b", "a>b"])
def test_a_field_selector_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ApiRefusal):
        parse_fields(text)
