"""Triggers and profiles, read from their manifests into what the stages ask of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fleetd.decide.digest import digest
from fleetd.decide.select import Selector, compile_selector
from fleetd.decide.spots import Spot
from fleetd.domain.objects import Manifest, ref_of
from fleetd.domain.refs import ObjectRef

OURS = "fleetd.io/"
ADOPT = "fleetd.io/adopt"
INSTANTIATE = "projectsveltos.io/instantiate"
TEMPLATE = "projectsveltos.io/template"
LUA = "projectsveltos.io/lua"
PAUSED = "profile.projectsveltos.io/paused"
PROFILE_SECRET_TYPE = "addons.projectsveltos.io/cluster-profile"  # noqa: S105 - a type, no secret
GENERATED_NAMESPACE = "projectsveltos"
CONFIG_GROUP = "config.projectsveltos.io"
LIB_GROUP = "lib.projectsveltos.io"
CAPI_GROUP = "cluster.x-k8s.io"
PROFILE_KINDS = ("ClusterProfile/", "Profile/")
"""What the ids of profiles begin with."""


class SyncMode(StrEnum):
    """How a profile keeps what it deployed."""

    ONE_TIME = "OneTime"
    CONTINUOUS = "Continuous"
    DRIFT = "ContinuousWithDriftDetection"
    DRY_RUN = "DryRun"


@dataclass(frozen=True, slots=True)
class PolicyRef:
    """A reference to a ConfigMap or Secret whose data are manifests; name and namespace may be templates over the cluster."""

    kind: str
    namespace: str
    name: str
    local: bool
    optional: bool
    tier: int

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Target:
    """Which objects a patch or an exclusion is for: unanchored regular expressions and label selectors, empty means any."""

    group: str = ""
    version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    labels: str = ""
    annotations: str = ""


@dataclass(frozen=True, slots=True)
class PatchText:
    """A patch as it was written: a template that makes a strategic merge document or a list of JSON6902 operations."""

    text: str
    target: Target | None


@dataclass(frozen=True, slots=True)
class PatchesFrom:
    """A ConfigMap or Secret each of whose values is a patch with its target; name and namespace may be templates."""

    kind: str
    namespace: str
    name: str
    optional: bool


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Paths (JSON pointers) in which a change is no drift."""

    paths: tuple[str, ...]
    target: Target | None


