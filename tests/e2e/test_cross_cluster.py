"""A fleet, and events that configure other clusters."""

from __future__ import annotations

import zlib
from collections.abc import Generator
from typing import Any

import yaml
from sqlalchemy import select

from fleetd.decide.digest import digest
from fleetd.decide.report import shown
from fleetd.domain.refs import GroupVersionKind
from fleetd.store import tables
from fleetd.store.steps import Fetch

SERVICES = {"role": "services", "region": "eu-west", "provider": "one"}
APPS = {"role": "apps", "region": "us-east", "provider": "two"}
PROFILE = """
apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {name: base}
spec:
  clusterSelector: {matchLabels: {tier: gold}}
  syncMode: ContinuousWithDriftDetection
  policyRefs:
    - {kind: ConfigMap, namespace: default, name: base}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: base, namespace: default}
data:
  all.yaml: |
    apiVersion: v1
    kind: Namespace
    metadata: {name: base}
    ---
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: base, namespace: base}
    data: {key: value}
"""


HERE = """
apiVersion: v1
kind: ConfigMap
metadata: {name: here, namespace: default}
data: {region: '{{ .Cluster.metadata.labels.region }}'}
"""


def exported(name: str = "web") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default", "labels": {"fleet.example.com/export": "true"}},
        "spec": {"type": "LoadBalancer", "selector": {"app": name}, "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]},
    }


def address(live: dict[str, Any]) -> str:
    return str(live["subsets"][0]["addresses"][0]["ip"])


async def address_of(w: Any, cluster: str, name: str) -> str:
    live = await w.shows(cluster, "v1", "Service", f"default/{name}", lambda live: bool(live["status"]["loadBalancer"].get("ingress")))
    return str(live["status"]["loadBalancer"]["ingress"][0]["ip"])


