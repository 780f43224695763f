"""OpenAPI v3: an index, and one document for each group version.

Built-in kinds are described as objects with any field; what clients look for is which options a path takes.
"""

from __future__ import annotations

import hashlib
from typing import Any

from fleetd.kubeapi.kinds import Kind, Kinds

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
    schemas = {}
    for row in kinds.rows(group, version):
        gvk = {"group": group, "version": version, "kind": row.kind}
        anything: dict[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        schemas[f"{group or 'core'}.{version}.{row.kind}"] = {**(row.schema or anything), "x-kubernetes-group-version-kind": [gvk]}
        paths |= _paths(row, gvk)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.36.2"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


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
