"""The API server: requests in, answers out, whatever keeps the objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from fleetd.kubeapi.admission import Admission, May, only_masters
from fleetd.kubeapi.builtin import builtin_kinds
from fleetd.kubeapi.definitions import DEFINITIONS, Definitions
from fleetd.kubeapi.deleting import Deleting
from fleetd.kubeapi.discovery import NO_SUCH_PAGE, Discovery
from fleetd.kubeapi.escalation import NoEscalation
from fleetd.kubeapi.establishing import Establishing
from fleetd.kubeapi.exchange import ANONYMOUS, UNAUTHENTICATED, Request, Response, Stream, User, authenticated
from fleetd.kubeapi.health import health
from fleetd.kubeapi.impersonation import asked_for, may_act_as
from fleetd.kubeapi.operations import Operations, merge_patched
from fleetd.kubeapi.options import DeleteOptions, Options
from fleetd.kubeapi.pod_paths import PodPaths
from fleetd.kubeapi.rbac import RoleBasedAccess
from fleetd.kubeapi.reading import Reading
from fleetd.kubeapi.refusals import ApiRefusal, forbidden, no_such_resource, unauthorized
from fleetd.kubeapi.reviews import OPEN_TO_ALL, Reviews
from fleetd.kubeapi.rights import Simple, Wish
from fleetd.kubeapi.services import Allocation
from fleetd.kubeapi.storage import Storage
from fleetd.kubeapi.targets import Target, place_of, target_of, verb_of
from fleetd.kubeapi.watching import Later, Watches, by_the_loop
from fleetd.kubeapi.writing import Extras, Writer, Writing

IMPERSONATE = "impersonate-"
ADMIN = User("system:admin", ("system:masters",))
ADMIN_WRITER = Writer(ADMIN, Options("fleetd"))
NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
Body = dict[str, Any]
BARE = Extras()


class ApiServer:
    """One Kubernetes API server.

    Args:
        storage: what keeps the objects; a server has it alone.
        admission: asked in order before a write is stored.
        may: who may do what; discovery, health and reviews of oneself are open to every known user.
        later: what ends watches and sends their bookmarks in time.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        clock: Callable[[], datetime],
        new_uid: Callable[[], str],
        admission: Sequence[Admission] = (),
        may: May = only_masters,
        later: Later = by_the_loop,
        extras: Extras = BARE,
    ) -> None:
        self.kinds = builtin_kinds()
        self.watches = Watches(storage.version, clock, later)
        self._storage = storage
        self._begun = False
        self._furnished = extras.furnished
        self._held = Allocation()
        self._discovery = Discovery(self.kinds)
        self._definitions = Definitions(self.kinds, self.watches.end)
        self._rights = extras.rights or Simple(may)
        steps = (*admission, NoEscalation(self._rights)) if isinstance(self._rights, RoleBasedAccess) else tuple(admission)
        establishing = Establishing(storage, clock)
        deleting = Deleting(storage, clock, self.kinds, establishing, steps, extras.ends_namespaces, extras.holds_dependents)
        self._writing = Writing(storage, clock, new_uid, self._held, deleting, establishing, steps, extras)
        reviews = Reviews(self._rights, clock, extras.knows, extras.audience)
        self._operations = Operations(self._writing, Reading(storage, self.watches, clock), reviews, PodPaths(self._writing, self.kinds))
        if isinstance(self._rights, RoleBasedAccess):
            storage.listen(self._rights.told)
        for tell in (self._definitions.tell, self._held.tell, self.watches.tell):
            storage.listen(tell)

    async def handle(self, request: Request) -> Response | Stream:
        """Answers one request; never raises for what a client can send."""
        if not self._begun:
            await self._begin()
        try:
            return await self._answer(request)
        except ApiRefusal as refusal:
            return refusal.response()

    async def create(self, manifest: Mapping[str, Any]) -> Body:
        """A new object. Raises ApiRefusal."""
        body = _copied(manifest)
        target = await self._named(str(body.get("apiVersion")), str(body.get("kind")), _namespace(body), "")
        body.setdefault("metadata", {})
        return (await self._writing.create(target, body, ADMIN_WRITER)).copy()

    async def get(self, api_version: str, kind: str, namespace: str, name: str) -> Body | None:
        """The object as it is, or None. Raises ApiRefusal (404) for a kind that is not served."""
        target = await self._named(api_version, kind, namespace, name)
        record = await self._storage.get(target.kind.shelf, target.stored_namespace, name)
        return record.copy() if record else None

    async def objects(self, api_version: str, kind: str, namespace: str = "") -> list[Body]:
        """All objects of a kind, by namespace and name. Raises ApiRefusal (404)."""
        target = await self._named(api_version, kind, namespace, "")
        listing = await self._storage.listing(target.kind.shelf, target.stored_namespace)
        return [record.copy() for record in listing.records]

    async def replace(self, manifest: Mapping[str, Any]) -> Body:
        """The object under a new content; a resourceVersion in it is a precondition. Raises ApiRefusal."""
        body = _copied(manifest)
        metadata = body.get("metadata") or {}
        target = await self._named(str(body.get("apiVersion")), str(body.get("kind")), _namespace(body), str(metadata.get("name")))
        return (await self._writing.replace(target, body, ADMIN_WRITER)).copy()

    async def patch(
        self, api_version: str, kind: str, namespace: str, name: str, patch: Mapping[str, Any], *, subresource: str = ""
    ) -> Body:
        """A merge patch, of the object or of its status. Raises ApiRefusal."""
        target = await self._named(api_version, kind, namespace, name, subresource)
        return (await self._writing.change(target, merge_patched(_copied(patch)), ADMIN_WRITER)).copy()

    async def apply(self, manifest: Mapping[str, Any], *, manager: str, force: bool = False) -> Body:
        """A server-side apply. Raises ApiRefusal."""
        body = _copied(manifest)
        metadata = body.get("metadata") or {}
        target = await self._named(str(body.get("apiVersion")), str(body.get("kind")), _namespace(body), str(metadata.get("name")))
        record, _ = await self._writing.apply(target, body, Writer(ADMIN, Options(manager, force=force)))
        return record.copy()

    async def delete(self, api_version: str, kind: str, namespace: str, name: str) -> None:
        """Deletes, or begins to where finalizers hold the object. Raises ApiRefusal."""
        target = await self._named(api_version, kind, namespace, name)
        await self._writing.delete(target, DeleteOptions(), ADMIN)

    async def _named(self, api_version: str, kind: str, namespace: str, name: str, subresource: str = "") -> Target:
        if not self._begun:
            await self._begin()
        found = self.kinds.by_kind(api_version, kind)
        if found is None:
            raise no_such_resource()
        return Target(found, namespace if found.namespaced else "", name, subresource)

    async def _begin(self) -> None:
        """Takes in what the storage holds, and makes the namespaces that are always there."""
        self._begun = True
        if self._furnished:
            return
        for definition in (await self._storage.listing(DEFINITIONS)).records:
            self._definitions.take(definition)
        for service in (await self._storage.listing("services")).records:
            metadata = service.metadata
            self._held.hold(f"{metadata['namespace']}/{metadata['name']}", service.body)
        for name in NAMESPACES:
            if await self._storage.get("namespaces", "", name) is None:
                await self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    async def _answer(self, request: Request) -> Response | Stream:
        user = request.user
        if user is None:
            if "authorization" in request.headers:
                raise unauthorized()
            user = ANONYMOUS
        user = authenticated(user)
        other = asked_for(request) if IMPERSONATE in "\n".join(request.headers) else None
        place = place_of(request.path)
        if place is None:
            return self._open_page(request, self._acting(Wish(user, request.method.lower(), path=request.path), other))
        if not self.kinds.serves(place.group, place.version):
            if self.kinds.builds(place.group):
                raise no_such_resource()
            return NO_SUCH_PAGE
        target = target_of(place, self.kinds)
        verb = verb_of(request, place, target)
        kind = target.kind
        resource = f"{kind.plural}/{target.subresource}" if target.subresource else kind.plural
        wish = Wish(user, verb, kind.group, resource, target.namespace, target.name)
        if other is not None:
            wish = wish._replace(user=self._acting(wish, other, target))
        self._permit(wish, target)
        return await self._operations.carry_out(verb, request, target, wish.user)

    def _acting(self, wish: Wish, other: User | None, target: Target | None = None) -> User:
        """In whose name the request is carried out. Raises ApiRefusal (403)."""
        if other is None or may_act_as(self._rights, wish.user, other):
            return other or wish.user
        asked = wish.with_verb(f"impersonate-on:user-info:{wish.verb}")
        raise _forbidden_page(asked) if target is None else _forbidden(asked, target)

    def _open_page(self, request: Request, user: User) -> Response:
        """Paths beside the resources."""
        found = health(request)
        if found is not None:
            return found
        wish = Wish(user, "get", path=request.path)
        if self._rights.why(wish) is None:
            raise _forbidden_page(wish)
        if request.path == "/":
            return Response(200, orjson.dumps({"paths": ["/api", "/apis", "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"]}))
        return self._discovery.answer(request) or NO_SUCH_PAGE

    def _permit(self, wish: Wish, target: Target) -> None:
        kind = target.kind
        if kind.plural in OPEN_TO_ALL and not kind.stored and UNAUTHENTICATED not in wish.user.groups:
            return
        if self._rights.why(wish) is None:
            raise _forbidden(wish, target)


def _forbidden(wish: Wish, target: Target) -> ApiRefusal:
    where = f'in the namespace "{wish.namespace}"' if wish.namespace else "at the cluster scope"
    why = f'User "{wish.user.name}" cannot {wish.verb} resource "{wish.resource}" in API group "{wish.group}" {where}'
    return forbidden(target.kind, target.name, why)


def _forbidden_page(wish: Wish) -> ApiRefusal:
    return ApiRefusal(403, "Forbidden", f'forbidden: User "{wish.user.name}" cannot {wish.verb} path "{wish.path}"', {})


def _copied(manifest: Mapping[str, Any]) -> Body:
    body: Body = orjson.loads(orjson.dumps(manifest))
    return body


def _namespace(body: Mapping[str, Any]) -> str:
    return str((body.get("metadata") or {}).get("namespace") or "")
