"""`fleetd preview`: what a change would do to a fleet on which a daemon is at work, and that the daemon then does it."""

from __future__ import annotations

import asyncio
import hashlib
import re
import sqlite3
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from fleetd.sim.cluster import ClusterSpec, SimulatedCluster
from fleetd.sim.fleet import SimulatedFleet

BASE = """
apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {name: web}
spec:
  clusterSelector: {matchLabels: {env: prod}}
  policyRefs:
  - {kind: ConfigMap, name: web, namespace: default}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  web.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: web, namespace: default, labels: {shop: "yes"}}
    data: {hello: world}
"""
MIRROR = """
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventSource
metadata: {name: shops}
spec:
  collectResources: true
  resourceSelectors:
  - {group: "", version: v1, kind: ConfigMap, labelFilters: [{key: shop, operation: Equal, value: "yes"}]}
---
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventTrigger
metadata: {name: mirror}
spec:
  sourceClusterSelector: {matchLabels: {env: prod}}
  destinationClusterSelector: {matchLabels: {env: test}}
  eventSourceName: shops
  oneForEvent: true
  policyRefs:
  - {kind: ConfigMap, name: copy, namespace: default}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: copy, annotations: {projectsveltos.io/instantiate: ok}}
data:
  copy.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: "copy-of-{{ .Resource.metadata.name }}", namespace: default}
    data: {hello: "{{ .Resource.data.hello }}"}
"""


@pytest.fixture
def beside(fleetd: Callable[..., Any]) -> Callable[..., Any]:
    """In a thread beside the event loop on which clusters answer; `given` is its stdin."""

    async def run(*arguments: str, given: str = "") -> Any:
        return await asyncio.to_thread(fleetd, *arguments, given=given)

    return run


@pytest.fixture
async def at_work(beside: Callable[..., Any], daemon: None, tmp_path: Path) -> AsyncIterator[dict[str, SimulatedCluster]]:
    """eu is prod and has a shop, us is test and has the copy of it."""
    async with SimulatedFleet([ClusterSpec("eu"), ClusterSpec("us")], seed=5) as fleet:
        fleet.write_kubeconfigs(tmp_path / "kube")
        for name, env in (("eu", "prod"), ("us", "test")):
            await beside("cluster", "register", name, "--kubeconfig", str(tmp_path / "kube" / f"{name}.yaml"), "--labels", f"env={env}")
        assert (await beside("apply", "-f", "-", given=BASE)).code == 0
        assert (await beside("apply", "-f", "-", given=MIRROR)).code == 0
        await copied(fleet.clusters["us"], "world")
        assert (await beside("wait", "--converged", "--timeout", "30s")).code == 0
        yield fleet.clusters


async def copied(cluster: SimulatedCluster, value: str) -> None:
    async def there(cluster: SimulatedCluster) -> bool:
        found = await cluster.get("v1", "ConfigMap", "default", "copy-of-web")
        return found is not None and found["data"]["hello"] == value

    await cluster.until(there)


