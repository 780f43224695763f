"""Ten questions about a simulated fleet with planted faults: each is answered rightly in at most two calls, within its budget.

What is right is read from the simulated clusters, not from the service.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import Client

from fleetd.settings import Settings
from fleetd.sim.cluster import ClusterSpec
from fleetd.sim.faults import Fault, FaultKind
from fleetd.store.database import Database
from mcp_server.principals import Mode
from mcp_server.server import build_server
from mcp_server.serving import Offer, opened

EXAMPLE = Path(__file__).parents[2] / "examples" / "service-discovery"
PATIENCE = 30.0
SIMPLE_TOKENS = 2_000


@asynccontextmanager
async def troubled(simulated: Any, database: Database, key_file: Path) -> AsyncIterator[Any]:
    """services exports a Service; apps-2 is away, apps-3 has a Service of somebody's by that name; on apps-1 somebody edits the copy."""
    labels = {"services": {"role": "services"}, **{f"apps-{number}": {"role": "apps", "env": "prod"} for number in (1, 2, 3)}}
    async with simulated.at_work(database, key_file, [ClusterSpec(name, labels=marks) for name, marks in labels.items()]) as fleet:
        fleet.clusters["apps-2"].inject(Fault(FaultKind.REFUSE))
        await fleet.until("SELECT 1 FROM fleet_clusters WHERE name = 'apps-2' AND connection = 'unreachable'")
        await fleet.clusters["apps-3"].apply(simulated.service("web", "false", type="NodePort"), manager="somebody-else")
        await fleet.declare_all(EXAMPLE)
        await fleet.clusters["services"].create(simulated.service("web", "true"))
        await fleet.clusters["services"].create(simulated.service("internal", "false"))
        await fleet.until("SELECT 1 FROM fleet_addons WHERE cluster = 'default/apps-1' AND state = 'deployed'")
        await fleet.until("SELECT 1 FROM fleet_addons WHERE cluster = 'default/apps-3' AND state = 'conflict'")
        changed = {"spec": {"type": "NodePort"}}
        await fleet.clusters["apps-1"].patch("v1", "Service", "default", "web", changed, manager="somebody")
        await fleet.until("SELECT 1 FROM fleet_drift_incidents WHERE outcome = 'corrected'")
        yield fleet


async def where_is_an_event_not_acted_on(ask: Any) -> bool:
    found = await ask.call("list_clusters", has=["pending_events"])
    wanted = {name for name in ask.fleet.clusters if name.startswith("apps")}
    # On apps-3 there is a Service of that name, but it is not ours: its Endpoints are not there.
    acted = await ask.fleet.have("Endpoints", "web") - {"services"}
    return {row["cluster"] for row in found["items"]} == {f"default/{name}" for name in wanted - acted}


async def which_triggers_reference_the_source(ask: Any) -> bool:
    found = await ask.call("list_references", ref="EventSource/exported-services", direction="in", kinds=["EventTrigger"])
    return [row["from_ref"] for row in found["items"]] == ["EventTrigger.lib.projectsveltos.io//share-services"]


async def why_has_the_trigger_not_acted_on_the_cluster_that_is_away(ask: Any) -> bool:
    explained = await ask.call("explain_trigger", trigger="share-services", cluster="services", object="Service/default/web")
    states = {one["cluster"]: one["state"] for one in explained["result"]["destinations"]}
    profile = explained["hints"][0]["arguments"]["profile"]
    gates = await ask.call("explain_addon", profile=profile, cluster="apps-2")
    right = states["default/apps-1"] == "acted" and "acted" not in (states["default/apps-2"], states["default/apps-3"])
    return right and explained["result"]["first_failing"] == "acted" and gates["result"]["first_failing"] == "cluster_ready"


async def who_holds_the_service_that_cannot_be_written(ask: Any) -> bool:
    found = await ask.call("list_addons", status=["conflict"])
    [row] = found["items"]
    live = await ask.fleet.clusters["apps-3"].get("v1", "Service", "default", "web")
    holder = live["metadata"]["managedFields"][0]["manager"]
    return row["cluster"] == "default/apps-3" and holder in row["reason_untrusted"]


async def why_is_the_service_on_the_first_cluster(ask: Any) -> bool:
    found = await ask.call("trace_lineage", ref="Service/default/web@default/apps-1")
    hops = [hop["ref"] for hop in found["result"]["hops"]]
    return "Service/default/web@default/services" in hops and "EventSource.lib.projectsveltos.io//exported-services" in hops


