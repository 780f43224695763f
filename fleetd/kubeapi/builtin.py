"""The built-in kinds of Kubernetes v1.36, as its discovery documents list them."""

from __future__ import annotations

from typing import Any

from fleetd.kubeapi.events import core_event, newer_event
from fleetd.kubeapi.kinds import Conversion, Kind, Kinds, Subresource

STATUS = Subresource("status")
SCALE = Subresource("scale", kind="Scale", group="autoscaling", version="v1")
OLD_ENDPOINTS = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
PROXY_VERBS = ("create", "delete", "get", "patch", "update")
WITHOUT_COLLECTION = ("create", "delete", "get", "list", "patch", "update", "watch")

POD_FIELDS = (
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
)
EVENT_FIELDS = (
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
)


def _exchange(name: str, verbs: tuple[str, ...], kind: str) -> Subresource:
    return Subresource(name, verbs, kind)


POD_PATHS = (
    _exchange("attach", ("create", "get"), "PodAttachOptions"),
    _exchange("binding", ("create",), "Binding"),
    Subresource("ephemeralcontainers"),
    Subresource("eviction", ("create",), "Eviction", "policy", "v1"),
    _exchange("exec", ("create", "get"), "PodExecOptions"),
    Subresource("log", ("get",)),
    _exchange("portforward", ("create", "get"), "PodPortForwardOptions"),
    _exchange("proxy", PROXY_VERBS, "PodProxyOptions"),
    Subresource("resize"),
    STATUS,
)


def _rows(group: str, version: str, *rows: tuple[str, str, dict[str, Any]]) -> list[Kind]:
    return [Kind(group, version, kind, plural, **{"singular": kind.lower(), **facts}) for kind, plural, facts in rows]


def _short(*names: str, **more: Any) -> dict[str, Any]:
    return {"short_names": names, **more}


ALL = {"categories": ("all",)}
WIDE = {"namespaced": False}
WITH_STATUS = {"subresources": (STATUS,)}
WORKLOAD = {**ALL, "subresources": (SCALE, STATUS), "counts_generations": True}
REVIEW = {"namespaced": False, "verbs": ("create",), "stored": False}

CORE = _rows(
    "",
    "v1",
    ("Binding", "bindings", {"verbs": ("create",), "stored": False}),
    (
        "ComponentStatus",
        "componentstatuses",
        _short("cs", warning="v1 ComponentStatus is deprecated in v1.19+", **WIDE, verbs=("get", "list"), stored=False),
    ),
    ("ConfigMap", "configmaps", _short("cm")),
    ("Endpoints", "endpoints", _short("ep", warning=OLD_ENDPOINTS)),
    ("Event", "events", _short("ev", fields=EVENT_FIELDS)),
    ("LimitRange", "limitranges", _short("limits")),
    (
        "Namespace",
        "namespaces",
        _short(
            "ns",
            **WIDE,
            verbs=WITHOUT_COLLECTION,
            fields=("status.phase", "name"),
            subresources=(Subresource("finalize", ("update",)), STATUS),
            answers_with_object=True,
        ),
    ),
    (
        "Node",
        "nodes",
        _short("no", **WIDE, fields=("spec.unschedulable",), subresources=(_exchange("proxy", PROXY_VERBS, "NodeProxyOptions"), STATUS)),
    ),
    ("PersistentVolumeClaim", "persistentvolumeclaims", _short("pvc", **WITH_STATUS, answers_with_object=True)),
    ("PersistentVolume", "persistentvolumes", _short("pv", **WIDE, **WITH_STATUS, answers_with_object=True)),
    (
        "Pod",
        "pods",
        _short("po", **ALL, fields=POD_FIELDS, subresources=POD_PATHS, answers_with_object=True, counts_generations=True),
    ),
    ("PodTemplate", "podtemplates", {"answers_with_object": True, "counts_generations": True}),
    (
        "ReplicationController",
        "replicationcontrollers",
        _short("rc", **WORKLOAD, fields=("status.replicas",)),
    ),
    ("ResourceQuota", "resourcequotas", _short("quota", **WITH_STATUS, answers_with_object=True)),
    ("Secret", "secrets", {"fields": ("type",)}),
    (
        "ServiceAccount",
        "serviceaccounts",
        _short(
            "sa", answers_with_object=True, subresources=(Subresource("token", ("create",), "TokenRequest", "authentication.k8s.io", "v1"),)
        ),
    ),
    (
        "Service",
        "services",
        _short(
            "svc",
            **ALL,
            answers_with_object=True,
            fields=("spec.clusterIP", "spec.type"),
            subresources=(_exchange("proxy", PROXY_VERBS, "ServiceProxyOptions"), STATUS),
        ),
    ),
)

CORE_EVENT = next(row for row in CORE if row.kind == "Event")

