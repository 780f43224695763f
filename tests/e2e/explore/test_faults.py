"""Each kind of fault while something is deployed, corrected and withdrawn; credentials, clocks and stores that fail."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml

from fleetd.sim.authentication import ADMIN
from fleetd.sim.faults import Fault, FaultKind

PROFILE = """
apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {name: p}
spec:
  clusterSelector: {matchLabels: {role: source}}
  syncMode: ContinuousWithDriftDetection
  policyRefs: [{kind: ConfigMap, namespace: default, name: c}]
"""
CONTENT = """
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: default}
data:
  a.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: one, namespace: default}
    data: {value: "%s"}
"""
TRIGGER = """
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventSource
metadata: {name: s}
spec:
  collectResources: true
  resourceSelectors: [{group: "", version: v1, kind: ConfigMap, labelFilters: [{key: in, operation: Has}]}]
---
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventTrigger
metadata: {name: t}
spec:
  sourceClusterSelector: {matchLabels: {role: source}}
  eventSourceName: s
  oneForEvent: true
  syncMode: ContinuousWithDriftDetection
  policyRefs: [{kind: ConfigMap, namespace: default, name: copy}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: copy, namespace: default, annotations: {projectsveltos.io/instantiate: ok}}
data:
  a.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: "copy-{{ .Resource.metadata.name }}", namespace: default}
    data: {value: "{{ .Resource.data.value }}"}
