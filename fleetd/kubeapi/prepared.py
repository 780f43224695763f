"""What the server and its standard admission put into an object on their own account; nobody owns it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fleetd.kubeapi.defaults_pods import GENERATION, absent, quality, struct, structs
from fleetd.kubeapi.exchange import User
from fleetd.kubeapi.metadata import generated_name
from fleetd.kubeapi.refusals import ApiRefusal
from fleetd.kubeapi.storage import Storage

Body = dict[str, Any]
Live = Mapping[str, Any] | None
CLAIM_FINALIZER, VOLUME_FINALIZER = "kubernetes.io/pvc-protection", "kubernetes.io/pv-protection"
SECONDS = 300
NOT_READY = "node.kubernetes.io/not-ready"
TOKEN = {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}
AUTHORITY = {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}
NAMESPACE = {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}}
MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Where and when an object is written.

    `protects`: claims and volumes wait for a controller before they go. `accounts`: every Pod needs a ServiceAccount that is there.
    """

    storage: Storage
    user: User
    now: str
    protects: bool
    accounts: bool = False


async def prepared(kind: str, body: Body, live: Live, where: Circumstances) -> None:
    """Puts it in, in place; `kind` is the resource, `live` the state before an update. Raises ApiRefusal (403) for what is not there."""
    prepare = PREPARE.get(kind)
    if prepare is not None:
        await prepare(body, live, where)


async def _job(body: Body, live: Live, _where: Circumstances) -> None:
    spec = body["spec"]
    if live is not None or spec.get("manualSelector"):
        return
    metadata = body["metadata"]
    mine = {"controller-uid": metadata["uid"], "job-name": metadata["name"]}
    labels = {f"{prefix}{key}": value for prefix in ("batch.kubernetes.io/", "") for key, value in mine.items()}
    found = struct(spec.setdefault("template", {}), "metadata")
    spec["template"]["metadata"] = {**found, "labels": {**labels, **(found.get("labels") or {})}}
    selector = spec.setdefault("selector", {})
    selector["matchLabels"] = {"batch.kubernetes.io/controller-uid": metadata["uid"], **(selector.get("matchLabels") or {})}


async def _daemon_set(body: Body, live: Live, _where: Circumstances) -> None:
    annotations = body["metadata"]["annotations"]
    if live is None:
        annotations[GENERATION] = str(max(1, _number(annotations.get(GENERATION))))
        return
    before = _number((live["metadata"].get("annotations") or {}).get(GENERATION))
    annotations[GENERATION] = str(before + (live["spec"].get("template") != body["spec"].get("template")))


def _number(text: Any) -> int:
    return int(text) if isinstance(text, str) and text.isdecimal() else 0


CONTENTS = (("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot"))


def _same_source(spec: Body) -> None:
    """Where a claim's content comes from is told in two places; the older one holds claims and snapshots only."""
    source, wide = spec.get("dataSource"), spec.get("dataSourceRef")
    said = source or wide or {}
    known = (said.get("apiGroup") or "", said.get("kind")) in CONTENTS
    if source is not None and not known:
        spec.pop("dataSource")
    elif source is not None and wide is None:
        spec["dataSourceRef"] = dict(source)
    elif source is None and wide is not None and known and not wide.get("namespace"):
        spec["dataSource"] = dict(wide)


async def _node(body: Body, live: Live, _where: Circumstances) -> None:
    """A Node that is new is not ready; who makes it ready takes the taint off."""
    spec = body.setdefault("spec", {})
    if live is None and all((one.get("key"), one.get("effect")) != (NOT_READY, "NoSchedule") for one in structs(spec, "taints")):
        spec["taints"] = [*(spec.get("taints") or ()), {"key": NOT_READY, "effect": "NoSchedule"}]


async def _claim(body: Body, live: Live, where: Circumstances) -> None:
    _same_source(body["spec"])
    if live is None:
        _held(body, CLAIM_FINALIZER, where)
        name = await _default(where.storage, "storageclasses.storage.k8s.io", "storageclass.kubernetes.io/is-default-class")
        if name and body["spec"].get("storageClassName") is None:
            body["spec"]["storageClassName"] = name


async def _volume(body: Body, live: Live, where: Circumstances) -> None:
    if live is None:
        _held(body, VOLUME_FINALIZER, where)
        body["status"]["lastPhaseTransitionTime"] = where.now
    elif body["status"].get("phase") != live["status"].get("phase"):
        body["status"]["lastPhaseTransitionTime"] = where.now


def _held(body: Body, finalizer: str, where: Circumstances) -> None:
    held = body["metadata"].get("finalizers") or []
    if where.protects and finalizer not in held:
        body["metadata"]["finalizers"] = [*held, finalizer]


async def _ingress(body: Body, live: Live, where: Circumstances) -> None:
    if live is None and body["spec"].get("ingressClassName") is None:
        name = await _default(where.storage, "ingressclasses.networking.k8s.io", "ingressclass.kubernetes.io/is-default-class")
        legacy = "kubernetes.io/ingress.class" in (body["metadata"].get("annotations") or {})
        if name and not legacy:
            body["spec"]["ingressClassName"] = name


async def _default(storage: Storage, resource: str, mark: str) -> str:
    """The class that is marked as the one for objects that name none; of several, the newest."""
    marked = [
        one.metadata for one in (await storage.listing(resource)).records if (one.metadata.get("annotations") or {}).get(mark) == "true"
    ]
    return str(max(marked, key=lambda one: (one["creationTimestamp"], one["name"]))["name"]) if marked else ""


