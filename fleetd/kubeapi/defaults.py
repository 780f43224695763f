"""What the server adds to an object that does not say it: the fields' defaults, kind by kind."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from fleetd.kubeapi import definitions, services

Body = dict[str, Any]


def _config_map(body: Body) -> None:
    for key in ("data", "binaryData"):
        if not body.get(key, True):
            del body[key]


def _secret(body: Body) -> None:
    written = body.pop("stringData", None)
    if written:
        data = body.setdefault("data", {}) or {}
        body["data"] = data | {key: base64.b64encode(value.encode()).decode() for key, value in written.items()}
    if not body.get("data", True):
        del body["data"]
    body.setdefault("type", "Opaque")


def _namespace(body: Body) -> None:
    metadata = body["metadata"]
    metadata["labels"] = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata["name"]}
    body.setdefault("spec", {})
    body.setdefault("status", {}).setdefault("phase", "Active")


def _container(container: Body) -> None:
    container.setdefault("resources", {})
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    image = str(container.get("image", ""))
    latest = image and "@" not in image and (":" not in image.rpartition("/")[2] or image.endswith(":latest"))
    container.setdefault("imagePullPolicy", "Always" if latest else "IfNotPresent")
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
    for variable in container.get("env") or ():
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if isinstance(reference, dict):
            reference.setdefault("apiVersion", "v1")
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if isinstance(container.get(probe), dict):
            _probe(container[probe])


def _probe(probe: Body) -> None:
    for key, value in (("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)):
        probe.setdefault(key, value)
    if isinstance(probe.get("httpGet"), dict):
        probe["httpGet"].setdefault("path", "/")
        probe["httpGet"].setdefault("scheme", "HTTP")


VOLUME_MODES = {
    "secret": ("defaultMode", 420),
    "configMap": ("defaultMode", 420),
    "projected": ("defaultMode", 420),
    "hostPath": ("type", ""),
}


def pod_spec(spec: Body, *, restart: str = "Always") -> None:
    """The defaults of a pod's spec, in a Pod or in a template."""
    for key in ("containers", "initContainers"):
        for container in spec.get(key) or ():
            _container(container)
    usual: tuple[tuple[str, Any], ...] = (
        ("restartPolicy", restart),
        ("terminationGracePeriodSeconds", 30),
        ("dnsPolicy", "ClusterFirst"),
        ("securityContext", {}),
        ("schedulerName", "default-scheduler"),
    )
    _absent(spec, *usual)
    if "serviceAccountName" in spec:
        spec.setdefault("serviceAccount", spec["serviceAccountName"])
    for volume in spec.get("volumes") or ():
        for source, (key, value) in VOLUME_MODES.items():
            if isinstance(volume.get(source), dict):
                volume[source].setdefault(key, value)


def _template(body: Body, **facts: str) -> Body:
    spec: Body = body.setdefault("spec", {})
    template = spec.get("template")
    if isinstance(template, dict):
        (template.get("metadata") or {}).pop("creationTimestamp", None)
        if isinstance(template.get("spec"), dict):
            pod_spec(template["spec"], **facts)
    return spec


