"""What a cluster serves: asked once, shared among clusters that serve the same, refreshed when something is missing."""

from __future__ import annotations

import asyncio
import hashlib
import weakref
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from fleetd.cluster.decoding import Unreadable, whole_object
from fleetd.cluster.errors import NotThere, TooLarge
from fleetd.cluster.http import Api, Ask
from fleetd.cluster.port import NoSuchKind, ResourceKind
from fleetd.cluster.settings import ClusterSettings
from fleetd.domain.errors import GiveUp, Unreachable
from fleetd.domain.refs import GroupKind, GroupVersionKind

AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)
AT_ONCE = 8


class Catalogue:
    """The kinds that a server answered with.

    `unread` are the group/versions that could not be asked (their own API server is away): not there is then not known.
    """

    __slots__ = ("__weakref__", "kinds", "preferred", "unread")

    def __init__(self, kinds: Iterable[ResourceKind], unread: Iterable[str] = ()) -> None:
        self.kinds: dict[GroupVersionKind, ResourceKind] = {}
        self.preferred: dict[GroupKind, GroupVersionKind] = {}
        for kind in kinds:  # In the server's order, which is its preference.
            self.kinds.setdefault(kind.gvk, kind)
            self.preferred.setdefault(kind.gvk.group_kind, kind.gvk)
        self.unread = frozenset(unread)

    def find(self, gvk: GroupVersionKind) -> ResourceKind | None:
        """The kind at that version, or at the preferred one when the version is empty."""
        if not gvk.version:
            preferred = self.preferred.get(gvk.group_kind)
            return self.kinds[preferred] if preferred else None
        return self.kinds.get(gvk)

    def versions(self, group_kind: GroupKind) -> list[str]:
        return [gvk.api_version for gvk in self.kinds if gvk.group_kind == group_kind]


_shared: weakref.WeakValueDictionary[bytes, Catalogue] = weakref.WeakValueDictionary()


@lru_cache(maxsize=8192)
def _kind(gvk: GroupVersionKind, plural: str, namespaced: bool, verbs: frozenset[str]) -> ResourceKind:
    return ResourceKind(gvk, plural, namespaced, verbs)


