"""The defaults of pods, and of everything that makes pods from a template."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Body = dict[str, Any]
GENERATION = "deprecated.daemonset.template.generation"
MODES = ("secret", "configMap", "projected", "downwardAPI")
AZURE_DISK = (("cachingMode", "ReadWrite"), ("fsType", "ext4"), ("kind", "Shared"), ("readOnly", False))
SCALE_IO = (("storageMode", "ThinProvisioned"), ("fsType", "xfs"))
RADOS = (("pool", "rbd"), ("user", "admin"), ("keyring", "/etc/ceph/keyring"))


def absent(spec: Body, *pairs: tuple[str, Any]) -> None:
    """Fills in what is not there."""
    for key, value in pairs:
        if spec.get(key) is None:
            spec[key] = value


def struct(body: Body, key: str) -> Body:
    """A struct of the body, or an empty one that is nobody's."""
    found = body.get(key)
    return found if isinstance(found, dict) else {}


def structs(body: Body, key: str) -> Iterator[Body]:
    """The structs of a list."""
    found = body.get(key)
    for item in found if isinstance(found, list) else ():
        if isinstance(item, dict):
            yield item


def is_latest(image: str) -> bool:
    """Whether an image's reference leaves open which version it is."""
    return bool(image) and "@" not in image and (":" not in image.rpartition("/")[2] or image.endswith(":latest"))


def _pull_policy(image: str) -> str:
    return "Always" if is_latest(image) else "IfNotPresent"


def _container(container: Body) -> None:
    absent(container, ("resources", {}), ("terminationMessagePath", "/dev/termination-log"), ("terminationMessagePolicy", "File"))
    absent(container, ("imagePullPolicy", _pull_policy(str(container.get("image", "")))))
    for port in structs(container, "ports"):
        absent(port, ("protocol", "TCP"))
    for variable in structs(container, "env"):
        _references(struct(variable, "valueFrom"))
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if isinstance(container.get(name), dict):
            _probe(container[name])
    for hook in ("postStart", "preStop"):
        _http(struct(struct(container, "lifecycle"), hook))


def _references(source: Body) -> None:
    """Of a variable, or of a file of the downward API."""
    if isinstance(source.get("fieldRef"), dict):
        absent(source["fieldRef"], ("apiVersion", "v1"))
    if isinstance(source.get("resourceFieldRef"), dict):
        absent(source["resourceFieldRef"], ("divisor", "0"))


