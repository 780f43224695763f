"""What a request asks, in the words of the Kubernetes API."""

from __future__ import annotations

from dataclasses import dataclass

from fleetd.kubeapi.exchange import Request

VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class Asked:
    """Verb and resource; for a path that is no resource the method in lower case, and the rest empty."""

    verb: str
    path: str
    group: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def asked(request: Request) -> Asked:
    """Reads method, path and query (the form is described in "API Concepts" of the Kubernetes documentation)."""
    parts = request.path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 2:
        group, rest = "", parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, rest = parts[1], parts[3:]
    else:
        return Asked(request.method.lower(), request.path)
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in {"status", "finalize"}:
            rest = rest[2:]
    resource, name, subresource = (*rest, "", "", "")[:3]
    return Asked(_verb(request, named=bool(name)), request.path, group, resource, namespace, name, subresource)


def _verb(request: Request, *, named: bool) -> str:
    if request.method in {"GET", "HEAD"}:
        if request.first("watch") in {"true", "1"}:
            return "watch"
        return "get" if named else "list"
    verb = VERBS.get(request.method, request.method.lower())
    return "deletecollection" if verb == "delete" and not named else verb
