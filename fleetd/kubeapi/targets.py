"""Paths of the API: what a request is about, and which verb it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from fleetd.kubeapi.exchange import Request
from fleetd.kubeapi.kinds import Kind, Kinds
from fleetd.kubeapi.options import says
from fleetd.kubeapi.refusals import no_such_method, no_such_resource

BELOW_A_NAMESPACE = ("status", "finalize")
"""What follows a namespace's name without being a resource in it."""
COLLECTION = {"POST": "create", "DELETE": "deletecollection"}
OBJECT = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
SUBRESOURCE = {**OBJECT, "POST": "create"}
READS = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Place:
    """A path in its parts; `watches` is the older form of a watch, with `watch/` in the path."""

    group: str
    version: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    watches: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about: a kind, and which of its objects."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def kept(self) -> Target:
        """The same object under the kind that it is kept as."""
        conversion = self.kind.conversion
        return replace(self, kind=conversion.kind) if conversion else self

    @property
    def stored_namespace(self) -> str:
        return self.namespace if self.kind.namespaced else ""


@lru_cache(8192)
def place_of(path: str) -> Place | None:
    """The parts of a path of the API; None for what is no resource's path."""
    steps = path.strip("/").split("/")
    if steps[0] == "api" and len(steps) > 2:
        return _below("", steps[1], steps[2:])
    if steps[0] == "apis" and len(steps) > 3:
        return _below(steps[1], steps[2], steps[3:])
    return None


def _below(group: str, version: str, steps: list[str]) -> Place | None:
    watches = steps[0] == "watch" and len(steps) > 1
    if watches:
        steps = steps[1:]
    namespace = ""
    if steps[0] == "namespaces" and len(steps) > 2 and not (len(steps) == 3 and steps[2] in BELOW_A_NAMESPACE and not group):
        namespace, steps = steps[1], steps[2:]
    plural, name, subresource, *more = (*steps, "", "")
    if any(more[:-2] if len(steps) > 3 else ()):
        return None
    return Place(group, version, plural, namespace, name, "/".join((subresource, *filter(None, more))) if subresource else "", watches)


def target_of(place: Place, kinds: Kinds) -> Target:
    """The kind and object that a path names. Raises ApiRefusal (404)."""
    kind = kinds.find(place.group, place.version, place.plural)
    if kind is None or (place.namespace and not kind.namespaced):
        raise no_such_resource()
    if kind.namespaced and place.name and not place.namespace:
        raise no_such_resource()
    if place.subresource and kind.below(place.subresource) is None:
        raise no_such_resource()
    return Target(kind, place.namespace, place.name, place.subresource)


def verb_of(request: Request, place: Place, target: Target) -> str:
    """The verb as authorization knows it. Raises ApiRefusal (405)."""
    verb = _verb(request, place)
    below = target.kind.below(place.subresource) if place.subresource else None
    if verb not in (below.verbs if below else target.kind.verbs):
        raise no_such_method()
    if verb in ("create", "deletecollection") and target.kind.namespaced and not place.namespace:
        raise no_such_method()
    return verb


def _verb(request: Request, place: Place) -> str:
    if place.subresource:
        return SUBRESOURCE.get("GET" if request.method in READS else request.method, "")
    if request.method in READS:
        if place.watches or says(request, "watch"):
            return "watch"
        return "get" if place.name else "list"
    return (OBJECT if place.name else COLLECTION).get(request.method, "")
