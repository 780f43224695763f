"""Discovery: which kinds are served, as one document for each group version and as one for all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from fleetd.kubeapi.exchange import Request, Response
from fleetd.kubeapi.forms import answered
from fleetd.kubeapi.kinds import Kind, Kinds, Subresource
from fleetd.kubeapi.openapi import document, index
from fleetd.kubeapi.refusals import ApiRefusal, no_such_resource

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
PLAIN = ("", "application/json", "application/yaml", "application/*", "*/*")
NO_SUCH_PAGE = Response(404, b"404 page not found\n", "text/plain; charset=utf-8")


class Discovery:
    """The documents about a table of kinds; they are made once for each state of the table."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._made: dict[str, bytes] = {}
        self._serial = -1

    def answer(self, request: Request) -> Response | None:
        """The document at a path; None where the path is none of discovery's. Raises ApiRefusal (404, 406)."""
        steps = request.path.strip("/").split("/")
        if self._serial != self._kinds.serial:
            self._made, self._serial = {}, self._kinds.serial
        match steps:
            case ["api" | "apis"]:
                return self._root(request, steps[0])
            case ["api", version]:
                return self._resources(request, "", version)
            case ["apis", group]:
                return self._group(request, group)
            case ["apis", group, version]:
                return self._resources(request, group, version)
            case ["openapi", "v3"]:
                return Response(200, orjson.dumps(index(self._kinds)), "text/plain; charset=utf-8")
            case ["openapi", "v3", *path]:
                return self._description("/".join(path))
            case _:
                return None

    def _root(self, request: Request, root: str) -> Response:
        if _wants_aggregated(request.headers.get("accept", "")):
            made = self._made.get(root)
            if made is None:
                made = self._made[root] = orjson.dumps(self._aggregated(core=root == "api"))
            return Response(200, made, AGGREGATED)
        if root == "apis":
            groups = [_group_body(group, versions) for group, versions in self._kinds.groups() if group]
            return answered(request, {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        address = {"clientCIDR": "0.0.0.0/0", "serverAddress": request.headers.get("host", "127.0.0.1:443")}
        return answered(request, {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [address]})

    def _group(self, request: Request, group: str) -> Response:
        for name, versions in self._kinds.groups():
            if name == group and name:
                return answered(request, {"kind": "APIGroup", "apiVersion": "v1", **_group_body(group, versions)})
        return NO_SUCH_PAGE

    def _resources(self, request: Request, group: str, version: str) -> Response:
        if not self._kinds.serves(group, version):
            if any(name == group for name, _ in self._kinds.groups()):
                raise no_such_resource()
            return NO_SUCH_PAGE
        rows = self._kinds.rows(group, version)
        body: dict[str, Any] = {"kind": "APIResourceList", "groupVersion": f"{group}/{version}" if group else version}
        if group:
            body["apiVersion"] = "v1"
        return answered(request, {**body, "resources": [line for row in rows for line in _lines(row)]})

    def _description(self, path: str) -> Response:
        made = self._made.get(path)
        if made is None:
            group, _, version = path.removeprefix("apis/").removeprefix("api/").rpartition("/")
            if not self._kinds.serves(group, version):
                return NO_SUCH_PAGE
            made = self._made[path] = orjson.dumps(document(self._kinds, group, version))
        return Response(200, made)

    def _aggregated(self, *, core: bool) -> dict[str, Any]:
        items = []
        for group, versions in self._kinds.groups():
            if bool(group) is core:
                continue
            told = [
                {"version": version, "resources": [_told(row) for row in self._kinds.rows(group, version)], "freshness": "Current"}
                for version in versions
            ]
            items.append({"metadata": {"name": group} if group else {}, "versions": told})
        return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _wants_aggregated(header: str) -> bool:
    """Whether the first form that there is, is the aggregated one. Raises ApiRefusal (406)."""
    for part in header.split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        said = dict(piece.partition("=")[::2] for piece in parameters)
        if media not in PLAIN:
            continue
        if "as" not in said:
            return False
        if (said.get("g"), said.get("v"), said["as"]) == ("apidiscovery.k8s.io", "v2", "APIGroupDiscoveryList"):
            return True
    accepted = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    raise ApiRefusal(406, "NotAcceptable", f"only the following media types are accepted: {accepted}")


def _group_body(group: str, versions: tuple[str, ...]) -> dict[str, Any]:
    listed = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
    return {"name": group, "versions": listed, "preferredVersion": listed[0]}


def _extras(row: Kind) -> dict[str, Any]:
    extras = {"shortNames": list(row.short_names), "categories": list(row.categories)}
    return {key: value for key, value in extras.items() if value}


def _lines(row: Kind) -> Iterator[dict[str, Any]]:
    line: dict[str, Any] = {
        "name": row.plural,
        "singularName": row.singular,
        "namespaced": row.namespaced,
        "kind": row.kind,
        "verbs": list(row.verbs),
        **_extras(row),
    }
    if row.stored:
        line["storageVersionHash"] = row.storage_version_hash
    yield line
    for below in row.subresources:
        line = {"name": f"{row.plural}/{below.name}", "singularName": "", "namespaced": row.namespaced}
        if below.group:
            line |= {"group": below.group, "version": below.version}
        yield {**line, "kind": below.kind or row.kind, "verbs": list(below.verbs)}


def _told(row: Kind) -> dict[str, Any]:
    told = {
        "resource": row.plural,
        "responseKind": _response_kind(row),
        "scope": "Namespaced" if row.namespaced else "Cluster",
        "singularResource": row.singular,
        "verbs": list(row.verbs),
        **_extras(row),
    }
    if row.subresources:
        told["subresources"] = [
            {"subresource": below.name, "responseKind": _response_kind(row, below), "verbs": list(below.verbs)}
            for below in row.subresources
        ]
    return told


def _response_kind(row: Kind, below: Subresource | None = None) -> dict[str, str]:
    """Group and version are left empty where they are those of the document; custom kinds say them all the same."""
    if below and below.kind:
        return {"group": below.group, "version": below.version, "kind": below.kind}
    if row.custom:
        return {"group": row.group, "version": row.version, "kind": row.kind}
    return {"group": "", "version": "", "kind": row.kind}
