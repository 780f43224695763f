"""What the `Cluster` port promises, on the simulated API server, and on a real one when there is one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from fleetd.cluster.connect import KubeCluster, connect
from fleetd.cluster.identity import own_name
from fleetd.cluster.port import Changes, FieldConflict, NoSuchKind, Snapshot
from fleetd.cluster.rights import EVERYTHING, missing_rights
from fleetd.cluster.service_account import account_manifests, create_account, issue
from fleetd.domain.errors import Conflict, GiveUp, InvalidInput
from fleetd.domain.objects import Manifest, Reads
from fleetd.domain.refs import GroupVersionKind

CONFIG_MAP = GroupVersionKind("", "v1", "ConfigMap")
NAMESPACE = GroupVersionKind("", "v1", "Namespace")


@pytest.fixture(params=["simulated", "real"])
def kubeconfig(request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.param == "real":
        return request.getfixturevalue("real_kubeconfig")
    return request.getfixturevalue("simulated").kubeconfig()


@pytest.fixture
async def cluster(kubeconfig, words) -> AsyncIterator[KubeCluster]:
    cluster = await connect("dev/it", kubeconfig, settings=words.quick)
    yield cluster
    await cluster.close()


@pytest.fixture
async def other(kubeconfig, words) -> AsyncIterator[KubeCluster]:
    """Somebody else, to whom fields of their own belong."""
    cluster = await connect("dev/it", kubeconfig, settings=replace(words.quick, field_manager="kubectl-edit"))
    yield cluster
    await cluster.close()


@pytest.fixture
async def space(cluster) -> str:
    """A namespace of this test's own."""
    name = f"test-{uuid4().hex[:8]}"
    await cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def config(space: str, name: str = "it", **data: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": space}, "data": data}


async def test_a_cluster_knows_who_it_is(cluster):
    identity = await cluster.identity()
    assert len(identity.uid) == 36
    assert identity.version.startswith("v1.")
    assert await cluster.identity() == identity


async def test_kinds_are_found_with_how_they_are_served(cluster):
    deployment = await cluster.resource(GroupVersionKind("apps", "v1", "Deployment"))
    assert (deployment.plural, deployment.namespaced) == ("deployments", True)
    assert {"list", "watch", "patch"} <= deployment.verbs
    assert not (await cluster.resource(NAMESPACE)).namespaced
    with pytest.raises(NoSuchKind):
        await cluster.resource(GroupVersionKind("acme.io", "v1", "Widget"))


async def test_what_is_applied_can_be_read(cluster, space):
    applied = await cluster.apply(config(space, a="1"))
    assert applied["metadata"]["uid"]
    assert await cluster.read(CONFIG_MAP, space, "it") == applied
    assert await cluster.read(CONFIG_MAP, space, "other") is None


async def test_the_same_applied_again_changes_nothing(cluster, space):
    first = await cluster.apply(config(space, a="1"))
    again = await cluster.apply(config(space, a="1"))
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_what_is_left_out_of_the_next_apply_is_taken_away(cluster, space):
    await cluster.apply(config(space, a="1", b="2"))
    assert (await cluster.apply(config(space, a="1")))["data"] == {"a": "1"}


async def test_a_dry_run_changes_nothing(cluster, space):
    await cluster.apply(config(space, a="1"))
    tried = await cluster.apply(config(space, a="2"), dry_run=True)
    assert tried["data"] == {"a": "2"}
    assert (await cluster.read(CONFIG_MAP, space, "it"))["data"] == {"a": "1"}


async def test_a_field_that_somebody_else_holds_is_a_conflict_with_the_holders_name(cluster, other, space):
    await other.apply(config(space, a="1"))
    with pytest.raises(FieldConflict) as raised:
        await cluster.apply(config(space, a="2"))
    assert [(claim.manager, claim.path) for claim in raised.value.claims] == [("kubectl-edit", ".data.a")]
    assert (await cluster.apply(config(space, a="2"), force=True))["data"] == {"a": "2"}


async def test_a_field_of_its_own_is_no_conflict(cluster, other, space):
    await other.apply(config(space, a="1"))
    assert (await cluster.apply(config(space, b="2")))["data"] == {"a": "1", "b": "2"}


async def test_what_only_the_server_writes_may_come_back_to_it(cluster, space):
    applied = await cluster.apply(config(space, a="1"))
    metadata = {key: value for key, value in applied["metadata"].items() if key not in {"resourceVersion", "uid"}}
    assert (await cluster.apply({**applied, "metadata": metadata}))["data"] == {"a": "1"}


async def test_a_namespaced_object_without_a_namespace_is_in_default(cluster):
    name = f"it-{uuid4().hex[:8]}"
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    applied = await cluster.apply(manifest)
    assert applied["metadata"]["namespace"] == "default"
    assert await cluster.delete(CONFIG_MAP, "", name, uid=applied["metadata"]["uid"])


async def test_deletion_spares_another_object_of_the_name(cluster, space):
    applied = await cluster.apply(config(space, a="1"))
    with pytest.raises(Conflict):
        await cluster.delete(CONFIG_MAP, space, "it", uid=str(uuid4()))
    uid, version = applied["metadata"]["uid"], applied["metadata"]["resourceVersion"]
    await cluster.apply(config(space, a="2"))
    with pytest.raises(Conflict):
        await cluster.delete(CONFIG_MAP, space, "it", uid=uid, resource_version=version)
    assert await cluster.delete(CONFIG_MAP, space, "it", uid=uid)
    assert await cluster.read(CONFIG_MAP, space, "it") is None
    assert not await cluster.delete(CONFIG_MAP, space, "it", uid=uid)


async def test_what_the_server_refuses_is_refused_in_its_words(cluster, space):
    with pytest.raises(GiveUp, match="no-such-namespace"):
        await cluster.apply(config("no-such-namespace", a="1"))
    with pytest.raises(GiveUp, match="Not A Name"):
        await cluster.apply(config(space, "Not A Name", a="1"))
    with pytest.raises(InvalidInput, match=r"no metadata\.name"):
        await cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}})
    with pytest.raises(NoSuchKind):
        await cluster.apply({"apiVersion": "acme.io/v1", "kind": "Widget", "metadata": {"name": "it"}})


