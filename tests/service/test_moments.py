"""How old the state is, and what that says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fleetd.service.choosing import read_choice
from fleetd.service.local import LocalQuestions
from fleetd.service.questions.clusters import ListClusters
from fleetd.service.questions.overview import FleetOverview
from fleetd.service.teaching import Code, Taught
from fleetd.service.times import age, point

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)


async def test_without_a_daemon_the_answer_says_since_when_the_state_is_stale(planted_url):
    questions = LocalQuestions(planted_url, clock=lambda: datetime.now(UTC) + timedelta(hours=1))
    answer = await questions.ask(FleetOverview())
    await questions.close()
    assert answer.as_of.daemon == "silent"
    assert answer.as_of.stale_since
    assert "no daemon seems to be at work" in answer.warnings[0]


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_database_that_comes_later_is_read_then(planted_url, tmp_path):
    path = tmp_path / "later.db"
    asked = LocalQuestions(str(path))
    with pytest.raises(Taught) as refused:
        await asked.ask(ListClusters())
    assert refused.value.lesson.code is Code.UNAVAILABLE
    assert "there is no database" in refused.value.lesson.sentence
    path.symlink_to(planted_url)
    assert (await asked.ask(ListClusters())).total.count == 3
    await asked.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-2h", NOW - timedelta(hours=2)),
        ("7d", NOW - timedelta(days=7)),
        ("2026-11-02T11:00:00Z", NOW - timedelta(hours=1)),
        ("2026-11-02T12:00:00+01:00", NOW - timedelta(hours=1)),
        ("2026-11-01", NOW - timedelta(hours=36)),
        ("", None),
    ],
)
def test_times_are_read_as_people_write_them(text, expected):
    assert point(text, "since", NOW) == expected


@pytest.mark.parametrize("text", ["yesterday", "-2y", "2027-01-01", "--"])
def test_what_is_no_time_teaches(text):
    with pytest.raises(Taught) as refused:
        point(text, "since", NOW)
    assert refused.value.lesson.field == "since"


def test_ages():
    assert age("90s", "older_than") == timedelta(seconds=90)
    assert age("2w", "older_than") == timedelta(weeks=2)


@given(some.text(max_size=60))
def test_any_text_is_a_selector_or_teaches_where_it_is_none(text):
    try:
        read_choice(text)
    except Taught as refused:
        lesson = refused.lesson
        assert lesson.code is Code.BAD_SELECTOR
        assert 1 <= lesson.column <= len(text) + 1


@given(
    some.lists(some.sampled_from(["prod-*", "eu-1", "!us-1", "env=prod", "region in (eu, us)", "a!=b", "label:x", "!label:y"]), max_size=5)
)
def test_terms_may_stand_in_any_order(terms):
    one, other = read_choice(",".join(terms)), read_choice(" , ".join(reversed(terms)))
    assert set(one.names) == set(other.names)
    assert set(one.without) == set(other.without)
    assert set(one.labels) == set(other.labels)
