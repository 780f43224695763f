"""Pages neither lose nor repeat rows, whatever is committed between them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fleetd.domain.records import EventRecord, MemberGone
from fleetd.service.questions.clusters import ListClusters
from fleetd.service.questions.events import ListEvents


def event(number: int, at: datetime) -> EventRecord:
    identity = {"event_id": f"n{number:04}", "source": "balancers", "cluster": "prod/eu-1", "cause_id": f"n{number:04}"}
    return EventRecord(**identity, revision=number, detected_at=at, matching_count=0, changes=())


@pytest.mark.parametrize("limit", [1, 7, 50])
async def test_events_that_come_between_pages_change_nothing_on_the_pages(changing, database, limit):
    start = datetime.now(UTC) - timedelta(hours=1)
    # Groups of three share their time, so that a page may end within one.
    await database.commit([event(number, start + timedelta(seconds=number // 3)) for number in range(60)])
    seen, cursor, number = [], "", 60
    while True:
        page = await changing.ask(ListEvents(since="-2h", limit=limit, cursor=cursor))
        seen += [row.event_id for row in page.items]
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
        await database.commit([event(number, start + timedelta(seconds=number))])
        number += 1
    expected = [f"n{number:04}" for number in sorted(range(60), key=lambda n: (n // 3, f"{n:04}"), reverse=True)]
    assert [one for one in seen if one in expected] == expected
    assert len(seen) == len(set(seen))


async def test_a_cluster_that_leaves_between_pages_takes_no_other_with_it(changing, database):
    first = await changing.ask(ListClusters(limit=1))
    await database.commit([MemberGone(cluster="prod/eu-1", at=datetime.now(UTC))])
    second = await changing.ask(ListClusters(limit=5, cursor=first.next_cursor))
    assert [row.cluster for row in (*first.items, *second.items)] == ["prod/eu-1", "prod/us-1", "prod/us-2"]


async def test_totals_are_exact_up_to_ten_thousand(changing, database):
    start = datetime.now(UTC) - timedelta(hours=1)
    await database.commit([event(number, start) for number in range(10_001)])
    page = await changing.ask(ListEvents(since="-2h", limit=1))
    assert (page.total.count, page.total.exact) == (10_000, False)
