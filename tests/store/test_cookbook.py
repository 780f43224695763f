"""Every question of docs/sql.md has an answer, and the same one on both databases."""

from __future__ import annotations

import dataclasses
import re
from datetime import timedelta
from pathlib import Path

from fleetd.domain.audit import Decider
from fleetd.domain.objects import ref_of
from fleetd.domain.records import DeclaredStatus, Heartbeat, HeldLoss
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import AddonState, ClusterState, DeclaredState, MatchState, RequestState, VerdictState
from fleetd.store.queries import query
from fleetd.store.reading import Reader
from fleetd.store.views import VIEWS

PAGE = Path(__file__).parents[2] / "docs" / "sql.md"


def questions() -> dict[str, str]:
    text = PAGE.read_text("utf-8")
    found = re.findall(r"^### (.+?)\n(?:(?!^###).)*?^```sql\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return dict(found)


async def _a_fleet(database, said, clock):
    """Three clusters; one event reacted to in 40 ms on one cluster, waiting on another; drift; a failed add-on; a loss held."""
    web, internal, broken = said.service(), said.service("internal"), said.service("broken")
    eu, us, ap = "prod/eu-1", "prod/us-1", "prod/ap-1"
    await database.commit(
        [said.member(cluster, labels={"env": "prod"}, version="v1.31.0", last_seen_at=clock()) for cluster in (eu, us, ap)]
    )
    source = said.source("load-balancers")
    triggers = (said.trigger("mirror", "load-balancers"), said.trigger("idle", "load-balancers"), said.trigger("orphan", "nowhere"))
    for manifest in (
        *triggers,
        source,
        said.config_map("mirror-template"),
    ):
        await database.declared.put(manifest, expected=0)
    await database.commit([DeclaredStatus(ref=ref_of(source), state=DeclaredState.FAILED, reason="no such kind", at=clock())])
    detected = clock()
    event = said.event("event-1", web, source="load-balancers", detected_at=detected)
    match = said.match("m1", web, event_id="event-1", source="load-balancers", matched_at=detected + timedelta(milliseconds=5))
    done = detected + timedelta(milliseconds=40)
    await database.commit(
        [
            event,
            said.verdict(web, source="load-balancers"),
            said.verdict(internal, VerdictState.NO_MATCH, source="load-balancers", reason="type is ClusterIP"),
            said.verdict(broken, VerdictState.ERROR, source="load-balancers", reason="no such key"),
            dataclasses.replace(match, state=MatchState.ACTING),
            said.destination("m1", us, state=MatchState.ACTED, rendered_at=done, applied_at=done),
            said.destination("m1", ap, state=MatchState.BLOCKED, reason="cluster away"),
            said.generated(ObjectRef("ClusterProfile", "config.projectsveltos.io", "", "m1"), {"spec": {}}, object_ref=web),
            said.addon(state=AddonState.APPLYING, cluster=us),
            said.object(web, us),
            said.object(web, ap, wanted_digest="other"),
            said.incident(),
            said.journal(cause_id="event-1"),
            said.request(state=RequestState.DONE, decided_at=done, outcome="requeued"),
            said.request("r2", verb="inspect", state=RequestState.DONE, decided_at=done, outcome="seen", answer="{}"),
            HeldLoss(proposal_id="p1", subject="load-balancers", summary="11 gone", lost=("a",), created_at=done, cause_id="e2"),
            said.damped(web),
        ],
        by=Decider("anna", "cli", "requeue"),
    )
    clock.forward(seconds=30)
    await database.commit([said.addon(cluster=us), said.addon(cluster=ap, state=AddonState.FAILED, reason="timeout", attempts=3)])
    await database.commit([said.member(ap, state=ClusterState.UNREACHABLE, ready=False, reason="timeout", labels={"env": "prod"})])
    await database.commit([Heartbeat(clusters=(eu, us), at=clock())])


async def test_every_question_has_an_answer(database, said, clock):
    clock.forward(minutes=-10)
    await _a_fleet(database, said, clock)
    asked = questions()
    assert len(asked) >= 20
    with Reader.open(database.url) as reader:
        unanswered = [question for question, sql in asked.items() if not reader.query(sql)]
    assert unanswered == []


def test_the_two_founding_questions_come_first():
    assert list(questions())[:2] == [
        "Which clusters have a pending event that has not been acted on?",
        "Which EventTriggers reference this EventSource?",
    ]


async def _answer(database, question):
    return await query(database.url, questions()[question])


async def test_the_answers_are_right(database, said, clock):
    clock.forward(minutes=-10)
    await _a_fleet(database, said, clock)
    pending = await _answer(database, "Which clusters have a pending event that has not been acted on?")
    assert [(row["cluster"], row["source_cluster"], row["stage"], row["state"]) for row in pending] == [
        ("prod/ap-1", "prod/eu-1", "render", "blocked")
    ]
    assert 595 <= pending[0]["age_seconds"] < 3600
    triggers = await _answer(database, "Which EventTriggers reference this EventSource?")
    assert {row["from_ref"] for row in triggers} == {f"EventTrigger.lib.projectsveltos.io//{name}" for name in ("mirror", "idle")}
    assert all(row["resolved"] is True for row in triggers)
    reaction = (await _answer(database, "How fast does each trigger react: median and 99th percentile?"))[0]
    assert reaction == {"event_trigger": "mirror", "reactions": 1, "p50_ms": 40, "p99_ms": 40}
    failing = await _answer(database, "Which clusters are not in order, and why?")
    assert {row["cluster"]: (row["pending_events"], row["failed_addons"], row["open_drift"]) for row in failing} == {
        "prod/ap-1": (1, 1, 0),
        "prod/us-1": (0, 0, 1),
        "prod/eu-1": (0, 0, 0),
    }
    assert [row["name"] for row in await _answer(database, "Which triggers have never fired?")] == ["idle", "orphan"]
    variants = await _answer(database, "Are all copies of an object the same?")
    assert variants == [{"object_ref": "Service/shop/web", "variants": 2, "clusters": 2}]


async def test_every_view_answers_whether_it_has_rows_or_not(database, said, clock):
    with Reader.open(database.url) as reader:
        assert all(isinstance(reader.query(f"SELECT * FROM {view.name}"), list) for view in VIEWS)
    await _a_fleet(database, said, clock)
    with Reader.open(database.url) as reader:
        empty = [view.name for view in VIEWS if not reader.query(f"SELECT * FROM {view.name}")]
    assert empty == ["fleet_profiles", "fleet_cluster_sets", "fleet_audit_floors"]


async def test_the_spec_of_a_declared_object_is_json(database, said):
    import json

    await database.declared.put(said.source() | {"spec": {"text": "a\x00b", "n": 1}}, expected=0)
    with Reader.open(database.url) as reader:
        row = reader.rows("SELECT spec, state FROM fleet_event_sources WHERE name = :name", {"name": "lb"})[0]
    assert json.loads(row["spec"])["n"] == 1
    assert row["state"] == "ready"
