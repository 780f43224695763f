"""Where on a server a kind's objects are."""

from __future__ import annotations

from urllib.parse import quote

from fleetd.cluster.port import ResourceKind

DEFAULT_NAMESPACE = "default"


def collection(kind: ResourceKind, namespace: str = "") -> str:
    """All objects of the kind, in one namespace or in all of them."""
    gvk = kind.gvk
    root = f"/apis/{quote(gvk.group, safe='')}" if gvk.group else "/api"
    within = f"/namespaces/{quote(namespace, safe='')}" if kind.namespaced and namespace else ""
    return f"{root}/{quote(gvk.version, safe='')}{within}/{quote(kind.plural, safe='')}"


def member(kind: ResourceKind, namespace: str, name: str) -> str:
    """One object; without a namespace, one of a namespaced kind is in `default`, as for kubectl."""
    return f"{collection(kind, (namespace or DEFAULT_NAMESPACE) if kind.namespaced else '')}/{quote(name, safe='')}"
