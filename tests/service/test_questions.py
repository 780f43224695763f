"""Every question on both databases: what was planted is found."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fleetd.service.questions.addons import ExplainAddon, ListAddons
from fleetd.service.questions.clusters import GetCluster
from fleetd.service.questions.drift import GetDrift
from fleetd.service.questions.events import GetEvent, ListEvents
from fleetd.service.questions.explaining import ExplainTrigger
from fleetd.service.questions.lineage import TraceLineage
from fleetd.service.questions.objects import FindObjects, GetObject
from fleetd.service.questions.overview import FleetOverview
from fleetd.service.questions.requests import GetRequest
from fleetd.service.questions.sql import DescribeSchema, RunSql
from fleetd.service.questions.timeline import GetTimeline
from fleetd.service.teaching import Code, Taught


async def refusal(questions, question):
    with pytest.raises(Taught) as refused:
        await questions.ask(question)
    return refused.value.lesson


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({}, True),
        ({"state": ("pending", "failed")}, True),
        ({"state": ("acting",)}, False),
        ({"state": ("matched",)}, True),
        ({"state": ("detected",)}, False),
        ({"state": ("acted",)}, False),
        ({"source": "balancers", "clusters": "env=prod"}, True),
        ({"source": "EventSource/balancers", "trigger": "share"}, True),
        ({"trigger": "templated"}, False),
        ({"clusters": "us-1"}, False),
        ({"since": "-3h", "until": "-1h"}, True),
        ({"since": "-1h"}, False),
        ({"older_than": "1h"}, True),
        ({"older_than": "1d"}, False),
    ],
)
async def test_events_are_filtered(questions, arguments, found):
    page = await questions.ask(ListEvents(**arguments))
    assert [row.event_id for row in page.items] == (["e1"] if found else [])
    assert page.total.count == int(found)


async def test_an_event_that_waits_says_where_and_why(questions):
    [event] = (await questions.ask(ListEvents(state=("failed",)))).items
    [waiting] = event.waiting
    assert (waiting.event_trigger, waiting.cluster, waiting.state) == ("share", "prod/us-2", "failed")
    assert waiting.reason_untrusted.startswith("connection refused")
    assert event.state == "failed"


async def test_an_event_is_told_to_its_end(questions):
    event = (await questions.ask(GetEvent(event_id="e1"))).result
    [outcome] = event.outcomes
    assert [(one.ref, one.change) for one in event.objects] == [("Service/shop/web", "added")]
    assert [(one.cluster, one.state, one.reaction_ms) for one in outcome.destinations] == [
        ("prod/us-2", "failed", None),
        ("prod/us-1", "acted", 60_000),
    ]
    assert outcome.destination_states == {"acted": 1, "failed": 1}


async def test_a_trigger_is_explained_gate_by_gate(questions):
    found = (await questions.ask(ExplainTrigger(trigger="share"))).result
    assert found.cluster == "prod/eu-1"
    assert found.first_failing == "acted"
    assert [one.cluster for one in found.destinations] == ["prod/us-2", "prod/us-1"]
    assert [(miss.object_ref, miss.verdict) for miss in found.nearest_misses] == [("Service/shop/internal", "no_match")]


async def test_an_object_that_did_not_match_is_explained_with_what_decided(questions):
    found = (await questions.ask(ExplainTrigger(trigger="share", cluster="eu-1", object="Service/shop/internal"))).result
    assert found.first_failing == "object_matched"
    assert found.nearest_misses[0].reason_untrusted == "has(resource.status.ip) is false"


@pytest.mark.parametrize(
    ("trigger", "cluster", "gate"),
    [("share", "us-1", "cluster_selected"), ("other", "eu-1", "source_declared"), ("templated", "eu-1", "matched")],
)
async def test_the_first_gate_that_fails_is_named(questions, trigger, cluster, gate):
    assert (await questions.ask(ExplainTrigger(trigger=trigger, cluster=cluster))).result.first_failing == gate


async def test_a_trigger_may_be_explained_for_one_event(questions):
    found = (await questions.ask(ExplainTrigger(trigger="EventTrigger/share", event="e1"))).result
    assert (found.cluster, found.first_failing) == ("prod/eu-1", "acted")


async def test_add_ons_are_listed_counted_and_explained(questions):
    failed = await questions.ask(ListAddons(status=("failed",)))
    assert [(row.profile, row.cluster) for row in failed.items] == [("ClusterProfile/share-web", "prod/us-2")]
    counted = await questions.ask(ListAddons(profile="share-web", group_by="state"))
    assert {group.key: group.count for group in counted.groups} == {"deployed": 1, "failed": 1}
    explained = (await questions.ask(ExplainAddon(profile="ClusterProfile/share-web", cluster="us-2"))).result
    assert explained.first_failing == "cluster_ready"
    assert explained.generated_by == "share"


async def test_a_profile_that_does_not_choose_the_cluster_is_explained(questions):
    found = (await questions.ask(ExplainAddon(profile="base", cluster="us-1"))).result
    assert found.first_failing == "cluster_selected"


async def test_add_ons_are_known_as_of_a_past_time(questions):
    then = datetime.now(UTC).isoformat()
    assert [row.state for row in (await questions.ask(ListAddons(as_of=then))).items] == ["deployed", "failed"]
    assert (await refusal(questions, ListAddons(as_of="-30d"))).code is Code.AS_OF_OUT_OF_RANGE


async def test_objects_are_found_declared_and_on_clusters(questions):
    declared = await questions.ask(FindObjects(query="shar", kinds=("eventtrigger",)))
    assert [row.ref for row in declared.items] == ["EventTrigger.lib.projectsveltos.io//share"]
    placed = await questions.ask(FindObjects(query="web", clusters="us-*"))
    assert [(row.ref, row.profile) for row in placed.items] == [("Service/shop/web@prod/us-1", "ClusterProfile/share-web")]
    assert (await refusal(questions, FindObjects())).code is Code.TOO_BROAD


async def test_an_object_shows_its_revisions_and_no_secret(questions):
    secret = (await questions.ask(GetObject(ref="secret/token", view="manifest"))).result
    assert "canary-4711" not in str(secret)
    assert secret.manifest_untrusted["kind"] == "Secret"
    source = (await questions.ask(GetObject(ref="EventSource/balancers"))).result
    assert source.manifest_untrusted["spec"]["resourceSelectors"][0]["kind"] == "Service"
    assert len(source.revisions) == 1
    assert (await refusal(questions, GetObject(ref="EventSource/balancers", as_of="-3d"))).code is Code.AS_OF_OUT_OF_RANGE


async def test_what_fleetd_cannot_know_is_said_so(questions):
    lesson = await refusal(questions, GetObject(ref="Pod/shop/web-0@prod/us-1"))
    assert "cannot know" in lesson.sentence
    assert "kubectl" in lesson.sentence


async def test_the_way_from_an_object_back_to_the_event(questions):
    hops = (await questions.ask(TraceLineage(ref="Service/shop/web@prod/us-1"))).result.hops
    assert [hop.what for hop in hops] == ["object", "profile", "declared", "match", "event", "cause", "declared"]
    assert hops[4].ref == "event:e1"
    assert hops[5].ref == "Service/shop/web@prod/eu-1"


@pytest.mark.parametrize("ref", ["EventSource/balancers", "EventTrigger/share", "event:e1", "ClusterProfile/share-web"])
async def test_the_way_down_reaches_the_objects(questions, ref):
    hops = (await questions.ask(TraceLineage(ref=ref, direction="down"))).result.hops
    assert "Service/shop/web@prod/us-1" in [hop.ref for hop in hops]


async def test_drift_says_who_and_what(questions):
    [incident] = (await questions.ask(GetDrift(only="flapping", since="-3h"))).items
    assert (incident.changed_by_untrusted, incident.outcome, incident.flap_count) == ("kubectl-edit", "corrected", 2)
    assert {"spec.ports[0].port", "data.note"} == {one.field_path_untrusted for one in incident.fields}
    assert (await questions.ask(GetDrift(only="open"))).items == ()


async def test_a_timeline_is_merged_the_newest_first(questions):
    page = await questions.ask(GetTimeline(clusters="*"))
    assert {entry.type for entry in page.items} == {"event", "apply", "drift", "cluster", "edit"}
    assert (await questions.ask(GetTimeline())).items == page.items
    assert "edit" not in {entry.type for entry in (await questions.ask(GetTimeline(clusters="us-1"))).items}
    assert [entry.at for entry in page.items] == sorted((entry.at for entry in page.items), reverse=True)
    of_trigger = await questions.ask(GetTimeline(ref="EventTrigger/share"))
    assert [entry.type for entry in of_trigger.items] == ["edit", "decision"]


async def test_the_overview_counts_and_ranks(questions):
    found = (await questions.ask(FleetOverview())).result
    assert found.clusters == {"ready": 2, "unreachable": 1}
    assert found.pending_events == {"failed": 1}
    assert found.addons == {"deployed": 1, "failed": 1}
    assert found.broken_references == 1
    assert found.troubles[0].ref == "prod/us-2"


async def test_sql_and_its_schema(questions):
    rows = (await questions.ask(RunSql(sql="SELECT cluster FROM fleet_clusters WHERE cluster = :c", params={"c": "prod/us-1"}))).result
    assert rows.rows_untrusted == (("prod/us-1",),)
    schema = (await questions.ask(DescribeSchema(view="fleet_events"))).result
    assert "detected_at" in schema.views[0].columns


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (GetEvent(event_id="nothing"), Code.NOT_FOUND),
        (GetRequest(request_id="nothing"), Code.NOT_FOUND),
        (GetObject(ref="nonsense"), Code.BAD_ARGUMENT),
        (GetObject(ref="Nonsense/x"), Code.BAD_ARGUMENT),
        (GetObject(ref="EventTrigger/shar"), Code.NOT_FOUND),
        (ExplainTrigger(trigger="shar"), Code.NOT_FOUND),
        (ExplainAddon(profile="shar", cluster="us-1"), Code.NOT_FOUND),
        (GetTimeline(clusters="*", since="soon"), Code.BAD_ARGUMENT),
        (ListEvents(since="2999-01-01T00:00:00Z"), Code.BAD_ARGUMENT),
        (ListEvents(cursor="x"), Code.STALE_CURSOR),
        (ListEvents(older_than="long"), Code.BAD_ARGUMENT),
        (DescribeSchema(view="fleet_event"), Code.BAD_ARGUMENT),
        (GetCluster(cluster=""), Code.BAD_ARGUMENT),
    ],
)
async def test_what_cannot_be_answered_teaches(questions, question, code):
    lesson = await refusal(questions, question)
    assert lesson.code is code
    assert lesson.sentence


async def test_nearest_names_are_offered(questions):
    assert "EventTrigger.lib.projectsveltos.io//share" in (await refusal(questions, ExplainTrigger(trigger="shar"))).did_you_mean
    assert "fleet_events" in (await refusal(questions, DescribeSchema(view="fleet_event"))).did_you_mean
