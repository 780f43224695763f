"""How the server's typed form of an object is written: which empty values are left out, and which structs always stand there."""

from __future__ import annotations

from functools import cache
from typing import Any

from fleetd.domain.mergefacts import Shape
from fleetd.kubeapi.types import Sort, Type

TEXTS = """
AppArmorProfile: localhostProfile
AzureDiskVolumeSource: cachingMode fsType kind
AzureFilePersistentVolumeSource: secretNamespace
CSIDriverSpec: fsGroupPolicy
CSIVolumeSource: fsType
ClusterTrustBundleProjection: name signerName
Container: restartPolicy
CronJobSpec: timeZone
CustomResourceDefinitionVersion: deprecationWarning
CustomResourceSubresourceScale: labelSelectorPath
Endpoint: hostname nodeName zone
EndpointAddress: nodeName
EndpointPort: appProtocol
EndpointPort@discovery: appProtocol name protocol
GRPCAction: service
HPAScalingRules: selectPolicy
HTTPIngressPath: pathType
HostPathVolumeSource: type
IngressClassParametersReference: apiGroup namespace scope
IngressSpec: ingressClassName
JobSpec: completionMode managedBy podReplacementPolicy
LeaseSpec: holderIdentity preferredHolder strategy
LoadBalancerIngress: ipMode
MutatingWebhook: failurePolicy matchPolicy reinvocationPolicy sideEffects
NetworkPolicyPort: protocol
PersistentVolumeClaimSpec: storageClassName volumeAttributesClassName volumeMode
PersistentVolumeClaimStatus: currentVolumeAttributesClassName
PersistentVolumeSpec: volumeAttributesClassName volumeMode
PodDisruptionBudgetSpec: unhealthyPodEvictionPolicy
PodResourceClaim: resourceClaimName resourceClaimTemplateName
PodSecurityContext: fsGroupChangePolicy seLinuxChangePolicy supplementalGroupsPolicy
PodSpec: hostnameOverride preemptionPolicy runtimeClassName
PortStatus: error
PriorityClass: preemptionPolicy
RuleWithOperations: scope
SeccompProfile: localhostProfile
SecurityContext: procMount
ServicePort: appProtocol
ServiceReference: path
ServiceReference@admissionregistration: path
ServiceSpec: internalTrafficPolicy ipFamilyPolicy loadBalancerClass trafficDistribution
StorageClass: reclaimPolicy volumeBindingMode
TopologySpreadConstraint: nodeAffinityPolicy nodeTaintsPolicy
TypedLocalObjectReference: apiGroup
TypedObjectReference: apiGroup namespace
ValidatingWebhook: failurePolicy matchPolicy sideEffects
ValidationRule: fieldPath reason
VolumeAttachmentSource: persistentVolumeName
VolumeMount: mountPropagation recursiveReadOnly
WebhookClientConfig: url
WebhookClientConfig@admissionregistration: url
WindowsSecurityContextOptions: gmsaCredentialSpec gmsaCredentialSpecName runAsUserName
"""
"""The fields in which the empty text is kept: it says something else than that there is none."""

NUMBERS = """
APIServiceSpec: insecureSkipTLSVerify
AWSElasticBlockStoreVolumeSource: partition readOnly
AzureFilePersistentVolumeSource: readOnly
AzureFileVolumeSource: readOnly
CSIPersistentVolumeSource: readOnly
CephFSPersistentVolumeSource: readOnly
CephFSVolumeSource: readOnly
CinderPersistentVolumeSource: readOnly
CinderVolumeSource: readOnly
Container: stdin stdinOnce tty
ContainerImage: sizeBytes
ContainerPort: hostPort
ContainerStateTerminated: signal
CustomResourceColumnDefinition: priority
CustomResourceDefinitionSpec: preserveUnknownFields
CustomResourceDefinitionVersion: deprecated
DaemonSetSpec: minReadySeconds
DaemonSetStatus: numberAvailable numberUnavailable observedGeneration updatedNumberScheduled
DeploymentSpec: minReadySeconds paused
DeploymentStatus: availableReplicas observedGeneration readyReplicas replicas unavailableReplicas updatedReplicas
EphemeralContainer: stdin stdinOnce tty
Event: count
Event@events: deprecatedCount
EventSeries: count
FCVolumeSource: readOnly
FlexPersistentVolumeSource: readOnly
FlexVolumeSource: readOnly
GCEPersistentDiskVolumeSource: partition readOnly
GlusterfsVolumeSource: readOnly
ISCSIPersistentVolumeSource: chapAuthDiscovery chapAuthSession readOnly
ISCSIVolumeSource: chapAuthDiscovery chapAuthSession readOnly
JSONSchemaProps: exclusiveMaximum exclusiveMinimum nullable uniqueItems x-kubernetes-embedded-resource x-kubernetes-int-or-string
JobStatus: active failed succeeded
NFSVolumeSource: readOnly
NodeSpec: unschedulable
PersistentVolumeClaimVolumeSource: readOnly
PodCondition: observedGeneration
PodSpec: hostIPC hostNetwork hostPID
PodStatus: observedGeneration
PodDisruptionBudgetStatus: observedGeneration
PortworxVolumeSource: readOnly
PriorityClass: globalDefault
Probe: failureThreshold initialDelaySeconds periodSeconds successThreshold timeoutSeconds
QuobyteVolumeSource: readOnly
RBDPersistentVolumeSource: readOnly
RBDVolumeSource: readOnly
ReplicaSetSpec: minReadySeconds
ReplicaSetStatus: availableReplicas fullyLabeledReplicas observedGeneration readyReplicas
ReplicationControllerSpec: minReadySeconds
ReplicationControllerStatus: availableReplicas fullyLabeledReplicas observedGeneration readyReplicas
ScaleIOPersistentVolumeSource: readOnly sslEnabled
ScaleIOVolumeSource: readOnly sslEnabled
ServiceBackendPort: number
ServicePort: nodePort
ServiceSpec: healthCheckNodePort publishNotReadyAddresses
StatefulSetOrdinals: start
StatefulSetSpec: minReadySeconds
StatefulSetStatus: currentReplicas observedGeneration readyReplicas updatedReplicas
VolumeMount: readOnly
VolumeMountStatus: readOnly
"""
"""The fields in which 0 and false are not written."""

