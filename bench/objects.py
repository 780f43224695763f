"""Objects that the goals are measured with."""

from __future__ import annotations

from typing import Any

import orjson

from fleetd.domain.objects import Manifest

POD_RULE = "resource.status.phase == 'Failed' || resource.status.containerStatuses.exists(c, c.restartCount > 5)"
"""False for every Pod that `pod_event` makes: it looks at all containers before it says so."""

PROJECTED = [
    {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
]


def pod(name: str, version: str, *, restarts: int = 0) -> Manifest:
    """A running Pod as a real server sends it: two containers, conditions, and managedFields of two managers, about 4.7 KB."""
    containers = [_container("web", 8080), _container("proxy", 15001)]
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": name,
            "generateName": "web-6d5f8b7c9d-",
            "namespace": "shop",
            "uid": "6f0b3f0e-8d5c-4a55-9c0e-5a8c1f6f2d11",
            "resourceVersion": version,
            "creationTimestamp": "2026-01-12T08:30:11Z",
            "labels": {"app": "web", "pod-template-hash": "6d5f8b7c9d", "tier": "frontend", "version": "v12"},
            "annotations": {
                "example.com/restarted-at": "2026-01-12T08:30:10Z",
                "example.com/config-digest": "9f86d081884c7d659a2feaa0c55ad015",
            },
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "ReplicaSet",
                    "name": "web-6d5f8b7c9d",
                    "uid": "0d9f3c1a-1a7c-4a27-9a7f-2f6c3d1b9e77",
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
            "managedFields": [_managed("kube-controller-manager", _spec_fields()), _managed("kubelet", _status_fields())],
        },
        "spec": {
            "containers": containers,
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "serviceAccountName": "web",
            "nodeName": "node-17.eu-west.example.com",
            "schedulerName": "default-scheduler",
            "volumes": [{"name": "kube-api-access", "projected": {"sources": PROJECTED, "defaultMode": 420}}],
            "tolerations": [
                {"key": f"node.kubernetes.io/{what}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
                for what in ("not-ready", "unreachable")
            ],
        },
        "status": {
            "phase": "Running",
            "conditions": [
                {"type": what, "status": "True", "lastProbeTime": None, "lastTransitionTime": "2026-01-12T08:30:20Z"}
                for what in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
            ],
            "hostIP": "10.2.0.17",
            "podIP": "10.128.3.41",
            "podIPs": [{"ip": "10.128.3.41"}],
            "startTime": "2026-01-12T08:30:12Z",
            "containerStatuses": [_status(container, restarts) for container in containers],
            "qosClass": "Burstable",
        },
    }


def _container(name: str, port: int) -> dict[str, Any]:
    return {
        "name": name,
        "image": f"registry.example.com/shop/{name}:1.12.3",
        "ports": [{"name": "http", "containerPort": port, "protocol": "TCP"}],
        "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "REGION", "value": "eu-west"}],
        "resources": {"limits": {"cpu": "500m", "memory": "256Mi"}, "requests": {"cpu": "50m", "memory": "128Mi"}},
        "terminationMessagePath": "/dev/termination-log",
        "imagePullPolicy": "IfNotPresent",
    }


def _status(container: dict[str, Any], restarts: int) -> dict[str, Any]:
    return {
        "name": container["name"],
        "state": {"running": {"startedAt": "2026-01-12T08:30:19Z"}},
        "lastState": {},
        "ready": True,
        "restartCount": restarts,
        "image": container["image"],
        "imageID": f"{container['image']}@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        "started": True,
    }


def _managed(manager: str, fields: dict[str, Any]) -> dict[str, Any]:
    entry = {"manager": manager, "operation": "Update", "apiVersion": "v1", "time": "2026-01-12T08:30:20Z", "fieldsType": "FieldsV1"}
    return {**entry, "fieldsV1": fields, **({"subresource": "status"} if manager == "kubelet" else {})}


def _spec_fields() -> dict[str, Any]:
    names = ("image", "imagePullPolicy", "name", "terminationMessagePath")
    container: dict[str, Any] = {".": {}, **{f"f:{name}": {} for name in names}, "f:resources": {"f:limits": {"f:cpu": {}, "f:memory": {}}}}
    return {
        "f:metadata": {
            "f:generateName": {},
            "f:labels": {".": {}, "f:app": {}, "f:pod-template-hash": {}, "f:tier": {}},
            "f:ownerReferences": {},
        },
        "f:spec": {
            "f:containers": {'k:{"name":"web"}': container, 'k:{"name":"proxy"}': container},
            "f:dnsPolicy": {},
            "f:restartPolicy": {},
        },
    }


