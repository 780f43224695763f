"""What is asked wrongly, or cannot be answered now, is answered with a code, one sentence, and what would do."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from fleetd.service.local import LocalQuestions
from mcp_server.calls import Desk
from mcp_server.catalogue import offered
from mcp_server.principals import Mode
from mcp_server.server import build_server
from mcp_server.subscriptions import Subscriptions

LATER = "2999-01-01T00:00:00Z"
WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("get_cluster", {"cluster": "us-9"}, "not_found", "cluster"),
    ("get_cluster", {"cluster": ""}, "bad_argument", "cluster"),
    ("get_cluster", {"cluster": "us-*"}, "bad_argument", "cluster"),
    ("get_cluster", {"cluster": "us 1"}, "not_found", "cluster"),
    ("get_cluster", {"cluster": "\u202eus-1\x00"}, "not_found", "cluster"),
    ("get_cluster", {"cluster": "x" * 10_000}, "not_found", "cluster"),
    ("list_clusters", {"clusters": "env=prod, a b"}, "bad_selector", "clusters"),
    ("list_clusters", {"clusters": "set:edge"}, "not_found", "clusters"),
    ("list_clusters", {"clusters": "us-1,!set:edge"}, "not_found", "clusters"),
    ("list_clusters", {"clusters": "set:a b"}, "bad_selector", "clusters"),
    ("list_clusters", {"clusters": "env in ()"}, "bad_selector", "clusters"),
    ("list_clusters", {"clusters": "ünïcode-*"}, "bad_selector", "clusters"),
    ("list_clusters", {"clusters": ["us-1"]}, "bad_argument", "clusters"),
    ("list_clusters", {"limit": 100_000}, "bad_argument", "limit"),
    ("list_clusters", {"limit": -1}, "bad_argument", "limit"),
    ("list_clusters", {"limit": 10**30}, "bad_argument", "limit"),
    ("list_clusters", {"cursor": "garbage"}, "stale_cursor", "cursor"),
    ("list_clusters", {"as_of": LATER}, "bad_argument", "as_of"),
    ("list_clusters", {"as_of": "9999-12-31T23:59:59-12:00"}, "bad_argument", "as_of"),
    ("list_clusters", {"as_of": "0001-01-01T00:00:00+14:00"}, "bad_argument", "as_of"),
    ("list_clusters", {"as_of": "-999999w"}, "as_of_out_of_range", "as_of"),
    ("list_clusters", {"older_than": "yesterday"}, "bad_argument", "older_than"),
    ("list_events", {"since": "-1h", "until": "-2h"}, "bad_argument", "until"),
    ("list_events", {"clusters": "nobody"}, "not_found", "clusters"),
    ("get_event", {"event_id": ""}, "bad_argument", "event_id"),
    ("get_event", {"event_id": "e9"}, "not_found", "event_id"),
    ("list_references", {"ref": "balancers"}, "bad_argument", "ref"),
    ("list_references", {"ref": "EventSource/balancer"}, "not_found", "ref"),
    ("list_references", {"ref": "EventSource.lib.projectsveltos.io/v1beta1//balancers"}, "bad_argument", "ref"),
    ("list_references", {"ref": "EventSource/balancers@prod/eu-1"}, "bad_argument", "ref"),
    ("explain_trigger", {"trigger": ""}, "bad_argument", "trigger"),
    ("explain_trigger", {"trigger": "EventSource/balancers"}, "bad_argument", "trigger"),
    ("explain_trigger", {"trigger": "share", "event": "e1", "cluster": "us-1"}, "bad_argument", "cluster"),
    ("explain_trigger", {"trigger": "share", "object": "services/shop/web"}, "bad_argument", "object"),
    ("explain_trigger", {"trigger": "share", "object": "Service/shop/web@us-1", "cluster": "eu-1"}, "bad_argument", "cluster"),
    ("trace_lineage", {"ref": "match:m9"}, "not_found", "ref"),
    ("trace_lineage", {"ref": "EventTrigger/none", "direction": "down"}, "not_found", "ref"),
    ("trace_lineage", {"ref": "Service/shop/web"}, "not_found", "ref"),
    ("explain_addon", {"profile": "nobody", "cluster": "us-1"}, "not_found", "profile"),
    ("get_object", {"ref": "et/share"}, "bad_argument", "ref"),
    ("get_timeline", {"since": "-1h", "until": "-2h"}, "bad_argument", "until"),
    ("list_events", {"until": "-60d"}, "as_of_out_of_range", "until"),
    ("find_objects", {}, "too_broad", "kinds"),
]


@pytest.mark.parametrize(("tool", "arguments", "code", "field"), WRONG, ids=lambda one: str(one)[:60].encode("ascii", "replace").decode())
async def test_what_is_asked_wrongly_says_what_and_where(client, tool, arguments, code, field):
    async with client() as c:
        answer = await c.call_tool(tool, arguments)
        error = answer.structured_content["error"]
        assert answer.is_error
        assert (error["code"], error["field"]) == (code, field)
        assert len(error["sentence"]) > 10
        assert len(error.get("got", "")) <= 120
        assert "\u202e" not in str(error)
        assert "\x00" not in str(error)
        if "next" in error:
            again = await c.call_tool(error["next"]["tool"], error["next"].get("arguments", {}))
            assert not (again.is_error and again.structured_content["error"]["code"] == "bad_argument"), again.content[0].text


MEANT: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("list_clusters", {"clustrs": "us-1"}, {"clusters": "us-1"}),
    ("list_clusters", {"has": ["drift", "pending"]}, {"has": ["drift", "pending_events"]}),
    ("list_clusters", {"limit": 100_000, "detail": "full"}, {"limit": 200, "detail": "full"}),
    ("list_clusters", {"limit": 0}, {"limit": 1}),
    ("describe_schema", {"view": "fleet_event"}, {"view": "fleet_events"}),
    ("get_cluster", {"name": "us-1"}, {"cluster": "us-1"}),
    ("explain_trigger", {"trigger": "share", "depth": 3}, {"trigger": "share"}),
    ("list_clusters", {"as_of": "yesterday", "clusters": "us-*"}, {"clusters": "us-*"}),
    ("get_timeline", {"types": ["deploy"], "since": "-1h"}, {"since": "-1h"}),
]


@pytest.mark.parametrize(("tool", "arguments", "meant"), MEANT, ids=str)
async def test_a_slip_of_the_pen_is_answered_with_the_call_that_was_meant(client, tool, arguments, meant):
    async with client() as c:
        error = (await c.call_tool(tool, arguments)).structured_content["error"]
        assert (error["next"]["tool"], error["next"]["arguments"]) == (tool, meant)
        assert not (await c.call_tool(tool, meant)).is_error


async def test_of_two_mistakes_no_half_mended_call_is_proposed(client):
    async with client() as c:
        error = (await c.call_tool("list_clusters", {"clustrs": "us-1", "limit": -7})).structured_content["error"]
    assert error["did_you_mean"]
    assert "next" not in error


async def test_a_time_before_all_others_is_answered_with_the_first_that_can_be_asked_about(client, database):
    async with client() as c:
        error = (await c.call_tool("list_clusters", {"as_of": "-900d", "clusters": "us-*"})).structured_content["error"]
        assert error["code"] == "as_of_out_of_range"
        assert error["next"]["arguments"].keys() == {"as_of", "clusters"}


async def test_an_unknown_kind_or_view_is_answered_with_the_nearest(client):
    async with client() as c:
        kind = (await c.call_tool("get_object", {"ref": "EventTriger/share"})).structured_content["error"]
        view = (await c.call_tool("run_sql", {"sql": "SELECT 1 FROM fleet_cluster"})).structured_content["error"]
    assert kind["did_you_mean"] == ["EventTrigger/share"]
    assert kind["next"] == {"tool": "find_objects", "arguments": {"kinds": ["EventTrigger"]}, "why": "every EventTrigger"}
    assert view["did_you_mean"][0] == "fleet_clusters"


async def test_what_is_asked_of_a_time_that_is_forgotten_says_so(client):
    async with client() as c:
        events = (await c.call_tool("list_events", {"since": "-60d"})).structured_content
        timeline = (await c.call_tool("get_timeline", {"since": "-60d"})).structured_content
        none = (await c.call_tool("list_events", {"until": "-60d"})).structured_content["error"]
        again = await c.call_tool(none["next"]["tool"], none["next"]["arguments"])
    assert any("nothing from before is kept" in one for one in events["warnings"])
    assert any("are kept for 30 days" in one for one in timeline["warnings"])
    assert again.structured_content["total"]["count"] == 1


async def test_a_question_for_everything_is_answered_with_counts_and_the_filter_to_use(client):
    async with client() as c:
        error = (await c.call_tool("find_objects", {})).structured_content["error"]
        assert {"key": "EventTrigger", "count": 3} in error["groups"]
        answer = await c.call_tool(error["next"]["tool"], error["next"]["arguments"])
    assert answer.structured_content["total"]["count"] == error["groups"][0]["count"]


async def test_what_is_no_reference_is_answered_with_a_look_for_its_name(client):
    async with client() as c:
        error = (await c.call_tool("list_references", {"ref": "EventSource balancers"})).structured_content["error"]
        answer = await c.call_tool(error["next"]["tool"], error["next"]["arguments"])
    assert [item["ref"] for item in answer.structured_content["items"]] == ["EventSource.lib.projectsveltos.io//balancers"]


@pytest.mark.parametrize("sql", ["SELECT clster FROM fleet_clusters", "SELECT c.clster FROM fleet_clusters c"])
async def test_a_column_that_is_not_there_is_answered_with_the_nearest(client, sql):
    async with client() as c:
        error = (await c.call_tool("run_sql", {"sql": sql})).structured_content["error"]
    assert error["did_you_mean"][0] == "cluster"
    assert error["next"]["tool"] == "describe_schema"


async def test_a_name_that_is_left_out_for_nothing_is_pointed_at(client):
    async with client() as c:
        answer = await c.call_tool("list_clusters", {"clusters": "!nobody"})
    assert "no cluster has the name nobody: leaving it out changes nothing" in answer.structured_content["warnings"]


@pytest.mark.parametrize("ref", ["EventSource/balancers", "eventsources/balancers", "EventSource.lib.projectsveltos.io//balancers"])
async def test_a_reference_may_be_written_in_several_ways(client, ref):
    async with client() as c:
        answer = await c.call_tool("list_references", {"ref": ref, "direction": "in", "kinds": ["eventtriggers"]})
    assert answer.structured_content["total"]["count"] == 2


async def test_kinds_that_no_reference_has_are_answered_with_those_that_are_there(client):
    async with client() as c:
        answer = await c.call_tool("list_references", {"ref": "EventSource/balancers", "kinds": ["Nonsense"]})
    assert answer.structured_content["warnings"] == ["none has one of these kinds at its other end; there are: EventTrigger"]


async def test_an_object_on_a_cluster_that_is_named_without_it_is_pointed_to(client):
    async with client() as c:
        answer = await c.call_tool("get_object", {"ref": "Service/shop/web"})
    assert answer.structured_content["error"]["did_you_mean"] == ["Service/shop/web@prod/us-1"]


async def test_every_reference_in_a_chain_can_be_traced_itself(client):
    async with client() as c:
        chain = (await c.call_tool("trace_lineage", {"ref": "Service/shop/web@prod/us-1"})).structured_content["result"]["hops"]
        for hop in chain:
            if hop["what"] != "cause":
                assert not (await c.call_tool("trace_lineage", {"ref": hop["ref"]})).is_error, hop


async def test_two_clusters_of_one_name_have_to_be_told_apart(client, database, planted):
    await database.commit([planted.member("test/us-1", datetime.now(UTC))])
    async with client() as c:
        answer = await c.call_tool("get_cluster", {"cluster": "us-1"})
    error = answer.structured_content["error"]
    assert error["code"] == "ambiguous_ref"
    assert error["allowed"] == ["prod/us-1", "test/us-1"]


def desk_on(url: str, **more: Any) -> tuple[Desk, LocalQuestions]:
    questions = LocalQuestions(url, **more)
    return Desk(questions, offered(Mode.OBSERVE, sql=True)), questions


async def called(desk: Desk, tool: str, arguments: dict[str, Any]) -> Any:
    async with Client(build_server(desk, Subscriptions(_nothing))) as c:
        return await c.call_tool(tool, arguments)


async def _nothing() -> Any:
    return
    yield


async def test_without_a_daemon_every_answer_says_since_when(database):
    desk, questions = desk_on(database.url, clock=lambda: datetime.now(UTC) + timedelta(hours=1))
    for tool, arguments in (("fleet_overview", {}), ("list_events", {}), ("get_object", {"ref": "EventTrigger/share"})):
        answer = (await called(desk, tool, arguments)).structured_content
        assert answer["as_of"]["daemon"] == "silent"
        assert answer["as_of"]["stale_since"] in answer["warnings"][0]
    await questions.close()


async def test_a_database_that_is_not_there_is_no_mistake_of_who_asks(tmp_path):
    desk, questions = desk_on(str(tmp_path / "nowhere.db"))
    error = (await called(desk, "list_clusters", {})).structured_content["error"]
    assert error["code"] == "unavailable"
    assert "there is no database" in error["sentence"]
    assert error["next"]["tool"] == "list_clusters"
    assert not error["next"].get("arguments")
    await questions.close()


async def test_while_the_database_is_locked_or_away_the_call_to_make_is_the_same_again(database):
    desk, questions = desk_on(database.url)
    asked = {"clusters": "us-*", "limit": 2}
    await database.close()
    with contextlib.closing(sqlite3.connect(database.url, isolation_level=None)) as holding:
        for pragma in ("journal_mode=DELETE", "locking_mode=EXCLUSIVE"):
            holding.execute(f"PRAGMA {pragma}")
        holding.execute("BEGIN EXCLUSIVE")
        error = (await called(desk, "list_clusters", asked)).structured_content["error"]
        holding.execute("ROLLBACK")
    assert (error["code"], error["next"]["tool"], error["next"]["arguments"]) == ("unavailable", "list_clusters", asked)
    assert "locked" in error["sentence"]
    again = await called(desk, error["next"]["tool"], error["next"]["arguments"])
    assert again.structured_content["returned"] == 2
    await questions.close()


async def test_a_database_of_a_newer_fleetd_says_so_also_when_it_became_one(database):
    desk, questions = desk_on(database.url)
    assert not (await called(desk, "list_clusters", {})).is_error
    await database.close()
    with sqlite3.connect(database.url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("CREATE TABLE of_the_future (x)")
    connection.close()
    error = (await called(desk, "list_clusters", {})).structured_content["error"]
    assert error["code"] == "unavailable"
    assert "written by a newer fleetd" in error["sentence"]
    assert error["next"]["tool"] == "list_clusters"
    await questions.close()


async def test_a_database_that_is_put_back_from_a_backup_is_read_anew(database, tmp_path):
    path, backup = Path(database.url), tmp_path / "backup.db"
    desk, questions = desk_on(database.url)
    assert (await called(desk, "list_clusters", {})).structured_content["total"]["count"] == 3
    await database.close()
    shutil.move(path, backup)
    assert (await called(desk, "list_clusters", {})).structured_content["error"]["code"] == "unavailable"
    shutil.copyfile(backup, path)
    assert (await called(desk, "list_clusters", {})).structured_content["total"]["count"] == 3
    await questions.close()


async def test_what_is_too_much_becomes_counts_and_the_call_to_make_next(client, database, planted):
    now = datetime.now(UTC)
    labels = {f"a-label-with-a-long-name-{number}": "x" * 60 for number in range(10)}
    members = [planted.member(f"{space}/c{number:03}", now, labels=labels) for space in ("many", "more") for number in range(60)]
    await database.commit([*members, *(planted.member(f"many/d{number}", now) for number in range(5))])
    async with client() as c:
        asked = {"clusters": "m*/*", "detail": "full", "limit": 200}
        error = (await c.call_tool("list_clusters", asked)).structured_content["error"]
        assert (error["code"], error["field"]) == ("too_broad", "clusters")
        assert error["groups"] == [{"key": "many/*", "count": 65}, {"key": "more/*", "count": 60}]
        assert error["next"]["arguments"]["clusters"] == "many/*"
        answer = await c.call_tool(error["next"]["tool"], error["next"]["arguments"])
        assert not answer.is_error
        assert answer.structured_content["total"]["count"] == 65
        assert "many/*" in (await c.call_tool("list_clusters", asked)).content[0].text


async def test_one_thing_that_is_too_large_is_offered_in_a_smaller_view(client, database):
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "large", "namespace": "default"}}
    await database.declared.put({**manifest, "data": {f"k{number}": "word " * 190 for number in range(60)}}, expected=0)
    async with client() as c:
        error = (await c.call_tool("get_object", {"ref": "ConfigMap/large", "view": "manifest"})).structured_content["error"]
        assert error["code"] == "too_broad"
        while error["code"] == "too_broad":
            answer = await c.call_tool(error["next"]["tool"], error["next"]["arguments"])
            error = answer.structured_content.get("error", {"code": ""})
    assert answer.structured_content["result"]["ref"] == "ConfigMap/default/large"
