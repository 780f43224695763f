"""Restarts at moments drawn by chance, a fleet that is left alone, and writers that come right after us."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import Any

import pytest

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


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happens_and_whenever_the_daemon_dies_the_copies_end_up_as_their_originals(world: Any, seed: int) -> None:
    chance = random.Random(seed)
    wanted: dict[str, int] = {}
    async with world(a=SOURCE, b={"role": "destination"}) as w:
        await w.declare(FLOW)
        for step in range(25):
            match chance.randrange(6):
                case 0 | 1:
                    name = f"m{chance.randrange(5)}"
                    await w["a"].apply(marked(name, step))
                    wanted[name] = step
                case 2 if wanted:
                    name = chance.choice(sorted(wanted))
                    await w["a"].delete("v1", "ConfigMap", "default", name)
                    del wanted[name]
                case 4:
                    await (w.kill() if chance.random() < 0.5 else w.stop())
                    if chance.random() < 0.5:
                        await w["a"].apply(marked("late", step))
                        wanted["late"] = step
                    await w.start()
                case _:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(w.database.changed(), chance.random() / 5)
        for name, step in wanted.items():
            await w.shows("b", "v1", "ConfigMap", f"default/copy-{name}", lambda live, step=step: live["data"]["value"] == f"v{step}")
        for name in {*(f"m{number}" for number in range(5)), "late"} - wanted.keys():
            await w.lacks("b", "v1", "ConfigMap", f"default/copy-{name}")
        await w.until_row("SELECT count(*) AS n FROM fleet_addons WHERE state = 'deployed'", {"n": len(wanted)})
        await w.until_row("SELECT count(*) AS n FROM fleet_drift_incidents WHERE outcome = 'open'", {"n": 0})


async def test_a_change_made_at_once_after_our_first_write_is_put_back(world: Any) -> None:
    async with world(a=SOURCE, b={"role": "destination"}) as w:
        await w.declare(FLOW)
        # So that objects of the kind are watched there before the copy is made.
        await w["a"].create(marked("first", 1))
        await w.shows("b", "v1", "ConfigMap", "default/copy-first")
        await w.settled()
        for number in range(10):
            await w["a"].create(marked(f"m{number}", number))
            await w.shows("b", "v1", "ConfigMap", f"default/copy-m{number}")
            await w["b"].patch("v1", "ConfigMap", "default", f"copy-m{number}", {"data": {"value": "x"}}, manager="x")
        for number in range(10):
            await w.shows(
                "b", "v1", "ConfigMap", f"default/copy-m{number}", lambda live, number=number: live["data"]["value"] == f"v{number}"
            )
