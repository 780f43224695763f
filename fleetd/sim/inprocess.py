"""Asking an API server in the same process, without a socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from fleetd.domain.errors import Conflict, GiveUp, InvalidInput, NotFound, NotPermitted, Overloaded, TryLater
from fleetd.domain.objects import Manifest, gvk_of
from fleetd.domain.refs import GroupVersionKind
from fleetd.kubeapi.exchange import Request, Response, Stream, User

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"

Answer = Callable[[Request], Awaitable[Response | Stream]]


class InProcess:
    """The verbs of the API on one server, as one user.

    All raise, with the server's sentence: `NotFound` (404), `Conflict` (409), `NotPermitted` (401, 403), `Overloaded` (429),
    `TryLater` (5xx) and `InvalidInput` (any other refusal).
    """

    def __init__(self, answer: Answer, user: User, agent: str) -> None:
        self._answer = answer
        self._user = user
        self._headers = {"accept": "application/json", "user-agent": agent}
        self._kinds: dict[GroupVersionKind, tuple[str, bool]] = {}

    async def create(self, manifest: Manifest) -> Manifest:
        """Creates it; a namespaced object without a namespace goes to `default`."""
        path = await self._collection(gvk_of(manifest), _namespace(manifest))
        return await self._send("POST", path, manifest, "application/json")

    async def apply(self, manifest: Manifest, *, manager: str = "simulation", force: bool = True) -> Manifest:
        """Server-side apply."""
        path = await self._collection(gvk_of(manifest), _namespace(manifest))
        query = {"fieldManager": (manager,)} | ({"force": ("true",)} if force else {})
        return await self._send("PATCH", f"{path}/{manifest['metadata']['name']}", manifest, APPLY, query)

    async def patch(
        self, api_version: str, kind: str, namespace: str, name: str, patch: Mapping[str, Any], *, subresource: str = "", manager: str = ""
    ) -> Manifest:
        """A merge patch (RFC 7386) of the object or one of its subresources."""
        path = f"{await self._collection(GroupVersionKind.of(api_version, kind), namespace)}/{name}" + (
            f"/{subresource}" if subresource else ""
        )
        return await self._send("PATCH", path, patch, MERGE, {"fieldManager": (manager,)} if manager else {})

    async def get(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest | None:
        """The object as it is now, or None."""
        path = await self._collection(GroupVersionKind.of(api_version, kind), namespace)
        try:
            return await self._send("GET", f"{path}/{name}")
        except NotFound:
            return None

    async def objects(self, api_version: str, kind: str, namespace: str = "", *, selector: str = "") -> list[Manifest]:
        """All objects of the kind, of one namespace or of all, with apiVersion and kind filled in."""
        gvk = GroupVersionKind.of(api_version, kind)
        plural, _ = await self._kind(gvk)
        path = f"{_root(gvk)}/namespaces/{namespace}/{plural}" if namespace else f"{_root(gvk)}/{plural}"
        listed = await self._send("GET", path, query={"labelSelector": (selector,)} if selector else {})
        return [{"apiVersion": api_version, "kind": kind, **item} for item in listed["items"]]

    async def delete(self, api_version: str, kind: str, namespace: str, name: str, *, grace: int | None = None) -> None:
        """Deletes it, in the background as kubectl does; `grace` is the seconds that a Pod has to end."""
        path = f"{await self._collection(GroupVersionKind.of(api_version, kind), namespace)}/{name}"
        options = {"propagationPolicy": "Background"} | ({} if grace is None else {"gracePeriodSeconds": grace})
        await self._send("DELETE", path, options, "application/json")

    async def review_access(self, user: str, groups: tuple[str, ...], attributes: Mapping[str, str]) -> bool:
        """Whether the server's authorizer lets the user do that (attributes: verb, group, resource, …)."""
        spec = {"user": user, "groups": list(groups), "resourceAttributes": {key: value for key, value in attributes.items() if value}}
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        return bool((await self._send("POST", path, body, "application/json"))["status"]["allowed"])

    async def watch(self, path: str, resource_version: str) -> Stream:
        """An open watch of a collection's path."""
        query = {"watch": ("true",), "resourceVersion": (resource_version,)}
        answer = await self._answer(Request("GET", path, query, self._headers, user=self._user))
        if isinstance(answer, Response):
            raise _error(answer)
        return answer

    async def listed(self, path: str) -> Manifest:
        """The list at a collection's path."""
        return await self._send("GET", path)

    async def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        content: str = "",
        query: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Manifest:
        headers = self._headers | {"content-type": content} if content else self._headers
        sent = orjson.dumps(body) if body is not None else b""
        answer = await self._answer(Request(method, path, query or {}, headers, sent, self._user))
        if not isinstance(answer, Response):
            raise GiveUp(f"{path} is answered by a stream")
        if answer.status >= 400:
            raise _error(answer)
        answered: Manifest = orjson.loads(answer.body)
        return answered

    async def _collection(self, gvk: GroupVersionKind, namespace: str) -> str:
        plural, namespaced = await self._kind(gvk)
        return f"{_root(gvk)}/namespaces/{namespace or 'default'}/{plural}" if namespaced else f"{_root(gvk)}/{plural}"

    async def _kind(self, gvk: GroupVersionKind) -> tuple[str, bool]:
        """Plural and whether it is namespaced, from discovery the first time."""
        if gvk not in self._kinds:
            for resource in (await self._send("GET", _root(gvk)))["resources"]:
                if resource["kind"] == gvk.kind and "/" not in resource["name"]:
                    self._kinds[gvk] = resource["name"], resource["namespaced"]
        if gvk not in self._kinds:
            raise NotFound(f"the server serves no {gvk}")
        return self._kinds[gvk]


def _root(gvk: GroupVersionKind) -> str:
    return f"/apis/{gvk.group}/{gvk.version}" if gvk.group else f"/api/{gvk.version}"


def _namespace(manifest: Manifest) -> str:
    return str(manifest["metadata"].get("namespace") or "")


def _error(answer: Response) -> Exception:
    try:
        message = str(orjson.loads(answer.body)["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        message = answer.body.decode(errors="replace").strip()
    message = message or f"status {answer.status}"
    match answer.status:
        case 401 | 403:
            return NotPermitted(message)
        case 404:
            return NotFound(message)
        case 409:
            return Conflict(message)
        case 429:
            return Overloaded(message)
        case status if status >= 500:
            return TryLater(message)
        case _:
            return InvalidInput(message)
