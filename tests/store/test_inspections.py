"""What a cluster answered about an object is kept for minutes, and shown no longer than that."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select

from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import RequestState
from fleetd.engine.inspecting import _is
from fleetd.store.audit_tables import inspections
from fleetd.store.keeping import Retention
from fleetd.store.reading import Reader
from fleetd.store.retention import sweep
from fleetd.store.steps import Fetch

_COUNT = select(func.count().label("n")).select_from(inspections)


def _kept():
    return (yield Fetch(_COUNT))[0]["n"]


def _shown(url):
    with Reader.open(url) as reader:
        return [row["request_id"] for row in reader.rows("SELECT request_id FROM fleet_inspections")]


def answered(said, request_id):
    return said.request(request_id, verb="inspect", state=RequestState.DONE, outcome="seen", answer='{"manifest": {}}')


async def test_an_answer_is_shown_for_ten_minutes(database, said, clock):
    clock.forward(minutes=-9)
    await database.commit([answered(said, "young")])
    assert _shown(database.url) == ["young"]


async def test_an_older_one_is_not_shown_and_goes_with_the_next_or_in_the_hourly_sweep(database, said, clock):
    clock.forward(minutes=-30)
    await database.commit([answered(said, "old")])
    assert (_shown(database.url), await database.read(_kept())) == ([], 1)
    clock.forward(minutes=11)
    await database.commit([answered(said, "later")])
    assert await database.read(_kept()) == 1
    await sweep(database, Retention(), datetime.now(UTC))
    assert await database.read(_kept()) == 0


async def test_a_request_without_an_answer_leaves_none(database, said):
    await database.commit([said.request(state=RequestState.DONE, outcome="requeued")])
    assert await database.read(_kept()) == 0


def test_another_object_than_the_one_that_was_asked_for_is_none():
    ref = ObjectRef("Secret", "", "shop", "login")
    there = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login", "namespace": "shop"}}
    assert _is(there, ref)
    for other in (
        {"apiVersion": "v1", "kind": "SecretList", "metadata": {}, "items": [there]},
        {**there, "kind": "ConfigMap"},
        {**there, "metadata": {"name": "other", "namespace": "shop"}},
        {**there, "metadata": {"name": "login", "namespace": "elsewhere"}},
    ):
        assert not _is(other, ref)
