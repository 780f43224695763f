"""Whatever a client sends, it gets an answer, and what was stored stays readable."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetd.kubeapi.exchange import Request, Response, User

ADMIN = User("admin", ("system:masters",))
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 70000), st.sampled_from(["", "a", "x y", "None", "ClusterIP", "LoadBalancer", "%"])
)
WORDS = """
metadata name namespace labels annotations finalizers ownerReferences managedFields spec status data type ports port selector template
containers replicas matchLabels clusterIP loadBalancer ingress ip versions names group plural strategy rollingUpdate volumes secret env
valueFrom fieldRef stringData subjects roleRef $patch $retainKeys $setElementOrder/ports apiVersion uid resourceVersion fieldsV1 egress
jobTemplate subresources schema openAPIV3Schema served storage deletionTimestamp generation immutable livenessProbe httpGet conditions
"""
KEYS = st.sampled_from(WORDS.split())
JSON = st.recursive(LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=5)), max_leaves=25)
OBJECTS = st.dictionaries(KEYS, JSON, max_size=6)
PLURALS = st.sampled_from(
    [
        ("v1", "ConfigMap", "/api/v1/namespaces/default/configmaps"),
        ("v1", "Secret", "/api/v1/namespaces/default/secrets"),
        ("v1", "Service", "/api/v1/namespaces/default/services"),
        ("v1", "Pod", "/api/v1/namespaces/default/pods"),
        ("v1", "Namespace", "/api/v1/namespaces"),
        ("v1", "Event", "/api/v1/namespaces/default/events"),
        ("apps/v1", "Deployment", "/apis/apps/v1/namespaces/default/deployments"),
        ("batch/v1", "CronJob", "/apis/batch/v1/namespaces/default/cronjobs"),
        ("networking.k8s.io/v1", "NetworkPolicy", "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding", "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"),
        ("authorization.k8s.io/v1", "SelfSubjectAccessReview", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"),
    ]
)
PATCHES = st.sampled_from(
    [
        "application/merge-patch+json",
        "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
        "application/json-patch+json",
    ]
)
OPERATIONS = st.lists(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "frob"])},
        optional={
            "path": st.sampled_from(["", "/", "/metadata", "/spec", "/spec/ports/0", "/spec/ports/-", "/metadata/name", "/a~1b", "x"]),
            "from": st.sampled_from(["", "/spec", "/metadata/labels", "/spec/ports/-1"]),
            "value": JSON,
        },
    ),
    max_size=4,
)


async def send(world: Any, method: str, path: str, body: Any, content_type: str = "application/json", **query: str) -> Response:
    asked = {key: (value,) for key, value in query.items()}
    answer = await world.server.handle(Request(method, path, asked, {"content-type": content_type}, orjson.dumps(body), ADMIN))
    assert isinstance(answer, Response)
    return answer


async def still_whole(world: Any, path: str) -> None:
    listed = await world.ask("GET", path)
    if listed.status == 200:
        shown = await world.ask("GET", path, headers={"accept": "application/json;as=Table;g=meta.k8s.io;v=v1"})
        assert shown.status == 200
        for item in orjson.loads(listed.body)["items"]:
            assert item["metadata"]["uid"]
            assert item["metadata"]["resourceVersion"]


PORTS = {
    "ports": [{"name": "a", "port": 80, "nodePort": 30001}, {"name": "b", "port": 81}],
    "type": "NodePort",
    "clusterIPs": ["10.96.0.9"],
}
POD = {"containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 1}], "env": [{"name": "E", "valueFrom": {"fieldRef": {}}}]}]}
LABELS = {"a": "b"}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": {**POD, "volumes": [{"name": "v", "secret": {"secretName": "s"}}]}}
NAMES = {"plural": "as", "kind": "A", "singular": "a", "shortNames": ["q"], "categories": ["all"]}
SCHEMA = {"schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object"}}}}, "subresources": {"status": {}}}
VERSION = {"name": "v1", "served": True, "storage": True, **SCHEMA}
WHOLE: dict[str, dict[str, Any]] = {
    "ConfigMap": {"data": {"k": "v"}, "binaryData": {"b": "AA=="}, "immutable": False},
    "Secret": {"data": {"k": "dg=="}, "stringData": {"s": "t"}, "type": "Opaque"},
    "Service": {"spec": PORTS, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}},
    "Pod": {"spec": POD, "status": {"phase": "Running"}},
    "Namespace": {"spec": {"finalizers": ["x"]}, "status": {"phase": "Active"}},
    "Event": {"involvedObject": {"name": "a", "namespace": "default"}, "reason": "r"},
    "Deployment": {
        "spec": {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE, "strategy": {"rollingUpdate": {}}}
    },
    "CronJob": {"spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": TEMPLATE}}}},
    "NetworkPolicy": {"spec": {"podSelector": {}, "ingress": [{"ports": [{"port": 1}]}], "policyTypes": ["Ingress"]}},
    "RoleBinding": {"subjects": [{"kind": "User", "name": "u"}], "roleRef": {"kind": "Role", "name": "r"}},
    "CustomResourceDefinition": {
        "spec": {
            "group": "x.y",
            "scope": "Namespaced",
            "names": NAMES,
            "versions": [{"name": "v1", "served": True, "storage": True, **SCHEMA}],
        }
    },
    "SelfSubjectAccessReview": {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}},
}
METADATA = {"labels": {"a": "b"}, "annotations": {"c": "d"}, "finalizers": ["x.y/z"], "ownerReferences": [{"uid": "1", "name": "o"}]}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


def spoiled(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    """The value with something else at one place."""
    if not path:
        return by
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = spoiled(value[path[0]], path[1:], by)
    return copy


@settings(max_examples=400, deadline=None)
@given(kind=PLURALS, data=st.data(), patch=st.one_of(OBJECTS, OPERATIONS, JSON), form=PATCHES)
def test_any_object_and_any_patch_is_answered(new_world: Any, kind: tuple[str, str, str], data: Any, patch: Any, form: str) -> None:
    async def run() -> None:
        world = new_world()
        version, name, path = kind
        named = "as.x.y" if name == "CustomResourceDefinition" else "a"
        good = {"apiVersion": version, "kind": name, "metadata": {"name": named, **METADATA}, **WHOLE[name]}
        where = data.draw(st.sampled_from([place for place in places(good) if len(place) > 1]))
        bad = spoiled(good, where, data.draw(JSON))
        of = f"{path}/{named}"
        for manifest in (bad, good):
            answer = await send(world, "POST", path, manifest)
            assert answer.status in (200, 201, 400, 409, 422, 500), answer.body
            await still_whole(world, path)
        for manifest in (good, bad):
            await send(world, "PUT", of, manifest)
            await send(world, "PATCH", of, manifest, form, fieldManager="m", force="true")
            await send(world, "PATCH", of, manifest, "application/apply-patch+yaml", fieldManager="m", force="true")
            await send(world, "PATCH", f"{of}/status", manifest, "application/merge-patch+json")
        await send(world, "PATCH", of, patch, form, fieldManager="m")
        await still_whole(world, path)
        await send(world, "DELETE", of, patch)
        await still_whole(world, path)

    asyncio.run(run())


@given(
    body=st.binary(max_size=40),
    form=st.sampled_from(["application/json", "application/yaml", "application/apply-patch+yaml", "text/x", ""]),
)
def test_any_bytes_are_answered(new_world: Any, body: bytes, form: str) -> None:
    async def run() -> None:
        world = new_world()
        for method, path in (("POST", "/api/v1/namespaces/default/configmaps"), ("PATCH", "/api/v1/namespaces/default/configmaps/a")):
            answer = await world.server.handle(
                Request(method, path, {"fieldManager": ("m",)}, {"content-type": form} if form else {}, body, ADMIN)
            )
            assert answer.status in (400, 404, 415, 422), answer
        deleted = await world.server.handle(Request("DELETE", "/api/v1/namespaces/default/configmaps/a", {}, {}, body, ADMIN))
        assert deleted.status in (400, 404, 415, 422), deleted

    asyncio.run(run())


@given(
    path=st.lists(
        st.sampled_from(["api", "apis", "v1", "apps", "namespaces", "default", "configmaps", "a", "status", "watch", "", ".."]), max_size=8
    ),
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]),
    query=st.dictionaries(
        st.sampled_from(["watch", "limit", "continue", "resourceVersion", "labelSelector", "fieldSelector", "timeoutSeconds"]),
        st.sampled_from(["1", "true", "-1", "abc", "a=b", "x in", "\u00b2", "99999999999999999999999"]),
    ),
)
def test_any_path_and_query_is_answered(new_world: Any, path: list[str], method: str, query: dict[str, str]) -> None:
    async def run() -> None:
        world = new_world()
        answer = await world.server.handle(Request(method, "/" + "/".join(path), {k: (v,) for k, v in query.items()}, {}, b"", ADMIN))
        assert not isinstance(answer, Response) or answer.status < 600

    asyncio.run(run())


async def test_a_document_that_aliases_would_make_huge_is_refused(world: Any) -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    answer = await world.ask(
        "PATCH",
        "/api/v1/namespaces/default/configmaps/a",
        "\n".join(lines).encode(),
        headers={"content-type": "application/apply-patch+yaml"},
        fieldManager="m",
    )
    assert answer.status == 400


@pytest.mark.parametrize("depth", [300, 5000])
async def test_a_body_that_nests_too_deeply_is_refused(world: Any, depth: int) -> None:
    body = b'{"metadata":{"name":"a"},"data":' + b"[" * depth + b"]" * depth + b"}"
    assert (await world.ask("POST", "/api/v1/namespaces/default/configmaps", body)).status == 400
    headers = {"content-type": "application/merge-patch+json"}
    assert (await world.ask("PATCH", "/api/v1/namespaces/default/configmaps/a", body, headers=headers)).status == 400


async def test_copies_of_a_json_patch_do_not_grow_without_bound(world: Any) -> None:
    await world.config_map("a", {"k": "x" * 1000})
    doubling = [{"op": "copy", "from": "/data", "path": f"/metadata/m{n}"} for n in range(1)]
    doubling += [{"op": "copy", "from": "/metadata", "path": f"/data/d{n}"} for n in range(64)]
    answer = await world.ask(
        "PATCH", "/api/v1/namespaces/default/configmaps/a", doubling * 8, headers={"content-type": "application/json-patch+json"}
    )
    assert answer.status == 422
