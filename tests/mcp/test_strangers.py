"""What people who never saw the fleet ask of it: rightly answered, in at most two calls and few words, with no zero that misleads.

What is right is read from the simulated clusters and from what was planted, not from the service.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from mcp import Client

from fleetd.domain.refs import ObjectRef
from fleetd.settings import Settings
from fleetd.sim.cluster import ClusterSpec
from fleetd.sim.faults import Fault, FaultKind
from fleetd.store.database import Database
from mcp_server.principals import Mode
from mcp_server.server import build_server
from mcp_server.serving import Offer, opened

EXAMPLE = Path(__file__).parents[2] / "examples" / "service-discovery"
TOKENS = 2_000
LIB, CONFIG = "lib.projectsveltos.io", "config.projectsveltos.io"
CANARY = "canary-4711"
VERSIONS = {"old-1": "v1.29.4"}
LABELS: dict[str, dict[str, str]] = {
    "services": {"role": "services"},
    "apps-1": {"role": "apps", "env": "prod"},
    "apps-2": {"role": "apps", "env": "prod"},
    "apps-3": {"role": "apps", "env": "prod"},
    "old-1": {"role": "apps", "env": "test"},
    "lone": {},
}
BREAKS = 3
"""How often somebody changes the settings of old-1."""


def profile(name: str, selector: dict[str, str], kind: str, source: str) -> dict[str, Any]:
    refs = [{"kind": kind, "namespace": "default", "name": source}]
    spec = {"clusterSelector": {"matchLabels": selector}, "syncMode": "ContinuousWithDriftDetection", "policyRefs": refs}
    return {"apiVersion": f"{CONFIG}/v1beta1", "kind": "ClusterProfile", "metadata": {"name": name}, "spec": spec}


def trigger(name: str, role: str, source: str) -> dict[str, Any]:
    refs = [{"kind": "ConfigMap", "namespace": "default", "name": "base-config"}]
    spec = {"sourceClusterSelector": {"matchLabels": {"role": role}}, "eventSourceName": source, "policyRefs": refs}
    return {"apiVersion": f"{LIB}/v1beta1", "kind": "EventTrigger", "metadata": {"name": name}, "spec": spec}


def made_of(name: str, manifest: dict[str, Any], **annotations: str) -> dict[str, Any]:
    metadata = {
        "name": name,
        "namespace": "default",
        "annotations": {f"projectsveltos.io/{key}": text for key, text in annotations.items()},
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"it.yaml": yaml.safe_dump(manifest)}}


def config_map(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": {"level": "info"}}


PULL = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pull", "namespace": "default"}, "stringData": {"password": CANARY}}
REGISTRY = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "registry", "namespace": "default"}} | {
    "type": "addons.projectsveltos.io/cluster-profile",
    "stringData": {"pull.yaml": yaml.safe_dump(PULL)},
}
DECLARED = (
    made_of("base-config", config_map("settings")),
    made_of("zone-config", config_map("{{ .Cluster.metadata.labels.zone }}"), template="ok"),
    REGISTRY,
    profile("base", {"role": "apps"}, "ConfigMap", "base-config"),
    profile("gpu-drivers", {"role": "gpu"}, "ConfigMap", "base-config"),
    profile("monitoring", {"role": "services"}, "ConfigMap", "monitoring-config"),
    profile("registry-access", {"env": "prod"}, "Secret", "registry"),
    profile("zoned", {"env": "prod"}, "ConfigMap", "zone-config"),
    trigger("gpu-nodes", "gpu", "exported-services"),
    trigger("orphan", "services", "not-there"),
)


@asynccontextmanager
async def strange(simulated: Any, database: Database, key_file: Path) -> AsyncIterator[Any]:
    """A fleet with an old cluster, one that is away, one where a name is taken, and declarations of which some are broken or unused."""
    specs = [ClusterSpec(name, labels=marks, version=VERSIONS.get(name, "v1.36.2")) for name, marks in LABELS.items()]
    async with simulated.at_work(database, key_file, specs) as fleet:
        fleet.clusters["apps-2"].inject(Fault(FaultKind.REFUSE))
        await fleet.until("SELECT 1 FROM fleet_clusters WHERE name = 'apps-2' AND connection = 'unreachable'")
        await fleet.clusters["apps-3"].apply(simulated.service("web", "false", type="NodePort"), manager="somebody-else")
        await fleet.declare_all(EXAMPLE)
        await fleet.declare(yaml.safe_dump_all(DECLARED), "alice")
        await fleet.clusters["services"].create(simulated.service("web", "true"))
        for cluster, state in (("apps-1", "deployed"), ("apps-3", "conflict"), ("old-1", "deployed")):
            await fleet.until(f"SELECT 1 FROM fleet_match_destinations WHERE cluster = 'default/{cluster}' AND state <> 'pending'")
            await fleet.until(f"SELECT 1 FROM fleet_addons WHERE cluster = 'default/{cluster}' AND state = '{state}'")
        await fleet.until("SELECT 1 FROM fleet_objects WHERE cluster = 'default/old-1' AND object_ref = 'ConfigMap/default/settings'")
        await fleet.until("SELECT 1 FROM fleet_objects WHERE cluster = 'default/old-1' AND object_ref = 'Endpoints/default/web'")
        await fleet.until("SELECT 1 FROM fleet_addons WHERE profile = 'ClusterProfile/zoned' AND state = 'failed'")
        corrected = "SELECT COUNT(*) AS n FROM fleet_drift_incidents WHERE outcome = 'corrected'"
        for number in range(BREAKS):
            await fleet.clusters["old-1"].patch(
                "v1", "ConfigMap", "default", "settings", {"data": {"level": f"debug{number}"}}, manager="bob"
            )
            await fleet.until(f"SELECT 1 FROM ({corrected}) counted WHERE n > {number}")
        yield fleet


async def which_clusters_run_an_old_version(ask: Any) -> bool:
    groups = (await ask.call("list_clusters", group_by="kubernetes_version"))["groups"]
    found = await ask.call("list_clusters", version="1.29")
    counts = {group["key"]: group["count"] for group in groups}
    return counts["v1.36.2"] == len(LABELS) - 1 and {row["cluster"] for row in found["items"]} == {f"default/{name}" for name in VERSIONS}


async def what_changed_in_the_last_hour_and_who_did_it(ask: Any) -> bool:
    found = await ask.call("get_timeline", since="-1h", types=["edit", "drift"])
    # What the daemon declares itself (the management plane as a cluster) nobody did.
    by = {(entry["type"], entry["by"]) for entry in found["items"] if entry.get("by")}
    edited = {entry["ref"] for entry in found["items"] if entry.get("by") == "alice"}
    wanted = {f"{one['kind']}.{CONFIG}//{one['metadata']['name']}" for one in DECLARED if one["kind"] == "ClusterProfile"}
    return by >= {("edit", "alice"), ("edit", "test"), ("drift", "bob")} and wanted <= edited


async def what_was_put_on_the_old_cluster_and_when(ask: Any) -> bool:
    found = await ask.call("get_timeline", clusters="old-1", types=["apply"])
    applied = {entry["ref"] for entry in found["items"] if entry["what"] == "applied"}
    there = {f"{kind}/default/{name}" for kind, name in (("ConfigMap", "settings"), ("Service", "web"), ("Endpoints", "web"))}
    live = {one for one in there if "old-1" in await ask.fleet.have(one.split("/")[0], one.split("/")[2])}
    return applied == there == live


async def why_is_this_config_map_here(ask: Any) -> bool:
    found = await ask.call("trace_lineage", ref="ConfigMap/default/settings@old-1")
    return [hop["ref"].rpartition("/")[2] for hop in found["result"]["hops"]] == ["old-1", "base"]


async def what_would_be_lost_without_the_trigger(ask: Any) -> bool:
    found = await ask.call("trace_lineage", ref="EventTrigger/share-services", direction="down")
    objects = {hop["ref"] for hop in found["result"]["hops"] if hop["what"] == "object"}
    # What is on apps-3 is somebody else's, on services it is the original.
    holders = await ask.fleet.have("Endpoints", "web") - {"services"}
    return objects == {f"{kind}/default/web@default/{name}" for kind in ("Service", "Endpoints") for name in holders}


async def which_profiles_and_triggers_never_did_anything(ask: Any) -> bool:
    found = await ask.call("find_objects", only="unused", kinds=["ClusterProfile", "EventTrigger"])
    return {row["ref"].rpartition("/")[2] for row in found["items"]} == {"gpu-drivers", "gpu-nodes", "orphan"}


async def which_declared_objects_are_broken(ask: Any) -> bool:
    found = await ask.call("find_objects", only="broken")
    because = {row["ref"].rpartition("/")[2]: row["because"] for row in found["items"]}
    return set(because) == {"monitoring", "orphan"} and "monitoring-config" in because["monitoring"] and "not-there" in because["orphan"]


async def which_events_were_slow_and_in_which_stage(ask: Any) -> bool:
    found = await ask.call("list_events", since="-24h", slower_than="0.001s")
    [event] = found["items"]
    none = await ask.call("list_events", since="-24h", slower_than="1h")
    slowest = event["slowest"]
    right = slowest["stage"] in ("match", "render", "apply") and 0 < slowest["stage_ms"] <= slowest["reaction_ms"]
    return right and slowest["cluster"] in ("default/apps-1", "default/old-1") and none["items"] == []


async def what_is_stuck_longest_and_why(ask: Any) -> bool:
    found = await ask.call("list_clusters", has=["pending_events"])
    rows = {row["cluster"]: row["oldest_pending"] for row in found["items"]}
    return set(rows) == {"default/apps-2", "default/apps-3"} and "cannot be reached" in rows["default/apps-2"]["reason_untrusted"]


async def did_the_trigger_act_on_a_cluster_that_is_its_destination(ask: Any) -> bool:
    explained = await ask.call("explain_trigger", trigger="share-services", cluster="apps-2")
    [warning] = [one for one in explained["warnings"] if "default/services" in one]
    hint = explained["hints"][0]
    gates = await ask.call(hint["tool"], **hint["arguments"])
    return "where it acts" in warning and gates["result"]["first_failing"] == "cluster_ready"


async def why_does_a_trigger_never_fire(ask: Any) -> bool:
    nowhere = await ask.call("explain_trigger", trigger="gpu-nodes")
    orphan = await ask.call("explain_trigger", trigger="orphan")
    said = any("chooses no cluster" in warning for warning in nowhere["warnings"])
    return said and orphan["result"]["first_failing"] == "source_declared"


async def what_drifted_repeatedly_and_by_whom(ask: Any) -> bool:
    found = await ask.call("get_drift", only="flapping", group_by="changed_by")
    rows = await ask.call("get_drift", only="flapping")
    live = await ask.fleet.clusters["old-1"].get("v1", "ConfigMap", "default", "settings")
    groups = [(group["key"], group["count"]) for group in found["groups"]]
    return groups == [("bob", BREAKS)] and live["data"]["level"] == "info" and {row["outcome"] for row in rows["items"]} == {"corrected"}


async def which_clusters_lost_contact_and_when(ask: Any) -> bool:
    found = await ask.call("list_clusters", status=["unreachable"])
    [row] = found["items"]
    history = await ask.call("get_timeline", clusters=row["cluster"], types=["cluster"])
    return row["cluster"] == "default/apps-2" and "became unreachable" in history["items"][0]["what"]


async def which_secrets_are_used_by_name_only(ask: Any) -> bool:
    found = await ask.call("find_objects", kinds=["Secret"], query="registry")
    users = await ask.call("list_references", ref="Secret/default/registry", direction="in")
    named = [row["ref"] for row in found["items"]] == ["Secret/default/registry"]
    told = "".join(str(answer) for answer in ask.answers)
    return named and [row["from_ref"].rpartition("/")[2] for row in users["items"]] == ["registry-access"] and CANARY not in told


async def what_did_a_profile_put_on_a_cluster(ask: Any) -> bool:
    found = await ask.call("find_objects", profile="base", clusters="old-1")
    everywhere = await ask.call("find_objects", profile="base")
    there = {row["ref"].rpartition("/")[2] for row in everywhere["items"]}
    return len(found["items"]) == 1 and there == await ask.fleet.have("ConfigMap", "settings")


async def why_can_the_service_not_be_put_there(ask: Any) -> bool:
    refused = await ask.call("trace_lineage", ref="Service/default/web@apps-3")
    hint = refused["error"]["next"]
    gates = await ask.call(hint["tool"], **hint["arguments"])
    return "in conflict" in refused["error"]["sentence"] and "somebody-else" in str(gates["result"]["addons"])


async def why_does_a_template_fail(ask: Any) -> bool:
    gates = await ask.call("explain_addon", profile="zoned", cluster="apps-1")
    hint = gates["hints"][0]
    source = await ask.call(hint["tool"], **hint["arguments"])
    return "zone" in str(gates["result"]["addons"]) and "zone" in str(source["result"]["manifest_untrusted"])


async def what_the_fleet_was_before_it_was_known(ask: Any) -> bool:
    found = await ask.call("list_clusters", as_of="-24h")
    return found["error"]["code"] == "as_of_out_of_range" and "since" in found["error"]["sentence"]


async def which_pods_are_there_is_not_zero_but_unknown(ask: Any) -> bool:
    found = await ask.call("find_objects", kinds=["Pod"], clusters="apps-1")
    return found["items"] == [] and any("kubectl" in warning for warning in found["warnings"])


async def a_slip_in_a_reference_is_no_quiet_time(ask: Any) -> bool:
    declared = await ask.call("get_timeline", ref="ClusterProfile/bases")
    placed = await ask.call("get_timeline", ref="ConfigMap/default/setting@old-1")
    return declared["error"]["did_you_mean"][0].endswith("//base") and "did not put" in placed["error"]["sentence"]


async def a_slip_of_the_pen_is_no_zero(ask: Any) -> bool:
    events = await ask.call("list_events", trigger="share-service")
    addons = await ask.call("list_addons", profile="bases")
    near = [one["error"]["did_you_mean"][0].rpartition("/")[2] for one in (events, addons)]
    return near == ["share-services", "base"]


async def why_is_the_service_gone_and_since_when(ask: Any) -> bool:
    await ask.fleet.clusters["services"].delete("v1", "Service", "default", "web")
    there = "SELECT COUNT(*) AS n FROM fleet_objects WHERE cluster = 'default/apps-1' AND object_ref = 'Service/default/web'"
    await ask.fleet.until(f"SELECT 1 FROM ({there}) counted WHERE n = 0")
    await ask.fleet.clusters["apps-1"].until(_gone)
    told = await ask.call("get_object", ref="Service/default/web@apps-1")
    hint = told["error"]["next"]
    story = await ask.call(hint["tool"], **hint["arguments"])
    newest = story["items"][0]
    return "took it away" in told["error"]["sentence"] and newest["what"] == "deleted" and newest["cluster"] == "default/apps-1"


async def _gone(cluster: Any) -> bool:
    return await cluster.get("v1", "Service", "default", "web") is None


async def who_took_the_profile_away(ask: Any) -> bool:
    await ask.fleet.admission.delete(ObjectRef("ClusterProfile", CONFIG, "", "gpu-drivers"), now=datetime.now(UTC))
    found = await ask.call("get_timeline", since="-1h", types=["edit"])
    newest = found["items"][0]
    return newest["ref"].endswith("//gpu-drivers") and "taken away" in newest["what"]


QUESTIONS: tuple[Callable[[Any], Awaitable[bool]], ...] = (
    which_clusters_run_an_old_version,
    what_changed_in_the_last_hour_and_who_did_it,
    what_was_put_on_the_old_cluster_and_when,
    why_is_this_config_map_here,
    what_would_be_lost_without_the_trigger,
    which_profiles_and_triggers_never_did_anything,
    which_declared_objects_are_broken,
    which_events_were_slow_and_in_which_stage,
    what_is_stuck_longest_and_why,
    did_the_trigger_act_on_a_cluster_that_is_its_destination,
    why_does_a_trigger_never_fire,
    what_drifted_repeatedly_and_by_whom,
    which_clusters_lost_contact_and_when,
    which_secrets_are_used_by_name_only,
    what_did_a_profile_put_on_a_cluster,
    why_can_the_service_not_be_put_there,
    why_does_a_template_fail,
    what_the_fleet_was_before_it_was_known,
    which_pods_are_there_is_not_zero_but_unknown,
    a_slip_of_the_pen_is_no_zero,
    a_slip_in_a_reference_is_no_quiet_time,
    # These change the fleet, and stand last.
    why_is_the_service_gone_and_since_when,
    who_took_the_profile_away,
)


async def test_what_strangers_ask_is_answered_rightly_in_few_calls_and_words(simulated, empty: Database, key_file: Path):
    wrong: dict[str, Any] = {}
    async with (
        strange(simulated, empty, key_file) as fleet,
        opened(Offer(Settings(database=empty.url), Mode.OBSERVE)) as (desk, subscriptions),
        Client(build_server(desk, subscriptions)) as client,
    ):
        for question in QUESTIONS:
            ask = simulated.Asking(client, fleet)
            right = await question(ask)
            if not right or ask.calls > 2 or ask.tokens > TOKENS:
                wrong[question.__name__] = (right, ask.calls, ask.tokens, [answer.content[0].text for answer in ask.answers])
    assert wrong == {}
