"""What the server warns of in an object that it takes: what is deprecated, and what will surprise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fleetd.kubeapi.defaults_pods import struct, structs
from fleetd.kubeapi.kinds import Kind
from fleetd.kubeapi.rules import LABEL, NOT_A_LABEL, STANDARD_FINALIZERS, qualified_name, quoted

Body = Mapping[str, Any]
Cautions = Iterator[str]
HOSTNAME = "this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: "
HOSTNAMES = "this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: "
OLD_LABELS = {
    "beta.kubernetes.io/arch": ("v1.14", "kubernetes.io/arch"),
    "beta.kubernetes.io/os": ("v1.14", "kubernetes.io/os"),
    "failure-domain.beta.kubernetes.io/region": ("v1.17", "topology.kubernetes.io/region"),
    "failure-domain.beta.kubernetes.io/zone": ("v1.17", "topology.kubernetes.io/zone"),
    "beta.kubernetes.io/instance-type": ("v1.17", "node.kubernetes.io/instance-type"),
}
OLD_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": 'non-functional in v1.16+; use the "priorityClassName" field instead',
    "seccomp.security.alpha.kubernetes.io/pod": 'non-functional in v1.27+; use the "seccompProfile" field instead',
}
INGRESS_CLASS = "kubernetes.io/ingress.class"
STORAGE_CLASS = "volume.beta.kubernetes.io/storage-class"
UNSURE_FINALIZER = (
    "prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers"
)
DOUBLED_OWNERS = (
    ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests "
    "as early as 1.24; please fix your requests; duplicate UID(s) observed: "
)


def cautions(kind: Kind, body: Body, live: Body | None) -> Cautions:
    """What is to be said of an object that is written; `live` is the state before an update."""
    if kind.custom:
        yield from _finalizers(body["metadata"], live["metadata"] if live else {})
        return
    told = TOLD.get(kind.resource)
    changed = live is None or live["metadata"].get("generation") != body["metadata"].get("generation")
    if told is not None and (changed or kind.resource not in MADE_OF_PODS):
        yield from told(body, live)


def _finalizers(metadata: Body, before: Body) -> Cautions:
    for one in sorted(set(metadata.get("finalizers") or ()) - set(before.get("finalizers") or ())):
        for why in qualified_name(one):
            yield f"metadata.finalizers: {quoted(one)}: {why}"
        if "/" not in one and one not in STANDARD_FINALIZERS:
            yield f"metadata.finalizers: {quoted(one)}: {UNSURE_FINALIZER}"


def _name(body: Body, live: Body | None, why: str) -> Cautions:
    name = str(body["metadata"].get("name", ""))
    faults = ["must be no more than 63 bytes"] if len(name) > 63 else []
    faults += [] if LABEL.fullmatch(name) else [NOT_A_LABEL]
    if faults and live is None:
        yield f"metadata.name: {why}[{' '.join(faults)}]"


def _pods(here: str, metadata: Body, spec: Body) -> Cautions:
    for key in struct(dict(spec), "nodeSelector"):
        if key in OLD_LABELS:
            since, instead = OLD_LABELS[key]
            yield f'{here}spec.nodeSelector[{key}]: deprecated since {since}; use "{instead}" instead'
    for key in struct(dict(metadata), "annotations"):
        if key in OLD_ANNOTATIONS:
            yield f"{here}metadata.annotations[{key}]: {OLD_ANNOTATIONS[key]}"
    for kind in ("initContainers", "containers"):
        for number, container in enumerate(structs(dict(spec), kind)):
            yield from _container(f"{here}spec.{kind}[{number}]", container)
    grace = spec.get("terminationGracePeriodSeconds")
    if isinstance(grace, int) and grace < 0:
        yield f"{here}spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1"


def _container(here: str, container: Body) -> Cautions:
    resources = struct(dict(container), "resources")
    for name in ("memory", "ephemeral-storage"):
        for side in ("limits", "requests"):
            yield from _fraction(f"{here}.resources.{side}[{name}]", struct(resources, side).get(name))
    names: set[str] = set()
    for number, variable in enumerate(structs(dict(container), "env")):
        name = str(variable.get("name", ""))
        if name in names and f"$({name})" not in str(variable.get("value", "")):
            yield f"{here}.env[{number}]: hides previous definition of {quoted(name)}, which may be dropped when using apply"
        names.add(name)
    places: dict[tuple[Any, ...], str] = {}
    for number, port in enumerate(structs(dict(container), "ports")):
        at, place = f"{here}.ports[{number}]", tuple(port.get(key) for key in ("hostIP", "hostPort", "containerPort", "protocol"))
        if place in places:
            yield f"{at}: duplicate port definition with {places[place]}"
        places.setdefault(place, at)


def _fraction(here: str, value: Any) -> Cautions:
    """Bytes cannot be cut in pieces."""
    if isinstance(value, str) and value.endswith(("m", "u", "n")):
        yield f"{here}: fractional byte value {quoted(value)} is invalid, must be an integer"


def _pod(body: Body, live: Body | None) -> Cautions:
    yield from _name(body, live, HOSTNAME)
    yield from _pods("", body["metadata"], body["spec"])


def _template(body: Body, _live: Body | None, path: str = "spec") -> Cautions:
    found: Any = body
    for step in path.split("."):
        found = struct(found, step)
    template = struct(found, "template")
    yield from _pods(f"{path}.template.", struct(template, "metadata"), struct(template, "spec"))


def _named(body: Body, live: Body | None) -> Cautions:
    yield from _name(body, live, HOSTNAMES)
    yield from _template(body, live)


def _stateful(body: Body, live: Body | None) -> Cautions:
    yield from _template(body, live)
    for number, claim in enumerate(structs(body["spec"], "volumeClaimTemplates")):
        yield from _claim_of(f"spec.volumeClaimTemplates[{number}].", claim)
    limit = body["spec"].get("revisionHistoryLimit")
    if isinstance(limit, int) and limit < 0:
        yield "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"


def _cron_job(body: Body, live: Body | None) -> Cautions:
    yield from _name(body, live, HOSTNAMES)
    yield from _template(body, live, "spec.jobTemplate.spec")
    if "TZ" in str(body["spec"].get("schedule", "")):
        page = "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/"
        yield f"CRON_TZ or TZ used in spec.schedule is not officially supported, see {page} for more details"


def _ingress(body: Body, live: Body | None) -> Cautions:
    annotated = INGRESS_CLASS in (body["metadata"].get("annotations") or {})
    if live is None and annotated and body["spec"].get("ingressClassName") is None:
        yield f"annotation {quoted(INGRESS_CLASS)} is deprecated, please use 'spec.ingressClassName' instead"


def _claim(body: Body, _live: Body | None) -> Cautions:
    yield from _claim_of("", body)


def _claim_of(here: str, body: Body) -> Cautions:
    if STORAGE_CLASS in (struct(dict(body), "metadata").get("annotations") or {}):
        yield f'{here}metadata.annotations[{STORAGE_CLASS}]: deprecated since v1.8; use "storageClassName" attribute instead'
    asked = struct(struct(struct(dict(body), "spec"), "resources"), "requests").get("storage")
    yield from _fraction(f"{here}spec.resources.requests[storage]", asked)


def _volume(body: Body, _live: Body | None) -> Cautions:
    if STORAGE_CLASS in (body["metadata"].get("annotations") or {}):
        yield f'metadata.annotations[{STORAGE_CLASS}]: deprecated since v1.8; use "storageClassName" attribute instead'
    if body["spec"].get("persistentVolumeReclaimPolicy") == "Recycle":
        better = "Instead, the recommended approach is to use dynamic provisioning."
        yield f"spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. {better}"


def _service(body: Body, _live: Body | None) -> Cautions:
    spec = body["spec"]
    sticky = spec.get("sessionAffinity", "None") != "None"
    if spec.get("type") == "ExternalName":
        if sticky:
            yield 'spec.SessionAffinity is ignored when spec.Type is "ExternalName"'
    elif spec.get("clusterIP") == "None":
        for key in ("loadBalancerIP", "externalIPs"):
            if spec.get(key):
                yield f"spec.{key} is ignored for headless services"
        if sticky:
            yield "spec.SessionAffinity is ignored for headless services"


MADE_OF_PODS = ("cronjobs.batch", "daemonsets.apps", "deployments.apps", "jobs.batch", "pods", "replicasets.apps", "statefulsets.apps")
TOLD: dict[str, Callable[[Body, Body | None], Cautions]] = {
    "cronjobs.batch": _cron_job,
    "daemonsets.apps": _template,
    "deployments.apps": _named,
    "ingresses.networking.k8s.io": _ingress,
    "jobs.batch": _named,
    "persistentvolumeclaims": _claim,
    "persistentvolumes": _volume,
    "pods": _pod,
    "replicasets.apps": _named,
    "replicationcontrollers": _named,
    "services": _service,
    "statefulsets.apps": _stateful,
}