def _probe(probe: Body) -> None:
    for key, value in (("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)):
        probe.setdefault(key, value)
    if isinstance(probe.get("grpc"), dict):
        absent(probe["grpc"], ("service", ""))
    _http(probe)


def _http(action: Body) -> None:
    if isinstance(action.get("httpGet"), dict):
        absent(action["httpGet"], ("path", "/"), ("scheme", "HTTP"))


def _volume(volume: Body) -> None:
    if volume.keys() <= {"name"}:
        volume["emptyDir"] = {}
    for name in MODES:
        if isinstance(volume.get(name), dict):
            absent(volume[name], ("defaultMode", 420))
    for file in structs(struct(volume, "downwardAPI"), "items"):
        _references(file)
    for source in structs(struct(volume, "projected"), "sources"):
        for file in structs(struct(source, "downwardAPI"), "items"):
            _references(file)
        if isinstance(source.get("serviceAccountToken"), dict):
            absent(source["serviceAccountToken"], ("expirationSeconds", 3600))
    if isinstance(volume.get("image"), dict):
        absent(volume["image"], ("pullPolicy", _pull_policy(str(volume["image"].get("reference", "")))))
    if isinstance(volume.get("ephemeral"), dict):
        absent(struct(struct(volume["ephemeral"], "volumeClaimTemplate"), "spec"), ("volumeMode", "Filesystem"))
    source_defaults(volume)


def source_defaults(volume: Body) -> None:
    """Of what a volume of a pod and a PersistentVolume have in common."""
    for name, pairs in (("azureDisk", AZURE_DISK), ("scaleIO", SCALE_IO), ("rbd", RADOS), ("iscsi", (("iscsiInterface", "default"),))):
        if isinstance(volume.get(name), dict):
            absent(volume[name], *pairs)
    if isinstance(volume.get("hostPath"), dict):
        absent(volume["hostPath"], ("type", ""))


def pod_spec(spec: Body) -> None:
    """The defaults of a pod's spec, in a Pod or in a template."""
    for key in ("containers", "initContainers"):
        for container in structs(spec, key):
            _container(container)
    usual: tuple[tuple[str, Any], ...] = (
        ("restartPolicy", "Always"),
        ("terminationGracePeriodSeconds", 30),
        ("dnsPolicy", "ClusterFirst"),
        ("securityContext", {}),
        ("schedulerName", "default-scheduler"),
    )
    absent(spec, *usual)
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for volume in structs(spec, "volumes"):
        _volume(volume)


def pod(body: Body) -> None:
    """A Pod: more is said of it than of a template."""
    spec = body.setdefault("spec", {})
    pod_spec(spec)
    for container in (*structs(spec, "containers"), *structs(spec, "initContainers")):
        resources = container["resources"]
        if isinstance(resources, dict) and resources.get("limits"):
            resources["requests"] = {**resources["limits"], **(resources.get("requests") or {})}
        for port in structs(container, "ports") if spec.get("hostNetwork") else ():
            absent(port, ("hostPort", port.get("containerPort")))
    absent(spec, ("enableServiceLinks", True))
    status = body.setdefault("status", {})
    absent(status, ("phase", "Pending"), ("qosClass", quality(spec)))
    first = next(structs(status, "podIPs"), {}).get("ip")
    if status.get("podIP") and status["podIP"] != first:
        status["podIPs"] = [{"ip": status["podIP"]}]
    elif first:
        status["podIP"] = first


def quality(spec: Body) -> str:
    """The class of service that a pod's requests and limits put it in."""
    whole = [struct(one, "resources") for key in ("containers", "initContainers") for one in structs(spec, key)]
    asked = [
        {name: amount for name, amount in (one.get(side) or {}).items() if name in ("cpu", "memory") and amount != "0"}
        for one in whole
        for side in ("requests", "limits")
    ]
    if not any(asked):
        return "BestEffort"
    fixed = all(limits.keys() == {"cpu", "memory"} and requests == limits for requests, limits in zip(asked[::2], asked[1::2], strict=True))
    return "Guaranteed" if fixed else "Burstable"


def template(body: Body) -> Body:
    """The spec of what has a template in it, whose pods have their defaults then."""
    spec: Body = body.setdefault("spec", {})
    found = struct(spec, "template")
    struct(found, "metadata").pop("creationTimestamp", None)
    if isinstance(found.get("spec"), dict):
        pod_spec(found["spec"])
    return spec


def _rolling(spec: Body, key: str, rolling: Body) -> None:
    strategy = spec.setdefault(key, {})
    strategy["type"] = strategy.get("type") or "RollingUpdate"
    if strategy["type"] == "RollingUpdate":
        strategy["rollingUpdate"] = {**rolling, **(strategy.get("rollingUpdate") or {})}


def deployment(body: Body) -> None:
    """A Deployment."""
    spec = template(body)
    absent(spec, ("replicas", 1), ("revisionHistoryLimit", 10), ("progressDeadlineSeconds", 600))
    _rolling(spec, "strategy", {"maxUnavailable": "25%", "maxSurge": "25%"})


def stateful_set(body: Body) -> None:
    """A StatefulSet, with the claims it makes."""
    spec = template(body)
    absent(spec, ("replicas", 1), ("revisionHistoryLimit", 10), ("podManagementPolicy", "OrderedReady"))
    kept = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
    absent(kept, ("whenDeleted", "Retain"), ("whenScaled", "Retain"))
    _rolling(spec, "updateStrategy", {"partition": 0})
    for claim in structs(spec, "volumeClaimTemplates"):
        absent(claim, ("kind", "PersistentVolumeClaim"), ("apiVersion", "v1"))
        struct(claim, "metadata").pop("creationTimestamp", None)
        absent(claim.setdefault("spec", {}), ("volumeMode", "Filesystem"), ("resources", {}))
        absent(claim.setdefault("status", {}), ("phase", "Pending"))
    absent(body["status"], ("replicas", 0), ("availableReplicas", 0))


def daemon_set(body: Body) -> None:
    """A DaemonSet; an annotation counts its templates."""
    spec = template(body)
    absent(spec, ("revisionHistoryLimit", 10))
    _rolling(spec, "updateStrategy", {"maxUnavailable": 1, "maxSurge": 0})
    metadata = body["metadata"]
    metadata["annotations"] = {GENERATION: "0", **(metadata.get("annotations") or {})}


def replica_set(body: Body) -> None:
    """A ReplicaSet."""
    absent(template(body), ("replicas", 1))


def replication_controller(body: Body) -> None:
    """A ReplicationController, which takes its labels from its template."""
    spec = template(body)
    absent(spec, ("replicas", 1))
    labels = struct(struct(spec, "template"), "metadata").get("labels")
    if labels:
        spec["selector"] = spec.get("selector") or dict(labels)
        body["metadata"]["labels"] = body["metadata"].get("labels") or dict(labels)


def pod_template(body: Body) -> None:
    """A PodTemplate."""
    found = body.setdefault("template", {})
    struct(found, "metadata").pop("creationTimestamp", None)
    if isinstance(found.get("spec"), dict):
        pod_spec(found["spec"])


def job(body: Body) -> None:
    """A Job."""
    spec = template(body)
    if spec.get("completions") is None and spec.get("parallelism") is None:
        absent(spec, ("completions", 1))
    absent(spec, ("parallelism", 1), ("completionMode", "NonIndexed"), ("suspend", False))
    absent(spec, ("backoffLimit", 2**31 - 1 if spec.get("backoffLimitPerIndex") is not None else 6))
    absent(spec, ("podReplacementPolicy", "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed"))
    for rule in structs(struct(spec, "podFailurePolicy"), "rules"):
        for pattern in structs(rule, "onPodConditions"):
            absent(pattern, ("status", "True"))


def cron_job(body: Body) -> None:
    """A CronJob; its Jobs have their defaults when they are made."""
    spec = body.setdefault("spec", {})
    absent(spec, ("concurrencyPolicy", "Allow"), ("suspend", False), ("successfulJobsHistoryLimit", 3), ("failedJobsHistoryLimit", 1))
    if isinstance(spec.get("jobTemplate"), dict):
        struct(spec["jobTemplate"], "metadata").pop("creationTimestamp", None)
        template(spec["jobTemplate"])
