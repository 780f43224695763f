"""Records go in, and come out as they went in."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from fleetd.domain.errors import GiveUp, NotPermitted, TryLater
from fleetd.domain.held_back import DampedGone
from fleetd.domain.records import (
    AddonGone,
    ChangeKind,
    DeclaredStatus,
    EventRecord,
    GeneratedGone,
    Heartbeat,
    HeldLoss,
    InventoryGone,
    MemberGone,
    VerdictGone,
)
from fleetd.domain.states import AddonState, ClusterState, DampedKind, DeclaredState, DriftOutcome, ProposalState, RequestState
from fleetd.store.database import Database
from fleetd.store.reading import Reader


async def test_every_kind_of_record_is_loaded_as_it_was_committed(database, said, clock):
    web = said.service()
    loss = HeldLoss(
        proposal_id="p1", subject="lb", summary="11 gone", lost=("a", "b"), created_at=clock(), cause_id="e1", expires_at=clock()
    )
    member = said.member(labels={"env": "prod", "tier": ""}, version="v1.31.0", uid="u1", last_seen_at=clock())
    profile = {"apiVersion": "config.projectsveltos.io/v1beta1", "kind": "ClusterProfile", "metadata": {"name": "x"}, "spec": {"n": 1}}
    from_event = said.event("e1", web, body={"kind": "Service", "spec": {"ports": [1, 2.5, None, "ü"]}})
    generated = said.generated(web, profile, object_ref=web)
    records = [
        member,
        said.verdict(web),
        from_event,
        said.match(ref=web),
        said.destination(rendered_at=clock()),
        generated,
        said.addon(applied_at=clock(), next_attempt_at=clock()),
        said.object(web),
        said.incident(),
        said.journal(),
        said.request(),
        loss,
        said.damped(web),
    ]
    await database.commit(records)
    loaded = await database.load()
    assert loaded.members == (member,)
    assert loaded.verdicts == (records[1],)
    report = loaded.reports["lb", "prod/eu-1"]
    assert (report.revision, report.event_id) == (1, "e1")
    assert report.objects == tuple(change.object for change in from_event.changes)
    assert loaded.matches == (records[3],)
    assert loaded.destinations == (records[4],)
    assert loaded.generated == (generated,)
    assert loaded.generated[0].manifest == profile
    assert loaded.addons == (records[6],)
    assert loaded.inventory == (records[7],)
    assert loaded.incidents == (records[8],)
    assert loaded.requests == (records[10],)
    assert loaded.held == (loss,)
    assert loaded.damped == (records[12],)


async def test_what_is_gone_is_not_loaded(database, said, clock):
    web = said.service()
    made = [said.verdict(web), said.generated(web, {}), said.addon(), said.object(web), said.damped(web)]
    await database.commit([said.member(labels={"a": "b"}), *made])
    await database.commit(
        [
            MemberGone(cluster="prod/eu-1", at=clock()),
            VerdictGone(source="lb", cluster="prod/eu-1", ref=web, at=clock()),
            GeneratedGone(ref=web, at=clock()),
            DampedGone(kind=DampedKind.FLAPPING, subject="EventSource/lb", cluster="prod/eu-1", object_ref=web, at=clock()),
            AddonGone(profile="ClusterProfile/web", cluster="prod/us-1", addon="policyRefs/0", at=clock()),
            InventoryGone(cluster="prod/us-1", ref=web, at=clock()),
        ]
    )
    loaded = await database.load()
    assert (loaded.members, loaded.verdicts, loaded.generated, loaded.addons, loaded.inventory) == ((), (), (), (), ())
    assert loaded.damped == ()


async def test_a_report_is_what_its_events_left_of_it(database, said):
    one, two, three = (said.service(name) for name in ("one", "two", "three"))
    await database.commit([said.event("e1", one, two)])
    await database.commit([said.event("e2", two, change=ChangeKind.REMOVED, revision=2), said.event("e3", three, revision=3)])
    report = (await database.load()).reports["lb", "prod/eu-1"]
    assert [found.ref for found in report.objects] == [one, three]
    assert (report.revision, report.event_id) == (3, "e3")


async def test_a_report_that_nothing_matches_any_more_is_still_a_report(database, said):
    await database.commit([said.event("e1", said.service())])
    await database.commit([said.event("e2", said.service(), change=ChangeKind.REMOVED, revision=2, matching_count=0)])
    assert (await database.load()).reports["lb", "prod/eu-1"].objects == ()


async def test_the_last_word_of_a_batch_counts(database, said):
    first, last = said.addon(state=AddonState.APPLYING), said.addon(state=AddonState.FAILED, attempts=2)
    await database.commit([said.member(), first, last, said.member(state=ClusterState.UNREACHABLE, ready=False)])
    loaded = await database.load()
    assert loaded.addons == (last,)
    assert loaded.members[0].state is ClusterState.UNREACHABLE


async def test_gone_and_back_in_one_batch_is_there(database, said, clock):
    await database.commit([said.addon()])
    gone = AddonGone(profile="ClusterProfile/web", cluster="prod/us-1", addon="policyRefs/0", at=clock())
    await database.commit([gone, said.addon(attempts=3)])
    assert (await database.load()).addons[0].attempts == 3


async def test_a_heartbeat_moves_when_a_cluster_was_last_seen(database, said, clock):
    await database.commit([said.member()])
    later = clock.forward(minutes=1)
    await database.commit([Heartbeat(clusters=("prod/eu-1",), at=later)])
    assert (await database.load()).members[0].last_seen_at == later


async def test_labels_have_a_history_of_their_own(database, said, clock):
    await database.commit([said.member(labels={"env": "test", "team": "a"})])
    clock.forward(seconds=1)
    await database.commit([said.member(labels={"env": "prod", "team": "a"})])
    assert (await database.load()).members[0].labels == {"env": "prod", "team": "a"}
    with Reader.open(database.url) as reader:
        rows = reader.rows("SELECT label_key, label_value, valid_to FROM member_labels ORDER BY label_key, valid_from")
    assert [(row["label_key"], row["label_value"], row["valid_to"] is None) for row in rows] == [
        ("env", "test", False),
        ("env", "prod", True),
        ("team", "a", True),
    ]


async def test_an_add_on_keeps_the_states_it_was_in(database, said, clock):
    for state in (AddonState.APPLYING, AddonState.FAILED, AddonState.DEPLOYED):
        await database.commit([said.addon(state=state)])
        clock.forward(seconds=1)
    with Reader.open(database.url) as reader:
        rows = reader.rows("SELECT state, valid_from, valid_to FROM fleet_addon_history ORDER BY valid_from")
    assert [row["state"] for row in rows] == ["applying", "failed", "deployed"]
    assert [row["valid_to"] for row in rows] == [rows[1]["valid_from"], rows[2]["valid_from"], None]


async def test_many_callers_share_transactions_and_all_are_there(database, said):
    await asyncio.gather(*(database.commit([said.member(f"prod/c{number}")]) for number in range(300)))
    assert len((await database.load()).members) == 300


async def test_one_callers_impossible_record_does_not_stop_the_others(database, said):
    naive = dataclasses.replace(said.addon(), at=said.clock().replace(tzinfo=None))
    outcomes = await asyncio.gather(
        database.commit([said.member("prod/a")]),
        database.commit([said.member("prod/b"), dataclasses.replace(naive, attempts="many")]),  # type: ignore[arg-type]
        database.commit([said.member("prod/c")]),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], Exception)
    assert {member.cluster for member in (await database.load()).members} == {"prod/a", "prod/c"}


async def test_an_event_that_is_committed_again_is_there_once(database, said):
    event = said.event("e1", said.service())
    await database.commit([event])
    await database.commit([event])
    with Reader.open(database.url) as reader:
        assert reader.rows("SELECT COUNT(*) AS n FROM fleet_events") == [{"n": 1}]


async def test_text_that_no_database_likes_is_taken(database, said):
    odd = "zero \x00 and half a pair \ud800 end"
    await database.commit([said.journal(reason=odd), said.event("e1", said.service(), body={"text": odd, "big": 2**70})])
    assert (await database.load()).reports["lb", "prod/eu-1"].objects[0].body == {"text": odd, "big": 2**70}


async def test_a_body_that_many_reports_show_is_stored_once(database, said):
    body = {"spec": {"ports": [80]}}
    await database.commit([said.event(f"e{n}", said.service(), cluster=f"prod/c{n}", body=body) for n in range(5)])
    with Reader.open(database.url) as reader:
        assert reader.rows("SELECT COUNT(*) AS n FROM bodies") == [{"n": 1}]


async def test_a_closed_incident_is_not_loaded_and_still_shown(database, said, clock):
    await database.commit([said.incident()])
    await database.commit([said.incident(outcome=DriftOutcome.CORRECTED, corrected_at=clock.forward(seconds=1))])
    assert (await database.load()).incidents == ()
    with Reader.open(database.url) as reader:
        assert reader.rows("SELECT outcome FROM fleet_drift_incidents") == [{"outcome": "corrected"}]
        assert reader.rows("SELECT found FROM fleet_drift_fields") == [{"found": "8080"}]


async def test_a_decided_request_waits_no_more(database, said, clock):
    await database.commit([said.request()])
    await database.commit([said.request(state=RequestState.DONE, decided_at=clock(), outcome="requeued")])
    assert (await database.load()).requests == ()


async def test_a_loss_that_is_held_again_keeps_what_was_decided(database, said, clock):
    loss = HeldLoss(proposal_id="p1", subject="lb", summary="11 gone", lost=("a",), created_at=clock(), cause_id="e1")
    await database.commit([loss])
    await database.commit([dataclasses.replace(loss, summary="12 gone", lost=("a", "b"))])
    assert [(held.summary, held.lost) for held in (await database.load()).held] == [("12 gone", ("a", "b"))]


async def test_a_decided_loss_is_loaded_as_long_as_it_holds_something_back(database, said, clock):
    loss = HeldLoss(proposal_id="p1", subject="lb", summary="11 gone", lost=("a",), created_at=clock(), cause_id="e1")
    decided = {"decided_by": "anna", "decided_via": "cli", "decided_at": clock(), "decision": "no"}
    rejected = dataclasses.replace(loss, state=ProposalState.REJECTED, **decided)
    await database.commit([loss])
    await database.commit([rejected])
    assert (await database.load()).held == (rejected,)
    await database.commit([dataclasses.replace(rejected, ended_at=clock())])
    assert (await database.load()).held == ()


async def test_each_transaction_leaves_one_change_for_each_object(database, said):
    before = (await database.load()).seq
    await database.commit([said.addon(state=AddonState.APPLYING), said.addon(), said.member()])
    changes = await database.changes_since(before)
    assert [(change.object_kind, change.ref, change.operation) for change in changes] == [
        ("addon", "ClusterProfile/web/policyRefs/0@prod/us-1", "put"),
        ("cluster", "prod/eu-1", "put"),
    ]
    assert (await database.load()).seq == changes[-1].seq
    assert await database.changes_since(changes[-1].seq) == []


async def test_a_status_is_shown_on_the_declared_object(database, said, clock):
    put = await database.declared.put(said.source(), expected=0)
    await database.commit([DeclaredStatus(ref=put.ref, state=DeclaredState.FAILED, reason="no such kind", at=clock())])
    found = await database.declared.get(put.ref)
    assert (found.state, found.reason) == (DeclaredState.FAILED, "no such kind")


async def test_an_empty_batch_is_nothing(database):
    await database.commit([])
    assert await database.changes_since(0) == []


async def test_who_opened_for_reading_cannot_write(database, said):
    await database.commit([said.member()])
    reader = await Database.open(database.url, writer=False)
    try:
        assert len((await reader.load()).members) == 1
        with pytest.raises(NotPermitted, match="reading only"):
            await reader.commit([said.member()])
    finally:
        await reader.close()


async def test_what_was_committed_is_there_after_reopening(database, said, master_key):
    events: list[EventRecord] = [said.event(f"e{n}", said.service(f"s{n}"), revision=n + 1) for n in range(20)]
    await database.commit([said.member(labels={"a": "b"}), *events])
    before = await database.load()
    other = await Database.open(database.url, key=master_key)
    try:
        assert await other.load() == before
    finally:
        await other.close()


async def test_a_time_without_a_zone_is_refused(database, said):
    with pytest.raises((ValueError, TypeError, GiveUp)):
        await database.commit([said.member(since=said.clock().replace(tzinfo=None))])


async def test_closing_waits_for_what_was_asked_and_refuses_what_comes_after(database_url, master_key, said):
    closing = await Database.open(database_url, key=master_key)
    asked = [asyncio.ensure_future(closing.commit([said.member(f"prod/c{number}")])) for number in range(20)]
    await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    await closing.close()
    await asyncio.gather(*asked)
    with pytest.raises(TryLater, match="closed"):
        await closing.commit([said.member("prod/late")])
    reader = await Database.open(database_url, writer=False)
    assert len((await reader.load()).members) == 20
    await reader.close()
