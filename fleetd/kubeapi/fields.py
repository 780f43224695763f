"""The fields that an object of a built-in kind may have at its top; the server keeps no others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleetd.kubeapi.bodies import json_type, unreadable
from fleetd.kubeapi.exchange import Request
from fleetd.kubeapi.kinds import Kind
from fleetd.kubeapi.refusals import Cause, failed, invalid

ALWAYS = frozenset(("apiVersion", "kind", "metadata"))
USUAL = frozenset(("spec", "status"))
OTHERS = {
    "configmaps": "data binaryData immutable",
    "secrets": "data stringData type immutable",
    "serviceaccounts": "secrets imagePullSecrets automountServiceAccountToken",
    "endpoints": "subsets",
    "endpointslices.discovery.k8s.io": "addressType endpoints ports",
    "roles.rbac.authorization.k8s.io": "rules",
    "clusterroles.rbac.authorization.k8s.io": "rules aggregationRule",
    "rolebindings.rbac.authorization.k8s.io": "subjects roleRef",
    "clusterrolebindings.rbac.authorization.k8s.io": "subjects roleRef",
    "controllerrevisions.apps": "data revision",
    "podtemplates": "template",
    "priorityclasses.scheduling.k8s.io": "value globalDefault description preemptionPolicy",
    "storageclasses.storage.k8s.io": (
        "provisioner parameters reclaimPolicy mountOptions allowVolumeExpansion volumeBindingMode allowedTopologies"
    ),
    "csistoragecapacities.storage.k8s.io": "nodeTopology storageClassName capacity maximumVolumeSize",
    "runtimeclasses.node.k8s.io": "handler overhead scheduling",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": "webhooks",
    "validatingwebhookconfigurations.admissionregistration.k8s.io": "webhooks",
    "events": (
        "involvedObject reason message source firstTimestamp lastTimestamp count type eventTime series action related "
        "reportingComponent reportingInstance"
    ),
    "events.events.k8s.io": (
        "eventTime series reportingController reportingInstance action reason regarding related note type "
        "deprecatedSource deprecatedFirstTimestamp deprecatedLastTimestamp deprecatedCount"
    ),
    "bindings": "target",
}
KNOWN = {resource: frozenset(names.split()) for resource, names in OTHERS.items()}
MODES = ("", "Ignore", "Strict", "Warn")
TEXT_MAPS = {"configmaps": ("data", "binaryData"), "secrets": ("data", "stringData")}


def unknown(kind: Kind, body: Mapping[str, Any]) -> list[str]:
    """The names at the top of a body that its kind does not have."""
    if kind.custom:
        return []
    known = KNOWN.get(kind.resource, USUAL)
    return [name for name in body if name not in known and name not in ALWAYS]


def taken(request: Request, kind: Kind, body: dict[str, Any], options: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The body without unknown fields, and the headers that warn of them; `options` is the kind of the options in messages.

    Raises ApiRefusal (400 where the request is strict, 422 for a fieldValidation that is none).
    """
    mode = request.first("fieldValidation")
    if mode not in MODES:
        message = f'Unsupported value: "{mode}": supported values: "", "Ignore", "Strict", "Warn"'
        raise invalid("meta.k8s.io", options, "", [Cause("FieldValueNotSupported", message, "fieldValidation")])
    strange = unknown(kind, body)
    if not strange:
        return body, {}
    said = [f'unknown field "{name}"' for name in strange]
    if mode == "Strict":
        raise unreadable(kind, f"strict decoding error: {', '.join(said)}")
    kept = {name: value for name, value in body.items() if name not in strange}
    return kept, {} if mode == "Ignore" else {"Warning": ", ".join(f"299 - {_quoted(one)}" for one in said)}


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def declared(kind: Kind, body: Mapping[str, Any], namespace: str) -> None:
    """Whether an applied configuration has the form of its kind. Raises ApiRefusal (500, as the API server answers it)."""
    wrong = [f".{name}: field not declared in schema" for name in unknown(kind, body)]
    for field in TEXT_MAPS.get(kind.resource, ()):
        for key, value in (body.get(field) or {}).items():
            if value is not None and not isinstance(value, str):
                wrong.append(f".{field}.{key}: expected string, got {json_type(value)}")
    if wrong:
        group, _, version = kind.api_version.rpartition("/")
        of = f"{namespace}/{body['metadata'].get('name', '')}; {group}/{version}, Kind={kind.kind}"
        raise failed(f"failed to create typed patch object ({of}): {', '.join(wrong)}")
