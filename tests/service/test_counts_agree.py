"""A number is the same wherever it is asked for: in the views, and in what the service says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fleetd.domain.records import DestinationRecord, EventRecord, MatchRecord
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import MatchState
from fleetd.service.questions.clusters import ListClusters
from fleetd.service.questions.events import ListEvents
from fleetd.service.questions.overview import FleetOverview
from fleetd.service.questions.sql import RunSql

COUNTED = "SELECT cluster, pending_events FROM fleet_clusters ORDER BY cluster"
UNSETTLED = ObjectRef("Service", "", "shop", "early")


@pytest.fixture
async def unsettled(database):
    """An event on prod/eu-1 whose trigger has settled no destination."""
    at = datetime.now(UTC) - timedelta(hours=1)
    happened = {"source": "balancers", "cluster": "prod/eu-1", "cause_id": "e2"}
    failed = {"state": MatchState.FAILED, "reason": "no such template", "matched_at": at, "acted_at": None}
    await database.commit(
        [
            EventRecord(event_id="e2", revision=2, detected_at=at, matching_count=1, changes=(), **happened),
            MatchRecord(match_id="m2", trigger="other", event_id="e2", object_ref=UNSETTLED, profile="", **happened, **failed),
        ]
    )


@pytest.mark.usefixtures("unsettled")
async def test_an_event_without_a_settled_destination_is_counted_where_it_happened_also_in_sql(changing):
    listed = await changing.ask(ListClusters())
    said = {row.cluster: row.pending_events for row in listed.items}
    assert said == {"prod/eu-1": 1, "prod/us-1": 0, "prod/us-2": 1}
    answer = await changing.ask(RunSql(sql=COUNTED))
    assert dict(answer.result.rows_untrusted) == said
    overview = await changing.ask(FleetOverview())
    assert sum(overview.result.pending_events.values()) == sum(said.values())


@pytest.mark.usefixtures("unsettled")
async def test_it_was_counted_so_at_a_past_time(changing):
    listed = await changing.ask(ListClusters(as_of="0s"))
    assert {row.cluster: row.pending_events for row in listed.items} == {"prod/eu-1": 1, "prod/us-1": 0, "prod/us-2": 1}


async def test_a_reaction_lasts_at_least_as_long_as_its_longest_stage(database, changing):
    at = datetime(2026, 11, 1, 12, 0, 0, 400, tzinfo=UTC)
    happened = {"source": "balancers", "cluster": "prod/eu-1", "cause_id": "e3"}
    acted = {"state": MatchState.ACTED, "reason": ""}
    done = at + timedelta(microseconds=13_200)
    await database.commit(
        [
            EventRecord(event_id="e3", revision=3, detected_at=at, matching_count=1, changes=(), **happened),
            MatchRecord(
                match_id="m3",
                trigger="share",
                event_id="e3",
                object_ref=UNSETTLED,
                profile="",
                **happened,
                **acted,
                matched_at=at,
                acted_at=done,
            ),
            DestinationRecord(match_id="m3", cluster="prod/us-1", rendered_at=at, applied_at=done, **acted),
        ]
    )
    [event] = [one for one in (await changing.ask(ListEvents())).items if one.event_id == "e3"]
    assert event.slowest
    assert (event.slowest.stage, event.slowest.stage_ms, event.slowest.reaction_ms) == ("apply", 13, 13)
