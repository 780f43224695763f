"""On a bad day, when everything fails with long words, each list still fits into what a model likes to read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from fleetd.domain.records import AddonRecord, DestinationRecord, DriftField, EventRecord, IncidentRecord, MatchRecord
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import AddonState, DriftOutcome, MatchState

SAID = "dial tcp 10.20.30.40:6443: connect: connection refused while applying the object, which is tried again; " * 8
SOFT_TEXT, HARD_JSON = 8_000, 32_000
SOFT_JSON = 16_000
"""The text stays within two thousand tokens of four bytes; its structured form repeats the names of the fields."""
LISTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("list_clusters", {}),
    ("list_clusters", {"has": ["pending_events"]}),
    ("list_events", {}),
    ("list_events", {"state": ["failed"]}),
    ("list_addons", {}),
    ("get_drift", {}),
    ("get_cluster", {"cluster": "prod/cluster-003"}),
    ("get_event", {"event_id": "e003"}),
    ("list_references", {"ref": "EventSource/balancers"}),
    ("get_timeline", {"clusters": "*", "limit": 20}),
    ("fleet_overview", {}),
    ("explain_trigger", {"trigger": "share"}),
    ("find_objects", {"query": "s"}),
)


def bad_day(at: datetime, planted: Any) -> list[Any]:
    found: list[Any] = []
    for number in range(40):
        name, ref = f"prod/cluster-{number:03}", ObjectRef("Service", "", "shop", f"web-{number}")
        event = {"event_id": f"e{number:03}", "source": "balancers", "cluster": name, "cause_id": f"e{number:03}"}
        match = {"match_id": f"m{number}", "trigger": "share", "object_ref": ref, "profile": "ClusterProfile/share-web"}
        found += [
            planted.member(name, at, ready=False, reason=SAID),
            EventRecord(**event, revision=1, detected_at=at, matching_count=1, changes=()),
            MatchRecord(**event, **match, state=MatchState.FAILED, reason=SAID, matched_at=at, acted_at=None),
        ]
        found += [
            DestinationRecord(match_id=match["match_id"], cluster=f"prod/cluster-{other:03}", state=MatchState.FAILED, reason=SAID)
            for other in range(30)
        ]
        addon = {"profile": match["profile"], "cluster": name, "addon": "policyRefs/0", "kind": "policyRef", "wanted_digest": "w"}
        found.append(AddonRecord(**addon, state=AddonState.FAILED, reason=SAID, attempts=9, at=at, next_attempt_at=at))
        incident = {"incident_id": f"i{number}", "cluster": name, "ref": ref, "profile": match["profile"], "changed_by": "kubectl-edit"}
        fields = tuple(DriftField(f"spec.template.spec.containers[0].env[{one}].value", f'"{SAID}"', f'"{SAID}"') for one in range(12))
        when = {"detected_at": at, "corrected_at": None, "outcome": DriftOutcome.OPEN}
        found.append(IncidentRecord(**incident, **when, flap_count=3, fields=fields, cause_id=f"i{number}"))
    return found


async def test_each_answer_is_within_its_budget_on_a_bad_day(client, database, planted):
    await database.commit(bad_day(datetime.now(UTC) - timedelta(minutes=10), planted))
    sizes = {}
    async with client() as c:
        for tool, arguments in LISTS:
            answer = await c.call_tool(tool, arguments)
            assert not answer.is_error, answer.content[0].text
            sizes[tool, str(arguments)] = len(answer.content[0].text.encode()), len(orjson.dumps(answer.structured_content))
    assert {asked: size for asked, size in sizes.items() if size[0] > SOFT_TEXT or size[1] > SOFT_JSON} == {}


async def test_full_adds_to_brief_or_says_that_it_is_too_much(client, database, planted):
    await database.commit(bad_day(datetime.now(UTC) - timedelta(minutes=10), planted))
    grown = set()
    async with client() as c:
        known = {one.name: one.input_schema["properties"] for one in (await c.list_tools()).tools}
        for tool, arguments in LISTS:
            if "detail" in known[tool]:
                few = {**arguments, **({"limit": 2} if "limit" in known[tool] else {})}
                brief, full = [await c.call_tool(tool, {**few, "detail": detail}) for detail in ("brief", "full")]
                assert not full.is_error or full.structured_content["error"]["code"] == "too_broad"
                sizes = [len(orjson.dumps(answer.structured_content)) for answer in (brief, full)]
                assert full.is_error or sizes[0] <= sizes[1], tool
                grown |= {tool} if sizes[0] < sizes[1] else set()
    assert grown >= {"list_clusters", "list_events", "list_addons", "get_drift", "get_event", "list_references"}
