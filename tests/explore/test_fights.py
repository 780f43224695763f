"""Feedback: others who want the same object otherwise, and triggers that make what they watch."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

SOURCE = {"role": "source"}
PROFILE = """
apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {name: p}
spec:
  clusterSelector: {matchLabels: {role: source}}
  syncMode: ContinuousWithDriftDetection
  policyRefs: [{kind: ConfigMap, namespace: default, name: c}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: default}
data:
  a.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: one, namespace: default}
    data: {value: ours}
  b.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: two, namespace: default}
    data: {value: ours}
"""


async def fight(w: Any, rounds: list[int]) -> None:
    """Another manager that sets its own value again as soon as it sees ours."""
    while True:
        await w["a"].until(lambda cluster: _is_ours(cluster), timeout=300)
        rounds.append(1)
        await w["a"].patch("v1", "ConfigMap", "default", "one", {"data": {"value": "theirs"}}, manager="other")


async def _is_ours(cluster: Any) -> bool:
    live = await cluster.get("v1", "ConfigMap", "default", "one")
    return live is not None and live["data"]["value"] == "ours"


async def test_a_fight_over_a_field_slows_down_and_the_rest_of_the_profile_goes_on(world: Any) -> None:
    async with world(a=SOURCE) as w:
        await w.declare(PROFILE)
        await w.shows("a", "v1", "ConfigMap", "default/two")
        await w.settled()
        rounds: list[int] = []
        other = asyncio.create_task(fight(w, rounds))
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 6)
            fought = len(rounds)
            journal = await w.rows("SELECT count(*) AS n FROM fleet_journal")
            print("ROUNDS", fought, "JOURNAL", journal, await w.rows("SELECT flap_count, outcome FROM fleet_drift_incidents ORDER BY detected_at DESC LIMIT 2"), await w.rows("SELECT count(*) AS n FROM fleet_drift_incidents"))
            assert fought <= 10
            await w["a"].patch("v1", "ConfigMap", "default", "two", {"data": {"value": "x"}}, manager="x")
        finally:
            other.cancel()
            with suppress(asyncio.CancelledError):
                await other
        await w.shows("a", "v1", "ConfigMap", "default/two", lambda live: live["data"]["value"] == "ours")
        await w.shows("a", "v1", "ConfigMap", "default/one", lambda live: live["data"]["value"] == "ours")


LOOP = """
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
  policyRefs: [{kind: ConfigMap, namespace: default, name: copy}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: copy, namespace: default, annotations: {projectsveltos.io/instantiate: ok}}
data:
  a.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: "%s", namespace: default, labels: {in: "1"}}
    data: {value: "%s"}
"""


async def test_a_trigger_that_makes_what_it_watches_does_not_grow_without_end(world: Any) -> None:
    async with world(a=SOURCE) as w:
        await w.declare(LOOP % ("{{ .Resource.metadata.name }}x", "1"))
        await w["a"].create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "default", "labels": {"in": "1"}}, "data": {"value": "1"}})
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 4)
        made = await w["a"].objects("v1", "ConfigMap", "default", selector="in")
        print("MADE", len(made), await w.rows("SELECT count(*) AS n FROM fleet_journal"))
        assert len(made) < 10


async def test_a_trigger_that_changes_what_it_watches_slows_down(world: Any) -> None:
    async with world(a=SOURCE) as w:
        await w.declare(LOOP % ("fixed", "{{ .Resource.metadata.resourceVersion }}"))
        await w["a"].create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "default", "labels": {"in": "1"}}, "data": {"value": "1"}})
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 4)
        print("WRITES", w.writes("a"), await w.rows("SELECT count(*) AS n FROM fleet_journal"))
        assert w.writes("a") < 20


async def test_two_triggers_that_set_one_object_do_not_fight(world: Any) -> None:
    async with world(a=SOURCE) as w:
        first = LOOP % ("target", "first")
        second = (LOOP % ("target", "second")).replace("name: t}", "name: u}").replace("name: copy", "name: other")
        await w.declare(first.replace(', labels: {in: "1"}', ""))
        await w.declare(second.replace(', labels: {in: "1"}', ""))
        await w["a"].create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "default", "labels": {"in": "1"}}, "data": {"value": "1"}})
        await w.until_row("SELECT * FROM fleet_addons", {"state": "conflict"})
        await w.until_row("SELECT * FROM fleet_addons", {"state": "deployed"})
        assert w.writes("a") <= 2
        assert pytest
