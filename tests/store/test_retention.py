"""What is old and over is forgotten; what is current never is."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from fleetd.domain.records import ChangeKind
from fleetd.domain.states import AddonState, DriftOutcome, RequestState
from fleetd.store.care import usage
from fleetd.store.keeping import Retention
from fleetd.store.reading import Reader
from fleetd.store.retention import sweep


def _count(database, table):
    with Reader.open(database.url) as reader:
        return reader.rows(f"SELECT COUNT(*) AS n FROM {table}")[0]["n"]


async def _a_past(database, said, clock):
    web = said.service()
    await database.commit(
        [said.member(labels={"a": "1"}), said.event("e1", web, body={"v": 1}), said.match("m1", web), said.destination("m1")]
    )
    await database.commit(
        [said.addon(state=AddonState.FAILED), said.journal(), said.incident(), said.request(state=RequestState.DONE, decided_at=clock())]
    )
    first = await database.declared.put(said.config_map(a="1"), expected=0)
    clock.forward(seconds=1)
    await database.commit([said.member(labels={"a": "2"}), said.addon(), said.incident(outcome=DriftOutcome.CORRECTED)])
    await database.commit(
        [said.event("e2", web, change=ChangeKind.CHANGED, revision=2, body={"v": 2}), said.match("m2", web, event_id="e2")]
    )
    await database.commit([said.destination("m2")])
    await database.declared.put(said.config_map(a="2"), expected=first.resource_version)


async def test_what_is_current_outlives_every_sweep(database, said, clock):
    await _a_past(database, said, clock)
    before = await database.load()
    keep_nothing = Retention(**{field.name: timedelta(0) for field in dataclasses.fields(Retention)})
    assert await sweep(database, keep_nothing, clock.forward(days=400)) > 0
    after = await database.load()
    assert dataclasses.replace(after, seq=0) == dataclasses.replace(before, seq=0)
    for table, rows in {"events": 1, "matches": 1, "destinations": 1, "addons": 1, "bodies": 1, "journal": 0, "declared": 1}.items():
        assert _count(database, table) == rows, table
    assert await sweep(database, keep_nothing, clock.forward(days=400)) == 0


async def test_nothing_goes_before_its_time(database, said, clock):
    await _a_past(database, said, clock)
    assert await sweep(database, Retention(), clock.forward(days=6)) == 0


async def test_incidents_are_kept_until_told_otherwise(database, said, clock):
    await _a_past(database, said, clock)
    await sweep(database, Retention(), clock.forward(days=4000))
    assert _count(database, "incidents") == 2


async def test_more_than_one_slice_goes(database, said, clock):
    await database.commit([said.journal(str(number)) for number in range(1200)])
    assert await sweep(database, Retention(), clock.forward(days=31)) == 1200


async def test_usage_names_every_table(database, said):
    await database.commit([said.journal(str(number)) for number in range(100)])
    found = {one.table: one for one in usage(database.url)}
    assert {"journal", "events", "bodies", "alembic_version"} <= set(found)
    assert found["journal"].size is None or found["journal"].size > 0
