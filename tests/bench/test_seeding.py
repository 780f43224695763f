"""The fleet that questions are measured on is one that the store could have written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bench.asking import calls
from bench.planted_rows import Plan, Scale
from bench.seeding import seed
from fleetd.store.database import Database
from fleetd.store.reading import Reader
from fleetd.store.validate import violations
from mcp_server.catalogue import READING

SCALE = Scale(clusters=40, events=400, declared=10, addons=4)


async def test_what_is_seeded_holds_all_that_must_hold(empty_database_url, master_key):
    await seed(empty_database_url, SCALE, seed=7)
    database = await Database.open(empty_database_url, key=master_key)
    assert await violations(database) == []
    await database.close()


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_the_same_seed_makes_the_same_fleet(empty_database_url, tmp_path):
    plan = await seed(empty_database_url, SCALE, seed=7)
    again = await seed(str(tmp_path / "again.db"), SCALE, seed=7, now=plan.now)
    looks = [f"SELECT * FROM {view} ORDER BY 1, 2" for view in ("fleet_clusters", "fleet_events", "fleet_trigger_matches", "fleet_addons")]
    with Reader.open(empty_database_url) as one, Reader.open(str(tmp_path / "again.db")) as other:
        assert [one.rows(sql) for sql in looks] == [other.rows(sql) for sql in looks]
    assert list(calls(plan, 1)) == list(calls(again, 1))


def test_every_reading_tool_is_asked():
    plan = Plan.of(SCALE, datetime.now(UTC), 1)
    # A preview computes the whole fleet, and has a figure of its own.
    assert {tool for tool, _ in calls(plan, 1)} >= {tool.name for tool in READING} - {"preview_change"}
