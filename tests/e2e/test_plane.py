"""The management plane as a cluster: `mgmt/mgmt` is watched, and configured, like any other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from fleetd.cluster.connect import connect
from fleetd.cluster.registration import INLINED, self_contained
from fleetd.cluster.service_account import account_manifests, create_account, issue
from fleetd.cluster.settings import ClusterSettings
from fleetd.decide.members import WITHDRAW
from fleetd.service.membership import TOKEN_ENDS, TokenLife, join, kubeconfig_ref, member_ref


async def label_plane(w: Any, **labels: str) -> None:
    await w.until_row("SELECT connection FROM fleet_clusters WHERE cluster = 'mgmt/mgmt'", {"connection": "ready"})
    await w.admission.label(member_ref("mgmt", "mgmt"), labels, now=datetime.now(UTC))


async def test_n3_a_declared_object_is_an_event_that_configures_other_clusters(world: Any) -> None:
    async with world(a={"role": "apps"}) as w:
        await label_plane(w, role="plane")
        await w.declare("""
            apiVersion: lib.projectsveltos.io/v1beta1
            kind: EventSource
            metadata: {name: teams}
            spec:
              collectResources: true
              resourceSelectors: [{group: "", version: v1, kind: ConfigMap, labelFilters: [{key: team, operation: Has}]}]
            ---
            apiVersion: lib.projectsveltos.io/v1beta1
            kind: EventTrigger
            metadata: {name: teams}
            spec:
              sourceClusterSelector: {matchLabels: {role: plane}}
              destinationClusterSelector: {matchLabels: {role: apps}}
              eventSourceName: teams
              oneForEvent: true
              policyRefs: [{kind: ConfigMap, namespace: default, name: team}]
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: team, namespace: default, annotations: {projectsveltos.io/instantiate: ok}}
            data:
              ns.yaml: |
                apiVersion: v1
                kind: Namespace
                metadata: {name: "team-{{ .Resource.metadata.labels.team }}"}
        """)
        await w.declare("""
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: blue, namespace: default, labels: {team: blue}}
        """)
        await w.shows("a", "v1", "Namespace", "/team-blue")
        await w.delete("ConfigMap/default/blue")
        await w.lacks("a", "v1", "Namespace", "/team-blue")


async def test_a_profile_that_selects_the_plane_declares_other_profiles(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        await label_plane(w, role="plane")
        await w.declare("""
            apiVersion: config.projectsveltos.io/v1beta1
            kind: ClusterProfile
            metadata: {name: outer}
            spec:
              clusterSelector: {matchLabels: {role: plane}}
              policyRefs: [{kind: ConfigMap, namespace: default, name: outer}]
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: outer, namespace: default}
            data:
              inner.yaml: |
                apiVersion: config.projectsveltos.io/v1beta1
                kind: ClusterProfile
                metadata: {name: inner}
                spec:
                  clusterSelector: {matchLabels: {tier: gold}}
                  policyRefs: [{kind: ConfigMap, namespace: default, name: inner}]
                ---
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: inner, namespace: default}
                data:
                  a.yaml: '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made", "namespace": "default"}}'
        """)
        await w.shows("a", "v1", "ConfigMap", "default/made")
        await w.delete("ClusterProfile.config.projectsveltos.io//outer")
        await w.lacks("a", "v1", "ConfigMap", "default/made")
        await w.until_row("SELECT count(*) AS n FROM fleet_profiles", {"n": 0})


async def test_an_empty_namespace_in_a_reference_means_that_of_the_matching_cluster(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        await w.declare("""
            apiVersion: config.projectsveltos.io/v1beta1
            kind: ClusterProfile
            metadata: {name: own}
            spec:
              clusterSelector: {matchLabels: {tier: gold}}
              policyRefs: [{kind: ConfigMap, name: "{{ .Cluster.metadata.name }}-own"}]
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: a-own}
            data:
              a.yaml: '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made"}}'
        """)
        await w.shows("a", "v1", "ConfigMap", "default/made")


async def test_a_cluster_that_is_to_leave_with_nothing_on_it_is_cleaned_first(world: Any) -> None:
    async with world(a={"tier": "gold"}, b={"tier": "gold"}) as w:
        await w.declare("""
            apiVersion: config.projectsveltos.io/v1beta1
            kind: ClusterProfile
            metadata: {name: own}
            spec:
              clusterSelector: {matchLabels: {tier: gold}}
              policyRefs: [{kind: ConfigMap, namespace: default, name: own}]
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: own, namespace: default}
            data:
              a.yaml: '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made", "namespace": "default"}}'
        """)
        await w.shows("a", "v1", "ConfigMap", "default/made")
        await w.shows("b", "v1", "ConfigMap", "default/made")
        await w.settled()
        await w.admission.label(member_ref("a"), {WITHDRAW: "yes"}, now=datetime.now(UTC), field="annotations")
        await w.lacks("a", "v1", "ConfigMap", "default/made")
        await w.until_row("SELECT count(*) AS n FROM fleet_addons WHERE cluster = 'default/a'", {"n": 0})
        assert await w["b"].get("v1", "ConfigMap", "default", "made") is not None


async def test_the_token_of_an_account_of_ours_is_renewed_before_it_ends(world: Any) -> None:
    async with world(a={"tier": "gold"}, start=False, register=False) as w:
        config = w["a"].kubeconfig()
        way = await connect("a", config, settings=ClusterSettings())
        try:
            await create_account(way, account_manifests())
            own = self_contained(config, "", read_file=lambda _: b"", allowed_exec=frozenset())
            issued = await issue(way, own, INLINED, seconds=600)
        finally:
            await way.close()
        text = yaml.safe_dump(issued.kubeconfig)
        soon = (datetime.now(UTC) + timedelta(seconds=60)).strftime("%Y-%m-%dT%H:%M:%SZ")
        await join(w.admission, "a", "default", {}, text, now=datetime.now(UTC), token=TokenLife(soon, 600))
        await w.start()

        async def renewed() -> bool:
            secret = await w.database.declared.get(kubeconfig_ref("a"))
            return bool(secret.manifest["metadata"]["annotations"][TOKEN_ENDS] != soon and issued.kubeconfig != secret.manifest["data"])

        await w.until(renewed, "the token to be renewed")
        await w.until_row("SELECT connection FROM fleet_clusters WHERE name = 'a'", {"connection": "ready"})


async def test_a_folder_of_manifests_is_declared_and_followed(world: Any, tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    folder.mkdir()
    text = """
apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {name: own}
spec:
  clusterSelector: {matchLabels: {tier: gold}}
  policyRefs: [{kind: ConfigMap, namespace: default, name: own}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: own, namespace: default}
data:
  a.yaml: '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "%s", "namespace": "default"}}'
"""
    (folder / "own.yaml").write_text(text % "made", encoding="utf-8")
    async with world(a={"tier": "gold"}, start=False, register=False) as w:
        w.manifests = folder
        await w.start()
        await w.register("a")
        await w.shows("a", "v1", "ConfigMap", "default/made")
        (folder / "own.yaml").write_text(text % "renamed", encoding="utf-8")
        await w.shows("a", "v1", "ConfigMap", "default/renamed")
        await w.lacks("a", "v1", "ConfigMap", "default/made")
