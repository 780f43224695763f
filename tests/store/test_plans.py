"""No question that a face asks all the time scans a table that grows."""

from __future__ import annotations

import pytest
from sqlalchemy import Delete, Update

from fleetd.store import declared, matching, tallies, writing
from fleetd.store.compiled import sqlite_compiler
from fleetd.store.reading import Reader

ASKED = [
    "SELECT * FROM fleet_events ORDER BY detected_at DESC LIMIT 50",
    "SELECT * FROM fleet_events WHERE cluster = 'a' ORDER BY detected_at DESC LIMIT 50",
    "SELECT * FROM fleet_events WHERE event_source = 'a' ORDER BY detected_at DESC LIMIT 50",
    "SELECT * FROM fleet_event_objects WHERE event_id = 'a'",
    "SELECT * FROM fleet_trigger_matches ORDER BY matched_at DESC LIMIT 50",
    "SELECT * FROM fleet_trigger_matches WHERE event_trigger = 'a' ORDER BY matched_at DESC LIMIT 50",
    "SELECT * FROM fleet_trigger_matches WHERE event_id = 'a'",
    "SELECT * FROM fleet_trigger_matches WHERE match_id = 'a'",
    "SELECT * FROM fleet_match_destinations WHERE match_id = 'a'",
    "SELECT * FROM fleet_reactions WHERE match_id = 'a'",
    "SELECT * FROM fleet_verdicts WHERE event_source = 'a' AND cluster = 'b' ORDER BY object_ref LIMIT 50",
    "SELECT * FROM fleet_verdicts WHERE cluster = 'a' AND object_ref = 'b'",
    "SELECT * FROM fleet_addons WHERE cluster = 'a' AND state = 'failed'",
    "SELECT * FROM fleet_addons WHERE profile = 'a'",
    "SELECT * FROM fleet_addon_history WHERE profile = 'a' AND cluster = 'b' AND addon = 'c' ORDER BY valid_from",
    "SELECT * FROM fleet_objects WHERE cluster = 'a' ORDER BY object_ref LIMIT 50",
    "SELECT * FROM fleet_objects WHERE object_ref = 'a'",
    "SELECT * FROM fleet_objects WHERE profile = 'a'",
    "SELECT * FROM fleet_drift_incidents ORDER BY detected_at DESC LIMIT 50",
    "SELECT * FROM fleet_drift_incidents WHERE cluster = 'a' AND outcome = 'open'",
    "SELECT * FROM fleet_journal ORDER BY entry_id DESC LIMIT 50",
    "SELECT * FROM fleet_journal WHERE subject_ref = 'a' ORDER BY entry_id DESC LIMIT 50",
    "SELECT * FROM fleet_journal WHERE cause_id = 'a' ORDER BY entry_id",
    "SELECT * FROM fleet_changes WHERE seq > 5 ORDER BY seq LIMIT 100",
    "SELECT * FROM fleet_clusters ORDER BY cluster",
    "SELECT * FROM fleet_event_triggers ORDER BY namespace, name",
]


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_every_list_and_detail_goes_over_an_index(database):
    with Reader.open(database.url) as reader:
        scans = {}
        for sql in ASKED:
            plan = [row["detail"] for row in reader.rows(f"EXPLAIN QUERY PLAN {sql}")]
            whole = [step for step in plan if step.startswith("SCAN ") and " USING " not in step and " INTEGER " not in step]
            sorts = [step for step in plan if step.startswith("USE TEMP B-TREE FOR ORDER BY") and "fleet_clusters" not in sql]
            ordered_scan = "journal" in sql and "ORDER BY entry_id DESC LIMIT" in sql  # by its primary key, which SQLite calls a scan
            if (whole or sorts) and not ordered_scan:
                scans[sql] = whole + sorts
    assert scans == {}


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_pending_events_are_found_among_those_that_have_not_acted(database):
    with Reader.open(database.url) as reader:
        plan = [row["detail"] for row in reader.rows("EXPLAIN QUERY PLAN SELECT * FROM fleet_pending_events")]
    assert any("ix_destinations_unacted" in step or "ix_destinations_waiting" in step for step in plan)
    assert any("ix_matches_unacted" in step or "ix_matches_waiting" in step for step in plan)
    assert not [step for step in plan if step in ("SCAN m", "SCAN d", "SCAN e")]


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_lists_of_what_waits_and_of_what_a_trigger_met_read_indexes_only(database):
    asked = (
        "SELECT waits_on, source_cluster, event_id, state, detected_at FROM fleet_waits WHERE detected_at < 'x'",
        "SELECT event_id, detected_at, cluster FROM fleet_trigger_matches WHERE event_trigger = 'a' ORDER BY matched_at DESC LIMIT 1000",
    )
    with Reader.open(database.url) as reader:
        plan = [row["detail"] for sql in asked for row in reader.rows(f"EXPLAIN QUERY PLAN {sql}")]
    read = [step for step in plan if step.split()[0] in ("SEARCH", "SCAN") and step.split()[1] in ("d", "m")]
    # Of what waits where its event happened, that no destination is settled is looked up by its match.
    assert [step for step in read if "COVERING INDEX" not in step and "uq_destinations_latest (match_id=?)" not in step] == []
    assert [step for step in plan if "TEMP B-TREE FOR ORDER BY" in step] == []


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_what_was_applied_lately_is_found_by_its_time(database):
    asked = "SELECT * FROM fleet_journal WHERE stage IN ('apply', 'withdraw') AND at >= 'a' ORDER BY at DESC LIMIT 50"
    with Reader.open(database.url) as reader:
        plan = [row["detail"] for row in reader.rows(f"EXPLAIN QUERY PLAN {asked}")]
    assert any("ix_journal_applied_at" in step for step in plan), plan


