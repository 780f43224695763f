"""What the server refuses of each kind, and how it says so."""

from __future__ import annotations

from typing import Any

import pytest

CORE = "/api/v1/namespaces/default"
POD = {"containers": [{"name": "c", "image": "i"}]}
TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": POD}
SELECTED = {"selector": {"matchLabels": {"app": "a"}}, "template": TEMPLATE}
MERGE = {"content-type": "application/merge-patch+json"}
WORKLOADS = "/apis/apps/v1/namespaces/default"
PATH = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "s", "port": {"number": 80}}}}


def ingress(**path: Any) -> dict[str, Any]:
    return {"spec": {"rules": [{"http": {"paths": [{**PATH, **path}]}}]}}


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        (f"{CORE}/configmaps", {"metadata": {"finalizers": ["bad"]}}, 'metadata.finalizers[0]: Invalid value: "bad": name is neither'),
        (f"{CORE}/configmaps", {"metadata": {"ownerReferences": [{"kind": "A", "name": "a", "uid": "1"}]}}, "version must not be empty"),
        (f"{CORE}/configmaps", {"metadata": {"labels": {"a/b/c": ""}}}, "a qualified name must consist of alphanumeric characters"),
        (f"{CORE}/configmaps", {"metadata": {"labels": {"/a": ""}}}, "prefix part must be non-empty"),
        (f"{CORE}/configmaps", {"metadata": {"name": "", "generateName": "A.b-"}}, 'metadata.generateName: Invalid value: "A.b-"'),
        (f"{CORE}/secrets", {"type": "kubernetes.io/basic-auth"}, "data[username]: Required value"),
        (f"{CORE}/services", {"spec": {"type": "Odd", "ports": [{"port": 1}]}}, 'spec.type: Unsupported value: "Odd": supported values'),
        (f"{CORE}/services", {"spec": {"clusterIP": "192.0.2.1", "ports": [{"port": 1}]}}, "The range of valid IPs is 10.96.0.0/12"),
        (
            f"{CORE}/services",
            {"spec": {"type": "NodePort", "ports": [{"port": 1, "nodePort": 9}]}},
            "The range of valid ports is 30000-32767",
        ),
        (f"{CORE}/pods", {"spec": {"containers": [{"name": "a", "image": "i"}] * 2}}, 'spec.containers[1].name: Duplicate value: "a"'),
        (
            f"{CORE}/pods",
            {"spec": {"containers": [{"name": "a", "image": "i", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}]}},
            'spec.containers[0].volumeMounts[0].name: Not found: "v"',
        ),
        (
            f"{CORE}/pods",
            {"spec": {"containers": [{"name": "a", "image": "i", "resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}}]}},
            'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
        ),
        (
            f"{WORKLOADS}/deployments",
            {"spec": {**SELECTED, "template": {**TEMPLATE, "spec": {**POD, "restartPolicy": "Never"}}}},
            'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
        ),
        (
            "/apis/batch/v1/namespaces/default/jobs",
            {"spec": {"template": {"spec": POD}}},
            'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
        ),
        (
            "/apis/batch/v1/namespaces/default/cronjobs",
            {"spec": {"schedule": "often", "jobTemplate": {"spec": {"template": {"spec": {**POD, "restartPolicy": "Never"}}}}}},
            'spec.schedule: Invalid value: "often": expected exactly 5 fields, found 1: [often]',
        ),
        (f"{CORE}/persistentvolumeclaims", {"spec": {}}, "spec.accessModes: Required value: at least 1 access mode is required"),
        ("/apis/networking.k8s.io/v1/namespaces/default/ingresses", {"spec": {}}, "either `defaultBackend` or `rules` must be specified"),
        ("/apis/networking.k8s.io/v1/namespaces/default/ingresses", ingress(pathType=None), "pathType: Required value: pathType must be"),
        (
            "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
            ingress(path="a"),
            'path: Invalid value: "a": must be an absolute path',
        ),
        (
            "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
            {"spec": {"minAvailable": 1, "maxUnavailable": 1}},
            "minAvailable and maxUnavailable cannot be both set",
        ),
        (
            "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
            {"spec": {"scaleTargetRef": {"kind": "D", "name": "d"}, "minReplicas": 3, "maxReplicas": 1}},
            "spec.maxReplicas: Invalid value: 1: must be greater than or equal to `minReplicas`",
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles",
            {"rules": [{"verbs": ["get"]}]},
            "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            {"roleRef": {"kind": "ClusterRole", "name": "view"}, "subjects": [{"kind": "ServiceAccount", "name": "a"}]},
            "subjects[0].namespace: Required value",
        ),
        (
            "/apis/coordination.k8s.io/v1/namespaces/default/leases",
            {"spec": {"leaseDurationSeconds": 0}},
            "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
        ),
    ],
)
async def test_what_breaks_a_rule_of_its_kind_is_refused_with_the_field(world: Any, path: str, content: dict[str, Any], said: str) -> None:
    found = await world.body("POST", path, {**content, "metadata": {"name": "one", **content.get("metadata", {})}})
    assert (found["code"], found["reason"]) == (422, "Invalid")
    assert said in found["message"]
    assert found["details"]["causes"]


@pytest.mark.parametrize(
    ("path", "content", "patch", "said"),
    [
        (
            f"{WORKLOADS}/deployments",
            {"spec": SELECTED},
            {"spec": {"selector": {"matchLabels": {"b": "c"}}}},
            "spec.selector: Invalid value",
        ),
        (
            f"{WORKLOADS}/statefulsets",
            {"spec": SELECTED},
            {"spec": {"serviceName": "x"}},
            "updates to statefulset spec for fields other than",
        ),
        (
            "/apis/batch/v1/namespaces/default/jobs",
            {"spec": {"template": {"spec": {**POD, "restartPolicy": "Never"}}}},
            {"spec": {"template": {"spec": {"dnsPolicy": "Default"}}}},
            "field is immutable",
        ),
        (f"{CORE}/pods", {"spec": POD}, {"spec": {"hostname": "x"}}, "pod updates may not change fields other than"),
        (f"{CORE}/configmaps", {"immutable": True, "data": {"a": "b"}}, {"data": {"a": "c"}}, "field is immutable when `immutable` is set"),
        ("/apis/storage.k8s.io/v1/storageclasses", {"provisioner": "a/b"}, {"provisioner": "c/d"}, "updates to provisioner are forbidden."),
        (
            f"{CORE}/persistentvolumeclaims",
            {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
            {"spec": {"accessModes": ["ReadOnlyMany"]}},
            "spec is immutable after creation except resources.requests",
        ),
    ],
)
async def test_what_cannot_be_changed_is_refused(world: Any, path: str, content: Any, patch: Any, said: str) -> None:
    await world.body("POST", path, {**content, "metadata": {"name": "one"}})
    found = await world.body("PATCH", f"{path}/one", patch, headers=MERGE)
    assert found["code"] == 422, found
    assert said in found["message"]


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ({"labelSelector": "a=b,,c"}, 400, "found ',', expected: identifier after ','"),
        ({"labelSelector": "=a"}, 400, "found '=', expected: !, identifier, or 'end of string'"),
        ({"labelSelector": "a=!b"}, 400, "unable to parse requirement: found '!', expected: identifier"),
        ({"labelSelector": "a like b"}, 400, "unable to parse requirement: found 'like', expected: in, notin, =, ==, !=, gt, lt"),
        ({"labelSelector": "-a=b"}, 400, 'unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of'),
        ({"labelSelector": "a=-b"}, 400, 'unable to parse requirement: values[0][a]: Invalid value: "-b": a valid label must be'),
        ({"continue": "?"}, 400, "continue key is not valid"),
        (
            {"resourceVersion": "0", "resourceVersionMatch": "Exact"},
            422,
            'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
        ),
        ({"limit": "many"}, 400, 'strconv.ParseInt: parsing "many": invalid syntax'),
    ],
)
async def test_a_list_that_cannot_be_made_is_refused(world: Any, query: dict[str, str], status: int, said: str) -> None:
    found = await world.body("GET", f"{CORE}/configmaps", **query)
    assert (found["code"], found["message"].removeprefix('ListOptions.meta.k8s.io "" is invalid: ')[: len(said) + 40].count(said)) == (
        status,
        1,
    )


async def test_a_page_goes_on_where_it_began_only(world: Any) -> None:
    for name in ("a", "b"):
        await world.config_map(name)
    first = await world.body("GET", f"{CORE}/configmaps", limit="1")
    token = {"continue": first["metadata"]["continue"]}
    refused = await world.body("GET", f"{CORE}/configmaps", resourceVersion="1", **token)
    assert refused["message"] == "specifying resource version is not allowed when using continue"
    assert len((await world.body("GET", f"{CORE}/configmaps", limit="-1"))["items"]) == 2


async def test_patches_that_cannot_be_read_say_why(world: Any) -> None:
    await world.config_map("a")
    strategic = {"content-type": "application/strategic-merge-patch+json"}
    path = f"{CORE}/configmaps/a"
    assert (await world.body("PATCH", path, b"[1]", headers=strategic))["message"].startswith("json: cannot unmarshal array")
    assert (await world.body("PATCH", path, b"[1]", headers=MERGE))["message"].startswith(
        "error decoding patch: json: cannot unmarshal array"
    )
    refused = await world.body("PATCH", path, {"data": {"$patch": "odd"}}, headers=strategic)
    assert (refused["code"], refused["message"]) == (500, "unknown patch type: odd in map: map[$patch:odd]")


async def test_ways_that_are_going_out_of_use_are_warned_of(world: Any) -> None:
    answer = await world.ask("GET", f"{CORE}/endpoints")
    assert answer.headers["Warning"] == '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"'
