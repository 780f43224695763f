"""Triggers that make what they watch."""

from __future__ import annotations

from typing import Any


async def test_a_trigger_that_makes_what_it_watches_is_stopped_and_the_loop_is_named(world: Any) -> None:
    async with world(a={"role": "source"}) as w:
        await w.declare("""
            apiVersion: lib.projectsveltos.io/v1beta1
            kind: EventSource
            metadata: {name: s}
            spec:
              collectResources: true
              resourceSelectors: [{group: "", version: v1, kind: ConfigMap, labelFilters: [{key: seed, operation: Has}]}]
            ---
            apiVersion: lib.projectsveltos.io/v1beta1
            kind: EventTrigger
            metadata: {name: t}
            spec:
              sourceClusterSelector: {matchLabels: {role: source}}
              eventSourceName: s
              oneForEvent: true
              policyRefs: [{kind: ConfigMap, namespace: default, name: copy}]
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: copy, namespace: default, annotations: {projectsveltos.io/instantiate: ok}}
            data:
              a.yaml: |
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: "{{ .Resource.metadata.name }}x", namespace: default, labels: {seed: "1"}}
        """)
        metadata = {"name": "m", "namespace": "default", "labels": {"seed": "1"}}
        await w["a"].create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
        query = "SELECT * FROM fleet_trigger_matches WHERE reason LIKE '%makes what it watches%'"
        await w.until_row(query, {"state": "blocked"})
        await w.settled()
        assert len([item for item in await w["a"].objects("v1", "ConfigMap") if item["metadata"]["name"].startswith("mx")]) <= 4
        await w["a"].delete("v1", "ConfigMap", "default", "m")
        await w.lacks("a", "v1", "ConfigMap", "default/mx")
