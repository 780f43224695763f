"""What the server refuses of what makes pods: the whole sentence, cause after cause."""

from __future__ import annotations

from typing import Any

import pytest

APPS, BATCH, CORE = "/apis/apps/v1/namespaces/default", "/apis/batch/v1/namespaces/default", "/api/v1/namespaces/default"
POD = {"containers": [{"name": "c", "image": "i"}]}
LABELS = {"labels": {"app": "a"}}
SELECTED = {"selector": {"matchLabels": {"app": "a"}}, "template": {"metadata": LABELS, "spec": POD}}
ONCE = {"template": {"spec": {**POD, "restartPolicy": "Never"}}}
MERGE = {"content-type": "application/merge-patch+json"}
NO_SHARE = "a valid percent string must be a numeric string followed by an ending '%'"


def running(**more: Any) -> dict[str, Any]:
    """A Deployment's spec whose pods have this in theirs."""
    return {**SELECTED, "template": {"metadata": LABELS, "spec": {**POD, **more}}}


def container(**more: Any) -> dict[str, Any]:
    return running(containers=[{"name": "c", "image": "i", **more}])


def scheduled(schedule: str, **more: Any) -> dict[str, Any]:
    return {"schedule": schedule, "jobTemplate": {"spec": ONCE}, **more}


HERE = "spec.template.spec.containers[0]"
DEPLOYMENTS: list[tuple[dict[str, Any], list[str]]] = [
    (
        {},
        [
            "spec.selector: Required value",
            "spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`",
            "spec.template.spec.containers: Required value",
        ],
    ),
    ({**SELECTED, "selector": {}}, ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"]),
    (
        {**SELECTED, "strategy": {"type": "Odd"}},
        ['spec.strategy: Unsupported value: {"Type":"Odd","RollingUpdate":null}: supported values: "Recreate", "RollingUpdate"'],
    ),
    (
        {**SELECTED, "strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}},
        ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
    ),
    (
        {**SELECTED, "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}},
        ["spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"],
    ),
    (
        {**SELECTED, "strategy": {"rollingUpdate": {"maxUnavailable": "200%"}}},
        ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "200%": must not be greater than 100%'],
    ),
    ({**SELECTED, "minReadySeconds": 700}, ["spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds"]),
    (
        {**SELECTED, "selector": {"matchLabels": {"app": "a"}, "matchExpressions": [{"key": "b", "operator": "In"}]}},
        [
            "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
            'spec.selector: Invalid value: {"matchLabels":{"app":"a"},"matchExpressions":[{"key":"b","operator":"In"}]}: '
            "invalid label selector",
        ],
    ),
    (
        container(ports=[{"name": "Bad_", "containerPort": 1}]),
        [f'{HERE}.ports[0].name: Invalid value: "Bad_": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)'],
    ),
    (
        container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "odd"}}}]),
        [
            f'{HERE}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "odd": error converting fieldPath: field label not supported: odd',
        ],
    ),
    (
        container(livenessProbe={"tcpSocket": {"port": 80}, "successThreshold": 2}, readinessProbe={}),
        [
            f"{HERE}.livenessProbe.successThreshold: Invalid value: 2: must be 1",
            f"{HERE}.readinessProbe: Required value: must specify a handler type",
        ],
    ),
    (
        container(resources={"requests": {"odd": "1"}}),
        [
            f'{HERE}.resources.requests[odd]: Invalid value: "odd": must be a standard resource type or fully qualified',
            f'{HERE}.resources.requests[odd]: Invalid value: "odd": must be a standard resource for containers',
            f"{HERE}.resources.limits: Required value: Limit must be set for non overcommitable resources",
        ],
    ),
    (
        running(volumes=[{"name": "v", "emptyDir": {}, "hostPath": {"path": "/"}}]),
        ["spec.template.spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"],
    ),
    (
        running(tolerations=[{"operator": "Equal"}]),
        [
            'spec.template.spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, '
            'which means "match all values and all keys"',
        ],
    ),
    (
        running(activeDeadlineSeconds=5),
        ["spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported"],
    ),
]


@pytest.mark.parametrize(("spec", "said"), DEPLOYMENTS)
async def test_a_deployment_is_refused_for_all_that_is_wrong_with_it(world: Any, spec: Any, said: list[str]) -> None:
    found = await world.body("POST", f"{APPS}/deployments", {"metadata": {"name": "d"}, "spec": spec})
    assert [f"{cause['field']}: {cause['message']}" for cause in found["details"]["causes"]] == said


