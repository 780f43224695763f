"""preview_change: what would follow, within the budget of an answer, and nothing written."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from fleetd.store import tables
from fleetd.store.steps import Fetch

PROFILE = """
apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {name: more}
spec:
  clusterSelector: {matchLabels: {role: app}}
  policyRefs: [{kind: ConfigMap, namespace: default, name: content}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: content, namespace: default}
data:
  a.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: added, namespace: default}
    data: {token: "password=hunter2"}
"""


async def asked(client: Any, **arguments: Any) -> Any:
    async with client() as c:
        return await c.call_tool("preview_change", arguments)


def latest():
    return (yield Fetch(select(func.max(tables.changes.c.seq).label("seq"))))[0]["seq"]


async def test_a_new_profile_says_what_it_would_create_and_writes_nothing(client, database):
    before = await database.read(latest())
    answer = await asked(client, manifests=PROFILE)
    assert not answer.is_error, answer.content
    found = answer.structured_content["result"]
    assert found["changes"]
    assert found["counts"]["create"] == 1
    assert found["declared"] == {"ClusterProfile.config.projectsveltos.io//more": "created", "ConfigMap/default/content": "created"}
    assert found["reach"] == [{"subject": "ClusterProfile/more", "gained_count": 1, "lost_count": 0, "gained": ["prod/us-1"]}]
    assert await database.read(latest()) == before


async def test_what_would_not_be_taken_is_a_lesson(client):
    answer = await asked(client, manifests=PROFILE.replace("clusterSelector", "clusterSelectr"))
    error = answer.structured_content["error"]
    assert (answer.is_error, error["code"], error["field"]) == (True, "bad_argument", "manifests")
    assert "clusterSelectr" in error["said_untrusted"]
    assert (await asked(client)).structured_content["error"]["field"] == "manifests"
    assert (await asked(client, labels=["prod/eu-1"])).structured_content["error"]["field"] == "labels"
    assert (await asked(client, delete=["EventTrigger/none"])).is_error


async def test_a_delete_and_labels_are_previewed_and_hints_go_on(client):
    answer = await asked(client, delete=["EventTrigger/share"], labels=["us-1 role- env=test"])
    found = answer.structured_content
    assert found["result"]["declared"]["EventTrigger.lib.projectsveltos.io//share"] == "deleted"
    assert found["hints"][0]["tool"] == "list_references"
    assert "canary-4711" not in str(found)
