"""Types of fields that conditions mostly read, of kinds that every cluster has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from fleetd.decide.cel.checking import ANY

_METADATA: Final = (
    "string: apiVersion kind metadata.name metadata.namespace metadata.uid metadata.resourceVersion metadata.generateName"
    " metadata.creationTimestamp metadata.deletionTimestamp metadata.labels.* metadata.annotations.*;"
    " int: metadata.generation metadata.deletionGracePeriodSeconds;"
    " map: metadata metadata.labels metadata.annotations; list: metadata.ownerReferences metadata.finalizers"
)
_REPLICAS: Final = "int: spec.replicas status.replicas status.readyReplicas status.availableReplicas status.observedGeneration;"
_POD: Final = (
    "string: spec.nodeName spec.restartPolicy spec.serviceAccountName spec.schedulerName spec.priorityClassName status.phase status.podIP"
    " status.hostIP status.reason status.message status.startTime spec.nodeSelector.*;"
    " int: spec.priority spec.terminationGracePeriodSeconds;"
    " bool: spec.hostNetwork spec.hostPID spec.hostIPC; map: spec.nodeSelector spec.securityContext;"
    " list: spec.containers spec.initContainers spec.volumes spec.tolerations status.conditions status.containerStatuses"
)
_KINDS: Final[Mapping[tuple[str, str], str]] = {
    ("", "Pod"): _POD,
    ("", "Service"): "string: spec.type spec.clusterIP spec.externalName spec.sessionAffinity spec.selector.* spec.loadBalancerClass;"
    " list: spec.ports spec.externalIPs spec.clusterIPs status.loadBalancer.ingress; map: spec.selector status.loadBalancer",
    ("", "Node"): "bool: spec.unschedulable; string: spec.providerID spec.podCIDR; list: spec.taints status.conditions status.addresses;"
    " map: status.capacity status.allocatable status.nodeInfo",
    ("", "Namespace"): "string: status.phase",
    ("", "ConfigMap"): "map: data binaryData; string: data.* binaryData.*; bool: immutable",
    ("", "Secret"): "map: data; string: type data.*; bool: immutable",
    ("", "PersistentVolumeClaim"): "string: spec.storageClassName spec.volumeName status.phase; list: spec.accessModes",
    ("", "PersistentVolume"): "string: spec.storageClassName spec.persistentVolumeReclaimPolicy status.phase; list: spec.accessModes",
    (
        "apps",
        "Deployment",
    ): f"{_REPLICAS} int: status.updatedReplicas status.unavailableReplicas; bool: spec.paused; list: status.conditions",
    ("apps", "ReplicaSet"): _REPLICAS,
    ("apps", "StatefulSet"): f"{_REPLICAS} int: status.currentReplicas status.updatedReplicas; string: spec.serviceName",
    ("apps", "DaemonSet"): "int: status.numberReady status.desiredNumberScheduled status.numberAvailable status.numberUnavailable",
    ("batch", "Job"): "int: spec.parallelism spec.completions status.succeeded status.failed status.active; bool: spec.suspend",
    ("batch", "CronJob"): "string: spec.schedule spec.timeZone; bool: spec.suspend; list: status.active",
    ("networking.k8s.io", "Ingress"): "string: spec.ingressClassName; list: spec.rules spec.tls status.loadBalancer.ingress",
}


def _read(text: str) -> dict[tuple[str, ...], str]:
    """``type: path path; type: path``; a star stands for any key."""
    pairs = [part.partition(":") for part in text.split(";") if part.strip()]
    return {tuple(path.split(".")): kind.strip() for kind, _, paths in pairs for path in paths.split()}


_COMMON: Final = _read(_METADATA)
_FIELDS: Final = {known: _read(text) for known, text in _KINDS.items()}


def shapes_of(selector: Mapping[str, Any]) -> Callable[[tuple[str, ...]], str]:
    """What is known of the objects that a selector asks for, as the check of types takes it."""
    fields = {**_COMMON, **_FIELDS.get((str(selector.get("group") or ""), str(selector.get("kind") or "")), {})}
    return lambda path: fields.get(path) or fields.get((*path[:-1], "*")) or ANY
