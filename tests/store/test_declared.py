"""Declared objects: versions, conflicts, history, references."""

from __future__ import annotations

import asyncio
import copy

import pytest

from fleetd.domain.errors import Conflict, InvalidInput, NotFound
from fleetd.domain.objects import ref_of
from fleetd.domain.refs import GroupKind, ObjectRef
from fleetd.domain.states import DeclaredState
from fleetd.store.database import Database
from fleetd.store.reading import Reader


async def test_a_new_object_gets_what_a_server_gives(database, said, clock):
    put = await database.declared.put(said.source(), expected=0)
    metadata = put.manifest["metadata"]
    assert metadata == {
        "name": "lb",
        "uid": put.uid,
        "resourceVersion": str(put.resource_version),
        "generation": 1,
        "creationTimestamp": clock().strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    assert await database.declared.get(put.ref) == put
    assert await database.declared.get(ObjectRef("EventSource", "", "", "lb")) is None


async def test_the_generation_rises_with_the_intent_only(database, said):
    first = await database.declared.put(said.source(), expected=0)
    labelled = copy.deepcopy(first.manifest)
    labelled["metadata"]["labels"] = {"team": "net"}
    second = await database.declared.put(labelled, expected=first.resource_version)
    changed = copy.deepcopy(second.manifest)
    changed["spec"]["collectResources"] = False
    third = await database.declared.put(changed, expected=second.resource_version)
    assert [found.generation for found in (first, second, third)] == [1, 1, 2]
    assert first.resource_version < second.resource_version < third.resource_version
    assert {found.uid for found in (first, second, third)} == {first.uid}
    assert third.created_at == first.created_at


async def test_putting_the_same_again_changes_nothing(database, said):
    first = await database.declared.put(said.source(), expected=0)
    again = await database.declared.put(said.source(), expected=None)
    assert again == first
    assert len(await database.changes_since(0)) == 1


async def test_a_version_that_is_not_there_is_a_conflict(database, said):
    first = await database.declared.put(said.config_map(a="1"), expected=0)
    with pytest.raises(Conflict, match="exists already"):
        await database.declared.put(said.config_map(a="2"), expected=0)
    await database.declared.put(said.config_map(a="2"), expected=first.resource_version)
    with pytest.raises(Conflict, match="changed meanwhile"):
        await database.declared.put(said.config_map(a="3"), expected=first.resource_version)
    with pytest.raises(Conflict):
        await database.declared.remove(first.ref, expected=first.resource_version)
    await database.declared.remove(first.ref)
    with pytest.raises(Conflict, match="removed meanwhile"):
        await database.declared.put(said.config_map(a="3"), expected=first.resource_version)


async def test_of_many_who_write_on_one_version_one_wins(database, said):
    first = await database.declared.put(said.config_map(a="0"), expected=0)
    outcomes = await asyncio.gather(
        *(database.declared.put(said.config_map(a=str(n)), expected=first.resource_version) for n in range(1, 9)), return_exceptions=True
    )
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 7
    assert len(await database.declared.history(first.ref)) == 2


async def test_an_object_put_again_after_its_removal_is_another_one(database, said):
    first = await database.declared.put(said.source(), expected=0)
    assert (await database.declared.remove(first.ref)).uid == first.uid
    assert await database.declared.get(first.ref) is None
    with pytest.raises(NotFound):
        await database.declared.remove(first.ref)
    second = await database.declared.put(said.source(), expected=0)
    assert second.uid != first.uid
    assert second.resource_version > first.resource_version


async def test_history_shows_each_version_while_it_stood(database, said, clock):
    first = await database.declared.put(said.config_map(a="1"), expected=0)
    clock.forward(seconds=1)
    second = await database.declared.put(said.config_map(a="2"), expected=first.resource_version)
    clock.forward(seconds=1)
    await database.declared.remove(second.ref)
    history = await database.declared.history(first.ref)
    assert [revision.manifest["data"]["a"] for revision in history] == ["1", "2"]
    assert history[0].valid_to == history[1].valid_from
    assert history[1].valid_to is not None


async def test_objects_are_listed_by_kind_and_namespace(database, said):
    manifests = [said.config_map("b"), said.config_map("a"), said.secret("a"), said.source(), said.trigger()]
    for manifest in manifests:
        await database.declared.put(manifest, expected=0)
    names = [found.ref.name for found in await database.declared.list(GroupKind("", "ConfigMap"))]
    assert names == ["a", "b"]
    assert [found.ref.kind for found in await database.declared.list(namespace="default")] == ["ConfigMap", "ConfigMap", "Secret"]
    assert len(await database.declared.list()) == 5
    assert await database.declared.list(GroupKind("", "ConfigMap"), "other") == []


async def test_what_is_not_supported_is_told_with_the_object(database, said):
    put = await database.declared.put(said.source(), expected=0, unsupported=("spec.messagingMatchCriteria",))
    assert (put.state, put.unsupported) == (DeclaredState.UNSUPPORTED, ("spec.messagingMatchCriteria",))
    assert (await database.declared.get(put.ref)) == put


async def test_a_nameless_object_is_refused(database):
    with pytest.raises(InvalidInput):
        await database.declared.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}, expected=0)


async def test_a_put_is_one_change(database, said):
    put = await database.declared.put(said.source(), expected=0)
    await database.declared.remove(put.ref)
    changes = await database.changes_since(0)
    assert [(change.object_kind, change.ref, change.operation) for change in changes] == [
        ("declared", "EventSource.lib.projectsveltos.io//lb", "put"),
        ("declared", "EventSource.lib.projectsveltos.io//lb", "remove"),
    ]


async def test_references_follow_what_is_declared(database, said):
    trigger = await database.declared.put(said.trigger(), expected=0)

    def edges():
        with Reader.open(database.url) as reader:
            return [tuple(row.values()) for row in reader.rows("SELECT field_path, to_ref, resolved FROM fleet_references ORDER BY 1")]

    source = "EventSource.lib.projectsveltos.io//lb"
    template = ("spec.policyRefs[0]", "ConfigMap/default/mirror-template", False)
    assert edges() == [("spec.eventSourceName", source, False), template]
    await database.declared.put(said.source(), expected=0)
    assert edges() == [("spec.eventSourceName", source, True), template]
    await database.declared.remove(trigger.ref)
    assert edges() == []


async def test_another_process_sees_what_was_put(database, said, master_key):
    other = await Database.open(database.url, key=master_key)
    try:
        put = await database.declared.put(said.secret(password="swordfish"), expected=0)
        assert (await other.declared.get(put.ref)).manifest["stringData"] == {"password": "swordfish"}
        await other.declared.put(said.secret(password="tuna"), expected=put.resource_version)
        assert (await database.declared.get(ref_of(put.manifest))).manifest["stringData"] == {"password": "tuna"}
    finally:
        await other.close()
