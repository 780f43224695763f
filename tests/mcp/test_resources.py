"""Resources, their changes, and prompts."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from datetime import UTC, datetime

import orjson
import pytest
from mcp.shared.exceptions import MCPError

from fleetd.domain.records import EventRecord, InventoryGone, MemberGone
from fleetd.domain.refs import ObjectRef
from mcp_server.principals import Mode


async def edit(database, ref):
    """Somebody annotates a declared object."""
    live = await database.declared.get(ref)
    metadata = {**live.manifest["metadata"], "annotations": {"touched": "yes"}}
    await database.declared.put({**live.manifest, "metadata": metadata}, expected=live.resource_version)


@pytest.mark.parametrize(
    ("uri", "part"),
    [
        ("fleetd://overview", "troubles"),
        ("fleetd://clusters/prod/us-2", "unreachable"),
        ("fleetd://objects/EventTrigger.lib.projectsveltos.io//share", "eventSourceName"),
        ("fleetd://objects/Service/shop/web@prod/us-1", "ClusterProfile/share-web"),
        ("fleetd://events/e1", "outcomes"),
        ("fleetd://events/pending", "waiting"),
        ("fleetd://schema/sql", "fleet_pending_events"),
    ],
)
async def test_a_resource_gives_the_answer_of_its_tool(client, uri, part):
    async with client() as c:
        content = (await c.read_resource(uri)).contents[0]
    assert content.mime_type == "application/json"
    assert part in content.text
    assert orjson.loads(content.text)["as_of"]["revision"] > 0


@pytest.mark.parametrize(
    "uri", ["fleetd://nothing", "fleetd://clusters/prod", "http://x/", "fleetd://events/none", "fleetd://clusters/prod/none"]
)
async def test_an_address_of_nothing_is_refused_with_a_lesson(client, uri):
    async with client() as c:
        with pytest.raises(MCPError) as refused:
            await c.read_resource(uri)
    assert refused.value.error.data["code"] == "not_found"


async def test_a_change_reaches_a_subscriber(client, database):
    uris = ["fleetd://overview", "fleetd://clusters/prod/us-1"]
    async with client() as c, asyncio.timeout(20), c.listen(resource_subscriptions=uris) as stream:
        await database.commit([MemberGone(cluster="prod/us-1", at=datetime.now(UTC))])
        heard = {(await anext(aiter(stream))).uri for _ in uris}
    assert heard == set(uris)


@pytest.mark.parametrize("uri", ["fleetd://objects/EventTrigger/share", "fleetd://objects/EventTrigger.lib.projectsveltos.io//share"])
async def test_an_object_is_heard_of_as_people_write_its_name(client, database, uri):
    async with client() as c, asyncio.timeout(20), c.listen(resource_subscriptions=[uri]) as stream:
        await edit(database, ObjectRef("EventTrigger", "lib.projectsveltos.io", "", "share"))
        assert (await anext(aiter(stream))).uri == uri


@pytest.mark.parametrize("uri", ["fleetd://objects/Service/shop/web@us-1", "fleetd://objects/Service/shop/web@prod/us-1"])
async def test_an_object_on_a_cluster_is_heard_of_by_the_short_name_of_the_cluster(client, database, uri):
    async with client() as c, asyncio.timeout(20), c.listen(resource_subscriptions=[uri]) as stream:
        await database.commit([InventoryGone(cluster="prod/us-1", ref=ObjectRef("Service", "", "shop", "web"), at=datetime.now(UTC))])
        assert (await anext(aiter(stream))).uri == uri


async def test_an_event_without_any_match_is_heard_of_at_its_cluster(client, database):
    at = datetime.now(UTC)
    happened = {"event_id": "e9", "source": "balancers", "revision": 9, "matching_count": 0, "changes": (), "cause_id": "e9"}
    async with client() as c, asyncio.timeout(20), c.listen(resource_subscriptions=["fleetd://clusters/prod/eu-1"]) as stream:
        await database.commit([EventRecord(cluster="prod/eu-1", detected_at=at, **happened)])
        assert (await anext(aiter(stream))).uri == "fleetd://clusters/prod/eu-1"


async def test_a_subscriber_hears_of_what_was_missed_when_the_database_is_another_file(client, database, tmp_path):
    """As after a restore from a backup: what is at the address counts, not what was opened."""
    uri = "fleetd://clusters/prod/us-1"
    async with client() as c, asyncio.timeout(20), c.listen(resource_subscriptions=[uri]) as stream:
        copy = tmp_path / "copy.db"
        with contextlib.closing(sqlite3.connect(database.url)) as held, contextlib.closing(sqlite3.connect(copy)) as made:
            held.backup(made)
        copy.replace(database.url)
        assert (await anext(aiter(stream))).uri == uri


@pytest.mark.filterwarnings("ignore:resources")  # the older way, on purpose
async def test_a_change_reaches_a_subscriber_of_an_older_protocol(client, database):
    heard = asyncio.Event()

    async def take(message):
        if "updated" in str(getattr(message, "method", "")):
            heard.set()

    async with client(protocol="legacy", message_handler=take) as c:
        await c.subscribe_resource("fleetd://clusters/prod/us-1")
        await database.commit([MemberGone(cluster="prod/us-1", at=datetime.now(UTC))])
        async with asyncio.timeout(20):
            await heard.wait()
        await c.unsubscribe_resource("fleetd://clusters/prod/us-1")


async def test_the_outcome_of_a_request_is_waited_for_at_its_address(client, database):
    async with client(Mode.OPERATE) as c:
        made = await c.call_tool("requeue", {"refs": ["ClusterProfile/share-web"], "reason": "route is back", "idempotency_key": "k"})
        [request] = made.structured_content["result"]["requests"]
        uri = f"fleetd://requests/{request['request_id']}"
        assert request["state"] == "waiting"
        content = (await c.read_resource(uri)).contents[0]
        again = await c.call_tool("get_request", {"request_id": request["request_id"]})
    assert orjson.loads(content.text)["result"] == request == again.structured_content["result"]


@pytest.mark.parametrize(
    ("name", "arguments", "facts"),
    [
        ("triage_fleet", {}, "prod/us-2"),
        ("why_here", {"ref": "Service/shop/web@prod/us-1"}, "event:e1"),
        ("why_not_fired", {"trigger": "share", "cluster": "eu-1"}, "acted"),
        ("why_not_fired", {"trigger": "shar"}, "did you mean"),
    ],
)
async def test_a_prompt_brings_the_facts(client, name, arguments, facts):
    async with client() as c:
        assert [one.name for one in (await c.list_prompts()).prompts] == ["triage_fleet", "why_here", "why_not_fired"]
        prompt = await c.get_prompt(name, arguments)
    assert facts in prompt.messages[0].content.text


@pytest.mark.parametrize(("name", "arguments"), [("why_here", {}), ("why", {}), ("triage_fleet", {"x": "y"})])
async def test_a_prompt_asked_wrongly_is_refused(client, name, arguments):
    async with client() as c:
        with pytest.raises(MCPError) as refused:
            await c.get_prompt(name, arguments)
    assert refused.value.error.data["code"] == "unknown_argument"
