"""A fleet that is left alone."""

from __future__ import annotations

from typing import Any

SOURCE = {"role": "source"}
FLOW = """
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
  destinationClusterSelector: {matchLabels: {role: destination}}
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


def marked(name: str, value: int) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default", "labels": {"in": "1"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": f"v{value}"}}


async def test_a_fleet_that_is_left_alone_is_asked_nothing(world: Any) -> None:
    async with world(a=SOURCE, b={"role": "destination"}, c={"role": "fence"}) as w:
        await w.declare(FLOW)
        await w.declare(
            FLOW.replace("{role: source}", "{role: fence}").replace("{role: destination}", "{role: fence}").replace("name: t}", "name: u}")
        )
        for number in range(5):
            await w["a"].create(marked(f"m{number}", number))
        for number in range(5):
            await w.shows("b", "v1", "ConfigMap", f"default/copy-m{number}")
        await w.settled()
        await w["b"].patch("v1", "ConfigMap", "default", "copy-m1", {"data": {"value": "x"}}, manager="x")
        await w.until_row("SELECT * FROM fleet_drift_incidents", {"outcome": "corrected"})
        for name in ("a", "b"):
            w[name].requests.clear()
        for number in range(20):
            await w["c"].create(marked(f"fence{number}", number))
            await w.shows("c", "v1", "ConfigMap", f"default/copy-fence{number}")
        assert not w["a"].requests.by_verb
        assert not w["b"].requests.by_verb
