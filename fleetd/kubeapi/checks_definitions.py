"""What the server refuses of CustomResourceDefinitions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fleetd.kubeapi.checks_schemas import schema_faults
from fleetd.kubeapi.definitions import kinds_of
from fleetd.kubeapi.refusals import Cause
from fleetd.kubeapi.rules import (
    DNS1035,
    NOT_A_DNS1035_LABEL,
    NOT_A_SUBDOMAIN,
    SUBDOMAIN,
    immutable,
    not_allowed,
    required,
    unsupported,
    wrong,
    wrong_value,
)
from fleetd.kubeapi.structural_rules import Compile

Body = Mapping[str, Any]
SCOPES = ("Cluster", "Namespaced")
COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
APPROVED = "api-approved.kubernetes.io"
NOT_APPROVED = f'protected groups must have approval annotation "{APPROVED}", see https://github.com/kubernetes/enhancements/pull/1111'
PROTECTED = ("k8s.io", "kubernetes.io")
LONGEST_WARNING = 256


def definition(body: Body, live: Body | None, compile_rule: Compile | None) -> Iterator[Cause]:
    """Definitions: their names, versions and schemas, and what of them is for good."""
    spec, name = body["spec"], body["metadata"]["name"]
    names = spec.get("names") or {}
    if live is None and name != f"{names.get('plural') or ''}.{spec.get('group') or ''}":
        yield wrong_value("metadata.name", name, 'must be spec.names.plural+"."+spec.group')
    yield from _group(spec.get("group") or "")
    if not spec.get("scope"):
        yield required("spec.scope")
    elif spec["scope"] not in SCOPES:
        yield unsupported("spec.scope", spec["scope"], SCOPES)
    yield from _versions(spec.get("versions") or (), compile_rule)
    yield from (required(f"spec.names.{key}") for key in ("plural", "singular", "kind", "listKind") if not names.get(key))
    yield from _names(names)
    yield from _conversion(spec.get("conversion") or {})
    if live is not None:
        yield from _changed(body, live)
    elif not any(version.get("storage") for version in spec.get("versions") or ()):
        yield wrong("status.storedVersions", "[]", "must have at least one stored version")
    if live is None:
        yield from _approved(spec.get("group") or "", body["metadata"].get("annotations") or {})
    if spec.get("preserveUnknownFields"):
        why = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        yield wrong("spec.preserveUnknownFields", "true", why)
    if names.get("kind") and spec.get("group"):
        kinds_of(body)


def _approved(group: str, annotations: Body) -> Iterator[Cause]:
    """Kubernetes' own groups are for what its community has looked at."""
    if any(group == one or group.endswith(f".{one}") for one in PROTECTED) and not annotations.get(APPROVED):
        yield required(f"metadata.annotations[{APPROVED}]", NOT_APPROVED)


def _changed(body: Body, live: Body) -> Iterator[Cause]:
    spec, old = body["spec"], live["spec"]
    conditions = live.get("status", {}).get("conditions") or ()
    if any(one.get("type") == "Established" and one.get("status") == "True" for one in conditions):
        if spec.get("scope") != old.get("scope"):
            yield immutable("spec.scope", str(spec.get("scope") or ""))
        if spec["names"].get("kind") != old["names"].get("kind"):
            yield immutable("spec.names.kind", str(spec["names"].get("kind") or ""))
    if spec.get("group") != old.get("group"):
        yield immutable("spec.group", str(spec.get("group") or ""))
    if spec["names"].get("plural") != old["names"].get("plural"):
        yield immutable("spec.names.plural", str(spec["names"].get("plural") or ""))
    known = {version.get("name") for version in spec.get("versions") or ()}
    for number, stored in enumerate(live.get("status", {}).get("storedVersions") or ()):
        if stored not in known:
            why = (
                f"missing from spec.versions; {stored} was previously a storage version, and must remain in spec.versions until "
                f"a storage migration ensures no data remains persisted in {stored} and removes {stored} from status.storedVersions"
            )
            yield wrong_value(f"status.storedVersions[{number}]", stored, why)


def _group(group: str) -> Iterator[Cause]:
    if not group:
        yield required("spec.group")
    elif not SUBDOMAIN.fullmatch(group):
        yield wrong_value("spec.group", group, NOT_A_SUBDOMAIN)
    elif "." not in group:
        yield wrong_value("spec.group", group, "should be a domain with at least one dot")