def _status_fields() -> dict[str, Any]:
    condition: dict[str, Any] = {".": {}, "f:lastProbeTime": {}, "f:lastTransitionTime": {}, "f:status": {}, "f:type": {}}
    conditions = {f'k:{{"type":"{what}"}}': condition for what in ("ContainersReady", "Initialized", "Ready")}
    return {
        "f:status": {"f:conditions": conditions, "f:containerStatuses": {}, "f:hostIP": {}, "f:phase": {}, "f:podIP": {}, "f:startTime": {}}
    }


def pod_event(name: str, version: str, *, restarts: int = 0) -> bytes:
    """One line of a watch, as Kubernetes writes it."""
    return b'{"type":"MODIFIED","object":' + orjson.dumps(pod(name, version, restarts=restarts)) + b"}\n"


def pod_declarations() -> list[Manifest]:
    """Watches Pods by labels and CEL; what it would deploy goes to no cluster."""
    source = _source("failing-pods", "Pod", [("app", "web"), ("tier", "frontend")], rule=POD_RULE)
    trigger = _trigger("tell-of-failing-pods", "failing-pods", {"destinationClusterSelector": {"matchLabels": {"role": "nobody"}}})
    return [source, trigger]


COPY = """\
apiVersion: v1
kind: Service
metadata:
  name: {{ .Resource.metadata.name }}
  namespace: {{ .Resource.metadata.namespace }}
  annotations:
    bench/mark: "{{ index .Resource.metadata.annotations "bench/mark" }}"
spec:
  type: ClusterIP
  ports:
  {{- range .Resource.spec.ports }}
    - name: {{ .name }}
      port: {{ .port }}
      protocol: {{ .protocol }}
  {{- end }}
"""


def copy_declarations(destination: Manifest) -> list[Manifest]:
    """An exported Service is copied, with its mark, to `destination` (a part of an EventTrigger's spec) and guarded there."""
    source = _source("exported", "Service", [("bench/export", "true")], rule="resource.spec.ports.size() > 0", collect=True)
    template: Manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "copy", "namespace": "default", "annotations": {"projectsveltos.io/instantiate": "ok"}},
        "data": {"service.yaml": COPY},
    }
    trigger = _trigger("copy", "exported", destination)
    trigger["spec"] |= {
        "oneForEvent": True,
        "syncMode": "ContinuousWithDriftDetection",
        "policyRefs": [{"kind": "ConfigMap", "namespace": "default", "name": "copy"}],
    }
    return [template, source, trigger]


def watch_declarations(kinds: tuple[str, ...], triggers: int = 1) -> list[Manifest]:
    """Watches these core kinds on every member, each by so many triggers; nothing ever matches."""
    made = []
    for kind in kinds:
        name = f"watch-{kind.lower()}"
        made.append(_source(name, kind, [("bench/never", "true")]))
        nobody = {"destinationClusterSelector": {"matchLabels": {"role": "nobody"}}}
        made += [
            _trigger(f"{name}-{number}", name, nobody, {"matchExpressions": [{"key": "role", "operator": "Exists"}]})
            for number in range(triggers)
        ]
    return made


def exported(name: str, mark: str, destination: str) -> Manifest:
    """A Service that `copy_declarations` copies; `destination` is the label that a trigger may read."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": "default",
            "labels": {"app": name, "bench/export": "true", "bench/to": destination},
            "annotations": {"bench/mark": mark},
        },
        "spec": {"type": "ClusterIP", "selector": {"app": name}, "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]},
    }


def _source(name: str, kind: str, labels: list[tuple[str, str]], *, rule: str = "", collect: bool = False) -> Manifest:
    selector: dict[str, Any] = {"group": "", "version": "v1", "kind": kind}
    selector["labelFilters"] = [{"key": key, "operation": "Equal", "value": value} for key, value in labels]
    if rule:
        selector["evaluateCEL"] = [{"name": "rule", "rule": rule}]
    spec = {"collectResources": collect, "resourceSelectors": [selector]}
    return {"apiVersion": "lib.projectsveltos.io/v1beta1", "kind": "EventSource", "metadata": {"name": name}, "spec": spec}


def _trigger(name: str, source: str, destination: Manifest, clusters: Manifest | None = None) -> Manifest:
    spec = {"sourceClusterSelector": clusters or {"matchLabels": {"role": "source"}}, "eventSourceName": source, **destination}
    return {"apiVersion": "lib.projectsveltos.io/v1beta1", "kind": "EventTrigger", "metadata": {"name": name}, "spec": spec}
