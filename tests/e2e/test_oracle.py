"""The oracle goes red when the engine is wrong: here nobody mends what somebody does to the clusters, for the daemon is stopped."""

from __future__ import annotations

from typing import Any

EVENTS = """
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventSource
metadata: {name: marked}
spec:
  collectResources: true
  resourceSelectors:
    - group: ""
      version: v1
      kind: ConfigMap
      evaluateCEL: [{name: c, rule: "resource.data.value == '1' && cluster.labels.role == 'source'"}]
---
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventTrigger
metadata: {name: copy}
spec:
  sourceClusterSelector: {matchLabels: {role: source}}
  eventSourceName: marked
  oneForEvent: true
  syncMode: ContinuousWithDriftDetection
  destinationClusterSelector: {matchExpressions: [{key: role, operator: In, values: [target]}]}
  policyRefs: [{kind: ConfigMap, namespace: default, name: copy}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: copy, namespace: default, annotations: {projectsveltos.io/instantiate: ok, projectsveltos.io/template: ok}}
data:
  a.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: "copy-of-{{ .Resource.metadata.name }}", namespace: default}
    data: {value: "{{ .Resource.data.value }}", here: '{{ "{{ .Cluster.metadata.name | upper }}" }}'}
"""
PROFILE = """
apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {name: base}
spec:
  clusterSelector: {matchLabels: {role: target}}
  policyRefs: [{kind: ConfigMap, namespace: default, name: base}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: base, namespace: default}
data:
  base.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: base, namespace: default}
    data: {value: "1"}
"""
ONE = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "namespace": "default"}, "data": {"value": "1"}}
MADE = ("v1", "ConfigMap", "default", "copy-of-one")


async def deployed(w: Any) -> None:
    await w.declare(EVENTS)
    await w.declare(PROFILE)
    await w["a"].create(ONE)
    await w.shows("b", "v1", "ConfigMap", "default/copy-of-one", lambda live: live["data"]["here"] == "B")
    await w.shows("b", "v1", "ConfigMap", "default/base")
    await w.settled()


def clusters() -> dict[str, dict[str, str]]:
    return {"a": {"role": "source"}, "b": {"role": "target"}}


async def test_an_object_that_is_missing_is_seen_and_comes_back_with_the_daemon(world: Any) -> None:
    async with world(**clusters()) as w:
        await deployed(w)
        found = await w.agrees()
        assert (found.compared, found.skipped) == (2, [])
        await w.stop()
        await w["b"].delete(*MADE)
        assert (await w.compared()).wrong == ["default/b: ConfigMap/default/copy-of-one: it is not there"]
        await w.start()
        await w.agrees()


async def test_a_field_that_is_otherwise_is_seen(world: Any) -> None:
    async with world(**clusters()) as w:
        await deployed(w)
        await w.stop()
        await w["b"].patch(*MADE, {"data": {"value": "2"}}, manager="somebody")
        assert (await w.compared()).wrong == ["default/b: ConfigMap/default/copy-of-one: .data.value: wanted '1', found '2'"]


async def test_what_stands_without_a_reason_is_seen(world: Any) -> None:
    async with world(**clusters()) as w:
        await deployed(w)
        await w.stop()
        await w["a"].delete("v1", "ConfigMap", "default", "one")
        [wrong] = (await w.compared()).wrong
        assert wrong == "default/b: ConfigMap/default/copy-of-one of EventTrigger/copy stands, and nothing wants it"
        await w.start()
        await w.agrees()


async def test_a_label_and_an_edit_that_nobody_followed_are_seen(world: Any) -> None:
    async with world(**clusters()) as w:
        await deployed(w)
        await w.stop()
        await w.relabel("a", role="other")
        assert len((await w.compared()).wrong) == 1
        await w.relabel("a", role="source")
        assert (await w.compared()).wrong == []
        await w.declare(PROFILE.replace('value: "1"', 'value: "2"'))
        assert (await w.compared()).wrong == ["default/b: ConfigMap/default/base: .data.value: wanted '2', found '1'"]
        await w.delete("EventTrigger.lib.projectsveltos.io//copy")
        assert len((await w.compared()).wrong) == 2
        await w.start()
        await w.agrees()


async def test_an_event_that_nobody_met_is_seen(world: Any) -> None:
    async with world(**clusters()) as w:
        await deployed(w)
        await w.stop()
        await w["a"].create({**ONE, "metadata": {"name": "two", "namespace": "default"}})
        [wrong] = (await w.compared()).wrong
        assert wrong == "default/b: ConfigMap/default/copy-of-two: it is not there"


async def test_what_the_oracle_does_not_speak_is_said(world: Any) -> None:
    async with world(**clusters()) as w:
        await deployed(w)
        before, rest = EVENTS.split("evaluateCEL", 1)
        await w.declare(before + "evaluate: 'function evaluate() return {matching = true} end'" + rest.partition("}]")[2])
        await w.settled()
        found = await w.agrees()
        assert any("resourceSelectors.evaluate" in one for one in found.skipped)
        assert found.compared == 1