TIMES = """
ContainerStateRunning: startedAt
ContainerStateTerminated: finishedAt startedAt
DaemonSetCondition: lastTransitionTime
DeploymentCondition: lastTransitionTime lastUpdateTime
JobCondition: lastProbeTime lastTransitionTime
NamespaceCondition: lastTransitionTime
NodeCondition: lastHeartbeatTime lastTransitionTime
PersistentVolumeClaimCondition: lastProbeTime lastTransitionTime
PodCondition: lastProbeTime lastTransitionTime
ReplicaSetCondition: lastTransitionTime
StatefulSetCondition: lastTransitionTime
"""
"""The times that are written as null when they are not known."""

_STRUCT, _LIST, _MAP, _TEXT = Sort.STRUCT, Sort.LIST, Sort.MAP, Sort.TEXT


def _by_type(text: str) -> dict[str, frozenset[str]]:
    return {name: frozenset(fields.split()) for name, _, fields in (line.partition(":") for line in text.split("\n")[1:-1])}


_NULL_TIMES = _by_type(TIMES)
_KEPT_TEXTS, _DROPPED_NUMBERS = _by_type(TEXTS), _by_type(NUMBERS)


@cache
def _droppable(kind: Type) -> frozenset[str]:
    """The fields of a struct that are not written when they hold the zero of their type."""
    texts, numbers = _KEPT_TEXTS.get(kind.name, frozenset()), _DROPPED_NUMBERS.get(kind.name, frozenset())
    plain = {name for name, below in kind.fields.items() if below.sort is _TEXT and name not in kind.required}
    return frozenset((plain - texts) | numbers)


def tidy(kind: Type, value: dict[str, Any]) -> None:
    """Takes out, in place, what the server does not write: empty lists, maps and values in fields that a struct can do without."""
    droppable = _droppable(kind)
    for name, inner in list(value.items()):
        sort_of = type(inner)
        if sort_of is not dict and sort_of is not list:
            if not inner and inner is not None and name in droppable:
                del value[name]
            continue
        below = kind.fields.get(name)
        if below is not None:
            _tidy_below(kind, value, name, below, inner)


def _tidy_below(kind: Type, value: dict[str, Any], name: str, below: Type, inner: Any) -> None:
    sort = below.sort
    if sort is _STRUCT:
        if type(inner) is dict:
            tidy(below, inner)
    elif sort is _LIST or sort is _MAP:
        if not inner and name not in kind.required:
            del value[name]
        elif below.of.sort is _STRUCT:
            for item in inner if type(inner) is list else inner.values():
                if type(item) is dict:
                    tidy(below.of, item)


def furnished(kind: Type, shape: Shape, value: dict[str, Any]) -> None:
    """Puts in, in place, the structs that the server writes even when they are empty."""
    for name, below in shape.fields.items():
        known = kind.fields.get(name)
        if known is None:
            continue
        inner = value.get(name)
        if inner is None and below.always and known.sort is _STRUCT:
            inner = value[name] = {}
        if not (below.fields or below.element) or inner is None:
            continue
        if known.sort is _STRUCT and type(inner) is dict:
            furnished(known, below, inner)
        elif known.sort is _LIST and known.of.sort is _STRUCT and type(inner) is list:
            for item in inner:
                if type(item) is dict:
                    furnished(known.of, below.item, item)


def counted(kind: Type, value: dict[str, Any]) -> None:
    """Puts zeros, in place, where a struct of the server's own (a status) cannot be without a number, a truth or a text."""
    for name, below in kind.fields.items():
        inner = value.get(name)
        if below.sort is _STRUCT and type(inner) is dict:
            counted(below, inner)
        elif inner is None and name in kind.required and below.sort in _ZEROS:
            value[name] = _ZEROS[below.sort]


def timed(kind: Type, value: dict[str, Any]) -> None:
    """Puts null, in place, where a struct has a time that is not known."""
    for name in _NULL_TIMES.get(kind.name, ()):
        value.setdefault(name, None)
    for name, inner in value.items():
        below = kind.fields.get(name)
        if below is None:
            continue
        if below.sort is _STRUCT and type(inner) is dict:
            timed(below, inner)
        elif below.sort is _LIST and below.of.sort is _STRUCT and type(inner) is list:
            for item in inner:
                if type(item) is dict:
                    timed(below.of, item)


_ZEROS = {Sort.INT32: 0, Sort.INT64: 0, Sort.TRUTH: False, Sort.TEXT: ""}
