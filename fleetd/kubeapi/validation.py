"""What the server refuses of an object: first what does not have the form of its kind (400), then what breaks a rule (422)."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fleetd.kubeapi import checks_jobs as jobs
from fleetd.kubeapi import checks_kinds as kinds
from fleetd.kubeapi import checks_network as network
from fleetd.kubeapi import checks_pods as pods
from fleetd.kubeapi import checks_scaling as scaling
from fleetd.kubeapi import checks_services as services
from fleetd.kubeapi import checks_storage as storage
from fleetd.kubeapi import checks_workloads as workloads
from fleetd.kubeapi.bodies import unreadable
from fleetd.kubeapi.checks_definitions import definition
from fleetd.kubeapi.definitions import DEFINITIONS
from fleetd.kubeapi.fields import TEXT_MAPS
from fleetd.kubeapi.kinds import Kind
from fleetd.kubeapi.refusals import Cause, invalid
from fleetd.kubeapi.rules import (
    annotation_causes,
    config_key_causes,
    finalizer_causes,
    immutable,
    label_causes,
    name_causes,
    not_allowed,
    owner_causes,
    prefix_causes,
    required,
    wrong_value,
)
from fleetd.kubeapi.structural import Schema
from fleetd.kubeapi.structural_checks import MISSING, doubled
from fleetd.kubeapi.structural_checks import causes as schema_causes
from fleetd.kubeapi.structural_rules import BLOCKING, NOT_CHECKED, Compile, broken, has_rules
from fleetd.kubeapi.syntax import first_wrong
from fleetd.kubeapi.typed import json_type

Body = Mapping[str, Any]
SIZE = 1024 * 1024
SECRET_KEYS = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}
REGISTRIES = {"kubernetes.io/dockerconfigjson": ".dockerconfigjson", "kubernetes.io/dockercfg": ".dockercfg"}
ACCOUNT = "kubernetes.io/service-account.name"
TWICE_CHECKED = (
    "configmaps",
    "daemonsets.apps",
    "jobs.batch",
    "persistentvolumeclaims",
    "persistentvolumes",
    "pods",
    "replicasets.apps",
    "rolebindings.rbac.authorization.k8s.io",
    "clusterrolebindings.rbac.authorization.k8s.io",
    "roles.rbac.authorization.k8s.io",
    "clusterroles.rbac.authorization.k8s.io",
    "secrets",
    "serviceaccounts",
    "services",
    "storageclasses.storage.k8s.io",
)
ROUNDS = dict.fromkeys(TWICE_CHECKED, 4)
"""How often an update is held to the rules of metadata, each of which tells of its causes: 3 times where nothing else is said."""
NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=\r\n]")


def _texts(kind: Kind, values: Any, field: str) -> None:
    if values is None:
        return
    if not isinstance(values, dict):
        raise unreadable(kind, f"json: cannot unmarshal {json_type(values)} into Go struct field {field} of type map[string]string")
    for value in values.values():
        if value is not None and not isinstance(value, str):
            raise unreadable(kind, f"json: cannot unmarshal {json_type(value)} into Go struct field {field} of type string")


def readable(kind: Kind, body: Body) -> None:
    """Whether the maps of texts are such. Raises ApiRefusal (400)."""
    metadata = body["metadata"]
    for key in ("labels", "annotations"):
        _texts(kind, metadata.get(key), f"ObjectMeta.metadata.{key}")
    for key in ("name", "namespace", "generateName", "uid", "resourceVersion"):
        if metadata.get(key) is not None and not isinstance(metadata[key], str):
            said = json_type(metadata[key])
            raise unreadable(kind, f"json: cannot unmarshal {said} into Go struct field ObjectMeta.metadata.{key} of type string")
    for key in ("finalizers", "ownerReferences"):
        if metadata.get(key) is not None and not isinstance(metadata[key], list):
            said = json_type(metadata[key])
            raise unreadable(kind, f"json: cannot unmarshal {said} into Go struct field ObjectMeta.metadata.{key} of type []string")
    for key in TEXT_MAPS.get(kind.resource, ()):
        _texts(kind, body.get(key), f"{kind.kind}.{key}")
    _structures(kind, body)
    if kind.resource == "secrets":
        _encoded(kind, body.get("data") or {})
    elif kind.resource == "configmaps":
        _encoded(kind, body.get("binaryData") or {})


def _structures(kind: Kind, body: Body) -> None:
    if kind.custom:
        return
    for key in ("spec", "status"):
        if key in body and not isinstance(body[key], dict):
            raise unreadable(kind, f"json: cannot unmarshal {json_type(body[key])} into Go struct field {kind.kind}.{key} of type struct")


def _encoded(kind: Kind, data: Mapping[str, str]) -> None:
    for value in data.values():
        raw = (value or "").encode()
        found = NOT_BASE64.search(raw)
        if found:
            raise unreadable(kind, f"illegal base64 data at input byte {found.start()}")
        try:
            base64.b64decode(raw)
        except binascii.Error as error:
            raise unreadable(kind, f"illegal base64 data at input byte {max(0, len(raw) - 1)}") from error


def check(kind: Kind, body: Body, live: Body | None, compile_rule: Compile | None = None) -> None:
    """Every rule of the kind; `live` is the state before an update. Raises ApiRefusal (422) with all causes."""
    causes = list(_of_metadata(kind, body["metadata"], live["metadata"] if live else None))
    rules = RULES.get(kind.resource)
    if rules is not None:
        causes.extend(rules(body, live))
    if kind.resource == DEFINITIONS:
        causes.extend(definition(body, live, compile_rule))
    if kind.schema is not None:
        causes.extend(_of_schema(kind.schema, body, live, compile_rule))
    if causes:
        raise invalid(kind.group, kind.kind, body["metadata"].get("name", ""), causes)


def _of_schema(schema: Schema, body: Body, live: Body | None, compile_rule: Compile | None) -> list[Cause]:
    before = MISSING if live is None else live
    found = [*schema_causes(schema, body, before=before), *doubled(schema, body)]
    if compile_rule is None or not has_rules(schema):
        return found
    if any(cause.reason in BLOCKING for cause in found):
        return [*found, NOT_CHECKED]
    return [*found, *broken(schema, body, compile_rule, before)]


def _of_metadata(kind: Kind, metadata: Body, live: Body | None) -> Iterator[Cause]:
    if live is None:
        if metadata.get("generateName"):
            yield from prefix_causes(kind.plural, metadata["generateName"])
        yield from name_causes(kind.plural, metadata["name"])
    before = live or {}
    for _ in range(1 if live is None else ROUNDS.get(kind.resource, 3)):
        yield from _of_what_is_written(metadata, before)
    finalizers = metadata.get("finalizers")
    if finalizers and before.get("finalizers") != finalizers:
        yield from finalizer_causes(finalizers, custom=kind.custom)
    if live is not None and live.get("deletionTimestamp"):
        added = [one for one in finalizers or () if one not in (live.get("finalizers") or ())]
        if added:
            shown = ", ".join(f'"{one}"' for one in added)
            why = f"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{shown}}}"
            yield from [not_allowed("metadata.finalizers", why)] * 2


def _of_what_is_written(metadata: Body, before: Body) -> Iterator[Cause]:
    for key, causes in (("labels", label_causes), ("annotations", annotation_causes), ("ownerReferences", owner_causes)):
        value = metadata.get(key)
        if value and before.get(key) != value:
            yield from causes(value)


def _too_long() -> Cause:
    return Cause("FieldValueTooLong", f"Too long: may not be more than {SIZE} bytes", "[]")


def _frozen(body: Body, live: Body | None, keys: tuple[str, ...]) -> Iterator[Cause]:
    if live is None or not live.get("immutable"):
        return
    why = "field is immutable when `immutable` is set"
    if not body.get("immutable"):
        yield not_allowed("immutable", why)
    for key in keys:
        if (body.get(key) or {}) != (live.get(key) or {}):
            yield not_allowed(key, why)


def _config_map(body: Body, live: Body | None) -> Iterator[Cause]:
    data, binary = body.get("data") or {}, body.get("binaryData") or {}
    yield from config_key_causes("data", data)
    yield from config_key_causes("binaryData", binary)
    for here, keys, other, there in (("data", data, binary, "binaryData"), ("binaryData", binary, data, "data")):
        for key in keys:
            if key in other:
                yield wrong_value(f"{here}[{key}]", key, f"duplicate of key present in {there}")
    if sum(map(len, data.values())) + sum(map(len, binary.values())) * 3 // 4 > SIZE:
        yield _too_long()
    yield from _frozen(body, live, ("data", "binaryData"))


def _no_json(field: str, value: str) -> Iterator[Cause]:
    text = base64.b64decode(value).decode("utf-8", "replace")
    try:
        json.loads(text)
    except ValueError:
        yield wrong_value(field, "<secret contents redacted>", first_wrong(text))


def _secret(body: Body, live: Body | None) -> Iterator[Cause]:
    data = body.get("data") or {}
    if live is not None and body.get("type") != live.get("type"):
        yield immutable("type", str(body.get("type")))
    yield from config_key_causes("data", data)
    if sum(map(len, data.values())) * 3 // 4 > SIZE:
        yield _too_long()
    for key in SECRET_KEYS.get(str(body.get("type")), ()):
        if key not in data:
            yield required(f"data[{key}]")
    for kind, key in REGISTRIES.items():
        if body.get("type") == kind and key in data:
            yield from _no_json(f"data[{key}]", data[key])
    if body.get("type") == "kubernetes.io/basic-auth" and not {"username", "password"} & data.keys():
        yield required("data[username]")
        yield required("data[password]")
    if body.get("type") == "kubernetes.io/service-account-token" and not (body["metadata"].get("annotations") or {}).get(ACCOUNT):
        yield required(f"metadata.annotations[{ACCOUNT}]")
    yield from _frozen(body, live, ("data",))


def _event(body: Body, _live: Body | None) -> Iterator[Cause]:
    namespace, own = (body.get("involvedObject") or {}).get("namespace", ""), body["metadata"].get("namespace")
    late = body.get("eventTime") is not None
    free = ("default", "kube-system") if late else ("default",)
    for key in ("reportingComponent", "reportingInstance", "action", "reason") if late else ():
        if not body.get(key):
            yield required(key)
    if namespace != own and (namespace or own not in free):
        yield wrong_value("involvedObject.namespace", namespace, "does not match event.namespace")


RULES: dict[str, Callable[[Body, Body | None], Iterator[Cause]]] = {
    "clusterrolebindings.rbac.authorization.k8s.io": kinds.role_binding,
    "clusterroles.rbac.authorization.k8s.io": kinds.role,
    "configmaps": _config_map,
    "cronjobs.batch": jobs.cron_job,
    "daemonsets.apps": workloads.daemon_set,
    "deployments.apps": workloads.deployment,
    "endpoints": network.endpoints,
    "endpointslices.discovery.k8s.io": network.endpoint_slice,
    "events": _event,
    "horizontalpodautoscalers.autoscaling": scaling.scaler,
    "ingressclasses.networking.k8s.io": network.ingress_class,
    "ingresses.networking.k8s.io": network.ingress,
    "jobs.batch": jobs.job,
    "leases.coordination.k8s.io": kinds.lease,
    "limitranges": kinds.limit_range,
    "networkpolicies.networking.k8s.io": network.network_policy,
    "persistentvolumeclaims": storage.claim,
    "persistentvolumes": storage.volume,
    "poddisruptionbudgets.policy": scaling.budget,
    "pods": pods.pod,
    "priorityclasses.scheduling.k8s.io": kinds.priority_class,
    "replicasets.apps": workloads.replica_set,
    "replicationcontrollers": workloads.controller,
    "resourcequotas": kinds.quota,
    "rolebindings.rbac.authorization.k8s.io": kinds.role_binding,
    "roles.rbac.authorization.k8s.io": kinds.role,
    "runtimeclasses.node.k8s.io": kinds.runtime_class,
    "secrets": _secret,
    "services": services.service,
    "statefulsets.apps": workloads.stateful_set,
    "storageclasses.storage.k8s.io": storage.storage_class,
}
