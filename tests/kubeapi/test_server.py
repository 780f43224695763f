"""Behaviour that needs more than one exchange to be seen."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from fleetd.kubeapi.admission import Asked, Operation
from fleetd.kubeapi.exchange import User
from fleetd.kubeapi.memory import MemoryStorage
from fleetd.kubeapi.refusals import ApiRefusal, bad_request
from fleetd.kubeapi.server import ApiServer

WIDGETS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "kind": "Widget"},
        "versions": [
            {"name": name, "served": True, "storage": name == "v1", "schema": {"openAPIV3Schema": {"type": "object"}}}
            for name in ("v1", "v2")
        ],
    },
}
WIDGET = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "default"}, "spec": {"size": 1}}


def service(name: str, **spec: Any) -> dict[str, Any]:
    spec = {"ports": [{"port": 80}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


async def team(world: Any) -> None:
    await world.server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}})


async def test_a_deleted_namespace_takes_along_what_is_in_it(world: Any) -> None:
    await team(world)
    await world.config_map("a", namespace="team")
    await world.config_map("a")
    reader = await world.watch("/api/v1/configmaps", fieldSelector="metadata.namespace=team")
    await world.server.delete("v1", "Namespace", "", "team")
    assert await world.server.get("v1", "Namespace", "", "team") is None
    assert reader.told() == [("ADDED", "a"), ("DELETED", "a")]
    assert await world.server.get("v1", "ConfigMap", "default", "a") is not None


async def test_a_namespace_waits_for_finalizers_in_it_and_takes_nothing_new(world: Any) -> None:
    await team(world)
    await world.config_map("a", namespace="team", finalizers=["example.com/held"])
    await world.server.delete("v1", "Namespace", "", "team")
    held = await world.server.get("v1", "ConfigMap", "team", "a")
    assert held["metadata"]["deletionTimestamp"]
    with pytest.raises(ApiRefusal) as refusal:
        await world.config_map("b", namespace="team")
    assert refusal.value.status == 403
    await world.server.patch("v1", "ConfigMap", "team", "a", {"metadata": {"finalizers": None}})
    assert await world.server.get("v1", "Namespace", "", "team") is None


async def test_services_get_addresses_and_ports_that_no_other_has_and_give_them_back(world: Any) -> None:
    made = [await world.server.create(service(f"s{n}", type="NodePort")) for n in range(3)]
    assert len({one["spec"]["clusterIP"] for one in made}) == len({one["spec"]["ports"][0]["nodePort"] for one in made}) == 3
    kept = await world.server.replace(service("s1", type="NodePort", selector={"a": "b"}))
    assert kept["spec"]["clusterIP"] == made[1]["spec"]["clusterIP"]
    assert kept["spec"]["ports"][0]["nodePort"] == made[1]["spec"]["ports"][0]["nodePort"]
    await world.server.delete("v1", "Service", "default", "s1")
    again = await world.server.create(service("s1", clusterIP=made[1]["spec"]["clusterIP"]))
    assert again["spec"]["clusterIP"] == made[1]["spec"]["clusterIP"]


async def test_a_server_on_a_storage_that_was_used_before_goes_on_where_it_was(world: Any) -> None:
    first = await world.server.create(service("one"))
    await world.server.create(WIDGETS)
    await world.server.create(WIDGET)
    after = ApiServer(world.storage, clock=world.time.clock, new_uid=iter("abcdefgh").__next__, later=world.time.later)
    assert len(await after.objects("example.com/v1", "Widget")) == 1
    second = await after.create(service("two"))
    assert second["spec"]["clusterIP"] != first["spec"]["clusterIP"]
    assert len(await after.objects("v1", "Namespace")) == 4


async def test_a_definition_serves_its_kind_in_each_version_until_it_goes(world: Any) -> None:
    await world.server.create(WIDGETS)
    await world.server.create(WIDGET)
    other = await world.body("GET", "/apis/example.com/v2/namespaces/default/widgets/w")
    assert (other["apiVersion"], other["spec"]) == ("example.com/v2", {"size": 1})
    reader = await world.watch("/apis/example.com/v2/widgets")
    assert reader.events[0]["object"]["apiVersion"] == "example.com/v2"
    document = await world.body("GET", "/apis/example.com/v1")
    assert [row["name"] for row in document["resources"]] == ["widgets"]
    await world.server.delete("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "widgets.example.com")
    assert reader.told() == [("ADDED", "w"), ("DELETED", "w")]
    assert reader.closed
    assert (await world.ask("GET", "/apis/example.com/v1/widgets")).status == 404
    assert (await world.ask("GET", "/apis/example.com")).status == 404


async def test_generations_count_changes_of_what_is_wanted_only(world: Any) -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    await world.server.create(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "default"}, "spec": spec}
    )
    of = ("apps/v1", "Deployment", "default", "d")
    changed = await world.server.patch(*of, {"metadata": {"labels": {"l": "1"}}})
    assert changed["metadata"]["generation"] == 1
    changed = await world.server.patch(*of, {"status": {"replicas": 1}}, subresource="status")
    assert (changed["metadata"]["generation"], changed["status"]) == (1, {"replicas": 1})
    changed = await world.server.patch(*of, {"spec": {"replicas": 5}, "status": {"replicas": 9}})
    assert (changed["metadata"]["generation"], changed["status"]) == (2, {"replicas": 1})


async def test_what_a_caller_does_to_an_object_it_got_does_not_reach_the_stored_one(world: Any) -> None:
    await world.config_map("a", {"k": "v"})
    got = await world.server.get("v1", "ConfigMap", "default", "a")
    got["data"]["k"] = "spoiled"
    (await world.server.objects("v1", "ConfigMap"))[0]["data"]["k"] = "spoiled"
    assert (await world.server.get("v1", "ConfigMap", "default", "a"))["data"] == {"k": "v"}


async def test_a_change_does_not_touch_the_states_that_history_remembers(world: Any) -> None:
    await world.server.create(service("s", type="LoadBalancer"))
    of = ("v1", "Service", "default", "s")
    await world.server.patch(*of, {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}, subresource="status")
    before = await world.body("GET", "/api/v1/services")
    await world.server.patch(*of, {"spec": {"type": "ClusterIP"}})
    version = before["metadata"]["resourceVersion"]
    assert await world.body("GET", "/api/v1/services", resourceVersion=version, resourceVersionMatch="Exact") == before


class Labelled:
    """Admission that marks what comes in and refuses one name."""

    def __init__(self) -> None:
        self.seen: list[tuple[Operation, str, bool]] = []

    async def admit(self, asked: Asked) -> dict[str, Any] | None:
        self.seen.append((asked.operation, asked.name, asked.dry_run))
        if asked.name == "refused":
            raise bad_request("not this one")
        if asked.after is not None:
            asked.after["metadata"].setdefault("labels", {})["admitted"] = "yes"
        return asked.after


async def test_admission_sees_every_write_may_change_it_and_may_refuse_it(world: Any) -> None:
    step = Labelled()
    server = ApiServer(MemoryStorage(), clock=world.time.clock, new_uid=lambda: "u", admission=[step])
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}}
    assert (await server.create(manifest))["metadata"]["labels"] == {"admitted": "yes"}
    await server.apply({**manifest, "data": {"k": "v"}}, manager="m")
    with pytest.raises(ApiRefusal):
        await server.create({**manifest, "metadata": {"name": "refused", "namespace": "default"}})
    await server.delete("v1", "ConfigMap", "default", "a")
    kinds = [(operation, name) for operation, name, _ in step.seen if name in ("a", "refused")]
    wanted = [(Operation.CREATE, "a"), (Operation.UPDATE, "a"), (Operation.CREATE, "refused"), (Operation.DELETE, "a")]
    assert kinds == wanted


async def test_rights_are_asked_for_with_verb_group_resource_namespace_and_name(world: Any) -> None:
    asked: list[tuple[str, ...]] = []

    def may(user: User, *what: str) -> bool:
        asked.append((user.name, *what))
        return user.name == "good"

    server = ApiServer(MemoryStorage(), clock=world.time.clock, new_uid=lambda: "u", may=may)
    world.server = server
    answer = await world.ask("PATCH", "/apis/apps/v1/namespaces/default/deployments/d/status", {}, user=User("bad"))
    assert answer.status == 403
    assert asked == [("bad", "patch", "apps", "deployments/status", "default", "d")]
    assert (await world.ask("GET", "/api/v1/configmaps", watch="true", user=User("good"))).content_type == "application/json"
    assert asked[-1] == ("good", "watch", "", "configmaps", "", "")
    review = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "n"}}}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    assert (await world.body("POST", path, review, user=User("good")))["status"] == {"allowed": True}
    assert (await world.body("POST", path, review, user=User("bad")))["status"] == {"allowed": False}
    assert (await world.ask("POST", path, review, user=None)).status == 403


async def test_kubectl_finds_in_the_openapi_document_that_fields_are_validated(world: Any) -> None:
    index = await world.body("GET", "/openapi/v3")
    url = index["paths"]["api/v1"]["serverRelativeURL"]
    assert url.startswith("/openapi/v3/api/v1?hash=")
    document = await world.body("GET", url.partition("?")[0])
    patch = document["paths"]["/api/v1/namespaces/{namespace}/configmaps/{name}"]["patch"]
    assert {"dryRun", "fieldValidation"} <= {parameter["name"] for parameter in patch["parameters"]}


async def test_a_no_op_keeps_the_version_and_is_told_to_nobody(world: Any) -> None:
    made = await world.config_map("a", {"k": "v"})
    reader = await world.watch("/api/v1/configmaps", resourceVersion=made["metadata"]["resourceVersion"])
    world.time.forward(100)
    same = await world.server.replace(made)
    applied = await world.body(
        "PATCH",
        "/api/v1/namespaces/default/configmaps/a",
        {"data": {"k": "v"}},
        headers={"content-type": "application/merge-patch+json"},
    )
    assert same == applied == made
    assert reader.events == []


async def test_lists_of_many_namespaces_stand_in_the_order_of_their_keys(world: Any) -> None:
    for namespace in ("a", "a-b", "b"):
        await world.server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        await world.config_map("x", namespace=namespace)
    items = (await world.body("GET", "/api/v1/configmaps"))["items"]
    assert [item["metadata"]["namespace"] for item in items] == ["a-b", "a", "b"]
    one = orjson.loads((await world.ask("GET", "/api/v1/namespaces/a/configmaps")).body)["items"]
    assert [item["metadata"]["namespace"] for item in one] == ["a"]
