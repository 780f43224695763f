"""What the server refuses of the kinds that are neither workloads nor Services: batch, networking, storage, RBAC and the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fleetd.kubeapi.defaults_pods import struct, structs
from fleetd.kubeapi.quantities import amount
from fleetd.kubeapi.refusals import Cause
from fleetd.kubeapi.rules import (
    NOT_A_SUBDOMAIN,
    SUBDOMAIN,
    immutable,
    immutable_value,
    in_json,
    not_allowed,
    not_negative,
    port_causes,
    required,
    unsupported,
    wrong,
    wrong_value,
)

Body = Mapping[str, Any]
PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
PERCENT = re.compile(r"\d+%")
NOT_A_PERCENT = (
    "a valid percent string must be a numeric string followed by an ending '%' "
    "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
)
SOURCES = {
    "capacity",
    "accessModes",
    "persistentVolumeReclaimPolicy",
    "volumeMode",
    "storageClassName",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
}
CLAIM_FIXED = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"


def claim(body: Body, live: Body | None) -> Iterator[Cause]:
    """PersistentVolumeClaims."""
    spec = body["spec"]
    if live is not None:
        free = ("resources", "volumeAttributesClassName", "volumeName", "storageClassName")
        before, after = ({key: value for key, value in one.items() if key not in free} for one in (live["spec"], spec))
        moved = any(live["spec"].get(key) and live["spec"].get(key) != spec.get(key) for key in ("volumeName", "storageClassName"))
        if before != after or moved:
            yield not_allowed("spec", CLAIM_FIXED)
        elif _storage(spec) < _storage(live["spec"]) and live["status"].get("phase") == "Bound":
            yield not_allowed("spec.resources.requests.storage", "field can not be less than status.capacity")
        return
    if not spec.get("accessModes"):
        yield required("spec.accessModes", "at least 1 access mode is required")
    for mode in spec.get("accessModes") or ():
        known = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
        if mode not in known:
            yield unsupported("spec.accessModes", mode, known)
    requests = struct(dict(spec), "resources").get("requests") or {}
    if "storage" not in requests:
        yield required("spec.resources[storage]")
    elif amount(requests["storage"]) <= 0:
        yield wrong_value("spec.resources[storage]", str(requests["storage"]), "must be greater than zero")


def _storage(spec: Body) -> Any:
    return amount((struct(dict(spec), "resources").get("requests") or {}).get("storage", "0"))


def volume(body: Body, live: Body | None) -> Iterator[Cause]:
    """PersistentVolumes."""
    spec = body["spec"]
    if not spec.get("accessModes"):
        yield required("spec.accessModes")
    if not spec.get("capacity"):
        yield required("spec.capacity")
    sources = [key for key in spec if key not in SOURCES and isinstance(spec[key], dict)]
    if not sources:
        yield required("spec", "must specify a volume type")
    for more in sources[1:]:
        yield not_allowed(f"spec.{more}", "may not specify more than one volume type")
    if live is not None and any(live["spec"].get(key) != spec.get(key) for key in {*sources, *(set(live["spec"]) - SOURCES)}):
        why = "spec.persistentvolumesource is immutable after creation"
        yield not_allowed("spec.persistentvolumesource", why)


def storage_class(body: Body, live: Body | None) -> Iterator[Cause]:
    """StorageClasses: where volumes come from cannot be changed."""
    if not body.get("provisioner"):
        yield required("provisioner")
    if live is None:
        return
    for key in ("parameters", "provisioner", "reclaimPolicy"):
        if body.get(key) != live.get(key):
            yield not_allowed(key, f"updates to {key} are forbidden.")
    if body.get("volumeBindingMode") != live.get("volumeBindingMode"):
        yield immutable("volumeBindingMode", str(body.get("volumeBindingMode")))


def priority_class(body: Body, live: Body | None) -> Iterator[Cause]:
    """PriorityClasses: their number is for good."""
    name, value = body["metadata"].get("name", ""), body.get("value", 0)
    if live is None and name.startswith("system-"):
        yield not_allowed("metadata.name", "priority class names with 'system-' prefix are reserved for system use only")
    if live is None and value > 10**9:
        yield not_allowed("value", "maximum allowed value of a user defined priority is 1000000000")
    if live is not None and live.get("value", 0) != value:
        yield not_allowed("value", "may not be changed in an update.")
    if live is not None and live.get("preemptionPolicy") != body.get("preemptionPolicy"):
        yield immutable("preemptionPolicy", str(body.get("preemptionPolicy")))


def ingress_class(body: Body, live: Body | None) -> Iterator[Cause]:
    """IngressClasses: whose they are is for good."""
    name = struct(dict(body), "spec").get("controller", "")
    if live is not None and struct(dict(live), "spec").get("controller", "") != name:
        yield immutable("spec.controller", name)


def ingress(body: Body, _live: Body | None) -> Iterator[Cause]:
    """Ingresses: rules or a default, and paths that say their type."""
    spec = dict(body["spec"])
    if not spec.get("rules") and not spec.get("defaultBackend"):
        yield wrong("spec", "[]", "either `defaultBackend` or `rules` must be specified")
    if isinstance(spec.get("defaultBackend"), dict):
        yield from _backend("spec.defaultBackend", spec["defaultBackend"])
    for number, rule in enumerate(structs(spec, "rules")):
        here, host = f"spec.rules[{number}]", rule.get("host", "")
        if host and not SUBDOMAIN.fullmatch(host.removeprefix("*.")):
            yield wrong_value(f"{here}.host", host, NOT_A_SUBDOMAIN)
        if isinstance(rule.get("http"), dict):
            paths = list(structs(rule["http"], "paths"))
            if not paths:
                yield required(f"{here}.http.paths")
            for index, path in enumerate(paths):
                yield from _path(f"{here}.http.paths[{index}]", path)


def _path(here: str, path: Body) -> Iterator[Cause]:
    kind, text = path.get("pathType"), path.get("path", "")
    if kind is None:
        yield required(f"{here}.pathType", "pathType must be specified")
    elif kind not in PATH_TYPES:
        yield unsupported(f"{here}.pathType", kind, PATH_TYPES)
    elif not text.startswith("/") and (text or kind != "ImplementationSpecific"):
        yield wrong_value(f"{here}.path", text, "must be an absolute path")
    for bad in ("//", "/./", "/../", "%2f", "%2F") if kind in ("Exact", "Prefix") else ():
        if bad in text:
            yield wrong_value(f"{here}.path", text, f"must not contain '{bad}'")
    yield from _backend(f"{here}.backend", struct(dict(path), "backend"))


def _backend(here: str, backend: Body) -> Iterator[Cause]:
    service, resource = backend.get("service"), backend.get("resource")
    if not service and not resource:
        yield required(here, "resource or service backend is required")
    elif service and resource:
        yield wrong(here, '""', "cannot set both resource and service backends")
    elif service:
        port = service.get("port") or {}
        if not service.get("name"):
            yield required(f"{here}.service.name")
        if port.get("name") and port.get("number"):
            yield wrong(here, '""', "cannot set both port name & port number")
        elif not port.get("name") and not port.get("number"):
            yield required(here, "port name or number is required")
        elif port.get("number"):
            yield from port_causes(f"{here}.service.port.number", port["number"])


def budget(body: Body, _live: Body | None) -> Iterator[Cause]:
    """PodDisruptionBudgets."""
    spec = body["spec"]
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        yield wrong("spec", in_json(spec), "minAvailable and maxUnavailable cannot be both set")
    for key in ("minAvailable", "maxUnavailable"):
        value = spec.get(key)
        yield from not_negative(f"spec.{key}", value)
        if isinstance(value, str) and not PERCENT.fullmatch(value):
            yield wrong_value(f"spec.{key}", value, NOT_A_PERCENT)
        elif isinstance(value, str) and int(value[:-1]) > 100:
            yield wrong_value(f"spec.{key}", value, "must not be greater than 100%")
    known = ("AlwaysAllow", "IfHealthyBudget")
    if spec.get("unhealthyPodEvictionPolicy") not in (None, *known):
        yield unsupported("spec.unhealthyPodEvictionPolicy", spec["unhealthyPodEvictionPolicy"], known)


def scaler(body: Body, _live: Body | None) -> Iterator[Cause]:
    """HorizontalPodAutoscalers."""
    spec = body["spec"]
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    if least < 1:
        yield wrong("spec.minReplicas", str(least), "must be greater than or equal to 1")
    if most < 1:
        yield wrong("spec.maxReplicas", str(most), "must be greater than 0")
    if most < least:
        yield wrong("spec.maxReplicas", str(most), "must be greater than or equal to `minReplicas`")
    for key in ("kind", "name"):
        if not (spec.get("scaleTargetRef") or {}).get(key):
            yield required(f"spec.scaleTargetRef.{key}")


def lease(body: Body, _live: Body | None) -> Iterator[Cause]:
    """Leases."""
    spec = struct(dict(body), "spec")
    if spec.get("holderIdentity") == "":
        yield wrong_value("spec.holderIdentity", "", "must not be empty")
    seconds = spec.get("leaseDurationSeconds")
    if isinstance(seconds, int) and seconds <= 0:
        yield wrong("spec.leaseDurationSeconds", str(seconds), "must be greater than 0")
    yield from not_negative("spec.leaseTransitions", spec.get("leaseTransitions"))


def endpoint_slice(body: Body, live: Body | None) -> Iterator[Cause]:
    """EndpointSlices: the sort of address is for good."""
    known = ("FQDN", "IPv4", "IPv6")
    if not body.get("addressType"):
        yield required("addressType")
    elif body["addressType"] not in known:
        yield unsupported("addressType", body["addressType"], known)
    for number, endpoint in enumerate(structs(dict(body), "endpoints")):
        if not endpoint.get("addresses"):
            yield required(f"endpoints[{number}].addresses", "must contain at least 1 address")
    if live is not None and live.get("addressType") != body.get("addressType"):
        yield immutable("addressType", str(body.get("addressType")))


def role(body: Body, _live: Body | None) -> Iterator[Cause]:
    """Roles and ClusterRoles."""
    namespaced = body["kind"] == "Role"
    for number, rule in enumerate(structs(dict(body), "rules")):
        here, urls = f"rules[{number}]", rule.get("nonResourceURLs")
        if not rule.get("verbs"):
            yield required(f"{here}.verbs", "verbs must contain at least one value")
        if urls:
            if namespaced:
                yield wrong(f"{here}.nonResourceURLs", in_json(urls), "namespaced rules cannot apply to non-resource URLs")
            if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
                yield wrong(f"{here}.nonResourceURLs", in_json(urls), "rules cannot apply to both regular resources and non-resource URLs")
            continue
        if not rule.get("apiGroups"):
            yield required(f"{here}.apiGroups", "resource rules must supply at least one api group")
        if not rule.get("resources"):
            yield required(f"{here}.resources", "resource rules must supply at least one resource")


def role_binding(body: Body, live: Body | None) -> Iterator[Cause]:
    """RoleBindings and ClusterRoleBindings."""
    reference = body.get("roleRef") or {}
    group, kind = "rbac.authorization.k8s.io", reference.get("kind")
    if reference.get("apiGroup") != group:
        yield unsupported("roleRef.apiGroup", reference.get("apiGroup"), (group,))
    known = ("Role", "ClusterRole") if body["kind"] == "RoleBinding" else ("ClusterRole",)
    if kind not in known:
        yield unsupported("roleRef.kind", kind, known)
    if not reference.get("name"):
        yield required("roleRef.name")
    for number, subject in enumerate(structs(dict(body), "subjects")):
        yield from _subject(f"subjects[{number}]", subject)
    if live is not None and live.get("roleRef") != reference:
        said = {"APIGroup": reference.get("apiGroup"), "Kind": kind, "Name": reference.get("name")}
        yield wrong("roleRef", in_json(said), "cannot change roleRef")


def _subject(here: str, subject: Body) -> Iterator[Cause]:
    kind, group = subject.get("kind"), subject.get("apiGroup") or ""
    if not subject.get("name"):
        yield required(f"{here}.name")
    match kind:
        case "ServiceAccount":
            if group:
                yield unsupported(f"{here}.apiGroup", group, ("",))
            if not subject.get("namespace"):
                yield required(f"{here}.namespace")
        case "User" | "Group":
            if group != "rbac.authorization.k8s.io":
                yield unsupported(f"{here}.apiGroup", group, ("rbac.authorization.k8s.io",))
        case _:
            yield unsupported(f"{here}.kind", kind, ("ServiceAccount", "User", "Group"))


def quota(body: Body, _live: Body | None) -> Iterator[Cause]:
    """ResourceQuotas."""
    for name, value in (struct(dict(body), "spec").get("hard") or {}).items():
        if amount(value) < 0:
            yield wrong_value(f"spec.hard[{name}]", str(value), "must be greater than or equal to 0")


def limit_range(body: Body, _live: Body | None) -> Iterator[Cause]:
    """LimitRanges: what is least is not above what is most."""
    for number, item in enumerate(structs(struct(dict(body), "spec"), "limits")):
        here = f"spec.limits[{number}]"
        for low, high in (("min", "max"), ("defaultRequest", "default"), ("default", "max"), ("min", "default")):
            for name, value in (item.get(low) or {}).items():
                top = (item.get(high) or {}).get(name)
                if top is not None and amount(value) > amount(top):
                    yield wrong_value(f"{here}.{low}[{name}]", str(value), f"{low} value {value} is greater than {high} value {top}")


def runtime_class(body: Body, live: Body | None) -> Iterator[Cause]:
    """RuntimeClasses: their handler is for good."""
    if live is not None and live.get("handler") != body.get("handler"):
        yield immutable_value("handler", body.get("handler"))
