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
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-3, 70000), st.sampled_from(["", "a", "x y", "None", "ClusterIP", "LoadBalancer", "%"]))
KEYS = st.sampled_from(
    "metadata name namespace labels annotations finalizers ownerReferences managedFields spec status data type ports port selector "
    "template containers replicas matchLabels clusterIP loadBalancer ingress ip versions names group plural strategy rollingUpdate "
    "volumes secret env valueFrom fieldRef stringData subjects roleRef $patch $retainKeys $setElementOrder/ports apiVersion uid "
    "resourceVersion fieldsV1 egress jobTemplate subresources schema openAPIV3Schema served storage deletionTimestamp generation "
    "immutable livenessProbe httpGet conditions".split()
)
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
        {"op": st.sampled_from("add remove replace move copy test frob".split())},
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


@settings(max_examples=250, deadline=None)
@given(kind=PLURALS, body=OBJECTS, patch=st.one_of(OBJECTS, OPERATIONS, JSON), form=PATCHES)
def test_any_object_and_any_patch_is_answered(new_world: Any, kind: tuple[str, str, str], body: Any, patch: Any, form: str) -> None:
    async def run() -> None:
        world = new_world()
        version, name, path = kind
        manifest = {**body, "apiVersion": version, "kind": name}
        answer = await send(world, "POST", path, manifest)
        assert answer.status in (200, 201, 400, 403, 404, 409, 422, 500), answer.body
        metadata = manifest.get("metadata")
        if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
            manifest["metadata"] = {"name": "a"}
        manifest["metadata"].pop("resourceVersion", None)
        of = f"{path}/{manifest['metadata']['name']}"
        await send(world, "POST", path, {"apiVersion": version, "kind": name, "metadata": {"name": "a"}})
        await send(world, "PUT", of, manifest)
        await send(world, "PATCH", of, patch, form, fieldManager="m")
        if isinstance(patch, dict):
            await send(world, "PATCH", of, {**patch, "apiVersion": version, "kind": name}, form, fieldManager="m")
        await send(world, "PATCH", f"{of}/status", {"status": body}, "application/merge-patch+json")
        await still_whole(world, path)
        await send(world, "DELETE", of, body)
        await still_whole(world, path)

    asyncio.run(run())


@given(body=st.binary(max_size=40), form=st.sampled_from(["application/json", "application/yaml", "application/apply-patch+yaml", "text/x", ""]))
def test_any_bytes_are_answered(new_world: Any, body: bytes, form: str) -> None:
    async def run() -> None:
        world = new_world()
        for method, path in (("POST", "/api/v1/namespaces/default/configmaps"), ("PATCH", "/api/v1/namespaces/default/configmaps/a")):
            answer = await world.server.handle(
                Request(method, path, {"fieldManager": ("m",)}, {"content-type": form} if form else {}, body, ADMIN)
            )
            assert answer.status in (400, 404, 415), answer
        deleted = await world.server.handle(Request("DELETE", "/api/v1/namespaces/default/configmaps/a", {}, {}, body, ADMIN))
        assert deleted.status in (400, 404, 422)

    asyncio.run(run())


@given(
    path=st.lists(st.sampled_from(["api", "apis", "v1", "apps", "namespaces", "default", "configmaps", "a", "status", "watch", "", ".."]), max_size=8),
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
