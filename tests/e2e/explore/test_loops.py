"""Loops over two clusters and by way of somebody else, objects that flap, and what time ends."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from fleetd.domain.records import HeldLoss

LEG = """
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventSource
metadata: {name: %(takes)s}
spec:
  collectResources: true
  resourceSelectors: [{group: "", version: v1, kind: ConfigMap, namespace: default, name: %(takes)s}]
---
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventTrigger
metadata: {name: %(makes)s}
spec:
  sourceClusterSelector: {matchLabels: {at: %(here)s}}
  eventSourceName: %(takes)s
  oneForEvent: true
  destinationClusterSelector: {matchLabels: {at: %(there)s}}
  policyRefs: [{kind: ConfigMap, namespace: default, name: %(makes)s-template}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: %(makes)s-template, namespace: default, annotations: {projectsveltos.io/instantiate: ok}}
data:
  a.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: %(makes)s, namespace: default}
    data: {value: "%(value)s"}
"""
GROWS = "{{ .Resource.data.value }}x"


def leg(takes: str, here: str, makes: str, there: str, value: str = GROWS) -> str:
    return LEG % {"takes": takes, "here": here, "makes": makes, "there": there, "value": value}


def whole(text: str) -> str:
    """The same for a whole report, which takes a seed beside what the other one makes."""
    every = "{{ range .Resources }}{{ .data.value }}{{ end }}x"
    labelled = text.replace("oneForEvent: true", "oneForEvent: false").replace(GROWS, every)
    for name in ("ping", "pong"):
        labelled = labelled.replace(
            f"namespace: default, name: {name}}}]", f"labelFilters: [{{key: is, operation: Equal, value: {name}}}]}}]"
        )
        labelled = labelled.replace(
            f"metadata: {{name: {name}, namespace: default}}", f"metadata: {{name: {name}, namespace: default, labels: {{is: {name}}}}}"
        )
    return labelled


def config_map(name: str, value: str, **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default", "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": value}}


async def test_triggers_on_two_clusters_that_feed_one_another_stand_still_over_a_restart_until_an_edit(world: Any) -> None:
    async with world(a={"at": "a"}, b={"at": "b"}) as w:
        await w["a"].create(config_map("seed", "1", **{"is": "ping"}))
        await w.declare(whole(leg("ping", "a", "pong", "b")))
        await w.declare(whole(leg("pong", "b", "ping", "a")))
        held = await w.until_row("SELECT * FROM fleet_damped", {"kind": "loop"})
        for step in ("EventTrigger pong on default/a makes ConfigMap/default/pong", "EventTrigger ping on default/b makes"):
            assert step in held["reason"], held
        await w.until_row("SELECT * FROM fleet_trigger_matches WHERE state = 'blocked'", {"reason": held["reason"]})
        await w.settled()
        written = w.writes()
        await w.stop()
        await w.start()
        await w.settled()
        assert w.writes() == written
        await w.declare(whole(leg("pong", "b", "ping", "a", value="always")))
        await w.until_row("SELECT count(*) AS n FROM fleet_damped", {"n": 0})
        await w.shows("a", "v1", "ConfigMap", "default/ping", lambda live: live["data"]["value"] == "always")


async def echo(w: Any, seen: list[str]) -> None:
    """A controller that answers each change of the copy by a change of what it was copied from."""
    while True:
        await w["b"].until(_news(seen), timeout=300)
        await w["a"].patch("v1", "ConfigMap", "default", "ping", {"data": {"value": f"{len(seen)}"}}, manager="controller")


def _news(seen: list[str]) -> Any:
    async def news(cluster: Any) -> bool:
        live = await cluster.get("v1", "ConfigMap", "default", "pong")
        if live is None or live["data"]["value"] in seen:
            return False
        seen.append(live["data"]["value"])
        return True

    return news


async def test_a_loop_by_way_of_a_controller_is_held_back_and_the_newest_follows_when_it_is_over(world: Any) -> None:
    async with world(a={"at": "a"}, b={"at": "b"}) as w:
        await w.declare(leg("ping", "a", "pong", "b"))
        await w["a"].create(config_map("ping", "0"))
        seen: list[str] = []
        controller = asyncio.create_task(echo(w, seen))
        try:
            held = await w.until_row("SELECT * FROM fleet_damped", {"kind": "rate"})
            assert "fleetd requeue EventTrigger/pong" in held["reason"]
            blocked = await w.until_row("SELECT * FROM fleet_trigger_matches WHERE state = 'blocked'", {"event_trigger": "pong"})
            assert "more than 30 times in a minute" in blocked["reason"]
        finally:
            controller.cancel()
            with suppress(asyncio.CancelledError):
                await controller
        await w["a"].patch("v1", "ConfigMap", "default", "ping", {"data": {"value": "last"}}, manager="controller")
        await w.shows("b", "v1", "ConfigMap", "default/pong", lambda live: live["data"]["value"] == "lastx")


async def test_an_object_that_flaps_stands_and_goes_when_it_is_gone_for_good(world: Any) -> None:
    async with world(a={"at": "a"}, b={"at": "b"}) as w:
        await w.declare(leg("ping", "a", "pong", "b"))
        for _ in range(5):
            await w["a"].create(config_map("ping", "1"))
            await w.shows("b", "v1", "ConfigMap", "default/pong")
            await w["a"].delete("v1", "ConfigMap", "default", "ping")
            await w.lacks("b", "v1", "ConfigMap", "default/pong")
        await w["a"].create(config_map("ping", "1"))
        held = await w.until_row("SELECT * FROM fleet_damped", {"kind": "flapping"})
        assert (held["subject_ref"], held["object_ref"]) == ("EventSource/ping", "ConfigMap/default/ping")
        await w.shows("b", "v1", "ConfigMap", "default/pong")
        await w["a"].delete("v1", "ConfigMap", "default", "ping")
        await w.lacks("b", "v1", "ConfigMap", "default/pong")


async def test_a_proposal_expires_although_nothing_else_happens(world: Any) -> None:
    async with world(start=False, register=False) as w:
        now = datetime.now(UTC)
        loss = HeldLoss(
            proposal_id="p1",
            subject="Profile/ClusterProfile/x",
            summary="12 of 12",
            lost=("a",),
            created_at=now,
            cause_id="c",
            expires_at=now + timedelta(seconds=1),
        )
        await w.database.commit([loss])
        await w.start()
        row = await w.until_row("SELECT * FROM fleet_proposals", {"state": "expired"})
        assert (row["decided_by"], row["ended_at"]) == ("", None)