def _label(field: str, text: str, shown: str = "", before: str = "") -> Iterator[Cause]:
    why = [*(["must be no more than 63 bytes"] if len(text) > 63 else ()), *(() if DNS1035.fullmatch(text) else (NOT_A_DNS1035_LABEL,))]
    if why:
        yield wrong_value(field, shown or text, before + ",".join(why))


def _names(names: Body) -> Iterator[Cause]:
    mixed = "may have mixed case, but should otherwise match: "
    for key in ("plural", "singular"):
        yield from _label(f"spec.names.{key}", names[key]) if names.get(key) else ()
    for key in ("kind", "listKind"):
        yield from _label(f"spec.names.{key}", names[key].lower(), names[key], mixed) if names.get(key) else ()
    for number, short in enumerate(names.get("shortNames") or ()):
        yield from _label(f"spec.names.shortNames[{number}]", short)
    if names.get("kind") and names["kind"] == names.get("listKind"):
        yield wrong_value("spec.names.listKind", names["listKind"], "kind and listKind may not be the same")
    for number, category in enumerate(names.get("categories") or ()):
        yield from _label(f"spec.names.categories[{number}]", category)


def _versions(versions: Sequence[Body], compile_rule: Compile | None) -> Iterator[Cause]:
    here = "spec.versions"
    for number, version in enumerate(versions):
        if version.get("served") and not (version.get("schema") or {}).get("openAPIV3Schema"):
            yield required(f"{here}[{number}].schema.openAPIV3Schema")
    for number, version in enumerate(versions):
        yield from _label(f"{here}[{number}].name", version.get("name") or "")
        yield from _version(f"{here}[{number}]", version, compile_rule)
    if len({version.get("name") for version in versions}) != len(versions):
        yield wrong(here, _shown(versions), "must contain unique version names")
    if sum(bool(version.get("storage")) for version in versions) != 1:
        yield wrong(here, _shown(versions), "must have exactly one version marked as storage version")


def _version(here: str, version: Body, compile_rule: Compile | None) -> Iterator[Cause]:
    warning = version.get("deprecationWarning")
    if warning is not None and not version.get("deprecated"):
        yield wrong_value(f"{here}.deprecationWarning", warning, "can only be set for deprecated versions")
    if warning is not None and len(warning) > LONGEST_WARNING:
        yield wrong_value(f"{here}.deprecationWarning", warning, f"must be <= {LONGEST_WARNING} characters long")
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    if schema:
        yield from schema_faults(schema, f"{here}.schema.openAPIV3Schema", compile_rule)
    scale = (version.get("subresources") or {}).get("scale")
    if scale is not None:
        yield from _path(f"{here}.subresources.scale.specReplicasPath", scale.get("specReplicasPath"), ".spec", needed=True)
        yield from _path(f"{here}.subresources.scale.statusReplicasPath", scale.get("statusReplicasPath"), ".status", needed=True)
        yield from _path(f"{here}.subresources.scale.labelSelectorPath", scale.get("labelSelectorPath"), ".status")
    for number, column in enumerate(version.get("additionalPrinterColumns") or ()):
        yield from _column(f"{here}.additionalPrinterColumns[{number}]", column)


def _path(field: str, path: Any, root: str = "", *, needed: bool = False) -> Iterator[Cause]:
    if not path:
        yield from (required(field),) if needed else ()
    elif not path.startswith("."):
        yield wrong_value(field, path, "must be a simple json path starting with .")
    elif root and not path.startswith(f"{root}."):
        also = " or .spec" if field.endswith("labelSelectorPath") else ""
        if not also or not path.startswith(".spec."):
            yield wrong_value(field, path, f"should be a json path under {root}{also}")


def _column(here: str, column: Body) -> Iterator[Cause]:
    if not column.get("name"):
        yield required(f"{here}.name")
    why = f"must be one of {','.join(COLUMN_TYPES)}"
    if not column.get("type"):
        yield required(f"{here}.type", why)
    elif column["type"] not in COLUMN_TYPES:
        yield wrong_value(f"{here}.type", column["type"], why)
    if column.get("format") and column["format"] not in COLUMN_FORMATS:
        yield wrong_value(f"{here}.format", column["format"], f"must be one of {','.join(COLUMN_FORMATS)}")
    yield from _path(f"{here}.JSONPath", column.get("jsonPath"), needed=True)


