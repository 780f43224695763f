"""Reads that tell of an older state, as those of a server do whose store is behind."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import orjson

from fleetd.kubeapi.exchange import Request, Response, Stream
from fleetd.sim.answers import refusal
from fleetd.sim.asked import Asked


class Api(Protocol):
    async def handle(self, request: Request) -> Response | Stream: ...


async def as_it_was(asked: Asked, request: Request, version: int, api: Api) -> Response | Stream:
    """The answer to a read as of a version; other requests are answered as ever."""
    at = {"resourceVersion": (str(version),), "resourceVersionMatch": ("Exact",)}
    if asked.verb == "list" and not request.first("continue"):
        return await api.handle(replace(request, query={**request.query, **at}))
    if asked.verb != "get" or not asked.name or asked.subresource:
        return await api.handle(request)
    collection = request.path.rpartition("/")[0]
    one = {"fieldSelector": (f"metadata.name={asked.name}",)}
    listed = await api.handle(
        replace(request, path=collection, query={**at, **one}, headers={**request.headers, "accept": "application/json"})
    )
    if not isinstance(listed, Response) or listed.status != 200:
        return listed
    body = orjson.loads(listed.body)
    if not body["items"]:
        resource = f"{asked.resource}.{asked.group}" if asked.group else asked.resource
        group = {"group": asked.group} if asked.group else {}
        return refusal(404, "NotFound", f'{resource} "{asked.name}" not found', {"name": asked.name, **group, "kind": asked.resource})
    head = {"kind": body["kind"].removesuffix("List"), "apiVersion": body["apiVersion"]}
    return Response(200, orjson.dumps({**head, **body["items"][0]}))
