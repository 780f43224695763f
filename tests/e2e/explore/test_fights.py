"""Others who want the same object otherwise."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from fleetd.decide.damping import FIRST, FREE, LONGEST, struck

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
        await w["a"].until(_is_ours, timeout=300)
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
            await w["a"].until(lambda _: len(rounds) > FREE)
            for value in "abc":
                await w["a"].patch("v1", "ConfigMap", "default", "two", {"data": {"value": value}}, manager="x")
                await w.shows("a", "v1", "ConfigMap", "default/two", lambda live: live["data"]["value"] == "ours")
            assert len(rounds) == FREE + 1
            held = await w.until_row("SELECT * FROM fleet_damped", {"kind": "drift"})
            assert held["reason"].startswith("other changes it back each time: pause ")
        finally:
            other.cancel()
            with suppress(asyncio.CancelledError):
                await other
        await w.shows("a", "v1", "ConfigMap", "default/one", lambda live: live["data"]["value"] == "ours")
        await w.until_row("SELECT count(*) AS n FROM fleet_drift_incidents WHERE outcome = 'open'", {"n": 0})


def test_corrections_wait_ever_longer_up_to_five_minutes_and_are_at_once_again_after_a_quiet_time() -> None:
    streak, now = None, datetime(2026, 1, 1, tzinfo=UTC)
    waits = []
    for _ in range(FREE + 8):
        streak = struck(streak, now)
        waits.append(streak.until - now)
        now = streak.until
    assert waits[: FREE - 1] == [timedelta(0)] * (FREE - 1)
    assert waits[FREE - 1 : FREE + 2] == [FIRST, FIRST * 2, FIRST * 4]
    assert waits[-1] == LONGEST
    later = now + timedelta(hours=1)
    assert struck(streak, later).until == later


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


async def test_two_triggers_that_set_one_object_do_not_fight(world: Any) -> None:
    async with world(a=SOURCE) as w:
        first = LOOP % ("target", "first")
        second = (LOOP % ("target", "second")).replace("name: t}", "name: u}").replace("name: copy", "name: other")
        await w.declare(first.replace(', labels: {in: "1"}', ""))
        await w.declare(second.replace(', labels: {in: "1"}', ""))
        await w["a"].create(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "m", "namespace": "default", "labels": {"in": "1"}},
                "data": {"value": "1"},
            }
        )
        await w.until_row("SELECT * FROM fleet_addons", {"state": "conflict"})
        await w.until_row("SELECT * FROM fleet_addons", {"state": "deployed"})
        assert w.writes("a") <= 2
