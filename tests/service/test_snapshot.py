"""One answer is read at one moment, and nothing is held open after it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from fleetd.domain.errors import FleetdError, InvalidInput, TryLater
from fleetd.domain.records import MemberGone
from fleetd.service.answers import Answer
from fleetd.service.asking import Question
from fleetd.service.questions.clusters import GetCluster, ListClusters
from fleetd.service.questions.ground import Ground
from fleetd.service.questions.sql import RunSql
from fleetd.store.reading import Reader

STATES = (
    "SELECT pid, state FROM pg_stat_activity WHERE application_name = 'fleetd' AND pid <> pg_backend_pid() AND datname = current_database()"
)

ENDED = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND (query LIKE 'ROLLBACK%' OR query LIKE '%fleet_clusters%')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What was there, statement after statement."""

    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountTwice(Question[Answer[Counted]]):
    """How many clusters there are, before and after something happens."""

    between: Callable[[], None]

    def answered(self, ground: Ground) -> Answer[Counted]:
        first = ground.rows("SELECT COUNT(*) AS n FROM fleet_clusters")[0]["n"]
        self.between()
        second = ground.rows("SELECT COUNT(*) AS n FROM fleet_clusters")[0]["n"]
        return ground.answer(Counted(counts=(first, second)))


async def test_what_is_committed_between_two_statements_is_not_seen_by_the_second(changing, database, planted):
    loop = asyncio.get_running_loop()
    number = iter(range(100))

    def commit() -> None:
        member = planted.member(f"prod/new-{next(number)}", datetime.now(UTC))
        asyncio.run_coroutine_threadsafe(database.commit([member]), loop).result(30)

    answer = await changing.ask(CountTwice(between=commit))
    assert answer.result.counts == (3, 3)
    assert answer.coverage.clusters_total == 3
    again = await changing.ask(CountTwice(between=lambda: None))
    assert again.result.counts == (4, 4)


async def test_the_whole_of_the_fleet_is_counted_anew_when_a_cluster_comes_or_goes(changing, database, planted):
    assert (await changing.ask(ListClusters())).coverage.clusters_total == 3
    await database.commit([planted.member("prod/new", datetime.now(UTC)), MemberGone(cluster="prod/us-1", at=datetime.now(UTC))])
    page = await changing.ask(ListClusters())
    assert page.coverage.clusters_total == page.total.count == 3
    await database.commit([MemberGone(cluster="prod/us-2", at=datetime.now(UTC))])
    page = await changing.ask(ListClusters())
    assert page.coverage.clusters_total == page.total.count == 2
    assert page.coverage.unreachable == ()


def held_open(url: str, questions: Any) -> list[Any]:
    """Transactions that nobody ended."""
    if not url.startswith("postgresql"):
        lines = (questions._line, questions._slow_line)
        return [line for line in lines if line._reader is not None and line._reader._connection._connection.in_transaction]
    with Reader.open(url) as reader:
        return [row for row in reader.rows(STATES) if row["state"].startswith("idle in transaction")]


async def test_no_transaction_is_held_open_after_an_answer_or_a_refusal(changing, database):
    await changing.ask(ListClusters())
    assert held_open(database.url, changing) == []
    for wrong in (GetCluster(cluster="nobody"), RunSql(sql="SELECT nothing FROM fleet_clusters"), RunSql(sql="DELETE FROM fleet_clusters")):
        with pytest.raises(FleetdError):
            await changing.ask(wrong)
        assert held_open(database.url, changing) == []
    assert (await changing.ask(RunSql(sql="SELECT 1 AS one FROM fleet_schema"))).result.returned >= 1
    assert (await changing.ask(ListClusters())).total.count == 3


async def test_a_statement_that_fails_does_not_spoil_the_rest_of_the_snapshot(database):
    with Reader.open(database.url) as reader, reader.snapshot():
        with pytest.raises(InvalidInput):
            reader.query("SELECT nothing FROM fleet_clusters")
        assert reader.query("SELECT COUNT(*) AS n FROM fleet_clusters") == [{"n": 3}]
        assert reader.rows("SELECT COUNT(*) AS n FROM fleet_clusters") == [{"n": 3}]


async def test_a_writer_is_not_kept_waiting_by_a_snapshot(database, planted):
    with Reader.open(database.url) as reader, reader.snapshot():
        assert reader.rows("SELECT COUNT(*) AS n FROM fleet_clusters") == [{"n": 3}]
        async with asyncio.timeout(30):
            await database.commit([planted.member("prod/new", datetime.now(UTC))])
        assert reader.rows("SELECT COUNT(*) AS n FROM fleet_clusters") == [{"n": 3}]


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_a_connection_that_the_server_ended_is_made_anew(changing, database):
    assert (await changing.ask(ListClusters())).total.count == 3
    import asyncpg  # the extra may be missing where no Postgres is asked for

    other = await asyncpg.connect(database.url)
    await other.execute(ENDED)
    await other.close()
    async with asyncio.timeout(30):
        with pytest.raises(TryLater):
            await changing.ask(ListClusters())
        assert (await changing.ask(ListClusters())).total.count == 3


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_a_connection_that_ends_in_the_middle_of_an_answer_is_told_and_made_anew(changing, database):
    loop = asyncio.get_running_loop()

    async def end() -> None:
        import asyncpg  # see above

        other = await asyncpg.connect(database.url)
        await other.execute(ENDED)
        await other.close()

    async with asyncio.timeout(30):
        with pytest.raises(TryLater):
            await changing.ask(CountTwice(between=lambda: asyncio.run_coroutine_threadsafe(end(), loop).result(20)))
        assert (await changing.ask(ListClusters())).total.count == 3