def rows(path: str) -> str:
    """What the database holds, as it is dumped."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        return hashlib.sha256("\n".join(line for line in connection.iterdump() if "heartbeats" not in line).encode()).hexdigest()


async def test_an_edit_and_what_it_leads_to_across_clusters_and_then_it_is_done(beside, at_work, environment):
    change = BASE.replace("hello: world", "hello: moon")
    before = rows(environment["FLEETD_DATABASE"])
    ran = await beside("preview", "-f", "-", "-o", "json", given=change)
    assert ran.code == 1, ran.err
    told = ran.json
    assert rows(environment["FLEETD_DATABASE"]) == before
    assert [(item["action"], item["object"], item["cluster"], item["depth"]) for item in told["objects"]] == [
        ("update", "ConfigMap/default/web", "default/eu", 0),
        ("update", "ConfigMap/default/copy-of-web", "default/us", 1),
    ]
    assert told["objects"][0]["fields"] == [{"path": "data.hello", "before": '"world"', "after": '"moon"', "withheld": False}]
    assert told["objects"][1]["trigger"] == "EventTrigger/mirror"
    assert [(item["course"], item["depth"], item["because"]) for item in told["matches"]] == [
        ("changes", 1, "ConfigMap/default/web@default/eu")
    ]
    assert (told["counts"]["update"], told["changes"], told["fleet_clusters"]) == (2, True, 3)

    assert (await beside("apply", "-f", "-", given=change)).code == 0
    await copied(at_work["us"], "moon")
    assert (await beside("wait", "--converged", "--timeout", "30s")).code == 0
    again = await beside("preview", "-f", "-", given=change)
    assert (again.code, again.lines) == (0, ["nothing would change"])


async def test_deletes_and_labels_are_told_as_tables_and_as_a_comment(beside, at_work):
    ran = await beside("preview", "--delete", "eventtrigger/mirror", "--label", "us", "env=prod")
    assert ran.code == 1, ran.err
    assert re.search(r"^delete +ConfigMap/default/copy-of-web +default/us ", ran.out, re.MULTILINE)
    assert re.search(r"^create +ConfigMap/default/web +default/us +ClusterProfile/web", ran.out, re.MULTILINE)
    assert "1 create, 1 delete on 1 of 3 clusters" in ran.lines[-1]
    ran = await beside("preview", "--delete", "eventtrigger/mirror", "-o", "markdown")
    assert ran.lines[0] == "### What this change would do to the fleet"
    assert "- **delete** `ConfigMap/default/copy-of-web`" in ran.out
    assert "- ends: `mirror` on `default/eu`" in ran.out
    assert all(line.count("`") % 2 == 0 for line in ran.lines)


async def test_wrong_input_is_refused_with_its_place_and_nothing_is_said_of_an_effect(beside, at_work):
    wrong = await beside("preview", "-f", "-", "-o", "json", given=MIRROR.replace("oneForEvent: true", "oneForEvent: perhaps"))
    assert (wrong.code, wrong.out) == (2, "")
    assert "<stdin>:17:3" in wrong.err
    missing = await beside("preview", "--delete", "eventtrigger/none")
    assert missing.code == 1
    assert "EventTrigger.lib.projectsveltos.io//none is not declared" in missing.err
    nobody = await beside("preview", "--label", "eux", "env=prod")
    assert "eux is no cluster of the fleet; do you mean default/eu?" in nobody.err
    for words in (("env=prod",), ("eu",), ("eu", "env=prod", "env=test")):
        assert (await beside("preview", "--label", *words)).code == 2


async def test_values_of_secrets_are_never_told(beside, at_work):
    secret = """
    apiVersion: v1
    kind: Secret
    type: addons.projectsveltos.io/cluster-profile
    metadata: {name: hidden}
    stringData:
      a.yaml: |
        apiVersion: v1
        kind: Secret
        metadata: {name: inside, namespace: default}
        stringData: {password: correct-horse}
    """
    profile = (
        BASE.split("---", maxsplit=1)[0].replace("{name: web}", "{name: secretive}").replace("ConfigMap, name: web", "Secret, name: hidden")
    )
    new = await beside("preview", "-f", "-", "-o", "json", given=f"{textwrap.dedent(secret)}---{profile}")
    assert [item["object"] for item in new.json["objects"]] == ["Secret/default/inside"], new.err
    assert "correct-horse" not in new.out + new.err
    assert (await beside("apply", "-f", "-", given=f"{textwrap.dedent(secret)}---{profile}")).code == 0
    assert (await beside("wait", "--converged", "--timeout", "30s")).code == 0
    edited = await beside("preview", "-f", "-", "-o", "json", given=textwrap.dedent(secret).replace("correct", "wrong"))
    assert not edited.json["objects"]
    assert "its values are not compared" in edited.err
    gone = await beside("preview", "--delete", "clusterprofile/secretive", "-o", "json")
    assert [(item["action"], item["object"]) for item in gone.json["objects"]] == [("delete", "Secret/default/inside")]


def test_it_needs_something_that_would_change_and_a_database(fleetd):
    ran = fleetd("preview")
    assert ran.code == 2
    assert "say what would change" in ran.err
    ran = fleetd("preview", "-f", "-", given=BASE)
    assert ran.code == 2
    assert "there is no database" in ran.err


def test_a_fleet_that_no_daemon_has_met_is_previewed_on_either_database(on_database):
    assert on_database("apply", "-f", "-", given=MIRROR).code == 0
    ran = on_database("preview", "-f", "-", given=BASE)
    assert ran.code == 1, ran.err
    assert "no daemon has met a cluster yet" in ran.err
    assert ran.lines[-1] == "no object changes on 0 of 0 clusters"
    assert (on_database("preview", "-f", "-", given=MIRROR).code, on_database("preview", "-f", "-", given=MIRROR).out) == (
        0,
        "nothing would change\n",
    )
    again = on_database("preview", "-f", "-", "--delete", "eventsource/shops", "-o", "markdown", given=BASE)
    assert "- deleted `EventSource.lib.projectsveltos.io//shops`" in again.out