COUNTED = [
    "SELECT * FROM fleet_counts",
    "SELECT * FROM fleet_not_in_force ORDER BY ref LIMIT 5",
    "SELECT * FROM fleet_waiting_triggers ORDER BY oldest_at LIMIT 10",
    "SELECT state, COUNT(*) FROM fleet_waits WHERE cluster IS NULL GROUP BY state",
    "SELECT COUNT(*) FROM fleet_heartbeats WHERE stale",
]


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_what_is_shown_all_the_time_counts_no_table_that_grows(database):
    with Reader.open(database.url) as reader:
        plans = {sql: [row["detail"] for row in reader.rows(f"EXPLAIN QUERY PLAN {sql}")] for sql in COUNTED}
    # Numbers that are kept, heartbeats, and what an outer part made.
    small = ("SCAN t", "SCAN h", "SCAN n", "SCAN w", "SCAN p")
    whole = [step for plan in plans.values() for step in plan if step.startswith("SCAN ") and " USING " not in step]
    assert [step for step in whole if step not in small] == []


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_what_a_commit_closed_is_found_by_its_time(database):
    prepared = sqlite_compiler().prepared(tallies._CLOSED)
    with Reader.open(database.url) as reader:
        connection = reader._connection._connection
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {prepared.text}", [None] * len(prepared.names))]
    assert len([step for step in plan if step.startswith("SEARCH ") and "_closed" in step]) == len(tallies.COUNTED)
    assert not [step for step in plan if step.startswith("SCAN ")]


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_every_statement_that_writes_finds_its_rows_by_an_index(database):
    single = [found for module in (declared, matching, writing) for found in vars(module).values() if isinstance(found, (Update, Delete))]
    closing = [versions.close for versions in writing._VERSIONS] + [current.remove for current in writing._CURRENT]
    compiler = sqlite_compiler()
    with Reader.open(database.url) as reader:
        connection = reader._connection._connection
        scans = {}
        for statement in (*single, *closing):
            prepared = compiler.prepared(statement)
            values = [None] * len(prepared.names)
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {prepared.text}", values)]
            if found := [step for step in plan if step.startswith("SCAN ")]:
                scans[prepared.text] = found
    assert len(single) + len(closing) > 20
    assert scans == {}
