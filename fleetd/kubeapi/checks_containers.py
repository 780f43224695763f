"""What the server refuses of the containers of a pod."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from fleetd.kubeapi.defaults_pods import struct, structs
from fleetd.kubeapi.quantities import amount
from fleetd.kubeapi.refusals import Cause
from fleetd.kubeapi.rules import (
    duplicate,
    in_json,
    not_allowed,
    not_found,
    not_negative,
    one_label_causes,
    port_causes,
    port_or_name_causes,
    qualified_name_causes,
    required,
    unsupported,
    wrong,
    wrong_value,
)

Body = Mapping[str, Any]
PROTOCOLS = ("SCTP", "TCP", "UDP")
PULLS = ("Always", "IfNotPresent", "Never")
TERMINATIONS = ("File", "FallbackToLogsOnError")
VARIABLE = re.compile(r"[^\x00-\x1f\x7f=]+")
NOT_A_VARIABLE = "a valid environment variable name must consist only of printable ASCII characters other than '='"
SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
NO_SOURCE = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
OTHER_FIELDS = ("metadata.annotations", "metadata.labels", "spec.restartPolicy", "spec.schedulerName", "status.phase")
SUBSCRIPT = re.compile(r"(metadata\.(?:labels|annotations))\['(.*)'\]")
PROBE_NUMBERS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
ACTIONS = ("exec", "httpGet", "tcpSocket", "grpc")
OF_CONTAINERS = ("cpu", "memory", "ephemeral-storage")
STANDARD = (*OF_CONTAINERS, "storage", "pods", "services", "secrets", "configmaps", "replicationcontrollers", "resourcequotas")


def containers(here: str, spec: Body, key: str, volumes: Collection[str], seen: set[str]) -> Iterator[Cause]:
    """The containers under a key; `volumes` are the names that may be mounted, `seen` the names that are taken."""
    for number, container in enumerate(structs(dict(spec), key)):
        path, name = f"{here}.{key}[{number}]", container.get("name", "")
        yield from _container(path, container, volumes)
        if name in seen:
            yield duplicate(f"{path}.name", name)
        seen.add(name)
        for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
            if isinstance(container.get(kind), dict):
                yield from _probe(f"{path}.{kind}", container[kind], kind)


def _container(here: str, container: Body, volumes: Collection[str]) -> Iterator[Cause]:
    yield from one_label_causes(f"{here}.name", container.get("name", ""))
    if not container.get("image"):
        yield required(f"{here}.image")
    policy = container.get("terminationMessagePolicy", "File")
    if policy not in TERMINATIONS:
        yield unsupported(f"{here}.terminationMessagePolicy", policy, TERMINATIONS)
    yield from _ports(here, container)
    for index, variable in enumerate(structs(dict(container), "env")):
        yield from _variable(f"{here}.env[{index}]", variable)
    yield from _mounts(here, container, volumes)
    if container.get("imagePullPolicy") not in (None, *PULLS):
        yield unsupported(f"{here}.imagePullPolicy", container["imagePullPolicy"], PULLS)
    yield from _resources(f"{here}.resources", struct(dict(container), "resources"))


def _ports(here: str, container: Body) -> Iterator[Cause]:
    names: set[str] = set()
    for index, port in enumerate(structs(dict(container), "ports")):
        at, name = f"{here}.ports[{index}]", port.get("name", "")
        faults = list(port_or_name_causes(f"{at}.name", name)) if name else []
        yield from faults
        if name in names:
            yield duplicate(f"{at}.name", name)
        if name and not faults:
            names.add(name)
        if not port.get("containerPort"):
            yield required(f"{at}.containerPort")
        else:
            yield from port_causes(f"{at}.containerPort", port["containerPort"])
        if port.get("hostPort"):
            yield from port_causes(f"{at}.hostPort", port["hostPort"])
        if port.get("protocol", "TCP") not in PROTOCOLS:
            yield unsupported(f"{at}.protocol", port["protocol"], PROTOCOLS)


def _variable(here: str, variable: Body) -> Iterator[Cause]:
    name = variable.get("name", "")
    if not name:
        yield required(f"{here}.name")
    elif not VARIABLE.fullmatch(name) or not name.isascii():
        yield wrong_value(f"{here}.name", name, NOT_A_VARIABLE)
    if isinstance(variable.get("valueFrom"), dict):
        yield from _source(f"{here}.valueFrom", variable["valueFrom"], variable.get("value"))


def _source(at: str, source: Body, value: Any) -> Iterator[Cause]:
    given = [key for key in SOURCES if isinstance(source.get(key), dict)]
    if "fieldRef" in given:
        yield from _field(f"{at}.fieldRef", source["fieldRef"])
    if "resourceFieldRef" in given and not source["resourceFieldRef"].get("resource"):
        yield required(f"{at}.resourceFieldRef.resource")
    for key in ("configMapKeyRef", "secretKeyRef"):
        if key in given and not source[key].get("key"):
            yield required(f"{at}.{key}.key")
    if not given:
        yield wrong(at, '""', NO_SOURCE)
    elif value:
        yield wrong(at, '""', "may not be specified when `value` is not empty")
    elif len(given) > 1:
        yield wrong(at, '""', "may not have more than one field specified at a time")


def _field(here: str, reference: Body) -> Iterator[Cause]:
    path = reference.get("fieldPath", "")
    if not path:
        yield required(f"{here}.fieldPath")
        return
    subscript = SUBSCRIPT.fullmatch(path)
    if subscript:
        key = subscript[2]
        yield from qualified_name_causes(here, key.lower() if "annotations" in subscript[1] else key, key)
    elif path in OTHER_FIELDS:
        yield unsupported(f"{here}.fieldPath", path, FIELDS)
    elif path not in FIELDS:
        yield wrong_value(f"{here}.fieldPath", path, f"error converting fieldPath: field label not supported: {path}")


def _mounts(here: str, container: Body, volumes: Collection[str]) -> Iterator[Cause]:
    paths: set[str] = set()
    for index, mount in enumerate(structs(dict(container), "volumeMounts")):
        at, path = f"{here}.volumeMounts[{index}]", mount.get("mountPath", "")
        if not mount.get("name"):
            yield required(f"{at}.name")
        if mount.get("name", "") not in volumes:
            yield not_found(f"{at}.name", mount.get("name", ""))
        if not path:
            yield required(f"{at}.mountPath")
        if path in paths:
            yield wrong_value(f"{at}.mountPath", path, "must be unique")
        paths.add(path)
        below = str(mount.get("subPath") or "")
        if below.startswith("/"):
            yield wrong_value(f"{at}.subPath", below, "must be a relative path")
        if ".." in below.split("/"):
            yield wrong_value(f"{at}.subPath", below, "must not contain '..'")


def _resources(path: str, resources: Body) -> Iterator[Cause]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for side, amounts in (("limits", limits), ("requests", requests)):
        for name, value in amounts.items():
            here = f"{path}.{side}[{name}]"
            yield from _resource_name(here, name)
            if amount(value) < 0:
                yield wrong_value(here, str(value), "must be greater than or equal to 0")
            if side == "requests":
                yield from _within(path, name, str(value), limits)


def _within(path: str, name: str, value: str, limits: Body) -> Iterator[Cause]:
    """Whether a request is no more than its limit; of what cannot be shared out twice the two are the same."""
    shared, limit = name in OF_CONTAINERS, limits.get(name)
    if limit is None:
        if not shared:
            yield required(f"{path}.limits", "Limit must be set for non overcommitable resources")
    elif not shared and amount(value) != amount(limit):
        yield wrong_value(f"{path}.requests", value, f"must be equal to {name} limit of {limit}")
    elif amount(value) > amount(limit):
        yield wrong_value(f"{path}.requests", value, f"must be less than or equal to {name} limit of {limit}")


def _resource_name(here: str, name: str) -> Iterator[Cause]:
    yield from qualified_name_causes(here, name)
    if "/" not in name and not name.startswith("hugepages-"):
        if name not in STANDARD:
            yield wrong_value(here, name, "must be a standard resource type or fully qualified")
        if name not in OF_CONTAINERS:
            yield wrong_value(here, name, "must be a standard resource for containers")


def _probe(here: str, probe: Body, kind: str) -> Iterator[Cause]:
    given = [action for action in ACTIONS if isinstance(probe.get(action), dict)]
    for number, action in enumerate(given):
        if number:
            yield not_allowed(f"{here}.{action}", "may not specify more than 1 handler type")
        else:
            yield from _action(f"{here}.{action}", probe[action], action)
    if not given:
        yield required(here, "must specify a handler type")
    for key in PROBE_NUMBERS:
        yield from not_negative(f"{here}.{key}", probe.get(key))
    grace = probe.get("terminationGracePeriodSeconds")
    if isinstance(grace, int) and grace <= 0:
        yield wrong(f"{here}.terminationGracePeriodSeconds", str(grace), "must be greater than 0")
    if kind == "readinessProbe":
        if isinstance(grace, int):
            yield wrong(f"{here}.terminationGracePeriodSeconds", str(grace), "must not be set for readinessProbes")
    elif probe.get("successThreshold", 1) != 1:
        yield wrong(f"{here}.successThreshold", in_json(probe["successThreshold"]), "must be 1")


def _action(here: str, action: Body, kind: str) -> Iterator[Cause]:
    match kind:
        case "exec":
            if not action.get("command"):
                yield required(f"{here}.command")
        case "grpc":
            yield from port_causes(f"{here}.port", action.get("port"))
        case _:
            yield from port_or_name_causes(f"{here}.port", action.get("port", 0))
            if action.get("scheme", "HTTP") not in ("HTTP", "HTTPS"):
                yield unsupported(f"{here}.scheme", action["scheme"], ("HTTP", "HTTPS"))


def images_bare(here: str, spec: Body, keys: Sequence[str] = ("containers", "initContainers")) -> Iterator[Cause]:
    """What is asked of a Pod's images, and not of a template's."""
    for key in keys:
        for number, container in enumerate(structs(dict(spec), key)):
            image = container.get("image", "")
            if image != image.strip():
                yield wrong_value(f"{here}.{key}[{number}].image", image, "must not have leading or trailing whitespace")


def tolerations(here: str, spec: Body) -> Iterator[Cause]:
    """Which taints the pods bear."""
    for number, one in enumerate(structs(dict(spec), "tolerations")):
        at, key, operator, effect = f"{here}.tolerations[{number}]", one.get("key"), one.get("operator") or "", one.get("effect") or ""
        if key:
            yield from qualified_name_causes(f"{at}.key", key)
        elif operator != "Exists":
            why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            yield wrong_value(f"{at}.operator", operator, why)
        if one.get("tolerationSeconds") is not None and effect != "NoExecute":
            yield wrong_value(f"{at}.effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
        if operator == "Exists" and one.get("value"):
            fields = (("Key", "key"), ("Operator", "operator"), ("Value", "value"), ("Effect", "effect"))
            shown = {title: one.get(field, "") for title, field in fields} | {"TolerationSeconds": one.get("tolerationSeconds")}
            yield wrong(f"{at}.operator", in_json(shown, keeps_order=True), "value must be empty when `operator` is 'Exists'")
        elif operator not in ("", "Equal", "Exists"):
            yield unsupported(f"{at}.operator", operator, ("Equal", "Exists"))
        if effect not in ("", "NoSchedule", "PreferNoSchedule", "NoExecute"):
            yield unsupported(f"{at}.effect", effect, ("NoSchedule", "PreferNoSchedule", "NoExecute"))
