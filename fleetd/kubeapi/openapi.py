"""OpenAPI v3: an index, and one document for each group version, with the fields of each kind and the options of each path."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from fleetd.kubeapi.kinds import Kind, Kinds
from fleetd.kubeapi.openapi_types import name_of, types_of, types_of_metadata
from fleetd.kubeapi.types import named_type

ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
OPTIONS = ("dryRun", "fieldManager", "fieldValidation", "pretty")
WRITES = {"put": "update", "patch": "patch"}


def index(kinds: Kinds) -> dict[str, Any]:
    """Where each document is; its hash changes with the kinds in it."""
    paths = {}
    for group, versions in kinds.groups():
        for version in versions:
            path = f"apis/{group}/{version}" if group else f"api/{version}"
            said = [f"{row.plural} {row.kind} {row.namespaced} {row.verbs} {row.schema}" for row in kinds.rows(group, version)]
            digest = hashlib.sha256("\n".join(said).encode()).hexdigest().upper()
            paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}
    return {"paths": paths}


def document(kinds: Kinds, group: str, version: str) -> dict[str, Any]:
    """The document of one group version."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for row in kinds.rows(group, version):
        gvk = {"group": group, "version": version, "kind": row.kind}
        if row.type is not None:
            for name, schema in types_of(row).items():
                schemas.setdefault(name, schema)
            schemas[name_of(row.type)] = {**schemas[name_of(row.type)], "x-kubernetes-group-version-kind": [gvk]}
        else:
            named = f"{group or 'core'}.{version}.{row.kind}"
            schemas[named] = {**_with_metadata(row.schema or ANYTHING), "x-kubernetes-group-version-kind": [gvk]}
            schemas |= types_of_metadata()
        paths |= _paths(row, gvk)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.36.2"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _with_metadata(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A custom kind's schema with the fields that every object has."""
    text, metadata = {"type": "string"}, {"allOf": [{"$ref": f"#/components/schemas/{name_of(named_type('ObjectMeta'))}"}]}
    fields = {**(schema.get("properties") or {}), "apiVersion": text, "kind": text, "metadata": metadata}
    return {**schema, "properties": fields}


def _paths(row: Kind, gvk: dict[str, str]) -> dict[str, Any]:
    root = f"/apis/{row.group}/{row.version}" if row.group else f"/api/{row.version}"
    base = f"{root}/namespaces/{{namespace}}/{row.plural}" if row.namespaced else f"{root}/{row.plural}"
    paths: dict[str, Any] = {}
    if "create" in row.verbs:
        paths[base] = {"post": _operation("post", gvk, OPTIONS)}
    changes = {method: _operation(method, gvk, _options(method)) for method, verb in WRITES.items() if verb in row.verbs}
    if changes:
        paths[f"{base}/{{name}}"] = changes
    return paths


def _options(method: str) -> tuple[str, ...]:
    return (*OPTIONS, "force") if method == "patch" else OPTIONS


def _operation(method: str, gvk: dict[str, str], options: tuple[str, ...]) -> dict[str, Any]:
    parameters = [{"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}} for name in options]
    return {
        "x-kubernetes-action": method,
        "x-kubernetes-group-version-kind": gvk,
        "parameters": parameters,
        "responses": {"200": {"description": "OK"}},
    }
