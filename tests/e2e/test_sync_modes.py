"""How a profile keeps what it deployed."""

from __future__ import annotations

from typing import Any

import pytest

PROFILE = """
apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {name: base}
spec:
  clusterSelector: {matchLabels: {tier: gold}}
  syncMode: %s
  policyRefs:
    - {kind: ConfigMap, namespace: default, name: base}
"""
CONTENT = """
apiVersion: v1
kind: ConfigMap
metadata: {name: base, namespace: default}
data:
  all.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: made, namespace: default, labels: {mine: "yes"}, annotations: {note: mine}}
    data: {key: %s}
"""
MADE = ("v1", "ConfigMap", "default", "made")


async def deploy(w: Any, mode: str, value: str = "one") -> None:
    await w.declare(CONTENT % value)
    await w.declare(PROFILE % mode)
    await w.shows("a", "v1", "ConfigMap", "default/made")
    await w.settled()


async def fence(w: Any) -> None:
    """Another add-on goes all the way: whatever came before it has been dealt with."""
    await w.declare("""
        apiVersion: config.projectsveltos.io/v1beta1
        kind: ClusterProfile
        metadata: {name: fence}
        spec:
          clusterSelector: {matchLabels: {tier: gold}}
          policyRefs: [{kind: ConfigMap, namespace: default, name: fence}]
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: fence, namespace: default}
        data:
          a.yaml: '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "fence", "namespace": "default"}}'
    """)
    await w.shows("a", "v1", "ConfigMap", "default/fence")
    await w.settled()


