"""Somebody's SQL reads the views, and does nothing else."""

from __future__ import annotations

import pytest

from fleetd.domain.errors import InvalidInput, NotPermitted, OverBudget
from fleetd.store.allow import checked
from fleetd.store.queries import query
from fleetd.store.reading import Reader
from fleetd.store.reading_postgres import positional

REFUSED = [
    "DELETE FROM fleet_clusters",
    "UPDATE fleet_clusters SET ready = TRUE",
    "INSERT INTO fleet_clusters VALUES (1)",
    "DROP VIEW fleet_clusters",
    "CREATE TABLE x (a int)",
    "ATTACH DATABASE '/tmp/x' AS x",
    "PRAGMA journal_mode=DELETE",
    "VACUUM INTO '/tmp/x'",
    "SELECT 1; SELECT 2",
    "SELECT * FROM declared",
    "SELECT sealed FROM main.declared",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM bodies",
    "SELECT * FROM pg_catalog.pg_authid",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM fleet_clusters WHERE cluster IN (SELECT content FROM bodies)",
    "SELECT (SELECT manifest FROM declared LIMIT 1) FROM fleet_clusters",
    "WITH x AS (SELECT * FROM declared) SELECT * FROM x",
    "WITH x AS (DELETE FROM fleet_clusters RETURNING *) SELECT * FROM x",
    "WITH fleet_clusters AS (SELECT 1) SELECT * FROM fleet_clusters",
    "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x) SELECT COUNT(*) FROM x",
    "SELECT * FROM fleet_clusters UNION SELECT * FROM members",
    "SELECT load_extension('/tmp/x.so')",
    "SELECT readfile('/etc/passwd')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_sleep(100) FROM fleet_clusters",
    "SELECT pg_terminate_backend(1)",
    "SELECT set_config('a', 'b', false)",
    "SELECT query_to_xml('select * from declared', true, true, '')",
    "SELECT dblink('host=x', 'select 1')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT REPEAT('x', 1000000000)",
    "SELECT LPAD('x', 1000000000)",
    "SELECT * FROM generate_series(1, 1000000000)",
    "SELECT randomblob(1000000000)",
    "SELECT zeroblob(1000000000)",
    "SELECT * INTO x FROM fleet_clusters",
    "SELECT * FROM fleet_clusters FOR UPDATE",
    "COPY fleet_clusters TO '/tmp/x'",
    "SET statement_timeout = 0",
    "EXPLAIN SELECT 1",
    "",
    "SELEC cluster",
    "SELECT ((((",
    "SELECT * FROM json_each('[1]')",
    "SELECT * FROM pragma_table_info('declared')",
]


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
@pytest.mark.parametrize("sql", REFUSED)
def test_anything_but_a_select_over_the_views_is_refused(sql, dialect):
    with pytest.raises((NotPermitted, InvalidInput)):
        checked(sql, dialect)


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT c.cluster, COUNT(*) AS n FROM fleet_clusters c JOIN fleet_addons a ON a.cluster = c.cluster GROUP BY 1 HAVING COUNT(*) > 1",
        "WITH x AS (SELECT cluster FROM fleet_clusters) SELECT * FROM x ORDER BY 1 LIMIT 3",
        "SELECT UPPER(cluster) || '!' FROM fleet_clusters WHERE cluster LIKE 'prod/%' AND ready",
        "SELECT ROW_NUMBER() OVER (ORDER BY detected_at) FROM fleet_events UNION ALL SELECT 1",
        "SELECT 1",
    ],
)
def test_a_select_over_the_views_is_let_through(sql, dialect):
    assert checked(sql, dialect)


async def test_parameters_are_values_and_never_sql(database, said):
    await database.commit([said.member("prod/eu-1"), said.member("prod/eu-2")])
    hostile = "x' OR '1'='1"
    sql = "SELECT cluster FROM fleet_clusters WHERE cluster = :name AND kind <> ':name'"
    assert await query(database.url, sql, {"name": hostile}) == []
    assert await query(database.url, sql, {"name": "prod/eu-1"}) == [{"cluster": "prod/eu-1"}]
    with pytest.raises(InvalidInput):
        await query(database.url, sql, {})


async def test_hostile_names_are_stored_as_they_are(database, said):
    name = "prod/x'); DROP TABLE members; --"
    await database.commit([said.member(name, labels={"a'b": '"; --'})])
    assert [member.cluster for member in (await database.load()).members] == [name]


async def test_a_query_that_takes_too_long_is_stopped(database, said):
    await database.commit([said.journal(str(number)) for number in range(300)])
    sql = "SELECT COUNT(*) FROM fleet_journal a, fleet_journal b, fleet_journal c, fleet_journal d WHERE a.decision <> d.reason"
    with pytest.raises(OverBudget, match="took too long"):
        await query(database.url, sql, seconds=0.2)


async def test_no_more_rows_come_than_were_asked_for(database, said):
    await database.commit([said.journal(str(number)) for number in range(30)])
    assert len(await query(database.url, "SELECT decision FROM fleet_journal", most=7)) == 7


async def test_a_name_that_is_not_there_is_bad_input(database):
    with pytest.raises(InvalidInput, match="nonsense"):
        await query(database.url, "SELECT nonsense FROM fleet_clusters")


async def test_below_the_allow_list_the_database_itself_refuses(database, said):
    await database.commit([said.member()])
    with Reader.open(database.url) as reader:
        with pytest.raises((InvalidInput, NotPermitted)):
            reader._connection.guarded("DELETE FROM members", {}, 10, 5.0)
        if reader.dialect == "sqlite":
            with pytest.raises((InvalidInput, NotPermitted)):
                reader._connection.guarded("SELECT sealed FROM declared", {}, 10, 5.0)
    assert len((await database.load()).members) == 1


async def test_truth_and_time_look_the_same_on_both(database, said, clock):
    await database.commit([said.member(paused=True, last_seen_at=clock())])
    rows = await query(database.url, "SELECT ready, paused, stale, last_seen_at, pending_events FROM fleet_clusters")
    at = clock().isoformat(timespec="microseconds").replace("+00:00", "Z")
    assert rows == [{"ready": True, "paused": True, "stale": False, "last_seen_at": at, "pending_events": 0}]


def test_names_become_positions_outside_of_strings_only():
    assert positional("SELECT ':a', x::text, :b, \":c\", :d, :b", {"b": 1, "d": 2}) == ("SELECT ':a', x::text, $1, \":c\", $2, $1", [1, 2])
