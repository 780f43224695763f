"""What the server adds to an object that does not say it: the fields' defaults, kind by kind."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from fleetd.kubeapi import defaults_pods as pods
from fleetd.kubeapi import definitions, services
from fleetd.kubeapi.defaults_pods import absent, struct, structs

Body = dict[str, Any]
AUTHORIZATION = "rbac.authorization.k8s.io"


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
    absent(body, ("type", "Opaque"))


def _namespace(body: Body) -> None:
    metadata = body["metadata"]
    if metadata.get("name"):
        metadata["labels"] = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata["name"]}
    body.setdefault("spec", {})
    absent(body.setdefault("status", {}), ("phase", "Active"))


def _network_policy(body: Body) -> None:
    spec = body.setdefault("spec", {})
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    for rule in (*structs(spec, "ingress"), *structs(spec, "egress")):
        for port in structs(rule, "ports"):
            absent(port, ("protocol", "TCP"))


def _role(body: Body) -> None:
    body.setdefault("rules", None)


def _role_binding(body: Body) -> None:
    reference = body.get("roleRef")
    if isinstance(reference, dict) and not reference.get("apiGroup"):
        reference["apiGroup"] = AUTHORIZATION
    for subject in structs(body, "subjects"):
        if subject.get("kind") in ("User", "Group") and not subject.get("apiGroup"):
            subject["apiGroup"] = AUTHORIZATION
        if subject.get("kind") == "ServiceAccount" and not subject.get("apiGroup"):
            subject.pop("apiGroup", None)


def _claim(body: Body) -> None:
    absent(body.setdefault("spec", {}), ("volumeMode", "Filesystem"))
    absent(body.setdefault("status", {}), ("phase", "Pending"))


def _volume(body: Body) -> None:
    spec = body.setdefault("spec", {})
    absent(spec, ("persistentVolumeReclaimPolicy", "Retain"), ("volumeMode", "Filesystem"))
    pods.source_defaults(spec)
    absent(body.setdefault("status", {}), ("phase", "Pending"))


def _budget(body: Body) -> None:
    counts = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
    absent(body["status"], *((key, 0) for key in counts))


def _ingress(body: Body) -> None:
    body["status"].setdefault("loadBalancer", {})


def _event(body: Body) -> None:
    absent(body, ("reportingComponent", ""), ("reportingInstance", ""))
    for key in ("eventTime", "firstTimestamp", "lastTimestamp"):
        body.setdefault(key, None)


def _scaler(body: Body) -> None:
    spec = body.setdefault("spec", {})
    absent(spec, ("minReplicas", 1))
    if body.get("apiVersion") == "autoscaling/v1":
        return
    if not spec.get("metrics"):
        usual = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
        spec["metrics"] = [usual]
    behavior = spec.get("behavior")
    if isinstance(behavior, dict):
        halved = [{"type": "Percent", "value": 100, "periodSeconds": 15}]
        rising: Body = {"stabilizationWindowSeconds": 0, "selectPolicy": "Max"}
        rising["policies"] = [{"type": "Pods", "value": 4, "periodSeconds": 15}, *halved]
        for key, usually in (("scaleUp", rising), ("scaleDown", {"selectPolicy": "Max", "policies": halved})):
            absent(behavior.setdefault(key, {}), *usually.items())
    body["status"].setdefault("currentMetrics", None)


def _limit_range(body: Body) -> None:
    for item in structs(struct(body, "spec"), "limits"):
        if item.get("type") == "Container":
            limit = {**(item.get("max") or {}), **(item.get("default") or {})}
            request = {**(item.get("min") or {}), **limit, **(item.get("defaultRequest") or {})}
            for key, value in (("default", limit), ("defaultRequest", request)):
                if value:
                    item[key] = value


def _endpoints(body: Body) -> None:
    for subset in structs(body, "subsets"):
        for port in structs(subset, "ports"):
            absent(port, ("protocol", "TCP"))


def _slice(body: Body) -> None:
    body.setdefault("endpoints", None)
    body.setdefault("ports", None)
    for endpoint in structs(body, "endpoints"):
        endpoint.setdefault("conditions", {})
    for port in structs(body, "ports"):
        absent(port, ("name", ""), ("protocol", "TCP"))


def _storage_class(body: Body) -> None:
    absent(body, ("reclaimPolicy", "Delete"), ("volumeBindingMode", "Immediate"))


def _driver(body: Body) -> None:
    spec = body.setdefault("spec", {})
    absent(spec, ("attachRequired", True), ("podInfoOnMount", False), ("storageCapacity", False), ("requiresRepublish", False))
    absent(spec, ("fsGroupPolicy", "ReadWriteOnceWithFSType"), ("seLinuxMount", False))
    spec["volumeLifecycleModes"] = spec.get("volumeLifecycleModes") or ["Persistent"]


def _priority_class(body: Body) -> None:
    absent(body, ("preemptionPolicy", "PreemptLowerPriority"), ("value", 0))


def _flow_schema(body: Body) -> None:
    absent(body.setdefault("spec", {}), ("matchingPrecedence", 1000))


def _ingress_class(body: Body) -> None:
    parameters = struct(struct(body, "spec"), "parameters")
    if parameters:
        absent(parameters, ("scope", "Cluster"))


def _webhooks(body: Body) -> None:
    for hook in structs(body, "webhooks"):
        absent(hook, ("failurePolicy", "Fail"), ("matchPolicy", "Equivalent"), ("timeoutSeconds", 10))
        absent(hook, ("namespaceSelector", {}), ("objectSelector", {}))
        if body.get("kind") == "MutatingWebhookConfiguration":
            absent(hook, ("reinvocationPolicy", "Never"))
        for rule in structs(hook, "rules"):
            absent(rule, ("scope", "*"))
        service = struct(struct(hook, "clientConfig"), "service")
        if service:
            absent(service, ("port", 443))


def _runtime_class(body: Body) -> None:
    for toleration in structs(struct(body, "scheduling"), "tolerations"):
        toleration.setdefault("operator", "Equal")


def _api_service(body: Body) -> None:
    service = struct(struct(body, "spec"), "service")
    if service:
        absent(service, ("port", 443))


DEFAULTS: dict[str, Callable[[Body], None]] = {
    "services": services.defaults,
    definitions.DEFINITIONS: definitions.defaults,
    "apiservices.apiregistration.k8s.io": _api_service,
    "clusterrolebindings.rbac.authorization.k8s.io": _role_binding,
    "clusterroles.rbac.authorization.k8s.io": _role,
    "configmaps": _config_map,
    "cronjobs.batch": pods.cron_job,
    "csidrivers.storage.k8s.io": _driver,
    "daemonsets.apps": pods.daemon_set,
    "deployments.apps": pods.deployment,
    "endpoints": _endpoints,
    "endpointslices.discovery.k8s.io": _slice,
    "events": _event,
    "flowschemas.flowcontrol.apiserver.k8s.io": _flow_schema,
    "horizontalpodautoscalers.autoscaling": _scaler,
    "ingressclasses.networking.k8s.io": _ingress_class,
    "ingresses.networking.k8s.io": _ingress,
    "jobs.batch": pods.job,
    "limitranges": _limit_range,
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": _webhooks,
    "namespaces": _namespace,
    "networkpolicies.networking.k8s.io": _network_policy,
    "persistentvolumeclaims": _claim,
    "persistentvolumes": _volume,
    "poddisruptionbudgets.policy": _budget,
    "pods": pods.pod,
    "podtemplates": pods.pod_template,
    "priorityclasses.scheduling.k8s.io": _priority_class,
    "replicasets.apps": pods.replica_set,
    "replicationcontrollers": pods.replication_controller,
    "rolebindings.rbac.authorization.k8s.io": _role_binding,
    "roles.rbac.authorization.k8s.io": _role,
    "runtimeclasses.node.k8s.io": _runtime_class,
    "secrets": _secret,
    "statefulsets.apps": pods.stateful_set,
    "storageclasses.storage.k8s.io": _storage_class,
    "validatingwebhookconfigurations.admissionregistration.k8s.io": _webhooks,
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
