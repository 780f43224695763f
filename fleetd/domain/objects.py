"""Manifests, and objects as seen on a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from fleetd.domain.refs import GroupVersionKind, ObjectRef

Manifest = dict[str, Any]
"""A Kubernetes object as plain JSON values. Never changed in place once it is handed on."""


def gvk_of(manifest: Mapping[str, Any]) -> GroupVersionKind:
    """Kind and version as the manifest states them; empty strings where it does not."""
    return GroupVersionKind.of(str(manifest.get("apiVersion") or ""), str(manifest.get("kind") or ""))


SECRETIVE = "fleetd.io/secretive"
"""Annotation of a generated object that holds contents of a Secret without being one."""


def holds_secrets(manifest: Mapping[str, Any]) -> bool:
    """Whether the contents must not be shown, nor kept in clear."""
    metadata = manifest.get("metadata") or {}
    return (manifest.get("kind") == "Secret" and manifest.get("apiVersion") == "v1") or SECRETIVE in (metadata.get("annotations") or {})


def ref_of(manifest: Mapping[str, Any]) -> ObjectRef:
    """The manifest's identity, taken from its own words."""
    gvk = gvk_of(manifest)
    metadata = manifest.get("metadata") or {}
    return ObjectRef(gvk.kind, gvk.group, str(metadata.get("namespace") or ""), str(metadata.get("name") or ""))


class Observed(msgspec.Struct, frozen=True):
    """One object as a watch or a list showed it: only what conditions and drift need.

    `body` holds the paths that were asked for (metadata always); `raw` the whole object's JSON bytes as they came, for
    what must see all of it. Nobody keeps `raw` beyond the step in hand.
    """

    ref: ObjectRef
    uid: str
    resource_version: str
    body: Mapping[str, Any]
    raw: bytes = b""

    def __repr__(self) -> str:
        """Without contents: they may be a Secret's."""
        return f"Observed({self.ref}, {self.resource_version})"

    @property
    def labels(self) -> Mapping[str, str]:
        return (self.body.get("metadata") or {}).get("labels") or {}

    @property
    def deleting(self) -> bool:
        return bool((self.body.get("metadata") or {}).get("deletionTimestamp"))


@dataclass(frozen=True, slots=True)
class Reads:
    """What of an object somebody reads, so that no more than that is decoded and kept.

    A path is a tuple of map keys from the top (`("status", "loadBalancer", "ingress")`); all below it is included. Metadata
    is always read, except managedFields. `whole` asks for everything but managedFields, `raw` for the object's bytes.
    """

    paths: frozenset[tuple[str, ...]] = frozenset()
    whole: bool = False
    raw: bool = False

    @property
    def metadata_only(self) -> bool:
        return not self.whole and not self.raw and all(path[:1] == ("metadata",) for path in self.paths)

    def __or__(self, other: Reads) -> Reads:
        return Reads(self.paths | other.paths, self.whole or other.whole, self.raw or other.raw)

    def covers(self, other: Reads) -> bool:
        """Whether who reads this much can answer who reads that much."""
        return (self.whole or (other.paths <= self.paths and not other.whole)) and (self.raw or not other.raw)
