"""What the server refuses of pods, and of what makes pods from a template."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fleetd.kubeapi.defaults_pods import struct, structs
from fleetd.kubeapi.quantities import amount
from fleetd.kubeapi.refusals import Cause
from fleetd.kubeapi.rules import (
    LABEL,
    NOT_A_LABEL,
    duplicate,
    immutable_value,
    in_json,
    label_causes,
    not_allowed,
    not_found,
    not_negative,
    port_causes,
    required,
    unsupported,
    wrong,
    wrong_value,
)
from fleetd.kubeapi.selectors import selects

Body = Mapping[str, Any]
PROTOCOLS = ("SCTP", "TCP", "UDP")
PULLS = ("Always", "IfNotPresent", "Never")
RESTARTS = ("Always", "OnFailure", "Never")
STATEFUL = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
    "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
STATEFUL_FREE = {
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
}
POD_FREE = {"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates"}
POD_FIXED = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
VARIABLE = re.compile(r"[^\x00-\x1f\x7f=]+")


def pod_spec(path: str, spec: Body, restarts: Sequence[str] = RESTARTS) -> Iterator[Cause]:
    """`restarts` are the policies that may stand there."""
    volumes: set[str] = set()
    for number, volume in enumerate(structs(dict(spec), "volumes")):
        yield from _named(f"{path}.volumes[{number}]", volume, volumes)
    if not spec.get("containers"):
        yield required(f"{path}.containers")
    seen: set[str] = set()
    for key in ("containers", "initContainers"):
        for number, container in enumerate(structs(dict(spec), key)):
            yield from _container(f"{path}.{key}[{number}]", container, seen, volumes)
    policy = spec.get("restartPolicy", "Always")
    if policy not in restarts:
        yield unsupported(f"{path}.restartPolicy", policy, restarts)
    if spec.get("dnsPolicy") not in (None, "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"):
        yield unsupported(f"{path}.dnsPolicy", spec["dnsPolicy"], ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"))
    yield from not_negative(f"{path}.terminationGracePeriodSeconds", spec.get("terminationGracePeriodSeconds"))
    if isinstance(spec.get("nodeSelector"), dict):
        yield from label_causes(spec["nodeSelector"], f"{path}.nodeSelector")


def _named(here: str, item: Body, seen: set[str]) -> Iterator[Cause]:
    name = item.get("name", "")
    if not name:
        yield required(f"{here}.name")
    elif len(name) > 63:
        yield wrong_value(f"{here}.name", name, "must be no more than 63 bytes")
    elif not LABEL.fullmatch(name):
        yield wrong_value(f"{here}.name", name, NOT_A_LABEL)
    elif name in seen:
        yield duplicate(f"{here}.name", name)
    seen.add(name)


def _container(here: str, container: Body, seen: set[str], volumes: set[str]) -> Iterator[Cause]:
    yield from _named(here, container, seen)
    image = container.get("image", "")
    if not image:
        yield required(f"{here}.image")
    elif image != image.strip():
        yield wrong_value(f"{here}.image", image, "must not have leading or trailing whitespace")
    for index, port in enumerate(structs(dict(container), "ports")):
        yield from _container_port(f"{here}.ports[{index}]", port)
    for index, variable in enumerate(structs(dict(container), "env")):
        yield from _variable(f"{here}.env[{index}]", variable)
    yield from _mounts(here, container, volumes)
    if container.get("imagePullPolicy") not in (None, *PULLS):
        yield unsupported(f"{here}.imagePullPolicy", container["imagePullPolicy"], PULLS)
    yield from _resources(f"{here}.resources", struct(dict(container), "resources"))


def _container_port(here: str, port: Body) -> Iterator[Cause]:
    if not port.get("containerPort"):
        yield required(f"{here}.containerPort")
    else:
        yield from port_causes(f"{here}.containerPort", port["containerPort"])
    if port.get("hostPort"):
        yield from port_causes(f"{here}.hostPort", port["hostPort"])
    if port.get("protocol", "TCP") not in PROTOCOLS:
        yield unsupported(f"{here}.protocol", port["protocol"], PROTOCOLS)


def _variable(here: str, variable: Body) -> Iterator[Cause]:
    name = variable.get("name", "")
    if not name:
        yield required(f"{here}.name")
    elif not VARIABLE.fullmatch(name):
        yield wrong_value(
            f"{here}.name", name, "a valid environment variable name must consist only of printable ASCII characters other than '='"
        )
    if variable.get("value") and variable.get("valueFrom"):
        yield wrong(f"{here}.valueFrom", '""', "may not be specified when `value` is not empty")


def _mounts(here: str, container: Body, volumes: set[str]) -> Iterator[Cause]:
    paths: set[str] = set()
    for index, mount in enumerate(structs(dict(container), "volumeMounts")):
        at = f"{here}.volumeMounts[{index}]"
        if not mount.get("name"):
            yield required(f"{at}.name")
        elif mount["name"] not in volumes:
            yield not_found(f"{at}.name", mount["name"])
        if not mount.get("mountPath"):
            yield required(f"{at}.mountPath")
        elif mount["mountPath"] in paths:
            yield wrong_value(f"{at}.mountPath", mount["mountPath"], "must be unique")
        paths.add(mount.get("mountPath", ""))


def _resources(path: str, resources: Body) -> Iterator[Cause]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for side, amounts in (("limits", limits), ("requests", requests)):
        for name, value in amounts.items():
            if amount(value) < 0:
                yield wrong_value(f"{path}.{side}[{name}]", str(value), "must be greater than or equal to 0")
    for name, value in requests.items():
        if name in limits and amount(value) > amount(limits[name]):
            yield wrong_value(f"{path}.requests", str(value), f"must be less than or equal to {name} limit of {limits[name]}")


def pod(body: Body, live: Body | None) -> Iterator[Cause]:
    """Of a pod that is there, only little may be changed."""
    if live is None:
        yield from pod_spec("spec", body["spec"])
    elif not live["spec"].get("nodeName") and _fixed({**body["spec"], "nodeName": ""}) == _fixed({**live["spec"], "nodeName": ""}):
        return
    elif _fixed(body["spec"]) != _fixed(live["spec"]):
        yield not_allowed("spec", POD_FIXED)
    elif any(one not in (body["spec"].get("tolerations") or ()) for one in live["spec"].get("tolerations") or ()):
        yield not_allowed("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")


def _fixed(spec: Body) -> dict[str, Any]:
    """What cannot be changed; where a pod runs is the scheduler's to say once."""
    kept = {key: value for key, value in spec.items() if key not in POD_FREE and key != "ephemeralContainers"}
    for key in ("containers", "initContainers"):
        if key in kept:
            kept[key] = [{name: value for name, value in one.items() if name != "image"} for one in kept[key]]
    return kept


