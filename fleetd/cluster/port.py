"""What the engine asks of a cluster, whoever answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import msgspec

from fleetd.domain.errors import Conflict, GiveUp
from fleetd.domain.objects import Manifest, Observed, Reads
from fleetd.domain.refs import GroupVersionKind


class NoSuchKind(GiveUp):
    """The cluster does not serve this kind (now)."""


@dataclass(frozen=True, slots=True)
class FieldClaim:
    """A field that another manager holds: the manager's name and the field's path as Kubernetes writes it (`.spec.replicas`)."""

    manager: str
    path: str


class FieldConflict(Conflict):
    """Other managers hold fields that the apply would change."""

    def __init__(self, message: str, claims: tuple[FieldClaim, ...]) -> None:
        super().__init__(message)
        self.claims = claims


@dataclass(frozen=True, slots=True)
class ResourceKind:
    """How a cluster serves a kind."""

    gvk: GroupVersionKind
    plural: str
    namespaced: bool
    verbs: frozenset[str]


@dataclass(frozen=True, slots=True)
class Identity:
    """Which cluster this really is: the uid of its kube-system namespace, and its version (`v1.36.2`)."""

    uid: str
    version: str


class ChangeType(StrEnum):
    """What a watch says happened."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


class Changed(msgspec.Struct, frozen=True):
    """One event of an unbroken watch."""

    type: ChangeType
    observed: Observed


@dataclass(frozen=True, slots=True)
class Changes:
    """The events of one read, in their order."""

    changes: tuple[Changed, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A complete list: all objects of the kind as of one resourceVersion. What it does not hold is merely missing."""

    objects: tuple[Observed, ...]
    resource_version: str


@dataclass(frozen=True, slots=True)
class Away:
    """The watch is broken and is being tried again; `reason` is one sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """The watch goes on where it broke off; nothing was missed."""


Sighting = Changes | Snapshot | Away | Resumed


class Cluster(Protocol):
    """One member of the fleet, connected. Every call has a time limit.

    All calls may raise `Unreachable` (network, TLS, timeout, 5xx), `Overloaded` (429), `NotPermitted` (401, 403), and
    `GiveUp` where the server refuses what was asked (400, 404 on the kind, 422), with the server's sentence.
    """

    name: str

    async def identity(self) -> Identity:
        """Asks anew each time."""

    async def resource(self, gvk: GroupVersionKind) -> ResourceKind:
        """How the kind is served, from a cache that is refreshed once when the kind is not in it. Raises `NoSuchKind`."""

    async def read(self, gvk: GroupVersionKind, namespace: str, name: str) -> Manifest | None:
        """The object as it is now, or None."""

    async def apply(self, manifest: Manifest, *, force: bool = False, dry_run: bool = False) -> Manifest:
        """Server-side apply under our field manager; the object as it then is. Raises `FieldConflict`."""

    async def delete(self, gvk: GroupVersionKind, namespace: str, name: str, *, uid: str, resource_version: str = "") -> bool:
        """Deletes with preconditions; False when it was already gone. Raises `Conflict` when it is another object by now."""

    def watch(self, gvk: GroupVersionKind, reads: Reads) -> AsyncGenerator[Sighting, None]:
        """Lists and watches for ever: first a Snapshot (or Away and later one), then Changes; heals itself with back-off.

        Ends only by `aclose()` or cancellation; raises `NoSuchKind` when the cluster does not serve the kind.
        """

    async def close(self) -> None:
        """Ends all that runs."""
