"""Answers of children: nothing is asked twice, an answer to an older question is dropped, what is kept is bounded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.decide.engines.answers import Answers, Asking, Awaited, Rendered, Rendering
from fleetd.decide.gotemplate.values import Struct
from fleetd.domain.errors import EvaluationFailed

NOW, LATER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
TASK = "jinja2 text event"


def ask(answers: Answers, waiter: tuple[str, ...], text: str = "{{ a }}", now: datetime = NOW, **data: Any) -> str:
    return Asking(answers, waiter).text(TASK, text, data, now)


def asked_now(answers: Answers, *args: Any, **data: Any) -> list[Rendering]:
    with pytest.raises(Awaited):
        ask(answers, *args, **data)
    return answers.asked()


def test_what_two_ask_is_asked_once_and_both_are_told() -> None:
    answers = Answers()
    (rendering,) = asked_now(answers, ("a",), a=1)
    assert asked_now(answers, ("b",), a=1, now=LATER) == [], "the time of asking makes no other question"
    assert sorted(answers.put(rendering.key, Rendered("1"))) == [("a",), ("b",)]
    assert ask(answers, ("a",), a=1) == ask(answers, ("c",), a=1) == "1"
    assert answers.asked() == []


def test_another_text_or_other_data_or_another_task_is_another_question() -> None:
    answers = Answers()
    found = [asked_now(answers, ("a",), text, a=value)[0].key for text in ("{{ a }}", "{{ a }} ") for value in (1, "1", 1.5, None)]
    with pytest.raises(Awaited):
        Asking(answers, ("a",)).text("jinja2 structured event", "{{ a }}", {"a": 1}, NOW)
    found += [rendering.key for rendering in answers.asked()]
    assert len(set(found)) == 9


def test_a_late_answer_to_what_nobody_asks_any_more_is_dropped() -> None:
    answers = Answers()
    (old,) = asked_now(answers, ("a",), a=1)
    answers.begin(("a",))
    (new,) = asked_now(answers, ("a",), a=2)
    assert list(answers.put(old.key, Rendered("1"))) == []
    assert list(answers.put(new.key, Rendered("2"))) == [("a",)]
    assert ask(answers, ("a",), a=2) == "2"
    assert len(asked_now(answers, ("a",), a=1)) == 1, "it was not kept, and is asked anew"


def test_an_error_is_an_answer_with_its_line() -> None:
    answers = Answers()
    (rendering,) = asked_now(answers, ("a",), a=1)
    answers.put(rendering.key, Rendered(None, "no", 3))
    with pytest.raises(EvaluationFailed, match=r"^no$") as caught:
        ask(answers, ("a",), a=1)
    assert caught.value.line == 3


def test_references_are_maps_and_the_time_goes_along() -> None:
    answers = Answers()
    reference = Struct({"Name": "x"})
    (rendering,) = asked_now(answers, ("a",), MatchingResource=reference, MatchingResources=[reference, reference])
    assert orjson.loads(rendering.argument) == {
        "data": {"MatchingResource": {"Name": "x"}, "MatchingResources": [{"Name": "x"}, {"Name": "x"}]},
        "now": NOW.isoformat(),
    }


def test_where_nobody_can_be_asked_it_says_so() -> None:
    with pytest.raises(EvaluationFailed, match=r"^Jinja2 is run by the daemon"):
        Asking().text(TASK, "{{ a }}", {}, NOW)


def test_what_is_kept_is_bounded_and_the_last_answer_always_is() -> None:
    answers = Answers()
    size = 40 * 1024 * 1024
    for number in range(4):
        (rendering,) = asked_now(answers, ("a",), a=number)
        answers.put(rendering.key, Rendered("x" * size))
        assert len(ask(answers, ("a",), a=number)) == size
    assert len(asked_now(answers, ("a",), a=0)) == 1


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.booleans()), max_size=30))
def test_whoever_waits_is_told_and_a_question_is_on_its_way_only_once(steps: list[tuple[str, int, bool]]) -> None:
    answers = Answers()
    under_way: dict[str, int] = {}
    wants: dict[str, int] = {}
    known: set[int] = set()
    for name, number, answer in steps:
        if answer and under_way:
            key = next(iter(under_way))
            asked = under_way.pop(key)
            told = answers.put(key, Rendered(str(asked)))
            waiting = {who for who, what in wants.items() if what == asked}
            assert {waiter[0] for waiter in told} == waiting
            known |= {asked} if waiting else set()
            wants = {who: what for who, what in wants.items() if what != asked}
            continue
        answers.begin((name,))
        wants.pop(name, None)
        try:
            assert ask(answers, (name,), a=number) == str(number)
            assert number in known
        except Awaited:
            assert number not in known
            wants[name] = number
        for rendering in answers.asked():
            assert number not in under_way.values()
            under_way[rendering.key] = number
