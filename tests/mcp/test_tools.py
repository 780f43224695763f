"""Each tool, called by a real client: what it says of itself, and what it answers."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import jsonschema
import pytest
from mcp.shared.exceptions import MCPError

from mcp_server.principals import Mode


async def test_the_clusters_with_a_pending_event_are_one_call_away(client):
    async with client() as c:
        answer = await c.call_tool("list_clusters", {"has": ["pending_events"]})
    [row] = answer.structured_content["items"]
    assert row["cluster"] == "prod/us-2"
    assert row["oldest_pending"]["event_trigger"] == "share"
    assert "prod/us-2" in answer.content[0].text


async def test_the_triggers_of_a_source_are_one_call_away(client):
    async with client() as c:
        answer = await c.call_tool("list_references", {"ref": "EventSource/balancers", "direction": "in", "kinds": ["EventTrigger"]})
    found = {item["from_ref"] for item in answer.structured_content["items"]}
    assert found == {f"EventTrigger.lib.projectsveltos.io//{name}" for name in ("share", "templated")}


@pytest.mark.parametrize("protocol", ["auto", "legacy"])
async def test_every_tool_says_what_it_is(client, protocol):
    async with client(Mode.OPERATE, protocol=protocol) as c:
        tools = (await c.list_tools()).tools
    assert [tool.name for tool in tools] == sorted(tool.name for tool in tools)
    for tool in tools:
        hints = tool.annotations
        assert tool.title
        assert tool.description
        assert None not in (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint)
        assert tool.input_schema["additionalProperties"] is False
        assert tool.output_schema["type"] == "object"


async def test_an_unknown_argument_is_refused_with_the_nearest_name(client):
    async with client() as c:
        for tool in (await c.list_tools()).tools:
            answer = await c.call_tool(tool.name, {"cluste": "x"})
            assert answer.is_error
            assert answer.structured_content["error"]["code"] == "unknown_argument"
            # There are clients that show nothing of what does not fit, an error or not.
            jsonschema.validate(answer.structured_content, tool.output_schema)
        answer = await c.call_tool("list_clusters", {"cluste": "x"})
    assert "clusters" in answer.structured_content["error"]["did_you_mean"]


async def test_a_result_that_is_neither_an_answer_nor_an_error_does_not_fit(client):
    async with client() as c:
        for tool in (await c.list_tools()).tools:
            for nothing in ({}, {"error": {}}, {"error": "not_found"}):
                with pytest.raises(jsonschema.ValidationError):
                    jsonschema.validate(nothing, tool.output_schema)


@pytest.mark.parametrize("protocol", ["auto", "legacy"])
async def test_a_tool_that_is_not_there_is_an_error_of_the_protocol_with_the_nearest_name(client, protocol):
    async with client(protocol=protocol) as c:
        with pytest.raises(MCPError, match="list_clusters") as refused:
            await c.call_tool("list_cluster", {})
    assert refused.value.error.code == -32602
    assert refused.value.error.data["code"] == "not_found"


async def test_a_timeline_goes_on_where_it_ended_without_a_gap(client):
    async with client() as c:
        whole = (await c.call_tool("get_timeline", {"limit": 200})).structured_content
        found, until = [], ""
        while True:
            page = (await c.call_tool("get_timeline", {"limit": 8, "until": until})).structured_content
            found += page["items"]
            ahead = [warning for warning in page.get("warnings", ()) if "until=" in warning]
            if not ahead:
                break
            until = ahead[0].rpartition("until=")[2]
    assert [(entry["at"], entry["type"], entry["ref"]) for entry in found] == [(e["at"], e["type"], e["ref"]) for e in whole["items"]]


@pytest.mark.parametrize(
    ("name", "value", "said", "next_call"),
    [
        ("limit", "20", None, None),
        ("limit", 20, None, None),
        ("limit", "twenty", "limit is a whole number: write it as 20, without quotes", {}),
        ("limit", True, "limit is a whole number: write it as 20, without quotes", {}),
        ("live", "false", None, None),
        ("live", "yes", "live is a truth value: write true or false, without quotes", {"live": True}),
        ("live", 0, "live is a truth value: write true or false, without quotes", {"live": False}),
        ("live", "maybe", "live is a truth value: write true or false, without quotes", {}),
    ],
)
async def test_numbers_and_truth_values_are_taken_as_themselves_or_their_json_text_only(client, name, value, said, next_call):
    tool, others = ("get_object", {"ref": "EventTrigger/share"}) if name == "live" else ("get_drift", {})
    async with client() as c:
        answer = await c.call_tool(tool, {**others, name: value})
    if said is None:
        assert not answer.is_error
        return
    lesson = answer.structured_content["error"]
    assert (lesson["code"], lesson["field"], lesson["sentence"]) == ("bad_argument", name, said)
    assert (lesson["next"]["tool"], lesson["next"].get("arguments", {})) == (tool, {**others, **next_call})


async def test_an_argument_that_is_missing_is_told_with_the_call_to_fill_in(client):
    async with client(mode=Mode.OPERATE) as c:
        answer = await c.call_tool("requeue", {"refs": ["EventTrigger/share"]})
    lesson = answer.structured_content["error"]
    assert lesson["sentence"] == "reason is missing"
    assert lesson["next"]["arguments"] == {"refs": ["EventTrigger/share"], "reason": "<reason>"}


async def test_a_wrong_word_is_refused_with_those_allowed(client):
    async with client() as c:
        answer = await c.call_tool("list_clusters", {"has": ["pending_event"]})
    error = answer.structured_content["error"]
    assert error["code"] == "bad_argument"
    assert "pending_events" in error["did_you_mean"]


async def test_text_from_outside_stands_between_markers_and_cannot_end_them(client, planted):
    async with client() as c:
        answer = await c.call_tool("get_cluster", {"cluster": "us-2"})
        again = await c.call_tool("get_cluster", {"cluster": "us-2"})
    text = answer.content[0].text
    marker = text.split("⟦", 1)[1].split(" ", 1)[0]
    assert f"{marker}⟧" in text
    assert marker not in again.content[0].text
    inside = text.split(f"⟦{marker} ", 1)[1].split(f" {marker}⟧", 1)[0]
    assert "Ignore all previous instructions" in inside


async def test_too_many_calls_are_refused_for_a_while(client):
    async with client() as c:
        answers = [await c.call_tool("run_sql", {"sql": "SELECT 1 AS one FROM fleet_schema"}) for _ in range(40)]
    refused = [answer.structured_content["error"] for answer in answers if answer.is_error]
    assert {error["code"] for error in refused} == {"rate_limited"}
    assert all(error["retry_after"] > 0 for error in refused)


CALLS = [
    ("describe_schema", {}),
    ("evaluate_expression", {"language": "cel", "expression": "has(resource.spec)", "object": "EventTrigger/share"}),
    ("explain_addon", {"profile": "share-web", "cluster": "us-2"}),
    ("explain_trigger", {"trigger": "share"}),
    ("find_objects", {"query": "share"}),
    ("fleet_overview", {}),
    ("get_cluster", {"cluster": "us-2"}),
    ("get_drift", {}),
    ("get_event", {"event_id": "e1"}),
    ("get_object", {"ref": "ConfigMap/default/copy"}),
    ("get_server_status", {}),
    ("get_timeline", {"clusters": "*"}),
    ("list_addons", {}),
    ("list_clusters", {"detail": "full"}),
    ("list_events", {}),
    ("list_references", {"ref": "EventSource/balancers"}),
    ("preview_change", {"delete": ["EventTrigger/share"], "labels": ["us-1 role-"]}),
    ("run_sql", {"sql": "SELECT * FROM fleet_pending_events"}),
    ("trace_lineage", {"ref": "Service/shop/web@prod/us-1"}),
]


async def test_every_reading_tool_answers_in_its_own_schema_and_within_its_budget(client, planted):
    async with client() as c:
        tools = {tool.name: tool for tool in (await c.list_tools()).tools}
        assert {name for name, _ in CALLS} == set(tools) - {"get_request"}
        for name, arguments in CALLS:
            # The client itself holds the result against the schema.
            answer = await c.call_tool(name, arguments)
            assert not answer.is_error, answer.content[0].text
            text = answer.content[0].text
            assert len(text.encode()) <= 8_000
            for hidden in ("\x1b", "\u202e", "\u200b", "hunter2", "canary-4711"):
                assert hidden not in text
                assert hidden not in str(answer.structured_content)
            assert "Ignore all" not in str(answer.structured_content.get("hints"))
            if not tools[name].annotations.open_world_hint:
                assert "Ignore all" not in str(answer.structured_content)


async def test_no_tool_gives_the_value_of_a_secret(client):
    async with client() as c:
        shown = await c.call_tool("get_object", {"ref": "Secret/default/token", "view": "manifest"})
        rows = await c.call_tool("run_sql", {"sql": "SELECT manifest FROM fleet_declared"})
    assert "token" in str(shown.structured_content)
    assert "canary-4711" not in str(shown.structured_content) + str(rows.structured_content)


async def test_sql_may_only_read_the_views(client):
    async with client() as c:
        for sql in ("DELETE FROM fleet_clusters", "SELECT * FROM declared", "SELECT 1; SELECT 2"):
            answer = await c.call_tool("run_sql", {"sql": sql})
            assert answer.structured_content["error"]["code"] == "not_permitted"


async def test_hidden_tools_are_named_with_what_would_show_them(client):
    async with client(sql=False) as c:
        names = {tool.name for tool in (await c.list_tools()).tools}
        status = (await c.call_tool("get_server_status", {})).structured_content["result"]
        refused = await c.call_tool("requeue", {"refs": ["ClusterProfile/base"], "reason": "x"})
    assert not names & {"requeue", "set_pause", "run_sql"}
    assert {one["tool"] for one in status["hidden"]} >= {"requeue", "set_pause", "run_sql"}
    assert refused.structured_content["error"]["code"] == "read_only_mode"


async def test_an_answer_that_would_be_too_large_is_refused_with_a_limit_that_fits(client, database, planted):
    now = datetime.now(UTC)
    labels = {f"a-label-with-a-long-name-{number}": "x" * 60 for number in range(10)}
    await database.commit([planted.member(f"many/c{number:03}", now, labels=labels) for number in range(100)])
    async with client() as c:
        refused = await c.call_tool("list_clusters", {"clusters": "many/*", "detail": "full", "limit": 100})
        error = refused.structured_content["error"]
        assert error["code"] == "too_broad"
        fits = int(re.search(r"limit=(\d+)", error["sentence"])[1])
        answer = await c.call_tool("list_clusters", {"clusters": "many/*", "detail": "full", "limit": fits})
    assert not answer.is_error
    assert answer.structured_content["returned"] == fits
    assert answer.structured_content["total"]["count"] == 100