async def test_f2_any_cluster_with_a_kubeconfig_becomes_a_member_like_the_others(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        await w.declare(PROFILE)
        await w.shows("a", "v1", "ConfigMap", "base/base")
        row = (await w.rows("SELECT * FROM fleet_clusters WHERE name = 'a'"))[0]
        assert row["kubernetes_version"].startswith("v1.")
        assert {item["label_key"]: item["label_value"] for item in await w.rows("SELECT * FROM fleet_cluster_labels")} == {"tier": "gold"}


async def test_f3_a_profile_reaches_exactly_the_clusters_whose_labels_match(world: Any) -> None:
    async with world(a={"tier": "gold"}, b={"tier": "iron"}, c={"tier": "gold", "x": "y"}) as w:
        await w.declare(PROFILE)
        await w.shows("a", "v1", "ConfigMap", "base/base")
        await w.shows("c", "v1", "ConfigMap", "base/base")
        await w.settled()
        assert {row["cluster"] for row in await w.rows("SELECT cluster FROM fleet_addons")} == {"default/a", "default/c"}
        assert await w["b"].get("v1", "Namespace", "", "base") is None
        await w.relabel("b", tier="gold")
        await w.shows("b", "v1", "ConfigMap", "base/base")
        await w.relabel("a", tier=None)
        await w.lacks("a", "v1", "ConfigMap", "base/base")


async def test_f4_a_cluster_that_joins_later_gets_the_configuration(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        await w.declare(PROFILE)
        await w.shows("a", "v1", "ConfigMap", "base/base")
        await w.add("late", tier="gold")
        await w.shows("late", "v1", "ConfigMap", "base/base")


async def test_f6_a_matching_cluster_that_drifts_is_corrected_without_a_human(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        await w.declare(PROFILE)
        await w.shows("a", "v1", "ConfigMap", "base/base")
        await w.settled()
        await w["a"].delete("v1", "ConfigMap", "base", "base")
        await w.shows("a", "v1", "ConfigMap", "base/base")
        await w.until_row("SELECT * FROM fleet_drift_incidents", {"outcome": "corrected", "object_ref": "ConfigMap/base/base"})


async def test_x1_x2_x3_an_address_appears_in_every_cluster_of_another_set_provider_and_region(world: Any) -> None:
    async with world(services=SERVICES, one=APPS, two={**APPS, "region": "ap"}, other={"role": "none"}) as w:
        await w.example("service-discovery")
        await w["services"].create(exported())
        ip = await address_of(w, "services", "web")
        for name in ("one", "two"):
            service = await w.shows(name, "v1", "Service", "default/web")
            assert "selector" not in service["spec"]
            await w.shows(name, "v1", "Endpoints", "default/web", lambda live: address(live) == ip)
        await w.settled()
        assert await w["other"].get("v1", "Service", "default", "web") is None
        owner = await w.rows("SELECT DISTINCT source_cluster, cluster FROM fleet_reactions")
        assert {(row["source_cluster"], row["cluster"]) for row in owner} == {
            ("default/services", "default/one"),
            ("default/services", "default/two"),
        }


async def test_x4_when_the_address_changes_all_copies_change(world: Any) -> None:
    async with world(services=SERVICES, one=APPS, two=APPS) as w:
        await w.example("service-discovery")
        await w["services"].create(exported())
        await w.shows("one", "v1", "Endpoints", "default/web")
        ip = await w["services"].reassign("default", "web")
        for name in ("one", "two"):
            await w.shows(name, "v1", "Endpoints", "default/web", lambda live: address(live) == ip)


async def test_x5_a_cluster_that_later_matches_gets_the_current_endpoints(world: Any) -> None:
    async with world(services=SERVICES, one=APPS) as w:
        await w.example("service-discovery")
        await w["services"].create(exported())
        await w.shows("one", "v1", "Endpoints", "default/web")
        ip = await w["services"].reassign("default", "web")
        await w.add("late", **APPS)
        await w.shows("late", "v1", "Endpoints", "default/web", lambda live: address(live) == ip)


async def test_x6_two_declarations_and_a_template_are_enough(world: Any) -> None:
    async with world(services=SERVICES, one=APPS) as w:
        await w.example("service-discovery")
        declared = await w.rows("SELECT ref FROM fleet_event_sources UNION ALL SELECT ref FROM fleet_event_triggers")
        assert len(declared) == 2
        await w["services"].create(exported())
        await w.shows("one", "v1", "Endpoints", "default/web")
        await w["services"].delete("v1", "Service", "default", "web")
        await w.lacks("one", "v1", "Endpoints", "default/web")
        await w.lacks("one", "v1", "Service", "default/web")


async def test_a_destination_that_no_longer_matches_loses_the_copies_and_a_deregistered_one_keeps_them(world: Any) -> None:
    async with world(services=SERVICES, one=APPS, two=APPS) as w:
        await w.example("service-discovery")
        await w["services"].create(exported())
        await w.shows("one", "v1", "Endpoints", "default/web")
        await w.shows("two", "v1", "Endpoints", "default/web")
        await w.relabel("one", role="other")
        await w.lacks("one", "v1", "Endpoints", "default/web")
        await w.settled()
        await w.leave("two")
        await w.until_row("SELECT count(*) AS n FROM fleet_addons WHERE cluster = 'default/two'", {"n": 0})
        assert await w["two"].get("v1", "Endpoints", "default", "web") is not None


async def test_the_way_from_an_object_back_to_its_cause_is_in_the_journal(world: Any) -> None:
    async with world(services=SERVICES, one=APPS) as w:
        await w.example("service-discovery")
        await w["services"].create(exported())
        await w.shows("one", "v1", "Endpoints", "default/web")
        applied = await w.until_row(
            "SELECT * FROM fleet_journal WHERE subject_ref = 'Endpoints/default/web' AND cluster = 'default/one'", {"decision": "applied"}
        )
        stages = {
            row["stage"] for row in await w.rows("SELECT stage FROM fleet_journal WHERE cause_id = :cause", cause=applied["cause_id"])
        }
        assert {"report", "match", "instantiate", "schedule", "apply"} <= stages
        event = await w.rows("SELECT event_id FROM fleet_events WHERE cause_id = :cause", cause=applied["cause_id"])
        assert len(event) == 1


async def test_t1_t2_t4_one_trigger_gives_each_cluster_its_own_parameters_from_objects_and_labels(world: Any) -> None:
    labels = {"inventory": "true"}
    async with world(a={**labels, "region": "eu"}, b={**labels, "region": "us"}) as w:
        await w.example("namespace-list")
        await w["a"].create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "only-in-a"}})
        lists = {}
        for name in ("a", "b"):
            live = await w.shows(
                name,
                "v1",
                "ConfigMap",
                "default/namespaces",
                lambda live: ("only-in-a" in live["data"]["namespaces"]) == (live["data"]["cluster"] == "a"),
            )
            lists[name] = live["data"]
        assert lists["a"]["cluster"] == "a"
        assert lists["b"]["cluster"] == "b"
        assert "kube-system" in lists["b"]["namespaces"].split()


async def test_t3_credentials_of_a_secret_flow_into_another_cluster_and_into_no_view(world: Any) -> None:
    async with world(services=SERVICES, one=APPS) as w:
        await w.declare("""
            apiVersion: lib.projectsveltos.io/v1beta1
            kind: EventSource
            metadata: {name: credentials}
            spec:
              collectResources: true
              resourceSelectors:
                - {group: "", version: v1, kind: Secret, labelFilters: [{key: share, operation: Has}]}
            ---
            apiVersion: lib.projectsveltos.io/v1beta1
            kind: EventTrigger
            metadata: {name: credentials}
            spec:
              sourceClusterSelector: {matchLabels: {role: services}}
              destinationClusterSelector: {matchLabels: {role: apps}}
              eventSourceName: credentials
              oneForEvent: true
              policyRefs: [{kind: Secret, namespace: default, name: copy}]
            ---
            apiVersion: v1
            kind: Secret
            metadata:
              name: copy
              namespace: default
              annotations: {projectsveltos.io/instantiate: ok}
            type: addons.projectsveltos.io/cluster-profile
            stringData:
              secret.yaml: |
                apiVersion: v1
                kind: Secret
                metadata: {name: "{{ .Resource.metadata.name }}", namespace: default}
                data:
                  password: "{{ .Resource.data.password }}"
        """)
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "default", "labels": {"share": "x"}}}
        await w["services"].create({**secret, "stringData": {"password": "pl4nted-s3cret"}})
        copied = await w.shows("one", "v1", "Secret", "default/db")
        assert copied["data"]["password"] == "cGw0bnRlZC1zM2NyZXQ="
        await w.settled()
        live = await w["services"].get("v1", "Secret", "default", "db")
        guess = digest(shown(GroupVersionKind("", "v1", "Secret"), live))
        assert guess not in str(await w.database.read(every_digest())), "a guessed secret cannot be confirmed"
        views = [row["name"] for row in await w.rows("SELECT 'fleet_journal' AS name UNION SELECT 'fleet_changes'")]
        for view in [
            *views,
            "fleet_events",
            "fleet_event_objects",
            "fleet_addons",
            "fleet_objects",
            "fleet_trigger_matches",
            "fleet_verdicts",
        ]:
            text = str(await w.rows(f"SELECT * FROM {view}"))
            assert "pl4nted" not in text
            assert "cGw0bnRlZC1zM2NyZXQ" not in text


