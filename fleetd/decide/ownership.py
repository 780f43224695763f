"""Whose object is it? The marks that say so, Sveltos' own, and how they are read.

Keys and values as release 1.14 of Sveltos writes them. Objects that fleetd applied carry its field manager, which tells
them from those of a Sveltos that runs beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fleetd.decide.definitions import PolicyRef, Profile
from fleetd.decide.digest import Digest, digest, sveltos_hash
from fleetd.decide.exclusions import excluded
from fleetd.decide.members import Member
from fleetd.domain.objects import Manifest, ref_of
from fleetd.domain.refs import ObjectRef

MANAGER = "fleetd"
ROOT = "projectsveltos.io/"
REASON = f"{ROOT}reason"
OWNER_KIND, OWNER_NAME, OWNER_TIER = f"{ROOT}owner-kind", f"{ROOT}owner-name", f"{ROOT}owner-tier"
SUMMARY = f"{ROOT}clustersummary"
HASH = f"{ROOT}hash"
IGNORE_DRIFT = f"{ROOT}driftDetectionIgnore"
HELM_RELEASE, HELM_NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"


@dataclass(frozen=True, slots=True)
class Owned:
    """A wanted object with the marks of its owner. `digest` covers all that is applied; `excluded` paths are left to others."""

    ref: ObjectRef
    api_version: str
    addon: str
    manifest: Manifest
    digest: str
    hash: str
    excluded: tuple[str, ...] = ()


def owned(manifest: Manifest, hashed: str, profile: Profile, member: Member, source: PolicyRef, by: Digest = digest) -> Owned:
    """Puts the owner's marks on a copy of the manifest; `hashed` is its `sveltos_hash`, made once for all clusters."""
    metadata = dict(manifest["metadata"])
    metadata["labels"] = {**(metadata.get("labels") or {}), REASON: "Resources"}
    marks = {
        f"{ROOT}reference-kind": source.kind,
        f"{ROOT}reference-namespace": source.namespace,
        f"{ROOT}reference-name": source.name,
        f"{ROOT}reference-tier": str(source.tier),
        OWNER_KIND: profile.ref.kind,
        OWNER_NAME: profile.ref.name,
        OWNER_TIER: str(profile.tier),
        HASH: hashed,
        SUMMARY: member.summary,
        f"{ROOT}deploymenttype": "Local" if source.local else "Remote",
    }
    metadata["annotations"] = {**(metadata.get("annotations") or {}), **marks}
    marked = {**manifest, "metadata": metadata}
    ref = ref_of(manifest)
    left = excluded(profile, manifest)
    told = by([str(ref), hashed, marks, left] if left else [str(ref), hashed, marks])
    return Owned(ref, str(manifest["apiVersion"]), str(source), marked, told, hashed, left)


def hash_of(manifest: Manifest) -> str:
    """What `projectsveltos.io/hash` says of a manifest without marks."""
    return sveltos_hash(manifest)


def bare(manifest: Manifest) -> Manifest:
    """The manifest without our marks: what is applied once more when an object is left to itself."""
    metadata = dict(manifest["metadata"])
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != REASON}
    marks = {key: value for key, value in (metadata.get("annotations") or {}).items() if not _mark(key)}
    metadata["labels"], metadata["annotations"] = labels, marks
    return {**manifest, "metadata": metadata}


def _mark(key: str) -> bool:
    return key.startswith((f"{ROOT}reference-", f"{ROOT}owner-")) or key in (HASH, SUMMARY, f"{ROOT}deploymenttype")


def marks(live: Mapping[str, Any]) -> Mapping[str, str]:
    """The live object's annotations."""
    return (live.get("metadata") or {}).get("annotations") or {}


def entry_of(live: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Our entry of the live object's managedFields, or None."""
    for entry in (live.get("metadata") or {}).get("managedFields") or ():
        if entry.get("manager") == MANAGER and entry.get("operation") == "Apply" and not entry.get("subresource"):
            return entry.get("fieldsV1") or {}
    return None


def ours(live: Mapping[str, Any], profile: Profile, member: Member) -> bool:
    """Whether this profile on this cluster put the object there, as far as the object itself tells."""
    found = marks(live)
    return (
        found.get(OWNER_KIND) == profile.ref.kind
        and found.get(OWNER_NAME) == profile.ref.name
        and found.get(SUMMARY) == member.summary
        and entry_of(live) is not None
    )


def foreign_owner(live: Mapping[str, Any], profile: Profile, member: Member) -> str | None:
    """Who holds the object, in words, or None when nobody does or a lower tier gives us the right to it."""
    found = marks(live)
    kind, name = found.get(OWNER_KIND), found.get(OWNER_NAME)
    if kind and name:
        if ours(live, profile, member):
            return None
        if entry_of(live) is None:
            return f"Sveltos ({kind} {name})"
        if (kind, name) != (profile.ref.kind, profile.ref.name):
            return None if profile.tier < _tier(found.get(OWNER_TIER)) else f"{kind} {name}"
        return None if found.get(SUMMARY) == member.summary else f"{kind} {name} for {found.get(SUMMARY)}"
    if found.get(HELM_RELEASE):
        return f"Helm release {found.get(HELM_NAMESPACE, '')}/{found[HELM_RELEASE]}"
    return None


def _tier(text: str | None) -> int:
    """A missing or unreadable tier counts as the greatest."""
    return int(text) if text and text.isdecimal() else 2**31 - 1
