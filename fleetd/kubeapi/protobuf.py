"""Bodies in protobuf, in which kubectl's typed commands send what they create.

The messages are those of the kinds that people create by hand; a body with a field that is not known here is refused, so that
nothing gets lost in silence. Answers are JSON, which every client of the API takes.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from fleetd.kubeapi.refusals import bad_request, unsupported_media_type

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\x00"
DEPTH = 32

MESSAGES: dict[str, str] = {
    "Time": "",
    "ObjectMeta": (
        "1 name text, 2 generateName text, 3 namespace text, 4 - text, 5 uid text, 6 resourceVersion text, 7 - count, 8 - Time, 9 - Time, "
        "10 - count, 11 labels texts, 12 annotations texts, 13 ownerReferences [OwnerReference], 14 finalizers [text]"
    ),
    "OwnerReference": "1 kind text, 3 name text, 4 uid text, 5 apiVersion text, 6 controller truth, 7 blockOwnerDeletion truth",
    "DeleteOptions": (
        "1 gracePeriodSeconds number, 2 preconditions Preconditions, 3 orphanDependents truth, 4 propagationPolicy text, 5 dryRun [text]"
    ),
    "Preconditions": "1 uid text, 2 resourceVersion text",
    "LabelSelector": "1 matchLabels texts",
    "Nothing": "*",
    "v1 Namespace": "1 metadata ObjectMeta, 2 - Nothing, 3 - Nothing",
    "v1 ConfigMap": "1 metadata ObjectMeta, 2 data texts, 3 binaryData blobs, 4 immutable truth",
    "v1 Secret": "1 metadata ObjectMeta, 2 data blobs, 3 type text, 4 stringData texts, 5 immutable truth",
    "v1 ServiceAccount": "1 metadata ObjectMeta",
    "v1 Service": "1 metadata ObjectMeta, 2 spec ServiceSpec, 3 - Nothing",
    "ServiceSpec": (
        "1 ports [ServicePort], 2 selector texts, 3 clusterIP text, 4 type text, 7 sessionAffinity text, 8 loadBalancerIP text, "
        "9 loadBalancerSourceRanges [text], "
        "10 externalName text, 11 externalTrafficPolicy text, 12 healthCheckNodePort count, 13 publishNotReadyAddresses truth, "
        "5 externalIPs [text], 17 ipFamilyPolicy text, 18 clusterIPs [text], 19 ipFamilies [text], 20 allocateLoadBalancerNodePorts truth, "
        "21 loadBalancerClass text, 22 internalTrafficPolicy text, 23 trafficDistribution text"
    ),
    "ServicePort": "1 name text, 2 protocol text, 3 port count, 4 targetPort IntOrString, 5 nodePort count, 6 appProtocol text",
    "IntOrString": "1 type count, 2 intVal count, 3 strVal text",
    "apps/v1 Deployment": "1 metadata ObjectMeta, 2 spec DeploymentSpec, 3 - Nothing",
    "DeploymentSpec": (
        "1 replicas number, 2 selector LabelSelector, 3 template PodTemplateSpec, 4 strategy Strategy, 5 minReadySeconds count, "
        "6 revisionHistoryLimit number, 7 paused truth, 9 progressDeadlineSeconds number"
    ),
    "Strategy": "1 type text",
    "batch/v1 Job": "1 metadata ObjectMeta, 2 spec JobSpec, 3 - Nothing",
    "JobSpec": (
        "1 parallelism number, 2 completions number, 3 activeDeadlineSeconds number, 4 selector LabelSelector, 5 manualSelector truth, "
        "6 template PodTemplateSpec, 7 backoffLimit number, 8 ttlSecondsAfterFinished number, 9 completionMode text, 10 suspend truth"
    ),
    "batch/v1 CronJob": "1 metadata ObjectMeta, 2 spec CronJobSpec, 3 - Nothing",
    "CronJobSpec": (
        "1 schedule text, 2 startingDeadlineSeconds number, 3 concurrencyPolicy text, 4 suspend truth, 5 jobTemplate JobTemplateSpec, "
        "6 successfulJobsHistoryLimit number, 7 failedJobsHistoryLimit number, 8 timeZone text"
    ),
    "JobTemplateSpec": "1 metadata ObjectMeta, 2 spec JobSpec",
    "policy/v1 PodDisruptionBudget": "1 metadata ObjectMeta, 2 spec BudgetSpec, 3 - Nothing",
    "BudgetSpec": "1 minAvailable IntOrString, 2 selector LabelSelector, 3 maxUnavailable IntOrString",
    "scheduling.k8s.io/v1 PriorityClass": (
        "1 metadata ObjectMeta, 2 value number, 3 globalDefault truth, 4 description text, 5 preemptionPolicy text"
    ),
    "v1 Pod": "1 metadata ObjectMeta, 2 spec PodSpec, 3 - Nothing",
    "v1 ResourceQuota": "1 metadata ObjectMeta, 2 spec QuotaSpec, 3 - Nothing",
    "QuotaSpec": "1 hard quantities, 2 scopes [text]",
    "Quantity": "1 value text",
    "networking.k8s.io/v1 Ingress": "1 metadata ObjectMeta, 2 spec IngressSpec, 3 - Nothing",
    "IngressSpec": "1 defaultBackend IngressBackend, 2 tls [IngressTLS], 3 rules [IngressRule], 4 ingressClassName text",
    "IngressTLS": "1 hosts [text], 2 secretName text",
    "IngressRule": "1 host text, 2 + IngressRuleValue",
    "IngressRuleValue": "1 http HTTPIngressRuleValue",
    "HTTPIngressRuleValue": "1 paths [HTTPIngressPath]",
    "HTTPIngressPath": "1 path text, 2 backend IngressBackend, 3 pathType text",
    "IngressBackend": "3 resource TypedReference, 4 service IngressServiceBackend",
    "TypedReference": "1 apiGroup text, 2 kind text, 3 name text",
    "IngressServiceBackend": "1 name text, 2 port ServiceBackendPort",
    "ServiceBackendPort": "1 name text, 2 number count",
    "autoscaling/v1 HorizontalPodAutoscaler": "1 metadata ObjectMeta, 2 spec ScalerSpec1, 3 - Nothing",
    "ScalerSpec1": "1 scaleTargetRef CrossReference, 2 minReplicas number, 3 maxReplicas count, 4 targetCPUUtilizationPercentage number",
    "autoscaling/v2 HorizontalPodAutoscaler": "1 metadata ObjectMeta, 2 spec ScalerSpec, 3 - Nothing",
    "ScalerSpec": "1 scaleTargetRef CrossReference, 2 minReplicas number, 3 maxReplicas count, 4 metrics [MetricSpec]",
    "CrossReference": "1 kind text, 2 name text, 3 apiVersion text",
    "MetricSpec": "1 type text, 4 resource ResourceMetric",
    "ResourceMetric": "1 name text, 2 target MetricTarget",
    "MetricTarget": "1 type text, 2 value Quantity, 3 averageValue Quantity, 4 averageUtilization number",
    "policy/v1 Eviction": "1 metadata ObjectMeta, 2 deleteOptions DeleteOptions",
    "authentication.k8s.io/v1 TokenRequest": "1 metadata ObjectMeta, 2 spec TokenRequestSpec, 3 - Nothing",
    "TokenRequestSpec": "1 audiences [text], 3 boundObjectRef BoundObject, 4 expirationSeconds number",
    "BoundObject": "1 kind text, 2 apiVersion text, 3 name text, 4 uid text",
    "Resources": "1 limits quantities, 2 requests quantities",
    "PodTemplateSpec": "1 metadata ObjectMeta, 2 spec PodSpec",
    "PodSpec": (
        "2 containers [Container], 3 restartPolicy text, 4 terminationGracePeriodSeconds number, 5 activeDeadlineSeconds number, "
        "6 dnsPolicy text, 7 nodeSelector texts, 8 serviceAccountName text, 9 serviceAccount text, 10 nodeName text, "
        "11 hostNetwork truth, 12 hostPID truth, 13 hostIPC truth, 14 securityContext Empty, 16 hostname text, 17 subdomain text, "
        "19 schedulerName text, 24 priorityClassName text"
    ),
    "Container": (
        "1 name text, 2 image text, 3 command [text], 4 args [text], 5 workingDir text, 6 ports [ContainerPort], 7 env [EnvVar], "
        "8 resources Resources, 13 terminationMessagePath text, 14 imagePullPolicy text, 16 stdin truth, 17 stdinOnce truth, 18 tty truth, "
        "20 terminationMessagePolicy text"
    ),
    "Empty": "",
    "ContainerPort": "1 name text, 2 hostPort count, 3 containerPort count, 4 protocol text, 5 hostIP text",
    "EnvVar": "1 name text, 2 value text",
    "rbac.authorization.k8s.io/v1 Role": "1 metadata ObjectMeta, 2 rules [PolicyRule]",
    "rbac.authorization.k8s.io/v1 ClusterRole": "1 metadata ObjectMeta, 2 rules [PolicyRule]",
    "PolicyRule": "1 verbs [text], 2 apiGroups [text], 3 resources [text], 4 resourceNames [text], 5 nonResourceURLs [text]",
    "rbac.authorization.k8s.io/v1 RoleBinding": "1 metadata ObjectMeta, 2 subjects [Subject], 3 roleRef RoleRef",
    "rbac.authorization.k8s.io/v1 ClusterRoleBinding": "1 metadata ObjectMeta, 2 subjects [Subject], 3 roleRef RoleRef",
    "Subject": "1 kind text, 2 apiGroup text, 3 name text, 4 namespace text",
    "RoleRef": "1 apiGroup text, 2 kind text, 3 name text",
    "authentication.k8s.io/v1 SelfSubjectReview": "1 - ObjectMeta, 2 - Nothing",
    "authorization.k8s.io/v1 SelfSubjectRulesReview": "1 - ObjectMeta, 2 spec RulesSpec, 3 - Nothing",
    "RulesSpec": "1 namespace text",
    "authorization.k8s.io/v1 SelfSubjectAccessReview": "1 - ObjectMeta, 2 spec AccessSpec, 3 - Nothing",
    "AccessSpec": "1 resourceAttributes ResourceAttributes, 2 nonResourceAttributes NonResourceAttributes",
    "ResourceAttributes": "1 namespace text, 2 verb text, 3 group text, 4 version text, 5 resource text, 6 subresource text, 7 name text",
    "NonResourceAttributes": "1 path text, 2 verb text",
}
"""Each message's fields: number, name in JSON (`-`: only the server says it) and form.

