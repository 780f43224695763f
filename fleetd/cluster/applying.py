"""Writes to a cluster: server-side apply and deletion, and the reading of one object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from fleetd.cluster.decoding import whole_object
from fleetd.cluster.errors import NotThere
from fleetd.cluster.http import JSON, Api, Ask
from fleetd.cluster.paths import DEFAULT_NAMESPACE, member
from fleetd.cluster.port import ResourceKind
from fleetd.cluster.settings import ClusterSettings
from fleetd.domain.errors import InvalidInput
from fleetd.domain.objects import Manifest

APPLY = "application/apply-patch+yaml"


async def read(api: Api, kind: ResourceKind, namespace: str, name: str, settings: ClusterSettings) -> Manifest | None:
    """The object, or None. Raises as `Cluster` says."""
    ask = Ask("GET", member(kind, namespace, name), what=f"read {_named(kind, namespace, name)}")
    try:
        return whole_object(await api.call(ask, settings))
    except NotThere:
        return None


async def apply(api: Api, kind: ResourceKind, manifest: Manifest, settings: ClusterSettings, *, force: bool, dry_run: bool) -> Manifest:
    """Server-side apply; the object as it then is. Raises as `Cluster` says."""
    body = applied(kind, manifest)
    metadata = body["metadata"]
    namespace, name = str(metadata.get("namespace") or ""), str(metadata["name"])
    query = [("fieldManager", settings.field_manager), ("force", "true" if force else "false")]
    if dry_run:
        query.append(("dryRun", "All"))
    ask = Ask(
        "PATCH",
        member(kind, namespace, name),
        query,
        orjson.dumps(body),
        APPLY,
        what=f"{'try' if dry_run else 'apply'} {_named(kind, namespace, name)}",
        hide=kind.gvk.kind == "Secret" and not kind.gvk.group,
    )
    return whole_object(await api.call(ask, settings))


async def delete(
    api: Api, kind: ResourceKind, target: tuple[str, str], preconditions: Mapping[str, str], settings: ClusterSettings
) -> bool:
    """Deletes (namespace, name) in the background when uid and resourceVersion still fit. Raises as `Cluster` says."""
    namespace, name = target
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background", "preconditions": preconditions}
    ask = Ask("DELETE", member(kind, namespace, name), (), orjson.dumps(options), JSON, what=f"delete {_named(kind, namespace, name)}")
    try:
        await api.call(ask, settings)
    except NotThere:
        return False
    return True


def applied(kind: ResourceKind, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The body of an apply: without what only the server writes, and with a namespace exactly where the kind has one.

    Raises:
        InvalidInput: the manifest names no object.
    """
    metadata = manifest.get("metadata")
    if not isinstance(metadata, Mapping) or not metadata.get("name"):
        raise InvalidInput(f"a manifest of {kind.gvk} has no metadata.name")
    kept = {key: value for key, value in metadata.items() if key not in {"managedFields", "namespace", "creationTimestamp"}}
    if kind.namespaced:
        kept["namespace"] = metadata.get("namespace") or DEFAULT_NAMESPACE
    return {**manifest, "metadata": kept}


def _named(kind: ResourceKind, namespace: str, name: str) -> str:
    return f"{kind.gvk.kind} {namespace}/{name}" if kind.namespaced and namespace else f"{kind.gvk.kind} {name}"