def workload(body: Body, live: Body | None) -> Iterator[Cause]:
    """Deployments, StatefulSets, DaemonSets and ReplicaSets."""
    spec = body["spec"]
    yield from not_negative("spec.replicas", spec.get("replicas"))
    yield from not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    yield from not_negative("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))
    selector = spec.get("selector")
    if not selector:
        yield required("spec.selector")
    elif not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield wrong("spec.selector", "{}", f"empty selector is invalid for {WORKLOADS.get(body['kind'], body['kind'].lower())}")
    yield from _template(spec, selector)
    if body["kind"] == "StatefulSet" and live is not None:
        if _but(live["spec"], STATEFUL_FREE) != _but(spec, STATEFUL_FREE):
            yield not_allowed("spec", STATEFUL)
    elif live is not None and selector and live["spec"].get("selector") != selector:
        yield immutable_value("spec.selector", selector)


WORKLOADS = {"DaemonSet": "daemonset", "Deployment": "deployment", "ReplicaSet": "deployment", "StatefulSet": "statefulset"}


def _but(spec: Body, keys: set[str]) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key not in keys}


def _template(spec: Body, selector: Body | None) -> Iterator[Cause]:
    template = spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    if not selector or not selects(selector, labels):
        yield wrong("spec.template.metadata.labels", in_json(labels), "`selector` does not match template `labels`")
    yield from label_causes(labels, "spec.template.labels")
    yield from pod_spec("spec.template.spec", template.get("spec") or {}, ("Always",))


def controller(body: Body, _live: Body | None) -> Iterator[Cause]:
    """ReplicationControllers."""
    spec = body["spec"]
    yield from not_negative("spec.replicas", spec.get("replicas"))
    if not spec.get("selector"):
        yield required("spec.selector")
    if not spec.get("template"):
        yield required("spec.template")
        return
    yield from pod_spec("spec.template.spec", spec["template"].get("spec") or {}, ("Always",))


def job_spec(path: str, spec: Body) -> Iterator[Cause]:
    """The spec of a Job, or of the Jobs of a CronJob."""
    for key in ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"):
        yield from not_negative(f"{path}.{key}", spec.get(key))
    found = (spec.get("template") or {}).get("spec") or {}
    yield from pod_spec(f"{path}.template.spec", found)
    if found.get("restartPolicy") not in ("OnFailure", "Never"):
        yield required(f"{path}.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')


def job(body: Body, live: Body | None) -> Iterator[Cause]:
    """Jobs: what they run is for good."""
    spec = body["spec"]
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    yield from job_spec("spec", spec)
    selector = spec.get("selector")
    if not selector:
        yield required("spec.selector")
    if not selector or not selects(selector, labels):
        yield wrong("spec.template.metadata.labels", in_json(labels), "`selector` does not match template `labels`")
    if live is None:
        return
    keys = ("completions", "selector", "template", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy")
    for key in keys:
        indexed = key == "completions" and spec.get("completionMode") == "Indexed"
        if spec.get(key) != live["spec"].get(key) and not indexed and not (key == "template" and live["spec"].get("suspend")):
            yield immutable_value(f"spec.{key}", spec.get(key))


def cron_job(body: Body, _live: Body | None) -> Iterator[Cause]:
    """CronJobs."""
    spec, name = body["spec"], body["metadata"].get("name", "")
    if len(name) > 52:
        yield wrong_value("metadata.name", name, "must be no more than 52 characters")
    schedule = spec.get("schedule", "")
    fields = schedule.split()
    if not schedule:
        yield required("spec.schedule")
    elif not schedule.startswith("@") and len(fields) != 5:
        yield wrong_value("spec.schedule", schedule, f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]")
    yield from not_negative("spec.startingDeadlineSeconds", spec.get("startingDeadlineSeconds"))
    for key in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        yield from not_negative(f"spec.{key}", spec.get(key))
    policies = ("Allow", "Forbid", "Replace")
    if spec.get("concurrencyPolicy") not in policies:
        yield unsupported("spec.concurrencyPolicy", spec.get("concurrencyPolicy"), policies)
    yield from job_spec("spec.jobTemplate.spec", (spec.get("jobTemplate") or {}).get("spec") or {})