@dataclass(frozen=True, slots=True)
class ResourceRef:
    """An object of the management plane that templates may read; name and namespace may be templates."""

    identifier: str
    api_version: str
    kind: str
    namespace: str
    name: str
    optional: bool
    ignore_status: bool
    watched: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """A ClusterProfile or Profile. `trigger` names the EventTrigger that it was generated for, if one did."""

    id: str
    ref: ObjectRef
    selector: Selector | None
    cluster_refs: frozenset[str]
    policy_refs: tuple[PolicyRef, ...]
    sync_mode: SyncMode
    leave: bool
    tier: int
    continue_on_error: bool
    paused: bool
    adopt: bool
    trigger: str = ""
    spec_digest: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    patches: tuple[PatchText, ...] = ()
    patches_from: tuple[PatchesFrom, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    resource_refs: tuple[ResourceRef, ...] = ()
    set_refs: frozenset[str] = frozenset()
    """ids of ClusterSets, or for a Profile of Sets in its namespace"""

    @property
    def namespaced(self) -> bool:
        """A Profile reaches only clusters of its own namespace."""
        return self.ref.kind == "Profile"

    @property
    def excludes(self) -> bool:
        """Whether some paths of objects are left to others; that is asked for where drift is corrected only, as in Sveltos."""
        return bool(self.exclusions) and self.sync_mode is SyncMode.DRIFT


@dataclass(frozen=True, slots=True)
class Trigger:
    """An EventTrigger; the parts that templates fill in stay as they were written."""

    name: str
    sources: Selector
    source_name: str
    destinations: Selector | None
    destination: Mapping[str, Any] | None
    one_for_event: bool
    policy_refs: tuple[Mapping[str, Any], ...]
    name_format: str
    spec: Mapping[str, Any] = field(repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    spec_digest: str = ""
    set_refs: frozenset[str] = frozenset()
    """ids of ClusterSets whose clusters are sources, too"""

    def spot(self, *path: str | int) -> Spot:
        """A field of its spec."""
        return Spot(ObjectRef("EventTrigger", LIB_GROUP, "", self.name), ("spec", *path))


def compile_trigger(manifest: Manifest) -> Trigger:
    """From a manifest with its defaults."""
    metadata, spec = manifest["metadata"], manifest.get("spec") or {}
    destinations = spec.get("destinationClusterSelector")
    return Trigger(
        name=metadata["name"],
        sources=compile_selector(spec.get("sourceClusterSelector") or {}),
        source_name=spec.get("eventSourceName") or "",
        destinations=compile_selector(destinations) if destinations else None,
        destination=spec.get("destinationCluster") or None,
        one_for_event=bool(spec.get("oneForEvent")),
        policy_refs=tuple(spec.get("policyRefs") or ()),
        name_format=spec.get("profileNameFormat") or "",
        spec=spec,
        labels=metadata.get("labels") or {},
        annotations=metadata.get("annotations") or {},
        spec_digest=digest([spec, metadata.get("labels"), _of_ours(metadata.get("annotations") or {})]),
        set_refs=frozenset(set_id(name) for name in spec.get("clusterSetRefs") or ()),
    )


def _of_ours(annotations: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in annotations.items() if name.startswith(OURS)}


def set_id(name: str, namespace: str = "") -> str:
    """`ClusterSet/name`, or `Set/namespace/name`."""
    return f"Set/{namespace}/{name}" if namespace else f"ClusterSet/{name}"


def profile_id(ref: ObjectRef) -> str:
    """`ClusterProfile/name` or `Profile/namespace/name`."""
    return f"{ref.kind}/{ref.namespace}/{ref.name}" if ref.namespace else f"{ref.kind}/{ref.name}"


def compile_profile(manifest: Manifest, *, trigger: str = "") -> Profile:
    """From a manifest with its defaults."""
    ref, spec = ref_of(manifest), manifest.get("spec") or {}
    annotations = manifest["metadata"].get("annotations") or {}
    selector = spec.get("clusterSelector")
    return Profile(
        id=profile_id(ref),
        ref=ref,
        selector=compile_selector(selector) if selector else None,
        cluster_refs=frozenset(cluster_key(item, default_namespace=ref.namespace) for item in spec.get("clusterRefs") or ()),
        policy_refs=tuple(_policy_ref(item, ref.namespace) for item in spec.get("policyRefs") or ()),
        sync_mode=SyncMode(spec.get("syncMode") or "Continuous"),
        leave=spec.get("stopMatchingBehavior") == "LeavePolicies",
        tier=int(spec.get("tier") or 100),
        continue_on_error=bool(spec.get("continueOnError")),
        paused=PAUSED in annotations,
        adopt=ADOPT in annotations,
        trigger=trigger,
        spec_digest=digest([spec, annotations.get(PAUSED), _of_ours(annotations)]),
        annotations=_of_ours(annotations),
        patches=tuple(PatchText(item["patch"], target_of(item.get("target"))) for item in spec.get("patches") or ()),
        patches_from=tuple(_patches_from(item, ref.namespace) for item in spec.get("patchesFrom") or ()),
        exclusions=tuple(Exclusion(tuple(item["paths"]), target_of(item.get("target"))) for item in spec.get("driftExclusions") or ()),
        resource_refs=tuple(_resource_ref(item) for item in spec.get("templateResourceRefs") or ()),
        set_refs=frozenset(set_id(name, ref.namespace) for name in spec.get("setRefs") or ()),
    )


def target_of(item: Mapping[str, Any] | None) -> Target | None:
    """From a `target` as it is written; None stands for every object."""
    if item is None:
        return None
    names = ("group", "version", "kind", "namespace", "name", "labelSelector", "annotationSelector")
    return Target(*(str(item.get(name) or "") for name in names))


def _patches_from(item: Mapping[str, Any], own_namespace: str) -> PatchesFrom:
    return PatchesFrom(item["kind"], own_namespace or item.get("namespace") or "", item["name"], bool(item.get("optional")))


def _resource_ref(item: Mapping[str, Any]) -> ResourceRef:
    resource = item.get("resource") or {}
    return ResourceRef(
        identifier=item["identifier"],
        api_version=resource.get("apiVersion") or "",
        kind=resource.get("kind") or "",
        namespace=resource.get("namespace") or "",
        name=resource.get("name") or "",
        optional=bool(item.get("optional")),
        ignore_status=bool(item.get("ignoreStatusChanges")),
        watched=tuple(item.get("watchFields") or ()),
    )


def _policy_ref(item: Mapping[str, Any], own_namespace: str) -> PolicyRef:
    return PolicyRef(
        kind=item["kind"],
        namespace=own_namespace or item.get("namespace") or "",
        name=item["name"],
        local=item.get("deploymentType") == "Local",
        optional=bool(item.get("optional")),
        tier=int(item.get("tier") or 100),
    )


def cluster_key(item: Mapping[str, Any], *, default_namespace: str = "") -> str:
    """The cluster that an object reference names, as fleetd writes it: `capi:` before Cluster API ones."""
    key = f"{item.get('namespace') or default_namespace}/{item.get('name') or ''}"
    api_version = str(item.get("apiVersion") or "")
    return f"capi:{key}" if api_version.startswith(CAPI_GROUP) and item.get("kind") == "Cluster" else key


def member_key(ref: ObjectRef) -> str:
    """The key of the cluster that a SveltosCluster or Cluster API Cluster stands for."""
    return f"capi:{ref.namespace}/{ref.name}" if ref.group == CAPI_GROUP else f"{ref.namespace}/{ref.name}"