async def _request(body: Body, live: Live, where: Circumstances) -> None:
    """A request for a certificate says who asks."""
    said = {"username": where.user.name, "uid": where.user.uid, "groups": list(where.user.groups)}
    asked = {key: value for key, value in said.items() if value} if live is None else live["spec"]
    body["spec"] |= {key: asked[key] for key in ("username", "uid", "groups", "extra") if key in asked}


async def _pod(body: Body, live: Live, where: Circumstances) -> None:
    if live is not None:
        return
    spec, metadata = body["spec"], body["metadata"]
    await _limits(spec, metadata, where.storage)
    account = spec.get("serviceAccountName") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = account
    record = await where.storage.get("serviceaccounts", metadata["namespace"], account)
    if record is None and where.accounts:
        missing = f'serviceaccount "{account}" not found'
        raise _refused(metadata, f"error looking up service account {metadata['namespace']}/{account}: {missing}")
    wanted = spec.get("automountServiceAccountToken")
    if wanted is None and record is not None:
        wanted = record.body.get("automountServiceAccountToken")
    if wanted is not False:
        _mount(spec, metadata["uid"])
    if record is not None and record.body.get("imagePullSecrets") and not spec.get("imagePullSecrets"):
        spec["imagePullSecrets"] = [dict(one) for one in record.body["imagePullSecrets"]]
    await _priority(metadata, spec, where.storage)
    runtime = spec.get("runtimeClassName")
    if runtime and await where.storage.get("runtimeclasses.node.k8s.io", "", runtime) is None:
        raise _refused(metadata, f'pod rejected: RuntimeClass "{runtime}" not found')
    _tolerate(spec)
    body["status"]["qosClass"] = quality(spec)


def _mount(spec: Body, uid: str) -> None:
    containers = [*structs(spec, "containers"), *structs(spec, "initContainers")]
    bare = [one for one in containers if all(mount.get("mountPath") != MOUNT for mount in structs(one, "volumeMounts"))]
    if not bare:
        return
    name = generated_name("kube-api-access-", uid)
    projected = {"sources": [TOKEN, AUTHORITY, NAMESPACE], "defaultMode": 420}
    spec["volumes"] = [*(spec.get("volumes") or ()), {"name": name, "projected": projected}]
    for container in bare:
        mounted = {"name": name, "readOnly": True, "mountPath": MOUNT}
        container["volumeMounts"] = [*(container.get("volumeMounts") or ()), mounted]


def _refused(metadata: Body, why: str) -> ApiRefusal:
    name = metadata["name"]
    return ApiRefusal(403, "Forbidden", f'pods "{name}" is forbidden: {why}', {"name": name, "kind": "pods"})


async def _priority(metadata: Body, spec: Body, storage: Storage) -> None:
    name = spec.get("priorityClassName")
    record = await storage.get("priorityclasses.scheduling.k8s.io", "", name) if name else None
    if name and record is None:
        raise _refused(metadata, f"no PriorityClass with name {name} was found")
    chosen = record.body if record is not None else {}
    if record is None and not name:
        whole = [one.body for one in (await storage.listing("priorityclasses.scheduling.k8s.io")).records if one.body.get("globalDefault")]
        chosen = whole[0] if whole else {}
        if whole:
            spec["priorityClassName"] = chosen["metadata"]["name"]
    absent(spec, ("priority", chosen.get("value", 0)), ("preemptionPolicy", chosen.get("preemptionPolicy", "PreemptLowerPriority")))


def _tolerate(spec: Body) -> None:
    """For five minutes a pod bears that its node is not there."""
    known = list(structs(spec, "tolerations"))
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(one.get("key") in (key, None, "") and one.get("effect") in ("NoExecute", None, "") for one in known):
            known.append({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS})
    spec["tolerations"] = known


async def _limits(spec: Body, metadata: Body, storage: Storage) -> None:
    """What the LimitRanges of the namespace give to containers that do not say it."""
    told = []
    for record in (await storage.listing("limitranges", metadata["namespace"])).records:
        for item in structs(struct(record.body, "spec"), "limits"):
            if item.get("type") != "Container":
                continue
            for key, title in (("containers", "container"), ("initContainers", "init container")):
                for container in structs(spec, key):
                    told += _limited(container, item, title)
    if told:
        said = "LimitRanger plugin set: " + "; ".join(told)
        metadata["annotations"] = {**(metadata.get("annotations") or {}), "kubernetes.io/limit-ranger": said}


def _limited(container: Body, item: Body, title: str) -> list[str]:
    told = []
    for side, default, word in (("requests", "defaultRequest", "request"), ("limits", "default", "limit")):
        resources = container["resources"] = {**(container.get("resources") or {})}
        here = resources.get(side) or {}
        missing = {name: amount for name, amount in (item.get(default) or {}).items() if name not in here}
        if missing:
            resources[side] = {**here, **missing}
            told.append(f"{', '.join(sorted(missing))} {word} for {title} {container.get('name', '')}")
    return told


PREPARE: dict[str, Callable[[Body, Live, Circumstances], Awaitable[None]]] = {
    "certificatesigningrequests.certificates.k8s.io": _request,
    "daemonsets.apps": _daemon_set,
    "ingresses.networking.k8s.io": _ingress,
    "jobs.batch": _job,
    "nodes": _node,
    "persistentvolumeclaims": _claim,
    "persistentvolumes": _volume,
    "pods": _pod,
}
