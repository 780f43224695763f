"""A server without controllers, as the recorded one was: what waits for a controller waits, and what lacks something is refused."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

MERGE = {"content-type": "application/merge-patch+json"}
JSON_PATCH = {"content-type": "application/json-patch+json"}
APPLY = {"content-type": "application/apply-patch+yaml"}
MAPS, PODS = "/api/v1/namespaces/default/configmaps", "/api/v1/namespaces/default/pods"
JOBS, DEPLOYMENTS = "/apis/batch/v1/namespaces/default/jobs", "/apis/apps/v1/namespaces/default/deployments"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CONTAINERS = [{"name": "c", "image": "registry.example/c:1"}]


def named(kind: str, name: str, api_version: str = "v1", **more: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **more}


def deployment() -> dict[str, Any]:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": CONTAINERS}}
    return named("Deployment", "d", "apps/v1", spec={"selector": {"matchLabels": {"a": "b"}}, "template": template})


@pytest.fixture
async def alone(lone_world: Any) -> Any:
    await lone_world.body("POST", MAPS, named("ConfigMap", "a", data={"x": "1"}))
    return lone_world


@pytest.mark.parametrize(("policy", "finalizer"), [("Foreground", "foregroundDeletion"), ("Orphan", "orphan")])
async def test_a_deletion_that_asks_for_dependents_waits_for_a_collector(alone: Any, policy: str, finalizer: str) -> None:
    ending = await alone.body("DELETE", f"{MAPS}/a", {"propagationPolicy": policy})
    assert ending["metadata"]["finalizers"] == [finalizer]
    assert (await alone.body("DELETE", f"{MAPS}/a"))["metadata"]["resourceVersion"] == ending["metadata"]["resourceVersion"]
    assert (await alone.body("DELETE", f"{MAPS}/a", {"propagationPolicy": "Background"}))["status"] == "Success"


async def test_a_job_that_is_deleted_without_a_word_leaves_its_pods_and_warns(alone: Any) -> None:
    spec = {"template": {"spec": {"restartPolicy": "Never", "containers": CONTAINERS}}}
    await alone.body("POST", JOBS, named("Job", "j", "batch/v1", spec=spec))
    answer = await alone.ask("DELETE", f"{JOBS}/j")
    assert orjson.loads(answer.body)["metadata"]["finalizers"] == ["orphan"]
    assert "child pods are preserved by default" in answer.headers["Warning"]
    assert "Warning" not in (await alone.ask("DELETE", f"{JOBS}/j", {"propagationPolicy": "Background"})).headers


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({}, 'error looking up service account default/default: serviceaccount "default" not found'),
        ({"serviceAccountName": "there", "priorityClassName": "none"}, "no PriorityClass with name none was found"),
        ({"serviceAccountName": "there", "runtimeClassName": "none"}, 'pod rejected: RuntimeClass "none" not found'),
    ],
)
async def test_a_pod_is_refused_for_what_it_names_and_is_not_there(alone: Any, spec: dict[str, Any], said: str) -> None:
    await alone.body("POST", "/api/v1/namespaces/default/serviceaccounts", named("ServiceAccount", "there"))
    refusal = await alone.body("POST", PODS, named("Pod", "p", spec={"containers": CONTAINERS, **spec}))
    assert (refusal["code"], refusal["message"]) == (403, f'pods "p" is forbidden: {said}')


@pytest.mark.parametrize(
    ("query", "code", "said"),
    [
        ({"resourceVersion": "abc"}, 400, "invalid resource version: resourceVersion: Invalid value"),
        ({"resourceVersion": "999"}, 504, "Timeout: Too large resource version: 999, current: "),
        ({"continue": "abc"}, 400, "invalid continue token: continue key is not valid: invalid character"),
        ({"timeoutSeconds": "soon"}, 400, 'strconv.ParseInt: parsing "soon": invalid syntax'),
    ],
)
async def test_a_list_says_what_of_its_options_cannot_be(alone: Any, query: dict[str, str], code: int, said: str) -> None:
    answer = await alone.ask("GET", MAPS, **query)
    assert (answer.status, orjson.loads(answer.body)["message"][: len(said)]) == (code, said)
    assert answer.headers.get("Retry-After") == ("1" if code == 504 else None)


async def test_a_page_at_a_version_is_of_exactly_that_version(alone: Any) -> None:
    version = (await alone.body("GET", f"{MAPS}/a"))["metadata"]["resourceVersion"]
    await alone.body("DELETE", f"{MAPS}/a")
    page = await alone.body("GET", MAPS, limit="5", resourceVersion=version)
    assert [one["metadata"]["name"] for one in page["items"]] == ["a"]
    assert page["metadata"]["resourceVersion"] == version


async def test_a_version_that_a_group_does_not_have_is_a_status_and_a_collection_needs_its_namespace(alone: Any) -> None:
    assert (await alone.body("GET", "/apis/apps/v2/deployments"))["reason"] == "NotFound"
    assert (await alone.body("DELETE", "/api/v1/configmaps"))["code"] == 405


async def test_managed_fields_can_be_taken_off_and_come_back_with_an_apply(alone: Any) -> None:
    bare = await alone.body("PATCH", f"{MAPS}/a", {"metadata": {"managedFields": [{}]}}, headers=MERGE)
    assert "managedFields" not in bare["metadata"]
    applied = named("ConfigMap", "a", data={"x": "2"})
    refusal = await alone.body("PATCH", f"{MAPS}/a", applied, headers=APPLY, fieldManager="m")
    assert refusal["message"] == 'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.x'


async def test_annotations_may_be_written_beside_the_status_but_not_labels_of_a_deployment(alone: Any) -> None:
    await alone.body("POST", DEPLOYMENTS, deployment())
    patch = {"metadata": {"annotations": {"k": "v"}, "labels": {"k": "v"}}, "status": {"replicas": 1}}
    metadata = (await alone.body("PATCH", f"{DEPLOYMENTS}/d/status", patch, headers=MERGE))["metadata"]
    assert metadata["annotations"] == {"k": "v"}
    assert "labels" not in metadata


async def test_a_scale_of_another_name_is_refused(alone: Any) -> None:
    await alone.body("POST", DEPLOYMENTS, deployment())
    refusal = await alone.body("PUT", f"{DEPLOYMENTS}/d/scale", named("Scale", "e", "autoscaling/v1", spec={"replicas": 2}))
    assert refusal["message"] == "the name of the object (e) does not match the name on the URL (d)"


@pytest.mark.parametrize(
    ("text", "wrong", "shown"),
    [
        (b"", "unexpected end of JSON input", "<empty>"),
        (b"foo", "invalid character 'o' in literal false (expecting 'a')", "666f6f"),
        (b'{"kind":"ConfigMap",}', "invalid character '}' looking for beginning of object key string", '{"kind":"ConfigMap",}'),
        (b'{"a" 1}', "invalid character '1' after object key", '{"a" 1}'),
        (b'{"a":1 2}', "invalid character '2' after object key:value pair", '{"a":1 2}'),
        (b'{"a":[1 2]}' + b" " * 30, "invalid character '2' after array element", '{"a":[1 2]}' + " " * 19 + " ..."),
    ],
)
async def test_a_body_that_is_no_json_is_refused_where_it_stops_being_json(alone: Any, text: bytes, wrong: str, shown: str) -> None:
    refusal = await alone.body("POST", MAPS, text, headers={"content-type": "application/json"})
    before = "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: "
    assert refusal["message"] == f"{before}{wrong} ({shown})"


async def test_a_doubled_key_of_a_patch_is_warned_of(alone: Any) -> None:
    answer = await alone.ask("PATCH", f"{MAPS}/a", b'{"data":{"y":"1","y":"2"}}', headers=MERGE)
    assert answer.headers["Warning"] == r'299 - "duplicate field \"data.y\""'


async def test_a_patch_cannot_make_another_kind_of_an_object(alone: Any) -> None:
    refusal = await alone.body("PATCH", f"{MAPS}/a", {"kind": "Secret"}, headers=MERGE)
    assert refusal["message"].endswith("converting (v1.Secret) to (core.ConfigMap): unknown conversion")
    refusal = await alone.body("PATCH", f"{MAPS}/a", [1], headers=JSON_PATCH)
    assert refusal["message"] == "error decoding patch: json: cannot unmarshal number into Go value of type handlers.jsonPatchOp"


def widgets(schema: dict[str, Any], **spec: Any) -> dict[str, Any]:
    whole = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": schema}}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": whole}}
    names = {"plural": "widgets", "kind": "Widget"}
    content = {"group": "x.example.com", "scope": "Namespaced", "names": names, "versions": [version], **spec}
    return named("CustomResourceDefinition", "widgets.x.example.com", "apiextensions.k8s.io/v1", spec=content)


AT = "spec.versions[0].schema.openAPIV3Schema.properties[spec].properties[a]"


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "foo"}, '.type: Unsupported value: "foo": supported values: "array", "boolean", "integer", "number", "object", "string"'),
        ({"type": "array"}, ".items: Required value: must be specified"),
        ({"type": "string", "default": 5}, f'.default: Invalid value: "integer": {AT}.default in body must be of type string: "integer"'),
        (
            {"type": "object", "properties": {"x": {"type": "string"}}, "additionalProperties": {"type": "string"}},
            ".additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
        ),
        (
            {"type": "string", "x-kubernetes-list-type": "set"},
            '.type: Invalid value: "string": must be array if x-kubernetes-list-type is specified',
        ),
        ({"type": "string", "oneOf": [{"type": "string"}]}, ".oneOf[0].type: Forbidden: must be empty to be structural"),
        (
            {"type": "object", "anyOf": [{"required": ["x"], "properties": {"x": {}}}]},
            f".properties[x]: Required value: because it is defined in {AT}.anyOf[0].properties[x]",
        ),
        (
            {"type": "string", "x-kubernetes-validations": [{"rule": " "}]},
            ".x-kubernetes-validations[0].rule: Required value: rule is not specified",
        ),
    ],
)
async def test_a_schema_is_refused_for_what_it_may_not_say(alone: Any, schema: dict[str, Any], said: str) -> None:
    refusal = await alone.body("POST", DEFINITIONS, widgets(schema))
    assert refusal["message"] == f'CustomResourceDefinition.apiextensions.k8s.io "widgets.x.example.com" is invalid: {AT}{said}'


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"scope": "Foo"}, 'spec.scope: Unsupported value: "Foo": supported values: "Cluster", "Namespaced"'),
        ({"names": {"plural": "widgets", "kind": "Widget", "listKind": "Widget"}}, "kind and listKind may not be the same"),
        ({"conversion": {"strategy": "Webhook"}}, "spec.conversion.conversionReviewVersions: Required value]"),
        ({"preserveUnknownFields": True}, "spec.preserveUnknownFields: Invalid value: true: cannot set to true"),
        ({"versions": []}, "spec.versions: Invalid value: null: must have exactly one version marked as storage version"),
    ],
)
async def test_a_definition_is_refused_for_what_it_may_not_say(alone: Any, spec: dict[str, Any], said: str) -> None:
    assert said in (await alone.body("POST", DEFINITIONS, widgets({"type": "string"}, **spec)))["message"]


async def test_a_version_that_objects_are_stored_in_must_stay(alone: Any) -> None:
    made = await alone.body("POST", DEFINITIONS, widgets({"type": "string"}))
    renamed = [{**made["spec"]["versions"][0], "name": "v2"}]
    refusal = await alone.body("PATCH", f"{DEFINITIONS}/widgets.x.example.com", {"spec": {"versions": renamed}}, headers=MERGE)
    assert 'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions' in refusal["message"]
