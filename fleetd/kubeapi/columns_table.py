"""The columns of the built-in kinds, as kubectl shows them; those of a priority above 0 are shown on request only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fleetd.kubeapi.columns_cells import (
    Body,
    Cell,
    Column,
    access_modes,
    addresses,
    age_of,
    applies_to,
    at,
    certificate,
    claim_of,
    completions,
    containers,
    count,
    duration,
    endpoints,
    external,
    hosts,
    images,
    job_status,
    joined,
    labels_of,
    node_roles,
    node_status,
    owner,
    pairs,
    parameters,
    phase,
    ports,
    selector,
    share,
    slice_endpoints,
    slice_ports,
    subjects,
    targets,
)
from fleetd.kubeapi.columns_pods import containers_ready, pod_address, pod_restarts, pod_status, readiness_gates

AGE_CELL = age_of("metadata.creationTimestamp")
NAME = Column("Name", "string", "The object's name.", lambda body, _now: body["metadata"]["name"], "name")
AGE = Column("Age", "string", "The time since the object was made.", AGE_CELL)
AGE_DATE = Column("Age", "date", "The time since the object was made.", AGE_CELL)
CREATED = Column("Created At", "date", "When the object was made.", at("metadata.creationTimestamp", ""))
UNNAMED = (NAME, CREATED)
"""Of kinds that nobody gave columns."""


def text(name: str, cell: Cell, about: str = "", *, wide: bool = False, kind: str = "string") -> Column:
    """A column of texts; `wide` ones are shown on request."""
    return Column(name, kind, about or f"{name} of the object.", cell, priority=int(wide))


def number(name: str, path: str) -> Column:
    """A column of whole numbers at a path."""
    return Column(name, "integer", f"The number at {path}.", at(path, 0))


def _field(name: str, path: str, missing: str = "<none>", *, wide: bool = False) -> Column:
    return Column(name, "string", f"What stands at {path}.", lambda body, now: at(path)(body, now) or missing, priority=int(wide))


def _made(path: str = "spec.template.spec") -> tuple[Column, ...]:
    """What the pods of a template run."""
    return text("Containers", containers(path), wide=True), text("Images", images(path), wide=True)


def _last_seen(body: Body, now: datetime) -> Any:
    return _age_of_any(body, now, "series.lastObservedTime", "lastTimestamp", "firstTimestamp", "eventTime")


def _first_seen(body: Body, now: datetime) -> Any:
    return _age_of_any(body, now, "firstTimestamp", "eventTime")


def _age_of_any(body: Body, now: datetime, *paths: str) -> Any:
    return next((age_of(path)(body, now) for path in paths if at(path)(body, now)), "<unknown>")


def _count(body: Body, now: datetime) -> Any:
    return at("series.count")(body, now) or body.get("count") or 1


def _source(body: Body, _now: datetime) -> str:
    said = body.get("source") or {}
    who = said.get("component") or body.get("reportingComponent") or ""
    where = said.get("host") or body.get("reportingInstance") or ""
    return f"{who}, {where}" if where else str(who)


def _state(body: Body, kind: str) -> str:
    conditions = (body.get("status") or {}).get("conditions") or ()
    return next((str(one.get("status", "")) for one in conditions if one.get("type") == kind), "")


def _backend(body: Body, _now: datetime) -> str:
    service = (body.get("spec") or {}).get("service")
    return f"{service.get('namespace', '')}/{service.get('name', '')}" if service else "Local"


def _available(body: Body, _now: datetime) -> str:
    conditions = (body.get("status") or {}).get("conditions") or ()
    said = next((one for one in conditions if one.get("type") == "Available"), None)
    if said is None:
        return "Unknown"
    status, reason = str(said.get("status", "")), said.get("reason")
    return status if status == "True" or not reason else f"{status} ({reason})"


def _object(body: Body, _now: datetime) -> str:
    about = body.get("involvedObject") or body.get("regarding") or {}
    return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"


def _role(body: Body, _now: datetime) -> str:
    return f"{body['roleRef'].get('kind', '')}/{body['roleRef'].get('name', '')}"


def _bound(kind: str) -> tuple[Column, ...]:
    whom = {"Users": "User", "Groups": "Group", "ServiceAccounts": "ServiceAccount"}
    return (
        NAME,
        text("Role", _role, f"The role of this {kind}."),
        AGE,
        *(text(name, subjects(one), wide=True) for name, one in whom.items()),
    )


READY = text("Ready", share("status.readyReplicas", "spec.replicas"), "How many are ready of how many.")
SELECTOR = text("Selector", selector("spec.selector"), wide=True)
SCALED = (number("Desired", "spec.replicas"), number("Current", "status.replicas"), number("Ready", "status.readyReplicas"))
HOOKS = (NAME, Column("Webhooks", "integer", "How many there are.", count("webhooks")), AGE)
VOLUME_CLASS = _field("VolumeAttributesClass", "spec.volumeAttributesClassName", "<unset>")
MODE = _field("VolumeMode", "spec.volumeMode", "", wide=True)

COLUMNS: Mapping[str, Sequence[Column]] = {
    "apiservices.apiregistration.k8s.io": (
        NAME,
        text("Service", _backend),
        text("Available", _available),
        AGE,
    ),
    "certificatesigningrequests.certificates.k8s.io": (
        NAME,
        AGE,
        _field("SignerName", "spec.signerName"),
        _field("Requestor", "spec.username", ""),
        _field("RequestedDuration", "spec.expirationSeconds"),
        text("Condition", certificate),
    ),
    "clusterrolebindings.rbac.authorization.k8s.io": _bound("ClusterRoleBinding"),
    "configmaps": (NAME, Column("Data", "string", "How many keys there are.", count("data", "binaryData")), AGE),
    "controllerrevisions.apps": (
        NAME,
        text("Controller", owner),
        Column("Revision", "string", "The number of the revision.", at("revision", 0)),
        AGE,
    ),
    "cronjobs.batch": (
        NAME,
        _field("Schedule", "spec.schedule", ""),
        _field("Timezone", "spec.timeZone"),
        Column("Suspend", "boolean", "Whether nothing is begun.", lambda body, _now: str(body["spec"].get("suspend", "<unset>"))),
        Column("Active", "integer", "How many jobs run.", lambda body, _now: len((body.get("status") or {}).get("active") or ())),
        text("Last Schedule", age_of("status.lastScheduleTime", "<none>")),
        AGE,
        *_made("spec.jobTemplate.spec.template.spec"),
        text("Selector", selector("spec.jobTemplate.spec.selector"), wide=True),
    ),
    "csidrivers.storage.k8s.io": (
        NAME,
        Column("AttachRequired", "boolean", "Whether volumes are attached.", at("spec.attachRequired", True)),
        Column("PodInfoOnMount", "boolean", "Whether mounts tell of the pod.", at("spec.podInfoOnMount", False)),
        Column("StorageCapacity", "boolean", "Whether capacity counts.", at("spec.storageCapacity", False)),
        text("TokenRequests", joined("spec.tokenRequests", "audience", "<unset>")),
        Column("RequiresRepublish", "boolean", "Whether volumes are published again.", at("spec.requiresRepublish", False)),
        text("Modes", joined("spec.volumeLifecycleModes")),
        AGE,
    ),
    "csinodes.storage.k8s.io": (
        NAME,
        Column("Drivers", "integer", "How many there are.", lambda b, _now: len(b["spec"].get("drivers") or ())),
        AGE,
    ),
    "customresourcedefinitions.apiextensions.k8s.io": (NAME, CREATED),
    "daemonsets.apps": (
        NAME,
        number("Desired", "status.desiredNumberScheduled"),
        number("Current", "status.currentNumberScheduled"),
        number("Ready", "status.numberReady"),
        number("Up-to-date", "status.updatedNumberScheduled"),
        number("Available", "status.numberAvailable"),
        text("Node Selector", labels_of("spec.template.spec.nodeSelector")),
        AGE,
        *_made(),
        SELECTOR,
    ),
    "deployments.apps": (
        NAME,
        READY,
        number("Up-to-date", "status.updatedReplicas"),
        number("Available", "status.availableReplicas"),
        AGE,
        *_made(),
        SELECTOR,
    ),
    "endpoints": (NAME, text("Endpoints", endpoints), AGE),
    "endpointslices.discovery.k8s.io": (
        NAME,
        _field("AddressType", "addressType", ""),
        text("Ports", slice_ports),
        text("Endpoints", slice_endpoints),
        AGE,
    ),
    "events": (
        text("Last Seen", _last_seen, "When it happened last."),
        _field("Type", "type", ""),
        _field("Reason", "reason", ""),
        text("Object", _object, "What it is about."),
        _field("Subobject", "involvedObject.fieldPath", "", wide=True),
        text("Source", _source, wide=True),
        text("Message", lambda body, _now: str(body.get("message") or "").strip()),
        text("First Seen", _first_seen, wide=True),
        Column("Count", "string", "How often it happened.", _count, priority=1),
        _field("Name", "metadata.name", "", wide=True),
    ),
    "flowschemas.flowcontrol.apiserver.k8s.io": (
        NAME,
        _field("PriorityLevel", "spec.priorityLevelConfiguration.name", ""),
        number("MatchingPrecedence", "spec.matchingPrecedence"),
        _field("DistinguisherMethod", "spec.distinguisherMethod.type"),
        AGE,
        text("MissingPL", lambda body, _now: _state(body, "Dangling") or "?"),
    ),
    "horizontalpodautoscalers.autoscaling": (
        NAME,
        text("Reference", lambda b, _now: f"{b['spec']['scaleTargetRef'].get('kind', '')}/{b['spec']['scaleTargetRef'].get('name', '')}"),
        text("Targets", targets),
        text("MinPods", lambda body, _now: str(body["spec"].get("minReplicas", "<unset>"))),
        Column("MaxPods", "string", "How many there may be.", at("spec.maxReplicas", 0)),
        Column("Replicas", "string", "How many there are.", at("status.currentReplicas", 0)),
        AGE,
    ),
    "ingressclasses.networking.k8s.io": (NAME, _field("Controller", "spec.controller", ""), text("Parameters", parameters), AGE),
    "ingresses.networking.k8s.io": (
        NAME,
        _field("Class", "spec.ingressClassName"),
        text("Hosts", hosts),
        text("Address", addresses),
        text("Ports", lambda body, _now: "80, 443" if body["spec"].get("tls") else "80"),
        AGE,
    ),
    "ipaddresses.networking.k8s.io": (
        NAME,
        text("ParentRef", lambda b, _now: "/".join(str(b["spec"]["parentRef"].get(key, "")) for key in ("resource", "namespace", "name"))),
    ),
    "jobs.batch": (
        NAME,
        text("Status", job_status, "How it ended, or that it runs."),
        text("Completions", completions, "How many have succeeded of how many."),
        text("Duration", duration),
        AGE,
        *_made(),
        SELECTOR,
    ),
    "leases.coordination.k8s.io": (NAME, _field("Holder", "spec.holderIdentity", ""), AGE),
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": HOOKS,
    "namespaces": (NAME, text("Status", phase), AGE),
    "networkpolicies.networking.k8s.io": (NAME, text("Pod-Selector", selector("spec.podSelector")), AGE),
    "nodes": (
        NAME,
        text("Status", node_status),
        text("Roles", node_roles),
        AGE,
        _field("Version", "status.nodeInfo.kubeletVersion", ""),
        text("Internal-IP", applies_to("InternalIP"), wide=True),
        text("External-IP", applies_to("ExternalIP"), wide=True),
        _field("OS-Image", "status.nodeInfo.osImage", "<unknown>", wide=True),
        _field("Kernel-Version", "status.nodeInfo.kernelVersion", "<unknown>", wide=True),
        _field("Container-Runtime", "status.nodeInfo.containerRuntimeVersion", "<unknown>", wide=True),
    ),
    "persistentvolumeclaims": (
        NAME,
        text("Status", phase),
        _field("Volume", "spec.volumeName", ""),
        _field("Capacity", "status.capacity.storage", ""),
        text("Access Modes", access_modes("status.accessModes")),
        _field("StorageClass", "spec.storageClassName", ""),
        VOLUME_CLASS,
        AGE,
        MODE,
    ),
    "persistentvolumes": (
        NAME,
        _field("Capacity", "spec.capacity.storage", ""),
        text("Access Modes", access_modes("spec.accessModes")),
        _field("Reclaim Policy", "spec.persistentVolumeReclaimPolicy", ""),
        text("Status", phase),
        text("Claim", claim_of),
        _field("StorageClass", "spec.storageClassName", ""),
        VOLUME_CLASS,
        _field("Reason", "status.reason", ""),
        AGE,
        MODE,
    ),
    "poddisruptionbudgets.policy": (
        NAME,
        text("Min Available", lambda body, _now: str(body["spec"].get("minAvailable", "N/A"))),
        text("Max Unavailable", lambda body, _now: str(body["spec"].get("maxUnavailable", "N/A"))),
        number("Allowed Disruptions", "status.disruptionsAllowed"),
        AGE,
    ),
    "pods": (
        NAME,
        text("Ready", containers_ready, "How many containers are ready."),
        text("Status", pod_status),
        text("Restarts", pod_restarts, "How often containers were started again."),
        AGE,
        text("IP", pod_address, wide=True),
        _field("Node", "spec.nodeName", wide=True),
        _field("Nominated Node", "status.nominatedNodeName", wide=True),
        text("Readiness Gates", readiness_gates, wide=True),
    ),
    "podtemplates": (
        NAME,
        text("Containers", containers("template.spec")),
        text("Images", images("template.spec")),
        text("Pod Labels", labels_of("template.metadata.labels")),
    ),
    "priorityclasses.scheduling.k8s.io": (
        NAME,
        number("Value", "value"),
        Column("Global-Default", "boolean", "Whether it is everybody's.", at("globalDefault", False)),
        AGE,
        _field("PreemptionPolicy", "preemptionPolicy", ""),
    ),
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": (
        NAME,
        _field("Type", "spec.type", ""),
        text("NominalConcurrencyShares", at("spec.limited.nominalConcurrencyShares", "<none>")),
        text("Queues", at("spec.limited.limitResponse.queuing.queues", "<none>")),
        text("HandSize", at("spec.limited.limitResponse.queuing.handSize", "<none>")),
        text("QueueLengthLimit", at("spec.limited.limitResponse.queuing.queueLengthLimit", "<none>")),
        AGE,
    ),
    "replicasets.apps": (NAME, *SCALED, AGE, *_made(), SELECTOR),
    "replicationcontrollers": (NAME, *SCALED, AGE, *_made(), text("Selector", labels_of("spec.selector"), wide=True)),
    "resourcequotas": (NAME, text("Request", pairs("requests")), text("Limit", pairs("limits")), AGE),
    "rolebindings.rbac.authorization.k8s.io": _bound("RoleBinding"),
    "runtimeclasses.node.k8s.io": (NAME, _field("Handler", "handler", ""), AGE),
    "secrets": (NAME, _field("Type", "type", ""), Column("Data", "string", "How many keys there are.", count("data")), AGE),
    "serviceaccounts": (NAME, Column("Secrets", "string", "How many there are.", count("secrets")), AGE),
    "servicecidrs.networking.k8s.io": (NAME, text("CIDRs", joined("spec.cidrs")), AGE),
    "services": (
        NAME,
        _field("Type", "spec.type", ""),
        _field("Cluster-IP", "spec.clusterIP"),
        text("External-IP", external, "The address outside of the cluster."),
        text("Port(s)", ports),
        AGE,
        text("Selector", labels_of("spec.selector"), wide=True),
    ),
    "statefulsets.apps": (NAME, READY, AGE, *_made()),
    "storageclasses.storage.k8s.io": (
        NAME,
        _field("Provisioner", "provisioner", ""),
        _field("ReclaimPolicy", "reclaimPolicy", ""),
        _field("VolumeBindingMode", "volumeBindingMode", ""),
        Column("AllowVolumeExpansion", "string", "Whether volumes may grow.", at("allowVolumeExpansion", False)),
        AGE,
    ),
    "validatingwebhookconfigurations.admissionregistration.k8s.io": HOOKS,
    "volumeattachments.storage.k8s.io": (
        NAME,
        _field("Attacher", "spec.attacher", ""),
        _field("PV", "spec.source.persistentVolumeName", ""),
        _field("Node", "spec.nodeName", ""),
        Column("Attached", "boolean", "Whether it is attached.", at("status.attached", False)),
        AGE,
    ),
}
