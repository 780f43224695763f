"""Whoever goes through the pages of a list sees what stays in it exactly once, whatever comes, goes and changes meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleetd.domain.refs import ObjectRef
from fleetd.service.cursors import pinned
from fleetd.service.local import LocalQuestions
from fleetd.service.questions.addons import ListAddons
from fleetd.service.questions.clusters import ListClusters
from fleetd.service.questions.drift import GetDrift
from fleetd.service.questions.events import ListEvents
from fleetd.service.questions.objects import FindObjects
from fleetd.service.questions.references import ListReferences
from fleetd.service.teaching import Code, Taught
from fleetd.store.database import Database

API = "lib.projectsveltos.io/v1beta1"


@dataclass
class Walk:
    """Pages of one question: what was seen in their order, and what was in the list from the first to the last."""

    question: Any
    key: Callable[[Any], Any]
    there: str
    seen: list[Any] = field(default_factory=list)
    stayed: set[Any] | None = None
    cursor: str | None = ""

    async def step(self, questions: LocalQuestions) -> None:
        page = await questions.ask(replace(self.question, cursor=self.cursor))
        assert len(page.items) <= self.question.limit
        assert page.truncated == (page.next_cursor is not None)
        self.seen += [self.key(item) for item in page.items]
        self.cursor = page.next_cursor


def walks() -> list[Walk]:
    declared = "SELECT ref FROM fleet_declared WHERE kind = 'EventTrigger' ORDER BY ref"
    into = "SELECT from_ref FROM fleet_references WHERE to_ref = 'EventSource.lib.projectsveltos.io//s' ORDER BY from_ref"
    events = "SELECT event_id FROM fleet_events ORDER BY detected_at DESC, event_id DESC"
    drift = "SELECT incident_id FROM fleet_drift_incidents ORDER BY detected_at DESC, incident_id DESC"
    return [
        Walk(ListClusters(limit=1), lambda row: row.cluster, "SELECT cluster FROM fleet_clusters ORDER BY cluster"),
        Walk(ListEvents(limit=3, since="-30d"), lambda row: row.event_id, events),
        Walk(
            ListAddons(limit=2),
            lambda row: (row.cluster, row.addon),
            "SELECT cluster, addon FROM fleet_addons ORDER BY profile, cluster, addon",
        ),
        Walk(GetDrift(limit=2), lambda row: row.incident_id, drift),
        Walk(FindObjects(kinds=("EventTrigger",), limit=2), lambda row: row.ref, declared),
        Walk(
            FindObjects(clusters="*", limit=2),
            lambda row: tuple(row.ref.split("@")[::-1]),
            "SELECT cluster, object_ref FROM fleet_objects ORDER BY cluster, object_ref",
        ),
        Walk(ListReferences(ref="EventSource/s", direction="in", limit=2), lambda edge: edge.from_ref, into),
    ]


async def happen(life: Any, database: Database, member: Callable[..., Any]) -> None:
    await database.commit(life.step(member))
    name = f"t{life.chance.randrange(12)}"
    ref = ObjectRef("EventTrigger", "lib.projectsveltos.io", "", name)
    if await database.declared.get(ref) is None:
        trigger = {"apiVersion": API, "kind": "EventTrigger", "metadata": {"name": name}, "spec": {"eventSourceName": "s"}}
        await database.declared.put(trigger, expected=0)
    elif life.chance.random() < 0.4:
        await database.declared.remove(ref)


@pytest.mark.parametrize("seed", [11, 12])
async def test_what_stays_is_seen_once_and_in_order_and_nothing_twice(database_url, master_key, planted, seed):
    life = planted.LIFE.Life(seed)
    database = await Database.open(database_url, key=master_key, now=life.now)
    source = {"apiVersion": API, "kind": "EventSource", "metadata": {"name": "s"}, "spec": {"resourceSelectors": []}}
    await database.declared.put(source, expected=0)
    for _ in range(40):
        await happen(life, database, planted.member)
    questions = LocalQuestions(database_url, clock=life.now)
    walking = walks()
    while open_walks := [walk for walk in walking if walk.cursor is not None]:
        for walk in open_walks:
            rows = {tuple(row.values()) for row in await read(database, walk.there)}
            walk.stayed = rows if walk.stayed is None else walk.stayed & rows
            await walk.step(questions)
        await happen(life, database, planted.member)
    for walk in walking:
        seen = [one if isinstance(one, tuple) else (one,) for one in walk.seen]
        assert len(seen) > 2, walk.question
        assert len(seen) == len(set(seen)), walk.question
        assert walk.stayed <= set(seen), walk.question
        order = [tuple(row.values()) for row in await read(database, walk.there)]
        ranks = [order.index(one) for one in seen if one in order]
        assert ranks == sorted(ranks), walk.question
    await questions.close()
    await database.close()


async def read(database: Database, sql: str) -> list[dict[str, Any]]:
    from fleetd.store.queries import query  # off the loop, as a face reads

    return await query(database.url, sql)


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_an_age_means_the_same_on_every_page(planted_url):
    began = datetime.now(UTC)
    later = iter(began + timedelta(minutes=minutes) for minutes in range(0, 100_000, 50))
    questions = LocalQuestions(planted_url, clock=lambda: next(later))
    first = await questions.ask(ListAddons(as_of="0s", limit=1))
    second = await questions.ask(ListAddons(as_of="0s", limit=1, cursor=first.next_cursor))
    assert second.as_of.time == first.as_of.time
    assert pinned(first.next_cursor) == began
    await questions.close()


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_what_is_no_cursor_or_one_of_another_question_says_so(planted_url):
    questions = LocalQuestions(planted_url)
    of_clusters = (await questions.ask(ListClusters(limit=1))).next_cursor
    garbage = [
        "x",
        "null",
        "W10",
        "é",
        "\x00",
        "=" * 50,
        "A" * 100_000,
        "WyJhIiwxLDEsMV0",
        of_clusters[:-4],
        of_clusters + "AAAA",
        "bnVsbA",
    ]
    for walk in walks():
        for cursor in garbage if isinstance(walk.question, ListClusters) else [*garbage, of_clusters]:
            with pytest.raises(Taught) as refused:
                await questions.ask(replace(walk.question, cursor=cursor, **_known(walk.question)))
            assert refused.value.lesson.code is Code.STALE_CURSOR
    await questions.close()


def _known(question: Any) -> dict[str, Any]:
    return {"ref": "EventSource/balancers"} if isinstance(question, ListReferences) else {}
