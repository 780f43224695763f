"""What the server warns of, and the smaller habits of a real one."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import yaml

CORE = "/api/v1/namespaces/default"
POD = {"containers": [{"name": "c", "image": "i"}]}
TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": POD}
SELECTED = {"selector": {"matchLabels": {"app": "a"}}, "template": TEMPLATE}
MERGE = {"content-type": "application/merge-patch+json"}
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
BACKEND = {"service": {"name": "s", "port": {"number": 80}}}


def told(answer: Any) -> str:
    assert answer.status in (200, 201), answer.body
    return str(answer.headers.get("Warning", ""))


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("/apis/apps/v1/namespaces/default/deployments", {"metadata": {"name": "a.b"}, "spec": SELECTED}, "metadata.name: this is used in"),
        (
            "/apis/apps/v1/namespaces/default/daemonsets",
            {"spec": {**SELECTED, "template": {**TEMPLATE, "spec": {**POD, "nodeSelector": {"beta.kubernetes.io/os": "linux"}}}}},
            r"spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \"kubernetes.io/os\" instead",
        ),
        (
            f"{CORE}/pods",
            {"spec": {"containers": [{"name": "c", "image": "i", "env": [{"name": "A"}, {"name": "A"}]}]}},
            r"spec.containers[0].env[1]: hides previous definition of \"A\", which may be dropped when using apply",
        ),
        (
            f"{CORE}/pods",
            {"spec": {"containers": [{"name": "c", "image": "i", "resources": {"requests": {"memory": "100m"}}}]}},
            r"spec.containers[0].resources.requests[memory]: fractional byte value \"100m\" is invalid, must be an integer",
        ),
        (f"{CORE}/pods", {"spec": {**POD, "terminationGracePeriodSeconds": -1}}, "negative values are invalid and will be treated as 1"),
        (
            "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
            {"metadata": {"annotations": {"kubernetes.io/ingress.class": "x"}}, "spec": {"defaultBackend": BACKEND}},
            r"annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead",
        ),
        (
            f"{CORE}/services",
            {"spec": {"clusterIP": "None", "externalIPs": ["192.0.2.1"]}},
            "spec.externalIPs is ignored for headless services",
        ),
    ],
)
async def test_what_will_surprise_is_warned_of(world: Any, path: str, content: Any, said: str) -> None:
    metadata = {"name": "x", **content.get("metadata", {})}
    assert said in told(await world.ask("POST", path, {**content, "metadata": metadata}))


async def test_an_update_that_leaves_the_pods_as_they_are_is_not_warned_of(world: Any) -> None:
    spec = {**SELECTED, "template": {**TEMPLATE, "spec": {**POD, "nodeSelector": {"beta.kubernetes.io/os": "linux"}}}}
    await world.ask("POST", "/apis/apps/v1/namespaces/default/deployments", {"metadata": {"name": "d"}, "spec": spec})
    path = "/apis/apps/v1/namespaces/default/deployments/d"
    assert told(await world.ask("PATCH", path, {"metadata": {"labels": {"a": "b"}}}, headers=MERGE)) == ""
    assert "nodeSelector" in told(await world.ask("PATCH", path, {"spec": {"replicas": 2}}, headers=MERGE))


async def test_an_owner_that_is_named_twice_is_kept_once(world: Any) -> None:
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u"}
    answer = await world.ask("POST", f"{CORE}/configmaps", {"metadata": {"name": "a", "ownerReferences": [owner, owner]}})
    assert told(answer).endswith('duplicate UID(s) observed: [u]"')
    assert orjson.loads(answer.body)["metadata"]["ownerReferences"] == [owner]


async def test_a_finalizer_of_a_custom_object_should_say_whose_it_is(world: Any) -> None:
    names = {"plural": "odds", "kind": "Odd"}
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version]}
    definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": spec}
    await world.server.create({**definition, "metadata": {"name": "odds.example.com"}})
    body = {"apiVersion": "example.com/v1", "kind": "Odd", "metadata": {"name": "o", "finalizers": ["mine", "example.com/mine"]}}
    answer = await world.ask("POST", "/apis/example.com/v1/namespaces/default/odds", body)
    assert told(answer).count("prefer a domain-qualified finalizer name including a path (/)") == 1
    table = await world.body("GET", "/apis/example.com/v1/namespaces/default/odds", headers=TABLE)
    assert [(column["name"], column["type"]) for column in table["columnDefinitions"]] == [("Name", "string"), ("Age", "date")]


async def test_a_pod_that_goes_at_once_is_marked_first(world: Any) -> None:
    watch = await world.watch(f"{CORE}/pods")
    await world.body("POST", f"{CORE}/pods", {"metadata": {"name": "p"}, "spec": POD})
    gone = (await world.body("DELETE", f"{CORE}/pods/p"))["metadata"]
    assert (gone["deletionGracePeriodSeconds"], gone["generation"], "deletionTimestamp" in gone) == (0, 2, True)
    assert watch.told() == [("ADDED", "p"), ("MODIFIED", "p"), ("DELETED", "p")]


async def test_a_manager_has_a_name_that_can_be_printed(world: Any) -> None:
    found = await world.body("POST", f"{CORE}/configmaps", {"metadata": {"name": "a"}}, fieldManager="a\x01")
    assert found["message"].endswith(r'fieldManager: Invalid value: "a\x01": invalid character U+0001 (at position 1)')


async def test_owners_that_no_server_wrote_count_for_nothing(world: Any) -> None:
    entry = {"manager": "x", "operation": "Odd", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {}}}
    found = await world.body("POST", f"{CORE}/configmaps", {"metadata": {"name": "a", "managedFields": [entry]}, "data": {"a": "b"}})
    assert [one["manager"] for one in found["metadata"]["managedFields"]] == ["tests"]


async def test_a_node_that_is_new_is_not_ready(world: Any) -> None:
    found = await world.body("POST", "/api/v1/nodes", {"metadata": {"name": "n"}})
    assert found["spec"]["taints"] == [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]
    refused = await world.body("GET", "/api/v1/nodes", fieldSelector="metadata.namespace=a")
    assert refused["message"] == "field label not supported: metadata.namespace"


async def test_yaml_quotes_what_would_be_read_as_something_else(world: Any) -> None:
    data = {"a": "1", "b": "true", "c": "plain", "d": "two\nlines\n", "e": "1e3", "f": "a: b", "g": "n"}
    await world.body("POST", f"{CORE}/configmaps", {"metadata": {"name": "a"}, "data": data})
    answer = await world.ask("GET", f"{CORE}/configmaps/a", headers={"accept": "application/yaml"})
    assert yaml.safe_load(answer.body)["data"] == data
    shown = answer.body.decode().partition("data:\n")[2].partition("kind:")[0]
    assert (
        shown
        == """  a: "1"
  b: "true"
  c: plain
  d: |
    two
    lines
  e: "1e3"
  f: 'a: b'
  g: "n"