class Discovery:
    """The catalogue of one cluster."""

    def __init__(self, api: Api, settings: ClusterSettings) -> None:
        self._api = api
        self._settings = settings
        self._catalogue: Catalogue | None = None
        self._asked_at = float("-inf")
        self._doubted = False
        self._lock = asyncio.Lock()

    async def resource(self, gvk: GroupVersionKind) -> ResourceKind:
        """How the kind is served; an empty version means the preferred one.

        Raises:
            NoSuchKind: not served, as a fresh answer says.
            Unreachable: it would be in a group that cannot be read now.
        """
        found = self._catalogue.find(gvk) if self._catalogue and not self._doubted else None
        if found is not None:
            return found
        catalogue = await self.refresh()
        found = catalogue.find(gvk)
        if found is not None:
            return found
        if gvk.api_version in catalogue.unread:
            raise Unreachable(f"{self._api.name}: the part of the API that serves {gvk} does not answer")
        others = ", ".join(catalogue.versions(gvk.group_kind))
        raise NoSuchKind(f"{self._api.name} serves no {gvk}" + (f" (it serves {others})" if others else ""))

    async def preferred(self, group_kind: GroupKind) -> GroupVersionKind:
        """The version that the server itself prefers. Raises `NoSuchKind`."""
        return (await self.resource(GroupVersionKind(group_kind.group, "", group_kind.kind))).gvk

    def forget(self) -> None:
        """What was known is doubted: the next question asks the server, at most once per some seconds."""
        self._doubted = True

    def outdate(self) -> None:
        """What is served was just changed: the next question asks the server, however short ago that was."""
        self._doubted = True
        self._asked_at = float("-inf")

    async def refresh(self) -> Catalogue:
        """The catalogue, asked anew unless that was done a moment ago; asked once however many want it."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if self._catalogue is None or now - self._asked_at >= self._settings.discovery_seconds:
                try:
                    self._catalogue = await self._ask()
                except (AttributeError, TypeError) as problem:  # Lists and maps in each other's places.
                    raise Unreadable(f"{self._api.name}: what it says that it serves cannot be read") from problem
                self._asked_at = asyncio.get_running_loop().time()
            self._doubted = False
            return self._catalogue

    async def _ask(self) -> Catalogue:
        core, groups = await self._get("/api", AGGREGATED), await self._get("/apis", AGGREGATED)
        digest = hashlib.blake2b(core + b"\0" + groups, digest_size=16).digest()
        known = _shared.get(digest)
        if known is not None:
            return known
        documents = (whole_object(core), whole_object(groups))
        if any(document.get("kind") != "APIGroupDiscoveryList" for document in documents):
            return await self._ask_plainly(*documents)
        catalogue = Catalogue(*aggregated(documents))
        _shared[digest] = catalogue
        return catalogue

    async def _ask_plainly(self, core: Mapping[str, Any], groups: Mapping[str, Any]) -> Catalogue:
        versions = plain_versions(core, groups)
        few = asyncio.Semaphore(AT_ONCE)

        async def read(api_version: str) -> list[ResourceKind] | None:
            async with few:
                try:
                    body = await self._get(f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}", "application/json")
                except (NoSuchKind, NotThere):
                    return []
                except (Unreachable, TooLarge):
                    return None
            return plain_kinds(api_version, whole_object(body))

        answers = await asyncio.gather(*(read(version) for version in versions))
        if versions and all(answer is None for answer in answers):
            raise Unreachable(f"{self._api.name}: none of its API groups answers")
        unread = [version for version, answer in zip(versions, answers, strict=True) if answer is None]
        return Catalogue((kind for answer in answers for kind in answer or ()), unread)

    async def _get(self, path: str, accept: str) -> bytes:
        try:
            return await self._api.call(Ask("GET", path, accept=accept, what="ask what it serves"), self._settings)
        except NoSuchKind as missing:
            if path in {"/api", "/apis"}:
                raise GiveUp(str(missing)) from missing
            raise


def aggregated(documents: Iterable[Mapping[str, Any]]) -> tuple[list[ResourceKind], list[str]]:
    """Kinds, and group/versions that are stale, from APIGroupDiscoveryLists."""
    kinds: list[ResourceKind] = []
    unread: list[str] = []
    for document in documents:
        for group in document.get("items") or ():
            name = str((group.get("metadata") or {}).get("name") or "")
            for version in group.get("versions") or ():
                if version.get("freshness") == "Stale":
                    unread.append(GroupVersionKind(name, str(version.get("version")), "").api_version)
                kinds += [kind for entry in version.get("resources") or () if (kind := _aggregated_kind(name, version, entry))]
    return kinds, unread


def _aggregated_kind(group: str, version: Mapping[str, Any], entry: Mapping[str, Any]) -> ResourceKind | None:
    kind = (entry.get("responseKind") or {}).get("kind")
    if not kind:
        return None
    gvk = GroupVersionKind(group, str(version.get("version")), str(kind))
    verbs = frozenset(str(verb) for verb in entry.get("verbs") or ())
    return _kind(gvk, str(entry.get("resource")), entry.get("scope") == "Namespaced", verbs)


def plain_versions(core: Mapping[str, Any], groups: Mapping[str, Any]) -> list[str]:
    """Every group/version of the plain lists, each group's preferred one first."""
    found = [str(version) for version in core.get("versions") or ()]
    for group in groups.get("groups") or ():
        own = [str(version.get("groupVersion")) for version in group.get("versions") or ()]
        preferred = (group.get("preferredVersion") or {}).get("groupVersion")
        found += sorted(own, key=lambda version: version != preferred)
    return list(dict.fromkeys(found))


def plain_kinds(api_version: str, document: Mapping[str, Any]) -> list[ResourceKind]:
    """The kinds of an APIResourceList; subresources are none."""
    kinds = []
    for entry in document.get("resources") or ():
        if "/" not in str(entry.get("name")) and entry.get("kind"):
            gvk = GroupVersionKind.of(api_version, str(entry["kind"]))
            verbs = frozenset(str(verb) for verb in entry.get("verbs") or ())
            kinds.append(_kind(gvk, str(entry["name"]), bool(entry.get("namespaced")), verbs))
    return kinds
