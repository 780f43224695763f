"""Why something goes to a cluster that a set has, and why not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fleetd.domain.records import DeclaredStatus
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import DeclaredState
from fleetd.service.questions.addons import ExplainAddon
from fleetd.service.questions.clusters import ListClusters
from fleetd.service.questions.declared import GetDeclared
from fleetd.service.questions.explaining import ExplainTrigger
from fleetd.service.questions.objects import GetObject
from fleetd.service.teaching import Taught

LIB, CONFIG = "lib.projectsveltos.io/v1beta1", "config.projectsveltos.io/v1beta1"
SET = ObjectRef("ClusterSet", "lib.projectsveltos.io", "", "active")


def manifest(api_version: str, kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}


@pytest.fixture
async def with_set(database: Any, changing: Any) -> Any:
    """A set that has us-1, and a profile and a trigger that refer to it."""
    await database.declared.put(
        manifest(LIB, "ClusterSet", "active", clusterSelector={"matchLabels": {"env": "prod"}}, maxReplicas=1), expected=0
    )
    await database.declared.put(manifest(CONFIG, "ClusterProfile", "leader", setRefs=["active", "none"]), expected=0)
    heard = manifest(LIB, "EventTrigger", "heard", sourceClusterSelector={}, clusterSetRefs=["active"], eventSourceName="balancers")
    await database.declared.put(heard, expected=0)
    reference = {"apiVersion": LIB, "kind": "SveltosCluster", "namespace": "prod", "name": "us-1"}
    status = {"matchingClusterRefs": [reference], "selectedClusterRefs": [reference]}
    await database.commit([DeclaredStatus(ref=SET, state=DeclaredState.READY, reason="", at=datetime.now(UTC), status=status)])
    return changing


def gate(found: Any, name: str) -> Any:
    return next(gate for gate in found.gates if gate.gate == name)


async def test_a_profile_goes_where_its_set_says(with_set: Any) -> None:
    there = (await with_set.ask(ExplainAddon(profile="ClusterProfile/leader", cluster="us-1"))).result
    assert (gate(there, "cluster_selected").passed, gate(there, "cluster_selected").because) == (True, "ClusterSet/active has the cluster")
    elsewhere = (await with_set.ask(ExplainAddon(profile="ClusterProfile/leader", cluster="us-2"))).result
    assert elsewhere.first_failing == "cluster_selected"
    assert gate(elsewhere, "cluster_selected").because == "ClusterSet/active has 1 other cluster; there is no ClusterSet/none"


async def test_a_trigger_hears_the_clusters_of_its_set(with_set: Any) -> None:
    found = (await with_set.ask(ExplainTrigger(trigger="heard"))).result
    assert (found.cluster, found.selected_clusters) == ("prod/us-1", 1)
    assert gate(found, "cluster_selected").passed
    elsewhere = (await with_set.ask(ExplainTrigger(trigger="heard", cluster="us-2"))).result
    assert gate(elsewhere, "cluster_selected").because == "ClusterSet/active has 1 other cluster"


async def test_what_a_set_has_stands_in_its_status(with_set: Any) -> None:
    found = (await with_set.ask(GetObject(ref="ClusterSet/active", view="manifest"))).result
    assert [item["name"] for item in found.manifest_untrusted["status"]["selectedClusterRefs"]] == ["us-1"]
    (row,) = (await with_set.ask(GetDeclared(ref="ClusterSet/active"))).result.objects
    assert [item["name"] for item in row["manifest"]["status"]["selectedClusterRefs"]] == ["us-1"]
    assert "status" not in (await with_set.ask(GetDeclared(ref="ClusterProfile/leader"))).result.objects[0]["manifest"]


@pytest.mark.parametrize(
    ("clusters", "expected"),
    [
        ("set:active", ["prod/us-1"]),
        ("!set:active", ["prod/eu-1", "prod/us-2"]),
        ("set:active,us-2", ["prod/us-1", "prod/us-2"]),
        ("set:active,env=test", []),
        ("set:prod/some", []),
        ("!set:prod/some,role=app", ["prod/us-1", "prod/us-2"]),
    ],
)
async def test_a_selector_may_name_sets(database: Any, with_set: Any, clusters: str, expected: list[str]) -> None:
    empty = manifest(LIB, "Set", "some")
    await database.declared.put({**empty, "metadata": {"name": "some", "namespace": "prod"}}, expected=0)
    found = await with_set.ask(ListClusters(clusters=clusters))
    assert sorted(row.cluster for row in found.items) == expected


async def test_an_unknown_set_gets_the_nearest(with_set: Any) -> None:
    with pytest.raises(Taught) as refused:
        await with_set.ask(ListClusters(clusters="set:activ"))
    assert refused.value.lesson.did_you_mean == ("set:active",)


async def test_a_restart_knows_what_a_set_had(database: Any, with_set: Any) -> None:
    known = await database.load()
    (held,) = [item for item in known.declared if item.ref == SET]
    assert held.status["selectedClusterRefs"][0]["name"] == "us-1"