def _rolling(spec: Body, key: str, rolling: Body) -> None:
    strategy = spec.setdefault(key, {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        strategy["rollingUpdate"] = {**rolling, **(strategy.get("rollingUpdate") or {})}


def _deployment(body: Body) -> None:
    spec = _template(body)
    _absent(spec, ("replicas", 1), ("revisionHistoryLimit", 10), ("progressDeadlineSeconds", 600))
    _rolling(spec, "strategy", {"maxUnavailable": "25%", "maxSurge": "25%"})
    body.setdefault("status", {})


def _stateful_set(body: Body) -> None:
    spec = _template(body)
    _absent(spec, ("replicas", 1), ("revisionHistoryLimit", 10), ("podManagementPolicy", "OrderedReady"))
    _absent(spec, ("persistentVolumeClaimRetentionPolicy", {"whenDeleted": "Retain", "whenScaled": "Retain"}))
    _rolling(spec, "updateStrategy", {"partition": 0})
    body.setdefault("status", {"replicas": 0, "availableReplicas": 0})


def _daemon_set(body: Body) -> None:
    spec = _template(body)
    _absent(spec, ("revisionHistoryLimit", 10))
    _rolling(spec, "updateStrategy", {"maxUnavailable": 1, "maxSurge": 0})
    counts = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady")
    body.setdefault("status", dict.fromkeys(counts, 0))


def _replica_set(body: Body) -> None:
    _absent(_template(body), ("replicas", 1))
    body.setdefault("status", {"replicas": 0})


def _job(body: Body) -> None:
    spec = _template(body, restart="Never")
    _absent(spec, ("parallelism", 1), ("completions", 1), ("backoffLimit", 6), ("completionMode", "NonIndexed"), ("suspend", False))
    _absent(spec, ("podReplacementPolicy", "TerminatingOrFailed"))
    body.setdefault("status", {})


def _cron_job(body: Body) -> None:
    spec = body.setdefault("spec", {})
    _absent(spec, ("concurrencyPolicy", "Allow"), ("suspend", False), ("successfulJobsHistoryLimit", 3), ("failedJobsHistoryLimit", 1))
    template = spec.get("jobTemplate")
    if isinstance(template, dict):
        _template(template, restart="Never")
    body.setdefault("status", {})


def _pod(body: Body) -> None:
    spec = body.setdefault("spec", {})
    pod_spec(spec)
    if spec.get("enableServiceLinks") is None:
        spec["enableServiceLinks"] = True
    body.setdefault("status", {"phase": "Pending", "qosClass": "BestEffort"})


def _network_policy(body: Body) -> None:
    spec = body.setdefault("spec", {})
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    for rule in (*(spec.get("ingress") or ()), *(spec.get("egress") or ())):
        for port in rule.get("ports") or ():
            port.setdefault("protocol", "TCP")


def _role_binding(body: Body) -> None:
    reference = body.get("roleRef")
    if isinstance(reference, dict) and not reference.get("apiGroup"):
        reference["apiGroup"] = "rbac.authorization.k8s.io"
    for subject in body.get("subjects") or ():
        if subject.get("kind") in ("User", "Group") and not subject.get("apiGroup"):
            subject["apiGroup"] = "rbac.authorization.k8s.io"


def _claim(body: Body) -> None:
    body.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")
    body.setdefault("status", {"phase": "Pending"})


def _budget(body: Body) -> None:
    counts = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
    body.setdefault("status", dict.fromkeys(counts, 0))


def _ingress(body: Body) -> None:
    body.setdefault("status", {"loadBalancer": {}})


def _node(body: Body) -> None:
    body.setdefault("spec", {})
    body.setdefault("status", {})


def _absent(spec: Body, *pairs: tuple[str, Any]) -> None:
    for key, value in pairs:
        if spec.get(key) is None:
            spec[key] = value


def _event(body: Body) -> None:
    _absent(body, ("reportingComponent", ""), ("reportingInstance", ""))
    body.setdefault("eventTime", None)


DEFAULTS: dict[str, Callable[[Body], None]] = {
    "services": services.defaults,
    definitions.DEFINITIONS: definitions.defaults,
    "configmaps": _config_map,
    "secrets": _secret,
    "events": _event,
    "namespaces": _namespace,
    "pods": _pod,
    "nodes": _node,
    "persistentvolumeclaims": _claim,
    "deployments.apps": _deployment,
    "statefulsets.apps": _stateful_set,
    "daemonsets.apps": _daemon_set,
    "replicasets.apps": _replica_set,
    "jobs.batch": _job,
    "cronjobs.batch": _cron_job,
    "networkpolicies.networking.k8s.io": _network_policy,
    "ingresses.networking.k8s.io": _ingress,
    "rolebindings.rbac.authorization.k8s.io": _role_binding,
    "clusterrolebindings.rbac.authorization.k8s.io": _role_binding,
    "poddisruptionbudgets.policy": _budget,
}


def without_nulls(value: Any) -> Any:
    """A value without the keys that are null."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value]
    return value


def null_texts(body: Body) -> None:
    """In a map of texts null stands for the empty one."""
    for key in ("data", "binaryData", "stringData"):
        values = body.get(key)
        if isinstance(values, dict) and None in values.values():
            body[key] = {name: "" if value is None else value for name, value in values.items()}