async def test_an_administrator_lacks_no_right(cluster):
    assert await missing_rights(cluster.api, EVERYTHING, cluster.settings) == ()


async def test_an_account_of_its_own_takes_the_operators_place(cluster, kubeconfig, words):
    await create_account(cluster, account_manifests())
    issued = await issue(cluster, kubeconfig, "", seconds=3600)
    assert issued.expires
    assert kubeconfig["users"][0]["user"]["token"] not in str(issued.kubeconfig)
    own = await connect("dev/it", issued.kubeconfig, settings=words.quick)
    try:
        assert await own_name(own.api, own.settings) == "system:serviceaccount:projectsveltos:fleetd"
    finally:
        await own.close()


async def told(cluster: KubeCluster, reads: Reads, space: str, count: int, begun: asyncio.Event) -> list[tuple[str, Any]]:
    """So many things that a watch says of one namespace."""
    said: list[tuple[str, Any]] = []
    async with asyncio.timeout(30), aclosing(cluster.watch(CONFIG_MAP, reads)) as sightings:
        async for sighting in sightings:
            match sighting:
                case Snapshot(objects):
                    said += [("THERE", observed) for observed in objects if observed.ref.namespace == space]
                    begun.set()
                case Changes(changes):
                    said += [(str(change.type), change.observed) for change in changes if change.observed.ref.namespace == space]
                case _:
                    pass
            if len(said) >= count:
                return said
    return said


@pytest.mark.parametrize("reads", [Reads(frozenset({("data", "a")})), Reads(whole=True), Reads()], ids=["path", "whole", "metadata"])
async def test_a_watch_tells_all_that_happens_in_its_order(reads, cluster, space):
    await cluster.apply(config(space, "first", a="1", b="2"))
    begun = asyncio.Event()
    watching = asyncio.create_task(told(cluster, reads, space, 4, begun))
    await begun.wait()
    second = await cluster.apply(config(space, "second", a="1", b="2"))
    await cluster.apply(config(space, "second", a="3", b="4"))
    await cluster.delete(CONFIG_MAP, space, "second", uid=second["metadata"]["uid"])
    said = await watching
    assert [(what, observed.ref.name) for what, observed in said] == [
        ("THERE", "first"),
        ("ADDED", "second"),
        ("MODIFIED", "second"),
        ("DELETED", "second"),
    ]
    bodies = [observed.body.get("data") for _, observed in said]
    if reads.whole:
        assert bodies[2] == {"a": "3", "b": "4"}
    else:
        assert bodies[2] == (None if reads.metadata_only else {"a": "3"})
    assert all(observed.body["kind"] == "ConfigMap" and observed.body["apiVersion"] == "v1" for _, observed in said)
    assert all("managedFields" not in observed.body["metadata"] for _, observed in said)
    assert said[1][1].uid == second["metadata"]["uid"]


async def test_a_list_of_many_pages_is_whole(cluster, kubeconfig, space, words):
    for number in range(7):
        await cluster.apply(config(space, f"it-{number}"))
    paging = await connect("dev/it", kubeconfig, settings=replace(words.quick, page_size=2))
    try:
        said = await told(paging, Reads(), space, 7, asyncio.Event())
    finally:
        await paging.close()
    assert {observed.ref.name for _, observed in said if observed.ref.name.startswith("it-")} == {f"it-{number}" for number in range(7)}