async def test_what_a_config_map_takes_from_a_secret_is_neither_kept_in_clear_nor_told_in_errors(world: Any) -> None:
    async with world(services=SERVICES, one=APPS) as w:
        await w.declare("""
            apiVersion: lib.projectsveltos.io/v1beta1
            kind: EventSource
            metadata: {name: credentials}
            spec:
              collectResources: true
              resourceSelectors: [{group: "", version: v1, kind: Secret, labelFilters: [{key: share, operation: Has}]}]
            ---
            apiVersion: lib.projectsveltos.io/v1beta1
            kind: EventTrigger
            metadata: {name: credentials}
            spec:
              sourceClusterSelector: {matchLabels: {role: services}}
              destinationClusterSelector: {matchLabels: {role: apps}}
              eventSourceName: credentials
              oneForEvent: true
              policyRefs: [{kind: ConfigMap, namespace: default, name: good}, {kind: ConfigMap, namespace: default, name: bad}]
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: good, namespace: default, annotations: {projectsveltos.io/instantiate: ok}}
            data:
              a.yaml: |
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: good, namespace: default}
                data: {text: "{{ .Resource.data.password }}"}
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: bad, namespace: default, annotations: {projectsveltos.io/instantiate: ok}}
            data:
              a.yaml: "{{ .Resource.data.password }}: [*{{ .Resource.data.password }}"
        """)
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "default", "labels": {"share": "x"}}}
        await w["services"].create({**secret, "stringData": {"password": "pl4nted-s3cret"}})
        row = await w.until_row("SELECT * FROM fleet_addons", {"state": "failed"})
        assert "not shown" in row["reason"]
        await w.shows("one", "v1", "ConfigMap", "default/good")
        await w.declare("""
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: bad, namespace: default, annotations: {projectsveltos.io/instantiate: ok}}
            data: {a.yaml: "{{ fail .Resource.data.password }}"}
        """)
        match = await w.until_row("SELECT * FROM fleet_trigger_matches", {"state": "failed"})
        for view in ("fleet_addons", "fleet_journal", "fleet_trigger_matches", "fleet_match_destinations", "fleet_generated"):
            assert "cGw0bnRlZC1zM2NyZXQ" not in str(await w.rows(f"SELECT * FROM {view}")), match
        for row in await w.database.read(every_body()):
            assert b"cGw0bnRlZC1zM2NyZXQ" not in unpacked(row)


def every_body() -> Generator[Any, Any, list[Any]]:
    """Every stored content, as it lies there."""
    rows = yield Fetch(select(tables.bodies.c.content))
    return [bytes(row["content"]) for row in rows]


def unpacked(content: bytes) -> bytes:
    try:
        return zlib.decompress(content)
    except zlib.error:
        return content


async def test_deploy_time_templates_see_the_labels_of_the_cluster_they_go_to(world: Any) -> None:
    async with world(a={"tier": "gold", "region": "eu"}, b={"tier": "gold", "region": "us"}) as w:
        await w.declare(PROFILE)
        content = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "base", "namespace": "default", "annotations": {"projectsveltos.io/template": "ok"}},
            "data": {"a.yaml": HERE},
        }
        await w.declare(yaml.safe_dump(content))
        await w.shows("a", "v1", "ConfigMap", "default/here", lambda live: live["data"]["region"] == "eu")
        await w.shows("b", "v1", "ConfigMap", "default/here", lambda live: live["data"]["region"] == "us")
        await w.relabel("b", region="asia")
        await w.shows("b", "v1", "ConfigMap", "default/here", lambda live: live["data"]["region"] == "asia")


def every_digest() -> Generator[Any, Any, list[Any]]:
    """Every stored digest of a content."""
    rows: list[Any] = []
    for table, name in (
        (tables.report_objects, "digest"),
        (tables.bodies, "digest"),
        (tables.inventory, "wanted_digest"),
        (tables.inventory, "live_digest"),
    ):
        rows += yield Fetch(select(table.c[name]))
    assert rows
    return [tuple(row.values()) if isinstance(row, dict) else tuple(row) for row in rows]