async def why_did_the_other_service_not_count(ask: Any) -> bool:
    found = await ask.call("explain_trigger", trigger="share-services", cluster="services", object="Service/default/internal")
    [miss] = found["result"]["nearest_misses"]
    return found["result"]["first_failing"] == "object_matched" and "fleet.example.com/export" in miss["reason_untrusted"]


async def who_changed_what_by_hand(ask: Any) -> bool:
    found = await ask.call("get_drift", clusters="apps-1")
    [incident] = found["items"]
    fields = {one["field_path_untrusted"] for one in incident["fields"]}
    return incident["changed_by_untrusted"] == "somebody" and any("type" in path for path in fields) and incident["outcome"] == "corrected"


async def which_cluster_cannot_be_reached(ask: Any) -> bool:
    found = await ask.call("list_clusters", status=["unreachable"])
    away = {name for name, cluster in ask.fleet.clusters.items() if cluster.faults.of(FaultKind.REFUSE)}
    return {row["cluster"] for row in found["items"]} == {f"default/{name}" for name in away}


async def what_happened_on_the_source_cluster(ask: Any) -> bool:
    found = await ask.call("get_timeline", clusters="services", since="-1h")
    kinds = {entry["type"] for entry in found["items"]}
    return {"event", "cluster"} <= kinds and all(entry["cluster"] == "default/services" for entry in found["items"])


async def what_nobody_here_can_know(ask: Any) -> bool:
    found = await ask.call("get_object", ref="Pod/default/web-0@default/apps-1")
    return "cannot know" in found["error"]["sentence"] and "kubectl" in found["error"]["sentence"]


QUESTIONS: tuple[Callable[[Any], Awaitable[bool]], ...] = (
    where_is_an_event_not_acted_on,
    which_triggers_reference_the_source,
    why_has_the_trigger_not_acted_on_the_cluster_that_is_away,
    who_holds_the_service_that_cannot_be_written,
    why_is_the_service_on_the_first_cluster,
    why_did_the_other_service_not_count,
    who_changed_what_by_hand,
    which_cluster_cannot_be_reached,
    what_happened_on_the_source_cluster,
    what_nobody_here_can_know,
)


async def test_ten_questions_are_answered_rightly_in_few_calls_and_words(simulated, empty: Database, key_file: Path):
    wrong: dict[str, Any] = {}
    async with (
        troubled(simulated, empty, key_file) as fleet,
        opened(Offer(Settings(database=empty.url), Mode.OBSERVE)) as (desk, subscriptions),
        Client(build_server(desk, subscriptions)) as client,
    ):
        for question in QUESTIONS:
            ask = simulated.Asking(client, fleet)
            right = await question(ask)
            if not right or ask.calls > 2 or ask.tokens > SIMPLE_TOKENS:
                wrong[question.__name__] = (right, ask.calls, ask.tokens, [answer.content[0].text for answer in ask.answers])
    assert wrong == {}


async def test_what_is_asked_for_the_daemon_does_and_the_outcome_is_told(simulated, empty: Database, key_file: Path):
    async with (
        troubled(simulated, empty, key_file) as fleet,
        opened(Offer(Settings(database=empty.url, key_file=key_file), Mode.OPERATE)) as (desk, subscriptions),
        Client(build_server(desk, subscriptions)) as client,
        asyncio.timeout(PATIENCE),
    ):
        await fleet.clusters["apps-3"].delete("v1", "Service", "default", "web")
        made = await client.call_tool("requeue", {"refs": ["apps-3"], "reason": "the other Service is gone"})
        [request] = made.structured_content["result"]["requests"]
        uri = f"fleetd://requests/{request['request_id']}"
        async with client.listen(resource_subscriptions=[uri]) as changes:
            while (state := json.loads((await client.read_resource(uri)).contents[0].text)["result"]["state"]) == "waiting":
                await anext(aiter(changes))
        assert state == "done"
        await fleet.until("SELECT 1 FROM fleet_addons WHERE cluster = 'default/apps-3' AND state = 'deployed'")
        assert "apps-3" in await fleet.have("Endpoints", "web")
        paused = await client.call_tool("set_pause", {"scope": "apps-3", "paused": True, "reason": "maintenance"})
        assert paused.structured_content["result"]["requests"][0]["state"] == "done"
        await fleet.until("SELECT 1 FROM fleet_clusters WHERE name = 'apps-3' AND paused")
        explained = await client.call_tool("explain_addon", {"profile": request["subject"], "cluster": "apps-3"})
        assert explained.structured_content["result"]["first_failing"] == "cluster_not_paused"