"""
    )


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ({}, ["0/1", "Pending", "0"]),
        ({"phase": "Running", "containerStatuses": [{"name": "c", "ready": True, "state": {"running": {}}}]}, ["1/1", "Running", "0"]),
        (
            {"phase": "Pending", "containerStatuses": [{"name": "c", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]},
            ["0/1", "ImagePullBackOff", "0"],
        ),
        (
            {"phase": "Running", "containerStatuses": [{"name": "c", "restartCount": 3, "state": {"terminated": {"exitCode": 2}}}]},
            ["0/1", "ExitCode:2", "3"],
        ),
        ({"phase": "Failed", "reason": "Evicted"}, ["0/1", "Evicted", "0"]),
        ({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]}, ["0/1", "SchedulingGated", "0"]),
    ],
)
async def test_a_pods_row_says_what_it_is_doing(world: Any, status: Any, shown: list[str]) -> None:
    await world.body("POST", f"{CORE}/pods", {"metadata": {"name": "p"}, "spec": POD})
    await world.body("PATCH", f"{CORE}/pods/p/status", {"status": status}, headers=MERGE)
    table = await world.body("GET", f"{CORE}/pods/p", headers=TABLE)
    assert table["rows"][0]["cells"][1:4] == shown


@pytest.mark.parametrize(
    ("path", "spec", "status", "said"),
    [
        (
            "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            {"resourceAttributes": {"verb": "get"}},
            422,
            "at least one of user or group",
        ),
        (
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            {"resourceAttributes": {"verb": "get"}, "nonResourceAttributes": {"path": "/x", "verb": "get"}},
            422,
            'Invalid value: {"Path":"/x","Verb":"get"}: cannot be specified in combination with resourceAttributes',
        ),
        (
            "/apis/authorization.k8s.io/v1/namespaces/default/localsubjectaccessreviews",
            {"user": "u", "resourceAttributes": {"verb": "get", "namespace": "other"}},
            422,
            'spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace',
        ),
        ("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {}, 400, "no namespace on request"),
        ("/apis/authentication.k8s.io/v1/tokenreviews", {}, 400, "token is required for TokenReview in authentication"),
    ],
)
async def test_a_review_has_to_say_what_is_asked(world: Any, path: str, spec: Any, status: int, said: str) -> None:
    found = await world.body("POST", path, {"spec": spec})
    assert (found["code"], said in found["message"]) == (status, True), found["message"]


async def test_a_key_that_a_strict_yaml_body_has_twice_is_told_with_its_line(world: Any) -> None:
    text = b'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: "1"\n  k: "2"\nodd: 1\n'
    yaml_body = {"content-type": "application/yaml"}
    refused = await world.body("POST", f"{CORE}/configmaps", text, headers=yaml_body, fieldValidation="Strict")
    assert refused["message"].endswith(
        'strict decoding error: yaml: unmarshal errors:\n  line 7: key "k" already set in map, unknown field "odd"'
    )
    answer = await world.ask("POST", f"{CORE}/configmaps", text, headers=yaml_body)
    assert (orjson.loads(answer.body)["data"], told(answer)) == ({"k": "2"}, r'299 - "unknown field \"odd\""')


async def test_a_pods_address_is_the_first_of_its_addresses(world: Any) -> None:
    await world.body("POST", f"{CORE}/pods", {"metadata": {"name": "p"}, "spec": POD})
    for status, shown in (({"podIP": "10.0.0.1"}, "10.0.0.1"), ({"podIP": None, "podIPs": [{"ip": "10.0.0.2"}]}, "10.0.0.2")):
        found = (await world.body("PATCH", f"{CORE}/pods/p/status", {"status": status}, headers=MERGE))["status"]
        assert (found["podIP"], found["podIPs"]) == (shown, [{"ip": shown}])


async def test_an_event_stands_where_its_object_is(world: Any) -> None:
    await world.body("POST", "/api/v1/namespaces", {"metadata": {"name": "t"}})
    about = {"involvedObject": {"kind": "Node", "name": "n"}, "metadata": {"name": "e"}}
    assert (await world.body("POST", f"{CORE}/events", about))["metadata"]["name"] == "e"
    refused = await world.body("POST", "/api/v1/namespaces/t/events", about)
    assert 'involvedObject.namespace: Invalid value: "": does not match event.namespace' in refused["message"]
