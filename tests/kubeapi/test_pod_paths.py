"""Pods: how they end, are evicted and put on nodes; and the scale of what makes them."""

from __future__ import annotations

from typing import Any

import orjson

PODS = "/api/v1/namespaces/default/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
POD = {"containers": [{"name": "c", "image": "i"}]}
MERGE = {"content-type": "application/merge-patch+json"}
APPLY = {"content-type": "application/apply-patch+yaml"}
EVICTION = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}


async def running(world: Any, name: str = "p", **spec: Any) -> None:
    metadata = {"name": name, "labels": {"app": "a"}}
    await world.body("POST", PODS, {"metadata": metadata, "spec": {**POD, "nodeName": "n", **spec}})
    await world.body("PATCH", f"{PODS}/{name}/status", {"status": {"phase": "Running"}}, headers=MERGE)


async def test_a_pod_on_a_node_has_time_to_end_until_it_has_none(world: Any) -> None:
    await running(world, terminationGracePeriodSeconds=20)
    ending = (await world.body("DELETE", f"{PODS}/p"))["metadata"]
    assert (ending["deletionGracePeriodSeconds"], ending["generation"]) == (20, 2)
    assert (await world.body("DELETE", f"{PODS}/p", {"gracePeriodSeconds": 60}))["metadata"]["deletionGracePeriodSeconds"] == 20
    shorter = (await world.body("DELETE", f"{PODS}/p", {"gracePeriodSeconds": 5}))["metadata"]
    assert (shorter["deletionGracePeriodSeconds"], shorter["deletionTimestamp"] < ending["deletionTimestamp"]) == (5, True)
    await world.body("DELETE", f"{PODS}/p", gracePeriodSeconds="0")
    assert (await world.ask("GET", f"{PODS}/p")).status == 404


async def test_a_pod_without_a_node_and_one_that_is_over_go_at_once(world: Any) -> None:
    await world.body("POST", PODS, {"metadata": {"name": "new"}, "spec": POD})
    await running(world, "over")
    await world.body("PATCH", f"{PODS}/over/status", {"status": {"phase": "Succeeded"}}, headers=MERGE)
    for name in ("new", "over"):
        await world.body("DELETE", f"{PODS}/{name}")
        assert (await world.ask("GET", f"{PODS}/{name}")).status == 404


async def test_an_eviction_keeps_to_the_budget(world: Any) -> None:
    await running(world)
    await world.body("POST", BUDGETS, {"metadata": {"name": "b"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "a"}}}})
    refused = await world.body("POST", f"{PODS}/p/eviction", EVICTION)
    assert (refused["code"], refused["details"]["causes"][0]["message"]) == (
        429,
        "The disruption budget b is still being processed by the server.",
    )
    status = {"observedGeneration": 1, "disruptionsAllowed": 0, "desiredHealthy": 1, "currentHealthy": 1, "expectedPods": 1}
    await world.body("PATCH", f"{BUDGETS}/b/status", {"status": status}, headers=MERGE)
    refused = await world.body("POST", f"{PODS}/p/eviction", EVICTION)
    assert refused["details"]["causes"][0]["message"] == "The disruption budget b needs 1 healthy pods and has 1 currently"
    await world.body("PATCH", f"{BUDGETS}/b/status", {"status": {"disruptionsAllowed": 1}}, headers=MERGE)
    done = await world.ask("POST", f"{PODS}/p/eviction", {**EVICTION, "deleteOptions": {"gracePeriodSeconds": 0}})
    assert (done.status, orjson.loads(done.body)["status"]) == (201, "Success")
    assert (await world.ask("GET", f"{PODS}/p")).status == 404
    assert (await world.body("GET", f"{BUDGETS}/b"))["status"]["disruptionsAllowed"] == 0


async def test_a_pod_is_put_on_a_node_once_and_can_be_looked_into(world: Any) -> None:
    await world.body("POST", PODS, {"metadata": {"name": "p"}, "spec": POD})
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}
    assert (await world.ask("POST", f"{PODS}/p/binding", binding)).status == 201
    assert (await world.ask("POST", f"{PODS}/p/binding", binding)).status == 409
    more = {"spec": {"ephemeralContainers": [{"name": "look", "image": "i"}], "hostname": "other"}}
    strategic = {"content-type": "application/strategic-merge-patch+json"}
    looked = await world.body("PATCH", f"{PODS}/p/ephemeralcontainers", more, headers=strategic)
    spec = looked["spec"]
    assert (spec["nodeName"], spec["ephemeralContainers"][0]["name"], "hostname" in spec) == ("n", "look", False)
    log = await world.ask("GET", f"{PODS}/p/log")
    assert (log.status, log.content_type) == (200, "text/plain")
    assert (await world.ask("POST", f"{PODS}/p/exec", command="ls")).status == 501


async def test_replicas_belong_to_whoever_scaled(world: Any) -> None:
    spec = {"selector": {"matchLabels": {"app": "a"}}, "template": {"metadata": {"labels": {"app": "a"}}, "spec": POD}}
    await world.body("POST", DEPLOYMENTS, {"metadata": {"name": "d"}, "spec": spec})
    path = f"{DEPLOYMENTS}/d/scale"
    await world.body("PATCH", path, {"spec": {"replicas": 3}}, headers=MERGE, fieldManager="hpa")
    owners = (await world.body("GET", f"{DEPLOYMENTS}/d"))["metadata"]["managedFields"]
    assert [(one["manager"], one["fieldsV1"]) for one in owners if one.get("subresource") == "scale"] == [
        ("hpa", {"f:spec": {"f:replicas": {}}})
    ]
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "d"}, "spec": {"replicas": 4}}
    refused = await world.body("PATCH", path, scale, headers=APPLY, fieldManager="other")
    assert refused["message"] == (
        'Apply failed with 1 conflict: conflict with "hpa" with subresource "scale" using apps/v1: .spec.replicas'
    )
    taken = await world.body("PATCH", path, scale, headers=APPLY, fieldManager="other", force="true")
    assert (taken["kind"], taken["spec"], taken["status"]["selector"]) == ("Scale", {"replicas": 4}, "app=a")
    stale = {**scale, "metadata": {"name": "d", "resourceVersion": "1"}}
    assert (await world.ask("PUT", path, stale)).status == 409
    assert (await world.body("PUT", path, {**scale, "spec": {"replicas": -1}}))["message"].startswith('Scale.autoscaling "d" is invalid')