"""
PAUSED = """
apiVersion: lib.projectsveltos.io/v1beta1
kind: SveltosCluster
metadata: {name: a, namespace: default, labels: {role: source}}
spec: {paused: %s, kubeconfigName: a-sveltos-kubeconfig, kubeconfigKeyName: kubeconfig}
"""
SOURCE = {"role": "source"}
WRITES = frozenset({"create", "update", "patch", "delete"})


def marked(name: str, value: str = "1") -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default", "labels": {"in": "1"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": value}}


FAULTS = {
    "refused": Fault(FaultKind.REFUSE),
    "cut": Fault(FaultKind.CUT),
    "history": Fault(FaultKind.DROP_HISTORY),
    "hung": Fault(FaultKind.HANG),
    "slow": Fault(FaultKind.DELAY, seconds=0.2),
    "503": Fault(FaultKind.STATUS, status=503),
    "500": Fault(FaultKind.STATUS, status=500),
    "403": Fault(FaultKind.STATUS, status=403),
    "401": Fault(FaultKind.STATUS, status=401),
    "429": Fault(FaultKind.STATUS, status=429, retry_after=1, times=3),
    "lost": Fault(FaultKind.LOSE_ANSWER, verbs=WRITES, times=2),
    "silent": Fault(FaultKind.SILENT),
    "truncated": Fault(FaultKind.TRUNCATE, times=5),
    "type": Fault(FaultKind.CONTENT_TYPE, times=5),
    "json": Fault(FaultKind.INVALID_JSON, times=5),
}


@pytest.mark.parametrize("kind", FAULTS)
async def test_all_converges_once_a_fault_is_over_that_struck_during_deployment_drift_and_withdrawal(world: Any, kind: str) -> None:
    fault = FAULTS[kind]
    async with world(a=SOURCE) as w:
        await w.declare(TRIGGER)
        await w.declare(CONTENT % "1")
        await w.declare(PROFILE)
        for name in ("kept", "gone"):
            await w["a"].create(marked(name))
            await w.shows("a", "v1", "ConfigMap", f"default/copy-{name}")
        await w.shows("a", "v1", "ConfigMap", "default/one")
        await w.settled()
        w["a"].inject(fault)
        await w.declare(CONTENT % "2")
        await w["a"].patch("v1", "ConfigMap", "default", "copy-kept", {"data": {"value": "x"}}, manager="x")
        await w["a"].delete("v1", "ConfigMap", "default", "gone")
        await w["a"].create(marked("new"))
        await w.until_row("SELECT * FROM fleet_journal", {"subject_ref": "ClusterProfile/p", "decision": "due"})
        w["a"].heal()
        await w.shows("a", "v1", "ConfigMap", "default/one", lambda live: live["data"]["value"] == "2")
        await w.shows("a", "v1", "ConfigMap", "default/copy-kept", lambda live: live["data"]["value"] == "1")
        await w.shows("a", "v1", "ConfigMap", "default/copy-new")
        await w.lacks("a", "v1", "ConfigMap", "default/copy-gone")
        await w.until_row("SELECT count(*) AS n FROM fleet_addons WHERE state = 'deployed'", {"n": 3})
        await w.until_row("SELECT count(*) AS n FROM fleet_drift_incidents WHERE outcome = 'open'", {"n": 0})


async def test_a_kubeconfig_that_is_replaced_is_used_at_once_and_the_old_token_no_more(world: Any) -> None:
    async with world(a=SOURCE) as w:
        await w.declare(CONTENT % "1")
        await w.declare(PROFILE)
        await w.shows("a", "v1", "ConfigMap", "default/one")
        await w.settled()
        old = w["a"].kubeconfig()["users"][0]["user"]["token"]
        fresh = w["a"].kubeconfig()
        fresh["users"][0]["user"]["token"] = w["a"].issue_token(ADMIN)
        w["a"].revoke(old)
        data = {"kubeconfig": base64.b64encode(yaml.safe_dump(fresh).encode()).decode()}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a-sveltos-kubeconfig", "namespace": "default"}, "data": data}
        await w.declare(yaml.safe_dump(secret))
        await w.declare(CONTENT % "2")
        await w.shows("a", "v1", "ConfigMap", "default/one", lambda live: live["data"]["value"] == "2")
        await w["a"].patch("v1", "ConfigMap", "default", "one", {"data": {"value": "x"}}, manager="x")
        await w.shows("a", "v1", "ConfigMap", "default/one", lambda live: live["data"]["value"] == "2")
        await w.until_row("SELECT * FROM fleet_clusters WHERE name = 'a'", {"connection": "ready"})


async def test_a_cluster_that_leaves_while_away_and_comes_back_is_taken_up_as_it_stands(world: Any) -> None:
    async with world(a=SOURCE) as w:
        await w.declare(CONTENT % "1")
        await w.declare(PROFILE)
        await w.declare(TRIGGER)
        await w["a"].create(marked("m"))
        await w.shows("a", "v1", "ConfigMap", "default/copy-m")
        await w.shows("a", "v1", "ConfigMap", "default/one")
        await w.settled()
        w["a"].inject(Fault(FaultKind.REFUSE))
        await w.until_row("SELECT * FROM fleet_clusters WHERE name = 'a'", {"connection": "unreachable"})
        await w.leave("a")
        await w.until_row("SELECT count(*) AS n FROM fleet_clusters WHERE name = 'a'", {"n": 0})
        await w.until_row("SELECT count(*) AS n FROM fleet_addons", {"n": 0})
        w["a"].heal()
        w["a"].requests.clear()
        await w.register("a")
        await w.until_row("SELECT count(*) AS n FROM fleet_addons WHERE state = 'deployed'", {"n": 2})
        assert w.writes("a") == 0
        await w["a"].delete("v1", "ConfigMap", "default", "m")
        await w.lacks("a", "v1", "ConfigMap", "default/copy-m")


async def test_a_right_that_is_taken_away_for_one_kind_comes_back_without_a_restart(world: Any) -> None:
    async with world(a=SOURCE) as w:
        await w.declare(TRIGGER)
        await w.declare(CONTENT % "1")
        await w.declare(PROFILE.replace("ContinuousWithDriftDetection", "Continuous"))
        await w["a"].create(marked("m"))
        await w.shows("a", "v1", "ConfigMap", "default/copy-m")
        await w.settled()
        forbidden = Fault(FaultKind.STATUS, status=403, verbs=frozenset({"list", "watch"}), path="*/configmaps")
        w["a"].inject(forbidden)
        w["a"].inject(Fault(FaultKind.CUT))
        await w["a"].create(marked("n"))
        await w.until_row("SELECT * FROM fleet_clusters WHERE name = 'a'", {"connection": "unreachable"})
        w["a"].heal()
        await w.shows("a", "v1", "ConfigMap", "default/copy-n")
        await w.until_row("SELECT * FROM fleet_clusters WHERE name = 'a'", {"connection": "ready"})


async def test_a_paused_cluster_is_given_nothing_not_even_by_a_retry_that_was_due(world: Any) -> None:
    async with world(a=SOURCE, b=SOURCE) as w:
        for name in "ab":
            w[name].inject(Fault(FaultKind.STATUS, status=500, verbs=WRITES))
        await w.declare(CONTENT % "1")
        await w.declare(PROFILE)
        await w.until_row("SELECT * FROM fleet_addons WHERE cluster = 'default/a'", {"state": "failed"})
        await w.declare(PAUSED % "true")
        await w.until_row("SELECT * FROM fleet_clusters WHERE name = 'a'", {"paused": 1})
        w["a"].requests.clear()
        w["b"].requests.clear()
        await w["b"].until(lambda cluster: cluster.requests.by_verb["patch"] > 2)
        assert w.writes("a") == 0
        w["a"].heal()
        await w.declare(PAUSED % "false")
        await w.shows("a", "v1", "ConfigMap", "default/one")


async def test_a_drift_that_was_seen_just_before_the_cluster_went_away_is_put_back(world: Any) -> None:
    async with world(a=SOURCE) as w:
        await w.declare(CONTENT % "1")
        await w.declare(PROFILE)
        await w.shows("a", "v1", "ConfigMap", "default/one")
        await w.settled()
        for value in "abc":
            w["a"].inject(Fault(FaultKind.REFUSE))
            await w.until_row("SELECT * FROM fleet_clusters WHERE name = 'a'", {"connection": "unreachable"})
            await w["a"].patch("v1", "ConfigMap", "default", "one", {"data": {"value": value}}, manager="x")
            w["a"].heal()
            await w.shows("a", "v1", "ConfigMap", "default/one", lambda live: live["data"]["value"] == "1")
        await w.until_row("SELECT count(*) AS n FROM fleet_drift_incidents WHERE outcome = 'open'", {"n": 0})
