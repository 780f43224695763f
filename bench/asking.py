"""What a person or a model asks of a large fleet: every reading tool, with common and rare values, pages, filters and groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from bench.planted_rows import CONFIG, LIB, Plan

Asked = tuple[str, dict[str, Any]]
FIRST, RARE = 0, 0.9
"""The most common of skewed names, and where in their order the rare ones begin."""


def calls(plan: Plan, seed: int) -> Iterator[Asked]:
    """One round: each way of asking once, with names of this round."""
    random = Random(seed)
    many = plan.scale.declared
    names = {"common": FIRST, "rare": int(many * RARE) + random.randrange(max(1, many // 10)), "any": plan.skewed(many)}
    cluster = random.choice(plan.clusters)
    source_cluster = plan.clusters[random.randrange(max(1, len(plan.clusters) // 10)) * 10 % len(plan.clusters)]
    event = plan.event_id(random.randrange(plan.scale.events))
    waiting = plan.event_id((plan.scale.matches - 1 - random.randrange(plan.scale.unacted)) * 5 // 2)
    yield "fleet_overview", {}
    yield "get_server_status", {}
    yield "evaluate_expression", {"language": "cel", "expression": "resource.spec.replicas > 1", "object": {"spec": {"replicas": 2}}}
    yield "get_request", {"request_id": f"r{random.randrange(200)}"}
    yield from _clusters(cluster, random)
    yield from _events(names, source_cluster, random)
    for one in (event, waiting):
        yield "get_event", {"event_id": one}
        yield "trace_lineage", {"ref": f"event:{one}", "direction": "down"}
    yield from _addons(cluster, random, plan)
    yield from _objects(cluster, plan, random)
    yield from _explained(names, source_cluster, cluster)
    yield from _drift(cluster, random)


def _clusters(cluster: str, random: Random) -> Iterator[Asked]:
    chosen = (
        "",
        "env=prod",
        "region=eu-west,tier=8",
        "label:canary",
        f"c-{random.randrange(100):03}*",
        "env!=prod,!c-00001",
        "edge/*",
        cluster,
    )
    for clusters in chosen:
        yield "list_clusters", {"clusters": clusters}
    for has in ("pending_events", "failed_addons", "drift", "stale", "not_ready", "paused"):
        yield "list_clusters", {"has": [has]}
    yield "list_clusters", {"has": ["pending_events", "failed_addons"], "clusters": "env=prod", "detail": "full"}
    yield "list_clusters", {"has": ["pending_events"], "older_than": "1h"}
    yield "list_clusters", {"limit": 50, "detail": "full"}
    yield "list_clusters", {"version": "1.29", "status": ["ready"]}
    for group in ("connection", "kubernetes_version", "namespace"):
        yield "list_clusters", {"group_by": group}
    yield "get_cluster", {"cluster": cluster}
    yield "get_cluster", {"cluster": cluster.partition("/")[2]}


def _events(names: Mapping[str, int], cluster: str, random: Random) -> Iterator[Asked]:
    yield "list_events", {}
    for clusters in (cluster, "env=prod", "region=eu-west,tier=8", "label:canary", "env=prod,region in (eu-west,us-east)"):
        yield "list_events", {"clusters": clusters}
    for number in names.values():
        yield "list_events", {"source": f"source-{number:04}"}
        yield "list_events", {"trigger": f"trigger-{number:04}"}
        yield "list_events", {"source": f"source-{number:04}", "clusters": cluster, "since": "-7d"}
    for state in (["pending", "blocked", "failed"], ["acted"], ["detected"], ["matched"], ["suppressed"], ["withdrawn", "suppressed"]):
        yield "list_events", {"state": state}
    yield "list_events", {"state": ["pending"], "clusters": "env=prod", "older_than": "10m"}
    yield "list_events", {"since": f"-{random.randrange(1, 20)}d", "limit": 50}
    yield "list_events", {"until": f"-{random.randrange(1, 20)}d"}
    for group in ("event_source", "cluster"):
        yield "list_events", {"group_by": group}
        yield "list_events", {"group_by": group, "clusters": "env=prod", "since": "-2d"}


def _addons(cluster: str, random: Random, plan: Plan) -> Iterator[Asked]:
    generated = f"ClusterProfile/trigger-{random.randrange(plan.scale.declared):04}-{random.randrange(7)}"
    yield "list_addons", {}
    for profile in ("ClusterProfile/base-0000", generated):
        yield "list_addons", {"profile": profile}
        yield "list_addons", {"profile": profile, "status": ["failed", "conflict"]}
        yield "explain_addon", {"profile": profile, "cluster": cluster}
    for clusters in (cluster, "env=prod", "label:canary"):
        yield "list_addons", {"clusters": clusters}
        yield "list_addons", {"clusters": clusters, "status": ["failed", "conflict", "waiting"]}
    for status in (["failed", "conflict"], ["waiting"], ["deployed"], ["removing"]):
        yield "list_addons", {"status": status}
    for group in ("state", "profile", "cluster"):
        yield "list_addons", {"group_by": group}


def _objects(cluster: str, plan: Plan, random: Random) -> Iterator[Asked]:
    number = random.randrange(plan.scale.declared)
    place = random.randrange(plan.scale.addons)
    there = f"app-{place:02}-{(plan.clusters.index(cluster) * 31 + place) % 997}"
    for query in ("trigger-0", f"{number:04}", "no-such-name", f"c-{random.randrange(100):05}"):
        yield "find_objects", {"query": query}
    yield "find_objects", {"query": "source", "kinds": ["EventSource"]}
    yield "find_objects", {"kinds": ["SveltosCluster"], "limit": 50}
    for clusters in (cluster, "*", "env=prod", "label:canary"):
        yield "find_objects", {"query": "app-0", "clusters": clusters}
    for query in (there, "no-such-name"):
        yield "find_objects", {"query": query, "clusters": "*"}
    yield "get_object", {"ref": f"ConfigMap/default/{there}@{cluster}"}
    yield "trace_lineage", {"ref": f"ConfigMap/default/{there}@{cluster}"}
    for ref in (f"EventTrigger/trigger-{number:04}", f"EventSource/source-{number:04}", f"ClusterProfile/base-{number:04}"):
        yield "get_object", {"ref": ref}
        yield "get_object", {"ref": ref, "view": "manifest"}
        yield "list_references", {"ref": ref}
        yield "trace_lineage", {"ref": ref, "direction": "down"}
        yield "get_timeline", {"ref": ref}


def _explained(names: Mapping[str, int], source_cluster: str, cluster: str) -> Iterator[Asked]:
    for number in names.values():
        yield "explain_trigger", {"trigger": f"trigger-{number:04}"}
        yield "explain_trigger", {"trigger": f"trigger-{number:04}", "cluster": source_cluster}
        yield "get_timeline", {"ref": f"EventTrigger.{LIB}//trigger-{number:04}", "since": "-7d"}
        yield "get_timeline", {"ref": f"EventSource/source-{number:04}", "types": ["event"]}
        yield "trace_lineage", {"ref": f"ClusterProfile.{CONFIG}//trigger-{number:04}-3"}
        yield "list_references", {"ref": f"EventSource/source-{number:04}", "direction": "in", "kinds": ["EventTrigger"]}
    for clusters in (cluster, source_cluster, "env=prod", "label:canary", "*"):
        yield "get_timeline", {"clusters": clusters}


def _drift(cluster: str, random: Random) -> Iterator[Asked]:
    yield "get_drift", {}
    for only in ("open", "corrected", "failed", "flapping"):
        yield "get_drift", {"only": only}
    for clusters in (cluster, "env=prod", "label:canary"):
        yield "get_drift", {"clusters": clusters}
    yield "get_drift", {"profile": "ClusterProfile/base-0001", "since": f"-{random.randrange(1, 9)}d"}
    yield "get_drift", {"ref": f"ConfigMap/default/app-{random.randrange(7)}"}
    for group in ("outcome", "cluster", "changed_by"):
        yield "get_drift", {"group_by": group}
