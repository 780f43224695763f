"""What the server adds to objects of each kind, and what it leaves out."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

CONTAINERS = {"containers": [{"name": "c", "image": "i:1"}]}
TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": CONTAINERS}
SELECTED = {"selector": {"matchLabels": {"app": "a"}}, "template": TEMPLATE}
CORE, APPS, BATCH = "/api/v1/namespaces/default", "/apis/apps/v1/namespaces/default", "/apis/batch/v1/namespaces/default"


async def made(world: Any, path: str, **content: Any) -> dict[str, Any]:
    metadata = {"name": "one", **content.pop("metadata", {})}
    found: dict[str, Any] = await world.body("POST", path, {"metadata": metadata, **content})
    assert "code" not in found, found
    return found


def fields(found: dict[str, Any]) -> Any:
    return found["metadata"]["managedFields"][0]["fieldsV1"]


@pytest.mark.parametrize(
    ("path", "content", "left"),
    [
        (f"{CORE}/resourcequotas", {"spec": {"hard": {"pods": "3"}}}, {"status": {}}),
        (
            f"{CORE}/endpoints",
            {"subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 1}]}]},
            {"subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 1, "protocol": "TCP"}]}]},
        ),
        (
            f"{CORE}/limitranges",
            {"spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}}]}},
            {"spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}, "default": {"cpu": "2"}, "defaultRequest": {"cpu": "2"}}]}},
        ),
        (
            "/apis/storage.k8s.io/v1/storageclasses",
            {"provisioner": "a/b"},
            {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
        ),
        (
            "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas",
            {"spec": {"priorityLevelConfiguration": {"name": "a"}}},
            {"spec": {"priorityLevelConfiguration": {"name": "a"}, "matchingPrecedence": 1000}},
        ),
        ("/apis/scheduling.k8s.io/v1/priorityclasses", {}, {"value": 0, "preemptionPolicy": "PreemptLowerPriority"}),
        ("/apis/rbac.authorization.k8s.io/v1/clusterroles", {}, {"rules": None}),
        (
            "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
            {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}], "ports": [{"port": 80}]},
            {
                "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {}}],
                "ports": [{"name": "", "port": 80, "protocol": "TCP"}],
            },
        ),
        ("/apis/policy/v1/namespaces/default/poddisruptionbudgets", {"spec": {"minAvailable": 1}}, {"spec": {"minAvailable": 1}}),
    ],
)
async def test_defaults_stand_where_nothing_is_said(world: Any, path: str, content: dict[str, Any], left: dict[str, Any]) -> None:
    found = await made(world, path, **content)
    assert {key: found[key] for key in left} == left


async def test_an_autoscaler_of_which_nothing_is_said_looks_at_the_processor(world: Any) -> None:
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": "a"}, "maxReplicas": 3}
    found = await made(world, "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers", spec=spec)
    target = {"type": "Utilization", "averageUtilization": 80}
    assert (found["spec"]["minReplicas"], found["spec"]["metrics"][0]["resource"]) == (1, {"name": "cpu", "target": target})
    assert found["status"] == {"currentMetrics": None, "desiredReplicas": 0}


async def test_a_job_chooses_its_own_pods(world: Any) -> None:
    found = await made(world, f"{BATCH}/jobs", spec={"template": {"spec": {**CONTAINERS, "restartPolicy": "Never"}}})
    uid, spec = found["metadata"]["uid"], found["spec"]
    assert spec["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    assert spec["template"]["metadata"]["labels"] == {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": "one",
        "controller-uid": uid,
        "job-name": "one",
    }
    assert "f:selector" not in fields(found)["f:spec"]
    assert (spec["completions"], spec["parallelism"], spec["backoffLimit"], spec["suspend"]) == (1, 1, 6, False)


async def test_a_daemon_set_counts_its_templates(world: Any) -> None:
    found = await made(world, f"{APPS}/daemonsets", spec=SELECTED)
    name = "deprecated.daemonset.template.generation"
    assert found["metadata"]["annotations"] == {name: "1"}
    assert fields(found)["f:metadata"] == {"f:annotations": {".": {}, f"f:{name}": {}}}
    patch = {"spec": {"template": {"spec": {"dnsPolicy": "Default"}}}}
    merge = {"content-type": "application/merge-patch+json"}
    changed = await world.body("PATCH", f"{APPS}/daemonsets/one", patch, headers=merge)
    assert changed["metadata"]["annotations"] == {name: "2"}


async def test_what_is_empty_is_not_kept_where_it_says_nothing(world: Any) -> None:
    container = {"name": "c", "image": "i", "env": [{"name": "A", "value": ""}], "stdin": False, "workingDir": "", "args": []}
    template = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [container], "hostNetwork": False}}
    found = await made(world, f"{APPS}/deployments", spec={**SELECTED, "template": template, "paused": False, "minReadySeconds": 0})
    kept = found["spec"]["template"]["spec"]
    assert (kept["containers"][0]["env"], {"stdin", "workingDir", "args"} & kept["containers"][0].keys()) == ([{"name": "A"}], set())
    assert not {"paused", "minReadySeconds"} & found["spec"].keys()
    assert "hostNetwork" not in kept
    claim = await made(
        world,
        f"{CORE}/persistentvolumeclaims",
        spec={"accessModes": ["ReadWriteOnce"], "storageClassName": "", "resources": {"requests": {"storage": "1Gi"}}},
    )
    assert claim["spec"]["storageClassName"] == ""


async def test_a_pod_is_given_its_account_its_priority_and_its_patience(world: Any) -> None:
    await made(world, "/apis/scheduling.k8s.io/v1/priorityclasses", value=7, metadata={"name": "high"})
    limits = {"limits": {"cpu": "1", "memory": "1Gi"}}
    spec = {"containers": [{"name": "c", "image": "i:1", "resources": limits}], "priorityClassName": "high", "volumes": [{"name": "v"}]}
    found = await made(world, f"{CORE}/pods", spec=spec)
    kept = found["spec"]
    assert (kept["serviceAccountName"], kept["priority"], kept["preemptionPolicy"]) == ("default", 7, "PreemptLowerPriority")
    assert kept["containers"][0]["resources"]["requests"] == limits["limits"]
    assert (found["status"]["qosClass"], kept["volumes"][0]) == ("Guaranteed", {"name": "v", "emptyDir": {}})
    assert kept["volumes"][1]["name"] == kept["containers"][0]["volumeMounts"][0]["name"]
    assert [one["tolerationSeconds"] for one in kept["tolerations"]] == [300, 300]
    assert not {"f:tolerations", "f:priority", "f:serviceAccountName"} & fields(found)["f:spec"].keys()


async def test_limit_ranges_and_quotas_count_for_pods(world: Any) -> None:
    await made(world, f"{CORE}/limitranges", spec={"limits": [{"type": "Container", "default": {"cpu": "1"}}]})
    await made(world, f"{CORE}/resourcequotas", spec={"hard": {"limits.cpu": "1500m", "pods": "5"}})
    found = await made(world, f"{CORE}/pods", spec=CONTAINERS)
    assert found["spec"]["containers"][0]["resources"] == {"requests": {"cpu": "1"}, "limits": {"cpu": "1"}}
    assert "cpu limit for container c" in found["metadata"]["annotations"]["kubernetes.io/limit-ranger"]
    refused = await world.body("POST", f"{CORE}/pods", {"metadata": {"name": "two"}, "spec": CONTAINERS})
    said = "exceeded quota: one, requested: limits.cpu=1, used: limits.cpu=1, limited: limits.cpu=1500m"
    assert (refused["code"], refused["message"]) == (403, f'pods "two" is forbidden: {said}')


async def test_wide_tables_tell_more_of_a_deployment(world: Any) -> None:
    await made(world, f"{APPS}/deployments", spec=SELECTED)
    accept = {"accept": "application/json;as=Table;g=meta.k8s.io;v=v1"}
    table = await world.body("GET", f"{APPS}/deployments", headers=accept)
    names = [(one["name"], one["priority"]) for one in table["columnDefinitions"]]
    assert names == [
        ("Name", 0),
        ("Ready", 0),
        ("Up-to-date", 0),
        ("Available", 0),
        ("Age", 0),
        ("Containers", 1),
        ("Images", 1),
        ("Selector", 1),
    ]
    assert table["rows"][0]["cells"][5:] == ["c", "i:1", "app=a"]


async def test_times_are_kept_in_one_form_and_a_lease_says_microseconds(world: Any) -> None:
    path = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    found = await made(world, path, spec={"renewTime": "2024-01-01T02:00:00.123456+02:00"})
    assert found["spec"]["renewTime"] == "2024-01-01T00:00:00.123456Z"
    refused = await world.body("POST", path, {"metadata": {"name": "two"}, "spec": {"renewTime": "2024-01-01T02:00:00Z"}})
    assert (refused["code"], refused["message"].endswith('cannot parse "Z" as ".000000"')) == (400, True)


async def test_a_put_makes_objects_of_some_kinds_and_needs_a_version_for_some(world: Any) -> None:
    path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/one"
    assert (await world.ask("PUT", path, {"metadata": {"name": "one"}})).status == 201
    refused = await world.body("PUT", path, {"metadata": {"name": "one"}, "spec": {"holderIdentity": "a"}})
    assert refused["message"].endswith("metadata.resourceVersion: Invalid value: 0: must be specified for an update")
    assert (await world.ask("PUT", f"{CORE}/configmaps/one", {"metadata": {"name": "one"}})).status == 404


async def test_a_version_shows_what_it_has_a_place_for_and_warns_when_it_is_deprecated(world: Any) -> None:
    def version(name: str, field: str, **more: Any) -> dict[str, Any]:
        spec = {"type": "object", "properties": {field: {"type": "integer"}}}
        schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
        return {"name": name, "served": True, "storage": name == "v1", "schema": schema, **more}

    scale = {"scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"}}
    versions = [version("v1beta1", "other", deprecated=True), version("v1", "size", subresources=scale)]
    names = {"plural": "things", "kind": "Thing"}
    definition = {"group": "a.example", "scope": "Namespaced", "names": names, "versions": versions}
    await world.body(
        "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {"metadata": {"name": "things.a.example"}, "spec": definition}
    )
    things = "/apis/a.example/v1/namespaces/default/things"
    await made(world, things, apiVersion="a.example/v1", kind="Thing", spec={"size": 2})
    old = await world.ask("GET", f"{things.replace('v1', 'v1beta1')}/one")
    assert (orjson.loads(old.body)["spec"], old.headers["Warning"]) == ({}, '299 - "a.example/v1beta1 Thing is deprecated"')
    assert (await world.body("GET", "/apis/a.example"))["preferredVersion"]["version"] == "v1"
    merge = {"content-type": "application/merge-patch+json"}
    scaled = await world.body("PATCH", f"{things}/one/scale", {"spec": {"replicas": 5}}, headers=merge)
    assert (scaled["spec"], (await world.body("GET", f"{things}/one"))["spec"]) == ({"replicas": 5}, {"size": 5})
