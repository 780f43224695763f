"""Every question that takes a past time answers as it would have been answered then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleetd.domain.records import AddonGone, AddonRecord, DestinationRecord, IncidentRecord, InventoryGone, MemberGone, VerdictRecord
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import AddonState, ClusterState, DriftOutcome, MatchState, VerdictState
from fleetd.service.local import LocalQuestions
from fleetd.service.questions.addons import ExplainAddon, ListAddons
from fleetd.service.questions.clusters import GetCluster, ListClusters
from fleetd.service.questions.drift import GetDrift
from fleetd.service.questions.events import GetEvent, ListEvents
from fleetd.service.questions.explaining import ExplainTrigger
from fleetd.service.questions.lineage import TraceLineage
from fleetd.service.questions.objects import GetObject
from fleetd.service.questions.references import ListReferences
from fleetd.service.teaching import Code, Taught
from fleetd.store.database import Database
from fleetd.store.keeping import Retention
from fleetd.store.retention import sweep

HOUR = timedelta(hours=1)
MANY = (
    ListClusters(as_of="0s"),
    GetCluster(cluster="us-1", as_of="0s"),
    ListReferences(ref="EventSource/balancers", as_of="0s"),
    ListAddons(as_of="0s"),
    ExplainAddon(profile="share-web", cluster="us-1", as_of="0s"),
    ExplainTrigger(trigger="share", as_of="0s"),
    TraceLineage(ref="EventTrigger/share", direction="down", as_of="0s"),
    GetObject(ref="EventTrigger/share", as_of="0s"),
    GetDrift(as_of="0s"),
    ListEvents(as_of="0s"),
    GetEvent(event_id="e1", as_of="0s"),
)


@dataclass
class Clock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def aged_urls(new_url: Callable[[str], str], master_key: Any) -> Callable[[str, Any], tuple[str, datetime]]:
    """A fleet of three hours on a database of each kind, and what time it is in it."""
    made: dict[str, tuple[str, datetime]] = {}

    def url(kind: str, planted: Any) -> tuple[str, datetime]:
        if kind not in made:
            clock = Clock(datetime.now(UTC))
            at = new_url(kind)
            clock.now = datetime.now(UTC)
            asyncio.run(_live(at, master_key, planted, clock))
            made[kind] = at, clock.now
        return made[kind]

    return url


@pytest.fixture
async def questions(database_kind: str, aged_urls: Any, planted: Any) -> AsyncIterator[LocalQuestions]:
    url, now = await asyncio.to_thread(aged_urls, database_kind, planted)
    asked = LocalQuestions(url, clock=lambda: now)
    yield asked
    await asked.close()


async def _live(url: str, key: Any, planted: Any, clock: Clock) -> None:
    """As planted in the first hour, us-2 recovered in the second, us-1 gone in the third."""
    database = await Database.open(url, key=key, now=clock)
    await planted.plant(database, clock.now)
    clock.now += HOUR
    await database.commit([*_recovered(planted, clock.now)])
    await database.declared.remove(ObjectRef("EventTrigger", "lib.projectsveltos.io", "", "share"))
    clock.now += HOUR
    web = {"cluster": "prod/us-1", "at": clock.now}
    gone = AddonGone(profile="ClusterProfile/share-web", addon="policyRefs/0", **web)
    late = planted.member("prod/ap-1", clock.now)
    await database.commit([MemberGone(**web), gone, InventoryGone(ref=planted.WEB, **web), late])
    await database.close()
    clock.now += HOUR


def _recovered(planted: Any, at: datetime) -> list[Any]:
    labels = {"role": "app", "env": "prod"}
    addon = {"profile": "ClusterProfile/share-web", "addon": "policyRefs/0", "kind": "policyRef", "wanted_digest": "w", "cause_id": "e1"}
    incident = {"incident_id": "i2", "cluster": "prod/us-1", "profile": addon["profile"], "changed_by": "me", "flap_count": 0}
    return [
        planted.member("prod/us-2", at, labels=labels),
        AddonRecord(**addon, cluster="prod/us-2", state=AddonState.DEPLOYED, reason="", attempts=4, at=at, applied_at=at),
        DestinationRecord(match_id="m1", cluster="prod/us-2", state=MatchState.ACTED, reason="", rendered_at=at, applied_at=at),
        VerdictRecord(
            source="balancers",
            cluster="prod/eu-1",
            ref=planted.INTERNAL,
            state=VerdictState.MATCH,
            reason="",
            deciding="",
            since=at,
        ),
        IncidentRecord(**incident, ref=planted.WEB, detected_at=at, corrected_at=None, outcome=DriftOutcome.OPEN, fields=(), cause_id="i2"),
    ]


def moment(hours: float) -> str:
    """So many hours after the beginning, in a fleet that is three hours old."""
    return f"-{round((3 - hours) * 60)}m"


async def refusal(questions: LocalQuestions, question: Any) -> Any:
    with pytest.raises(Taught) as refused:
        await questions.ask(question)
    return refused.value.lesson


async def test_clusters_are_as_they_were(questions):
    then = await questions.ask(ListClusters(as_of=moment(0.5), detail="full"))
    assert {row.cluster: row.connection for row in then.items} == {
        "prod/eu-1": ClusterState.READY,
        "prod/us-1": ClusterState.READY,
        "prod/us-2": ClusterState.UNREACHABLE,
    }
    [us2] = [row for row in then.items if row.cluster == "prod/us-2"]
    assert (us2.pending_events, us2.failed_addons, us2.labels["env"], us2.stale) == (1, 1, "test", None)
    assert us2.oldest_pending.event_id == "e1"
    assert then.coverage.clusters_total == 3
    assert then.coverage.unreachable == ("prod/us-2",)
    assert any("not kept" in warning for warning in then.warnings)
    later = await questions.ask(ListClusters(as_of=moment(1.5), has=("pending_events",)))
    assert later.items == ()
    now = await questions.ask(ListClusters())
    assert [row.cluster for row in now.items] == ["prod/ap-1", "prod/eu-1", "prod/us-2"]


async def test_labels_choose_as_they_were(questions):
    assert [row.cluster for row in (await questions.ask(ListClusters(clusters="env=test", as_of=moment(0.5)))).items] == ["prod/us-2"]
    assert (await questions.ask(ListClusters(clusters="env=test", as_of=moment(1.5)))).items == ()


async def test_a_cluster_that_has_gone_can_be_looked_at_as_it_was(questions):
    page = await questions.ask(GetCluster(cluster="us-1", as_of=moment(1.5)))
    assert page.result.cluster.open_drift == 1
    assert page.result.profiles[0].states == {"deployed": 1}
    assert "existed" not in page.warnings
    lesson = await refusal(questions, GetCluster(cluster="us-1"))
    assert "part of the fleet until" in lesson.sentence
    lesson = await refusal(questions, GetCluster(cluster="ap-1", as_of=moment(1.5)))
    assert "not part of the fleet yet: it came at" in lesson.sentence


async def test_pending_events_are_those_that_were_pending(questions):
    pending = ("pending", "failed", "blocked", "acting")
    then = await questions.ask(ListEvents(state=pending, as_of=moment(0.5)))
    assert [(row.event_id, row.waiting[0].cluster) for row in then.items] == [("e1", "prod/us-2")]
    # Detected 1:55 before the beginning, and half an hour later that is asked.
    assert 8_640 <= then.items[0].age_seconds <= 8_760
    event = await questions.ask(GetEvent(event_id="e1", as_of=moment(0.5)))
    assert {one.cluster: one.state for one in event.result.outcomes[0].destinations} == {"prod/us-1": "acted", "prod/us-2": "failed"}
    event = await questions.ask(GetEvent(event_id="e1", as_of=moment(1.5)))
    assert {one.cluster: one.state for one in event.result.outcomes[0].destinations} == {"prod/us-1": "acted", "prod/us-2": "acted"}


async def test_add_ons_and_what_stood_in_their_way_are_as_they_were(questions):
    assert [row.state for row in (await questions.ask(ListAddons(as_of=moment(0.5)))).items] == ["deployed", "failed"]
    assert [row.state for row in (await questions.ask(ListAddons(as_of=moment(1.5)))).items] == ["deployed", "deployed"]
    assert [row.cluster for row in (await questions.ask(ListAddons())).items] == ["prod/us-2"]
    then = await questions.ask(ExplainAddon(profile="share-web", cluster="us-2", as_of=moment(0.5)))
    assert then.result.first_failing == "cluster_ready"
    assert (await questions.ask(ExplainAddon(profile="share-web", cluster="us-2"))).result.first_failing == ""


async def test_a_trigger_that_is_gone_is_explained_as_it_was(questions):
    assert "was declared until" in (await refusal(questions, ExplainTrigger(trigger="share"))).sentence
    asked = {"trigger": "share", "cluster": "eu-1", "object": "Service/shop/internal"}
    then = await questions.ask(ExplainTrigger(**asked, as_of=moment(0.5)))
    assert then.result.first_failing == "object_matched"
    assert then.result.gates[0].passed is None
    assert "not kept" in then.result.gates[0].because


async def test_references_are_read_from_what_was_declared(questions):
    now = await questions.ask(ListReferences(ref="EventSource/balancers", direction="in"))
    then = await questions.ask(ListReferences(ref="EventSource/balancers", direction="in", as_of=moment(0.5)))
    found = {(edge.from_ref.rpartition("/")[2], edge.resolved, edge.for_cluster) for edge in then.items}
    assert found == {("share", True, ""), ("templated", True, "prod/eu-1")}
    assert {edge.from_ref.rpartition("/")[2] for edge in now.items} == {"templated"}
    out = await questions.ask(ListReferences(ref="EventTrigger/share", direction="out", as_of=moment(0.5)))
    assert {edge.to_ref for edge in out.items} == {"EventSource.lib.projectsveltos.io//balancers", "ConfigMap/default/copy"}


@pytest.mark.parametrize("database_kind", ["sqlite", "postgres"])
async def test_references_of_then_are_those_of_now_where_nothing_changed(planted_url):
    questions = LocalQuestions(planted_url)
    for ref in ("EventSource/balancers", "EventTrigger/templated", "ConfigMap/default/copy", "ClusterProfile/base", "EventTrigger/other"):
        now = await questions.ask(ListReferences(ref=ref))
        then = await questions.ask(ListReferences(ref=ref, as_of=datetime.now(UTC).isoformat()))
        assert then.items == now.items
    await questions.close()


async def test_drift_is_what_was_open(questions):
    assert [row.incident_id for row in (await questions.ask(GetDrift(as_of=moment(0.5)))).items] == ["i1"]
    assert [row.incident_id for row in (await questions.ask(GetDrift(only="open", as_of=moment(1.5)))).items] == ["i2"]


async def test_objects_are_the_revision_that_stood_then(questions):
    then = await questions.ask(GetObject(ref="EventTrigger/share", as_of=moment(0.5)))
    assert then.result.state == "past"
    assert then.result.manifest_untrusted["spec"]["eventSourceName"] == "balancers"
    assert then.result.revisions[0].valid_to is None


async def test_what_fleetd_put_there_is_not_kept_and_that_is_said(questions):
    then = await questions.ask(GetObject(ref="ClusterProfile/base", as_of=moment(0.5)))
    assert not any("kept as it is now only" in warning for warning in then.warnings)
    lesson = await refusal(questions, GetObject(ref="Service/shop/web@prod/us-1", as_of=moment(1.5)))
    assert "kept as it is now only" in lesson.sentence
    traced = await questions.ask(TraceLineage(ref="EventTrigger/share", direction="down", as_of=moment(1.5)))
    assert {hop.cluster for hop in traced.result.hops if hop.what == "add-on"} == {"prod/us-1", "prod/us-2"}
    assert any("kept as it is now only" in warning for warning in traced.warnings)


async def test_a_time_that_cannot_be_answered_is_refused_with_why(questions):
    for question in MANY:
        early = await refusal(questions, replace(question, as_of="-5h"))
        assert early.code is Code.AS_OF_OUT_OF_RANGE
        assert "there is state since" in early.sentence
        future = await refusal(questions, replace(question, as_of="2999-01-01T00:00:00Z"))
        assert (future.code, future.field) == (Code.BAD_ARGUMENT, "as_of")
        assert "not yet" in future.sentence
        wrong = await refusal(questions, replace(question, as_of="yesterday"))
        assert (wrong.code, wrong.field) == (Code.BAD_ARGUMENT, "as_of")


async def test_an_answer_of_a_past_time_says_so(questions):
    for question in MANY:
        then = await questions.ask(replace(question, as_of=moment(0.5)))
        assert abs(datetime.fromisoformat(then.as_of.time) - datetime.now(UTC) - HOUR / 2) < HOUR / 6
        assert then.as_of.revision > 0
        assert all("as_of" in hint.arguments for hint in then.hints), then.hints


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_time_of_which_history_is_forgotten_is_refused_with_the_window(database_url, master_key, planted):
    began = datetime.now(UTC)
    database = await Database.open(database_url, key=master_key, now=lambda: began)
    await planted.plant(database, began)
    await database.close()
    questions = LocalQuestions(database_url, clock=lambda: began + timedelta(days=60))
    lesson = await refusal(questions, ListEvents(as_of="-40d"))
    assert lesson.code is Code.AS_OF_OUT_OF_RANGE
    assert "goes back to" in lesson.sentence
    # What is declared is kept for longer.
    assert (await questions.ask(GetObject(ref="EventTrigger/share", as_of="-40d"))).result.manifest_untrusted
    await questions.close()


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_revision_whose_changes_are_forgotten_is_said_to_be_a_bound(database_url, master_key, planted):
    began = datetime.now(UTC)
    clock = Clock(began)
    database = await Database.open(database_url, key=master_key, now=clock)
    await planted.plant(database, began)
    clock.now = began + timedelta(days=1)
    await database.commit([MemberGone(cluster="prod/us-1", at=clock.now)])
    whole = (await database.changes_since(0))[-1].seq
    clock.now = began + timedelta(days=10)
    await sweep(database, Retention(), clock.now)
    left = [one.seq for one in await database.changes_since(0)]
    assert left == [whole], "the last number stays, for it is the revision of now"
    await database.close()
    questions = LocalQuestions(database_url, clock=clock)
    assert (await questions.ask(ListClusters())).as_of.revision == whole
    then = await questions.ask(ListClusters(as_of=(began + HOUR).isoformat()))
    assert then.as_of.revision == whole - 1
    assert any("at most" in warning for warning in then.warnings)
    await questions.close()


async def test_stale_clusters_of_then_cannot_be_asked_for(questions):
    lesson = await refusal(questions, ListClusters(has=("stale",), as_of=moment(0.5)))
    assert lesson.field == "has"
    assert "stale" not in lesson.allowed


async def test_groups_and_totals_are_those_of_then(questions):
    def counted(page: Any) -> dict[str, int]:
        return {group.key: group.count for group in page.groups}

    then, now = moment(0.5), ""
    assert counted(await questions.ask(ListClusters(group_by="connection", as_of=then))) == {"ready": 2, "unreachable": 1}
    assert counted(await questions.ask(ListClusters(group_by="connection", as_of=now))) == {"ready": 3}
    assert counted(await questions.ask(ListAddons(group_by="state", as_of=then))) == {"deployed": 1, "failed": 1}
    assert counted(await questions.ask(GetDrift(group_by="outcome", as_of=then))) == {"corrected": 1}
    assert counted(await questions.ask(ListEvents(group_by="cluster", as_of=then))) == {"prod/eu-1": 1}
    assert (await questions.ask(ListClusters(as_of=then, limit=1))).total.count == 3
    for group_by in ("kubernetes_version", "kind", "namespace", "mode"):
        assert sum(counted(await questions.ask(ListClusters(group_by=group_by, as_of=then))).values()) == 3


async def test_every_filter_of_a_list_holds_for_a_past_time(questions):
    then = {"as_of": moment(0.5)}
    for question, count in (
        (ListClusters(has=("pending_events", "failed_addons", "not_ready"), **then), 1),
        (ListClusters(has=("drift",), **then), 0),
        (ListClusters(status=("unreachable",), version="1.29", older_than="1h", **then), 1),
        (ListEvents(source="balancers", trigger="share", clusters="eu-1", since="-3h", older_than="1m", **then), 1),
        (ListEvents(state=("matched",), **then), 1),
        (ListEvents(state=("acted", "suppressed"), **then), 0),
        (ListEvents(state=("detected",), **then), 0),
        (ListEvents(slower_than="10s", detail="full", **then), 1),
        (ListAddons(profile="share-web", clusters="us-*", status=("failed",), detail="full", **then), 1),
        (GetDrift(profile="share-web", ref="Service/shop/web@prod/us-1", only="corrected", detail="full", **then), 1),
        (ListReferences(ref="EventTrigger/share", detail="full", **then), 2),
    ):
        assert (await questions.ask(question)).total.count == count, question


async def test_who_had_generated_a_profile_is_not_made_up(questions):
    early = await questions.ask(ExplainAddon(profile="share-web", cluster="us-2", as_of=moment(0.5)))
    assert early.result.generated_by in ("share", "")
    assert not any("declared no more" in gate.because for gate in early.result.gates)
