"""What the server refuses of the kinds that are neither workloads nor Services: batch, networking, storage, RBAC and the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fleetd.kubeapi.defaults_pods import struct, structs
from fleetd.kubeapi.quantities import amount
from fleetd.kubeapi.refusals import Cause
from fleetd.kubeapi.rules import (
    immutable,
    immutable_value,
    in_json,
    name_faults,
    not_allowed,
    not_negative,
    one_label_causes,
    qualified_name_causes,
    required,
    unsupported,
    wrong,
    wrong_value,
)

Body = Mapping[str, Any]
STANDARD_QUOTAS = frozenset(
    (
        *("cpu", "memory", "ephemeral-storage", "storage"),
        *("requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage"),
        *("limits.cpu", "limits.memory", "limits.ephemeral-storage"),
        *("pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps", "persistentvolumeclaims"),
        *("services.nodeports", "services.loadbalancers"),
    )
)
COUNTED = ("pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps", "persistentvolumeclaims")


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


def lease(body: Body, _live: Body | None) -> Iterator[Cause]:
    """Leases."""
    spec = struct(dict(body), "spec")
    if spec.get("holderIdentity") == "":
        yield wrong_value("spec.holderIdentity", "", "must not be empty")
    seconds = spec.get("leaseDurationSeconds")
    if isinstance(seconds, int) and seconds <= 0:
        yield wrong("spec.leaseDurationSeconds", str(seconds), "must be greater than 0")
    yield from not_negative("spec.leaseTransitions", spec.get("leaseTransitions"))


def role(body: Body, _live: Body | None) -> Iterator[Cause]:
    """Roles and ClusterRoles."""
    namespaced, gathered = body["kind"] == "Role", body.get("aggregationRule")
    if gathered is not None and not gathered.get("clusterRoleSelectors"):
        yield required("aggregationRule.clusterRoleSelectors", "at least one clusterRoleSelector required if aggregationRule is non-nil")
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
            for why in name_faults("serviceaccounts", subject.get("name") or "x"):
                yield wrong_value(f"{here}.name", subject["name"], why)
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
    for name, value in sorted((struct(dict(body), "spec").get("hard") or {}).items()):
        here = f"spec.hard[{name}]"
        yield from qualified_name_causes(here, name)
        if "/" not in name and not name.startswith(("hugepages-", "requests.hugepages-")) and name not in STANDARD_QUOTAS:
            yield wrong_value(here, name, "must be a standard resource type or fully qualified")
            yield wrong_value(here, name, "must be a standard resource for quota")
        if amount(value) < 0:
            yield wrong_value(here, str(value), "must be greater than or equal to 0")
        if (name in COUNTED or name.startswith(("count/", "services."))) and amount(value) % 1:
            yield wrong_value(here, str(value), "must be an integer")


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
    yield from one_label_causes("handler", body.get("handler", ""))
    if live is not None and live.get("handler") != body.get("handler"):
        yield immutable_value("handler", body.get("handler"))