GROUPS = [
    *_rows(
        "apiregistration.k8s.io",
        "v1",
        ("APIService", "apiservices", {**WIDE, **WITH_STATUS, "categories": ("api-extensions",)}),
    ),
    *_rows(
        "apps",
        "v1",
        ("ControllerRevision", "controllerrevisions", {}),
        ("DaemonSet", "daemonsets", _short("ds", **ALL, **WITH_STATUS, counts_generations=True)),
        ("Deployment", "deployments", _short("deploy", **WORKLOAD)),
        ("ReplicaSet", "replicasets", _short("rs", **WORKLOAD, fields=("status.replicas",))),
        ("StatefulSet", "statefulsets", _short("sts", **WORKLOAD)),
    ),
    *_rows("events.k8s.io", "v1", ("Event", "events", _short("ev", conversion=Conversion(CORE_EVENT, newer_event, core_event)))),
    *_rows(
        "authentication.k8s.io",
        "v1",
        ("SelfSubjectReview", "selfsubjectreviews", REVIEW),
        ("TokenReview", "tokenreviews", REVIEW),
    ),
    *_rows(
        "authorization.k8s.io",
        "v1",
        ("LocalSubjectAccessReview", "localsubjectaccessreviews", {**REVIEW, "namespaced": True}),
        ("SelfSubjectAccessReview", "selfsubjectaccessreviews", REVIEW),
        ("SelfSubjectRulesReview", "selfsubjectrulesreviews", REVIEW),
        ("SubjectAccessReview", "subjectaccessreviews", REVIEW),
    ),
    *_rows("autoscaling", "v2", ("HorizontalPodAutoscaler", "horizontalpodautoscalers", _short("hpa", **ALL, **WITH_STATUS))),
    *_rows("autoscaling", "v1", ("HorizontalPodAutoscaler", "horizontalpodautoscalers", _short("hpa", **ALL, **WITH_STATUS, kept_as="v2"))),
    *_rows(
        "batch",
        "v1",
        ("CronJob", "cronjobs", _short("cj", **ALL, **WITH_STATUS, counts_generations=True)),
        ("Job", "jobs", {**ALL, **WITH_STATUS, "counts_generations": True, "fields": ("status.successful",)}),
    ),
    *_rows(
        "certificates.k8s.io",
        "v1",
        (
            "CertificateSigningRequest",
            "certificatesigningrequests",
            _short("csr", **WIDE, subresources=(Subresource("approval"), STATUS), fields=("spec.signerName",)),
        ),
    ),
    *_rows(
        "networking.k8s.io",
        "v1",
        ("IngressClass", "ingressclasses", {**WIDE, "counts_generations": True}),
        ("Ingress", "ingresses", _short("ing", **WITH_STATUS, counts_generations=True)),
        ("IPAddress", "ipaddresses", _short("ip", **WIDE)),
        ("NetworkPolicy", "networkpolicies", _short("netpol", counts_generations=True)),
        ("ServiceCIDR", "servicecidrs", {**WIDE, **WITH_STATUS}),
    ),
    *_rows("policy", "v1", ("PodDisruptionBudget", "poddisruptionbudgets", _short("pdb", **WITH_STATUS, counts_generations=True))),
    *_rows(
        "rbac.authorization.k8s.io",
        "v1",
        ("ClusterRoleBinding", "clusterrolebindings", WIDE),
        ("ClusterRole", "clusterroles", WIDE),
        ("RoleBinding", "rolebindings", {}),
        ("Role", "roles", {}),
    ),
    *_rows(
        "storage.k8s.io",
        "v1",
        ("CSIDriver", "csidrivers", WIDE),
        ("CSINode", "csinodes", WIDE),
        ("CSIStorageCapacity", "csistoragecapacities", {}),
        ("StorageClass", "storageclasses", _short("sc", **WIDE)),
        ("VolumeAttachment", "volumeattachments", {**WIDE, **WITH_STATUS}),
    ),
    *_rows(
        "admissionregistration.k8s.io",
        "v1",
        (
            "MutatingWebhookConfiguration",
            "mutatingwebhookconfigurations",
            {**WIDE, "categories": ("api-extensions",), "counts_generations": True},
        ),
        (
            "ValidatingWebhookConfiguration",
            "validatingwebhookconfigurations",
            {**WIDE, "categories": ("api-extensions",), "counts_generations": True},
        ),
    ),
    *_rows(
        "apiextensions.k8s.io",
        "v1",
        (
            "CustomResourceDefinition",
            "customresourcedefinitions",
            _short(
                "crd",
                "crds",
                **WIDE,
                **WITH_STATUS,
                categories=("api-extensions",),
                counts_generations=True,
                answers_with_object=True,
                kept_as="v1beta1",
            ),
        ),
    ),
    *_rows("scheduling.k8s.io", "v1", ("PriorityClass", "priorityclasses", _short("pc", **WIDE, counts_generations=True))),
    *_rows("coordination.k8s.io", "v1", ("Lease", "leases", {})),
    *_rows("node.k8s.io", "v1", ("RuntimeClass", "runtimeclasses", WIDE)),
    *_rows("discovery.k8s.io", "v1", ("EndpointSlice", "endpointslices", {"counts_generations": True})),
    *_rows(
        "resource.k8s.io",
        "v1",
        ("DeviceClass", "deviceclasses", WIDE),
        ("ResourceClaim", "resourceclaims", WITH_STATUS),
        ("ResourceClaimTemplate", "resourceclaimtemplates", {}),
        ("ResourceSlice", "resourceslices", WIDE),
    ),
    *_rows(
        "flowcontrol.apiserver.k8s.io",
        "v1",
        ("FlowSchema", "flowschemas", {**WIDE, **WITH_STATUS, "counts_generations": True}),
        ("PriorityLevelConfiguration", "prioritylevelconfigurations", {**WIDE, **WITH_STATUS, "counts_generations": True}),
    ),
]


def builtin_kinds() -> Kinds:
    """A new table with the built-in kinds."""
    return _BUILTIN.child()


_BUILTIN = Kinds()
_BUILTIN.add(CORE)
_BUILTIN.add(GROUPS)