def _conversion(conversion: Body) -> Iterator[Cause]:
    strategy, webhook, known = conversion.get("strategy"), conversion.get("webhook") or {}, ("None", "Webhook")
    if strategy not in known:
        yield unsupported("spec.conversion.strategy", strategy, known) if strategy else required("spec.conversion.strategy")
    if strategy == "Webhook":
        if not webhook.get("clientConfig"):
            yield required("spec.conversion.webhookClientConfig", "required when strategy is set to Webhook")
        if not webhook.get("conversionReviewVersions"):
            yield required("spec.conversion.conversionReviewVersions")
    elif webhook.get("clientConfig"):
        yield not_allowed("spec.conversion.webhookClientConfig", "should not be set when strategy is not set to Webhook")


_NUMBERS = ("maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "multipleOf", "enum")
_SIMPLE: tuple[tuple[str, Any], ...] = (
    ("id", ""),
    ("$schema", ""),
    ("$ref", None),
    ("description", ""),
    ("type", ""),
    ("nullable", False),
    ("format", ""),
    ("title", ""),
    ("default", None),
    ("maximum", None),
    ("exclusiveMaximum", False),
    ("minimum", None),
    ("exclusiveMinimum", False),
    *((key, {"pattern": "", "uniqueItems": False}.get(key)) for key in _NUMBERS),
    ("maxProperties", None),
    ("minProperties", None),
    ("required", None),
)
_INNER = ("items", "allOf", "oneOf", "anyOf", "not", "properties", "additionalProperties")
_UNUSED = ("PatternProperties", "Dependencies", "AdditionalItems", "Definitions", "ExternalDocs", "Example")
_MARKS = (
    ("x-kubernetes-preserve-unknown-fields", "XPreserveUnknownFields", None),
    ("x-kubernetes-embedded-resource", "XEmbeddedResource", False),
    ("x-kubernetes-int-or-string", "XIntOrString", False),
    ("x-kubernetes-list-map-keys", "XListMapKeys", None),
    ("x-kubernetes-list-type", "XListType", None),
    ("x-kubernetes-map-type", "XMapType", None),
    ("x-kubernetes-validations", "XValidations", None),
)


def _shown(versions: Sequence[Body]) -> str:
    """The versions in the server's own form, as its messages show them."""
    return json.dumps([_shown_version(version) for version in versions] or None, separators=(",", ":"))


def _shown_version(version: Body) -> dict[str, Any]:
    schema = version.get("schema")
    return {
        "Name": version.get("name") or "",
        "Served": bool(version.get("served")),
        "Storage": bool(version.get("storage")),
        "Deprecated": bool(version.get("deprecated")),
        "DeprecationWarning": version.get("deprecationWarning"),
        "Schema": {"OpenAPIV3Schema": _shown_schema(schema.get("openAPIV3Schema"))} if schema else None,
        "Subresources": _capitals(version.get("subresources")),
        "AdditionalPrinterColumns": [_shown_column(one) for one in version.get("additionalPrinterColumns") or ()] or None,
        "SelectableFields": [_capitals(one) for one in version.get("selectableFields") or ()] or None,
    }


def _capitals(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {("JSONPath" if key == "jsonPath" else key[0].upper() + key[1:]): _capitals(inner) for key, inner in value.items()}


def _shown_column(column: Body) -> dict[str, Any]:
    texts = {key.capitalize(): column.get(key) or "" for key in ("name", "type", "format", "description")}
    return {**texts, "Priority": column.get("priority") or 0, "JSONPath": column.get("jsonPath") or ""}


def _shown_schema(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return None
    special = {"id": "ID", "$schema": "Schema", "$ref": "Ref"}
    told = {special.get(key) or key[0].upper() + key[1:]: schema.get(key, usual) for key, usual in _SIMPLE}
    for key in _INNER:
        told[key[0].upper() + key[1:]] = _shown_inner(key, schema.get(key))
    told |= dict.fromkeys(_UNUSED)
    return told | {title: schema.get(key, usual) for key, title, usual in _MARKS}


def _shown_inner(key: str, value: Any) -> Any:
    if value is None:
        return None
    match key:
        case "items":
            return {"Schema": _shown_schema(value), "JSONSchemas": None}
        case "additionalProperties":
            return {"Allows": value is not False, "Schema": _shown_schema(value)}
        case "properties":
            return {name: _shown_schema(inner) for name, inner in sorted(value.items())}
        case "not":
            return _shown_schema(value)
        case _:
            return [_shown_schema(inner) for inner in value]