async def test_s1_one_time_leaves_the_cluster_as_it_is_when_the_profile_changes(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        await deploy(w, "OneTime")
        await w["a"].patch(*MADE, {"data": {"key": "hand"}})
        await w.declare(CONTENT % "two")
        await fence(w)
        assert (await w["a"].get(*MADE))["data"]["key"] == "hand"


async def test_s2_continuous_deploys_a_changed_profile_and_leaves_a_manual_edit_until_then(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        await deploy(w, "Continuous")
        await w["a"].patch(*MADE, {"data": {"key": "hand"}}, manager="somebody")
        await fence(w)
        assert (await w["a"].get(*MADE))["data"]["key"] == "hand"
        await w.declare(CONTENT % "two")
        await w.shows("a", "v1", "ConfigMap", "default/made", lambda live: live["data"]["key"] == "two")


@pytest.mark.parametrize(
    "edit",
    [
        {"data": {"key": "hand"}},
        {"data": {"key": None}},
        {"metadata": {"labels": {"mine": "no"}}},
        {"metadata": {"labels": {"mine": None}}},
        {"metadata": {"annotations": {"note": "hand"}}},
        {"metadata": {"annotations": {"projectsveltos.io/owner-name": "thief"}}},
    ],
    ids=["data", "data-removed", "label", "label-removed", "annotation", "owner"],
)
async def test_s3_drift_of_what_is_ours_is_undone_at_once(world: Any, edit: dict[str, Any]) -> None:
    async with world(a={"tier": "gold"}) as w:
        await deploy(w, "ContinuousWithDriftDetection")
        before = await w["a"].get(*MADE)
        await w["a"].patch(*MADE, edit, manager="somebody")
        incident = await w.until_row("SELECT * FROM fleet_drift_incidents", {"outcome": "corrected"})
        after = await w["a"].get(*MADE)
        assert after["data"] == before["data"]
        assert after["metadata"]["labels"] == before["metadata"]["labels"]
        assert after["metadata"]["annotations"] == before["metadata"]["annotations"]
        removed = any(
            value is None for part in (edit.get("data"), edit.get("metadata", {}).get("labels")) for value in (part or {}).values()
        )
        assert incident["changed_by"] == ("" if removed else "somebody"), "a removal leaves no name on the object"
        fields = await w.rows("SELECT * FROM fleet_drift_fields")
        assert len(fields) == 1


async def test_s3_a_deleted_object_comes_back_and_own_writes_are_no_drift(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        await deploy(w, "ContinuousWithDriftDetection")
        await w["a"].delete(*MADE)
        await w.shows("a", "v1", "ConfigMap", "default/made")
        await w.until_row("SELECT * FROM fleet_drift_incidents", {"outcome": "corrected"})
        await w.declare(CONTENT % "two")
        await w.shows("a", "v1", "ConfigMap", "default/made", lambda live: live["data"]["key"] == "two")
        await fence(w)
        assert len(await w.rows("SELECT * FROM fleet_drift_incidents")) == 1


async def test_s3_a_label_or_key_that_somebody_adds_is_not_drift(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        await deploy(w, "ContinuousWithDriftDetection")
        await w["a"].patch(*MADE, {"metadata": {"labels": {"theirs": "yes"}}, "data": {"theirs": "yes"}}, manager="somebody")
        await fence(w)
        assert (await w["a"].get(*MADE))["metadata"]["labels"]["theirs"] == "yes"
        assert await w.rows("SELECT * FROM fleet_drift_incidents") == []


async def test_what_a_profile_no_longer_holds_is_pruned_and_leave_policies_leaves_it(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        await deploy(w, "Continuous")
        await w.declare((CONTENT % "one").replace("name: made,", "name: renamed,"))
        await w.shows("a", "v1", "ConfigMap", "default/renamed")
        await w.lacks("a", "v1", "ConfigMap", "default/made")
        await w.declare((PROFILE % "Continuous") + "  stopMatchingBehavior: LeavePolicies\n")
        await w.settled()
        await w.relabel("a", tier="iron")
        await w.until_row("SELECT count(*) AS n FROM fleet_addons", {"n": 0})
        left = await w["a"].get("v1", "ConfigMap", "default", "renamed")
        assert left["data"] == {"key": "one"}
        assert not [key for key in left["metadata"].get("annotations", {}) if key.startswith("projectsveltos.io/")]


async def test_two_profiles_that_want_one_object_the_first_keeps_it_unless_the_other_has_a_lower_tier(world: Any) -> None:
    other = """
        apiVersion: config.projectsveltos.io/v1beta1
        kind: ClusterProfile
        metadata: {name: other}
        spec:
          tier: %s
          clusterSelector: {matchLabels: {tier: gold}}
          policyRefs: [{kind: ConfigMap, namespace: default, name: other}]
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: other, namespace: default}
        data:
          a.yaml: |
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: made, namespace: default}
            data: {key: other}
    """
    async with world(a={"tier": "gold"}) as w:
        await deploy(w, "Continuous")
        await w.declare(other % 100)
        row = await w.until_row("SELECT * FROM fleet_addons WHERE profile = 'ClusterProfile/other'", {"state": "conflict"})
        assert "ClusterProfile base" in row["reason"]
        assert (await w["a"].get(*MADE))["data"]["key"] == "one"
        await w.declare(other % 50)
        await w.shows("a", "v1", "ConfigMap", "default/made", lambda live: live["data"]["key"] == "other")
        lost = await w.until_row("SELECT * FROM fleet_addons WHERE profile = 'ClusterProfile/base'", {"state": "conflict"})
        assert "ClusterProfile other" in lost["reason"]
        await w.delete("ClusterProfile.config.projectsveltos.io//other")
        await w.shows("a", "v1", "ConfigMap", "default/made", lambda live: live["data"]["key"] == "one")


async def test_what_is_not_acted_on_yet_is_taken_with_a_warning_and_shows_on_its_row(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        admitted = await w.declare("""
            apiVersion: config.projectsveltos.io/v1beta1
            kind: ClusterProfile
            metadata: {name: later}
            spec:
              clusterSelector: {matchLabels: {tier: gold}}
              helmCharts:
                - repositoryURL: https://charts.example.com
                  repositoryName: example
                  chartName: example/web
                  chartVersion: 1.0.0
                  releaseName: web
                  releaseNamespace: web
            ---
            apiVersion: lib.projectsveltos.io/v1beta1
            kind: HealthCheck
            metadata: {name: later}
            spec:
              resourceSelectors: [{group: "", version: v1, kind: Pod}]
              evaluateHealth: "function evaluate() return {} end"
        """)
        assert all(item.warnings for item in admitted)
        query = "SELECT * FROM fleet_profiles WHERE name = 'later' AND reason LIKE '%helmCharts%'"
        await w.until_row(query, {"state": "unsupported"})
        await w.until_row("SELECT * FROM fleet_declared WHERE ref LIKE 'HealthCheck%'", {"state": "unsupported"})