A field named `+` has its content in the message around it. Forms: text, truth, count (0 is none), number (0 counts), texts, blobs and
quantities (maps), another message; a list of one of them in brackets.
"""
ANY_VERSION = ("DeleteOptions",)
"""What is the same in all group versions."""
_FIELDS = {
    message: {int(number): (name, form) for number, name, form in (part.split() for part in fields.split(", "))}
    for message, fields in MESSAGES.items()
    if fields not in ("", "*")
}


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("a number has no end")
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def _parts(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields on the wire: number, and a number or bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        match key & 7:
            case 0:
                value, at = _varint(data, at)
                yield key >> 3, value
            case 2:
                length, at = _varint(data, at)
                if at + length > len(data):
                    raise ValueError("a field has no end")
                yield key >> 3, data[at : at + length]
                at += length
            case _:
                raise ValueError("a field of a form that no kind has")


def _number(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise ValueError("a number in the form of bytes")
    return value - 2**64 if value >= 2**63 else value


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("bytes in the form of a number")
    return value


def _value(form: str, value: int | bytes, depth: int) -> Any:
    match form:
        case "text":
            return _bytes(value).decode()
        case "truth":
            return bool(_number(value))
        case "count" | "number":
            return _number(value)
        case "IntOrString":
            said = _message("IntOrString", _bytes(value), depth)
            return said.get("strVal", "") if said.get("type") else said.get("intVal", 0)
        case "Quantity":
            return _message("Quantity", _bytes(value), depth).get("value", "0")
        case _:
            return _message(form, _bytes(value), depth)


def _entry(form: str, value: int | bytes) -> tuple[str, str]:
    """A key and a value of a map."""
    said = dict(_parts(_bytes(value)))
    content = _bytes(said.get(2, b""))
    if form == "quantities":
        content = str(_value("Quantity", content, 0)).encode()
    return _bytes(said.get(1, b"")).decode(), base64.b64encode(content).decode() if form == "blobs" else content.decode()


def _message(message: str, data: bytes, depth: int = 0) -> dict[str, Any]:
    """Raises ValueError for what is no such message, KeyError for a field that is not known."""
    if depth > DEPTH:
        raise ValueError("too deep")
    result: dict[str, Any] = {}
    if MESSAGES[message] == "*":
        return result
    fields = _FIELDS.get(message, {})
    for number, value in _parts(data):
        if message == "Time":
            continue
        name, form = fields[number]
        if name == "+":
            result |= _value(form, value, depth + 1)
        elif form in ("texts", "blobs", "quantities"):
            key, content = _entry(form, value)
            result.setdefault(name, {})[key] = content
        elif form.startswith("["):
            result.setdefault(name, []).append(_value(form[1:-1], value, depth + 1))
        elif (said := _value(form, value, depth + 1)) not in ("", False, 0) or form in ("number", "IntOrString"):
            result[name] = said
    result.pop("-", None)
    return result


def from_protobuf(body: bytes) -> dict[str, Any]:
    """The object of a body. Raises ApiRefusal (400 for what is no message, 415 for a kind or field that is not known here)."""
    if not body.startswith(MAGIC):
        raise bad_request("the body does not begin as a protobuf message of the Kubernetes API does")
    try:
        envelope = dict(_parts(body[len(MAGIC) :]))
        said = dict(_parts(_bytes(envelope.get(1, b""))))
        version, kind = _bytes(said.get(1, b"")).decode(), _bytes(said.get(2, b"")).decode()
        content = _message(kind if kind in ANY_VERSION else f"{version} {kind}", _bytes(envelope.get(2, b"")))
    except ValueError as error:
        raise bad_request(f"the body is no protobuf message: {error}") from error
    except KeyError as error:
        raise unsupported_media_type("application/json, application/yaml") from error
    return {"kind": kind, "apiVersion": version, "metadata": {}, **content}
