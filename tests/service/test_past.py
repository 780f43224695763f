"""A past time is answered with what stood then, and what is not kept of then is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleetd.store.database import Database
from fleetd.store.past import PASTS, THEN, as_of
from fleetd.store.reading import Reader
from fleetd.store.views import views

PARTLY = {name for name, past in PASTS.items() if past.gap}
NEVER_KEPT = {"last_seen_at", "stale"}
TELLS_THE_TIME = {"age_seconds", "lasted_seconds", "fires_1h"}
SAME = {
    "fleet_clusters",
    "fleet_cluster_labels",
    "fleet_cluster_history",
    "fleet_verdicts",
    "fleet_events",
    "fleet_event_objects",
    "fleet_trigger_matches",
    "fleet_match_destinations",
    "fleet_pending_events",
    "fleet_waits",
    "fleet_addons",
    "fleet_addon_history",
    "fleet_drift_incidents",
    "fleet_changes",
}


def read(reader: Reader, view: str, then: datetime | None = None) -> list[tuple[Any, ...]]:
    sql = f"SELECT * FROM {view}"
    rows = reader.rows(sql) if then is None else reader.rows(as_of(sql, reader.dialect).sql, {THEN: then})
    left_out = NEVER_KEPT | TELLS_THE_TIME
    return sorted(tuple(repr(value) for name, value in row.items() if name not in left_out) for row in rows)


def test_every_view_that_a_question_of_a_past_time_reads_has_a_past_with_the_same_columns(planted_url):
    columns = {name: names for name, _, names in views()}
    with Reader.open(planted_url) as reader:
        for view in PASTS:
            sql = as_of(f"SELECT * FROM {view}", reader.dialect).sql
            for row in reader.rows(f"{sql} LIMIT 1", {THEN: datetime.now(UTC)}):
                assert tuple(row) == columns[view]


def test_a_view_without_a_past_cannot_be_read_as_if_today_were_then():
    with pytest.raises(LookupError):
        as_of("SELECT * FROM fleet_requests", "sqlite")


def test_of_this_moment_the_past_is_the_present(planted_url):
    now = datetime.now(UTC)
    with Reader.open(planted_url) as reader:
        for view in PASTS:
            assert read(reader, view, now) == read(reader, view), view


@pytest.mark.parametrize("seed", [1, 2])
async def test_what_was_read_at_a_time_is_read_again_as_of_it(database_url, master_key, planted, seed):
    life = planted.LIFE.Life(seed)
    database = await Database.open(database_url, key=master_key, now=life.now)
    seen: list[tuple[datetime, dict[str, list[Any]]]] = []
    with Reader.open(database_url) as reader:
        for _ in range(25):
            await database.commit(life.step(planted.member))
            seen.append((life.at, {view: read(reader, view) for view in SAME}))
        for then, rows in seen:
            for view in SAME:
                assert read(reader, view, then + timedelta(seconds=30)) == rows[view], view
    await database.close()


@pytest.mark.parametrize("seed", [3])
async def test_what_waits_in_brief_is_what_waits_at_any_time(database_url, master_key, planted, seed):
    brief = "SELECT match_id, event_id, cluster, waits_on, source_cluster, state, detected_at FROM fleet_waits"
    whole = (
        "SELECT match_id, event_id, cluster, COALESCE(cluster, source_cluster) AS waits_on, source_cluster, state, detected_at"
        " FROM fleet_pending_events"
    )
    life = planted.LIFE.Life(seed)
    database = await Database.open(database_url, key=master_key, now=life.now)
    waited = 0
    with Reader.open(database_url) as reader:
        for _ in range(30):
            await database.commit(life.step(planted.member))
            found, wanted = (sorted(repr(row) for row in reader.rows(sql)) for sql in (brief, whole))
            assert found == wanted
            waited += len(found)
    assert waited
    await database.close()