@pytest.mark.parametrize(
    ("path", "spec", "said"),
    [
        (
            f"{APPS}/statefulsets",
            {**SELECTED, "updateStrategy": {"type": "OnDelete", "rollingUpdate": {"partition": 1}}},
            'spec.updateStrategy.rollingUpdate: Invalid value: {"Partition":1,"MaxUnavailable":null}: '
            "only allowed for updateStrategy 'RollingUpdate'",
        ),
        (
            f"{APPS}/daemonsets",
            {**SELECTED, "updateStrategy": {"rollingUpdate": {"maxUnavailable": 1, "maxSurge": "10%"}}},
            'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: "10%": may not be set when maxUnavailable is non-zero',
        ),
        (f"{BATCH}/jobs", {**ONCE, "completionMode": "Indexed", "parallelism": 1}, "spec.completions: Required value: when completion"),
        (f"{BATCH}/jobs", {**ONCE, "backoffLimitPerIndex": 1}, "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed"),
        (f"{BATCH}/jobs", {**ONCE, "selector": {"matchLabels": {"a": "b"}}}, "`selector` not auto-generated"),
        (f"{BATCH}/cronjobs", scheduled("61 * * * *"), 'Invalid value: "61 * * * *": end of range (61) above maximum (59): 61'),
        (f"{BATCH}/cronjobs", scheduled("5-1 * * * *"), "beginning of range (5) beyond end of range (1): 5-1"),
        (f"{BATCH}/cronjobs", scheduled("*/0 * * * *"), "step of range should be a positive number: */0"),
        (f"{BATCH}/cronjobs", scheduled("* * * odd *"), 'failed to parse int from odd: strconv.Atoi: parsing "odd": invalid syntax'),
        (f"{BATCH}/cronjobs", scheduled("@often"), "unrecognized descriptor: @often"),
        (f"{BATCH}/cronjobs", scheduled("@every x"), 'failed to parse duration @every x: time: invalid duration "x"'),
        (f"{BATCH}/cronjobs", scheduled("TZ=UTC 0 0 * * *"), "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"),
        (f"{BATCH}/cronjobs", scheduled("@daily", timeZone="Nowhere/Land"), "unknown time zone Nowhere/Land"),
    ],
)
async def test_other_workloads_are_refused_in_their_own_words(world: Any, path: str, spec: Any, said: str) -> None:
    found = await world.body("POST", path, {"metadata": {"name": "w"}, "spec": spec})
    assert (found["code"], said in found["message"]) == (422, True), found["message"]


@pytest.mark.parametrize("schedule", ["@hourly", "@every 1h30m", "0 0 1,15 * mon-fri", "*/5 0-6/2 ? jan *"])
async def test_a_schedule_that_can_be_read_is_taken(world: Any, schedule: str) -> None:
    found = await world.body("POST", f"{BATCH}/cronjobs", {"metadata": {"name": "w"}, "spec": scheduled(schedule, timeZone="Etc/UTC")})
    assert found["spec"]["schedule"] == schedule


async def test_a_status_counts_no_more_than_there_is(world: Any) -> None:
    await world.body("POST", f"{APPS}/deployments", {"metadata": {"name": "d"}, "spec": SELECTED})
    status = {"replicas": 1, "readyReplicas": 2, "availableReplicas": 3}
    found = await world.body("PATCH", f"{APPS}/deployments/d/status", {"status": status}, headers=MERGE)
    assert [(cause["field"], cause["message"].partition(": ")[2]) for cause in found["details"]["causes"]] == [
        ("status.readyReplicas", "2: cannot be greater than status.replicas"),
        ("status.availableReplicas", "3: cannot be greater than status.replicas"),
        ("status.availableReplicas", "3: cannot be greater than readyReplicas"),
    ]


async def test_a_pod_keeps_its_containers(lone_world: Any) -> None:
    await lone_world.body("POST", f"{CORE}/serviceaccounts", {"metadata": {"name": "default"}})
    await lone_world.body("POST", f"{CORE}/pods", {"metadata": {"name": "p"}, "spec": POD})
    spec = {"containers": [{"name": "c", "image": "i"}, {"name": "d", "image": "i"}]}
    found = await lone_world.body("PATCH", f"{CORE}/pods/p", {"spec": spec}, headers=MERGE)
    assert found["message"] == 'Pod "p" is invalid: spec.containers: Forbidden: pod updates may not add or remove containers'


async def test_an_update_tells_of_a_wrong_label_as_often_as_it_is_looked_at(world: Any) -> None:
    await world.body("POST", f"{CORE}/configmaps", {"metadata": {"name": "a"}})
    found = await world.body("PATCH", f"{CORE}/configmaps/a", {"metadata": {"labels": {"a b": ""}}}, headers=MERGE)
    assert (len(found["details"]["causes"]), found["message"].count("metadata.labels")) == (4, 1)
