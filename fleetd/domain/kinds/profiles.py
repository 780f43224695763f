"""ClusterProfile, Profile, ClusterSummary and the sets of clusters: what belongs on which clusters."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StrictStr, model_validator

from fleetd.domain.kinds.addons import HelmChart, KustomizationRef, PolicyRef, TemplateResourceRef
from fleetd.domain.kinds.base import Flag, KubernetesObject, Model, Whole, defaulted
from fleetd.domain.kinds.checks import ValidateHealth
from fleetd.domain.kinds.shared import (
    Base64,
    DriftExclusion,
    FeatureID,
    FeatureStatus,
    Instant,
    ObjectReference,
    Patch,
    Selector,
    Tier,
    ValueFrom,
)

_MAX_UPDATE = re.compile(r"((100|[0-9]{1,2})%|[0-9]+)")


class SyncMode(StrEnum):
    """How long a profile cares for what it has deployed."""

    ONE_TIME = "OneTime"
    CONTINUOUS = "Continuous"
    CONTINUOUS_WITH_DRIFT_DETECTION = "ContinuousWithDriftDetection"
    DRY_RUN = "DryRun"


class StopMatchingBehavior(StrEnum):
    """What happens to what was deployed when a cluster matches no more."""

    WITHDRAW = "WithdrawPolicies"
    LEAVE = "LeavePolicies"


def _share(value: int | str) -> int | str:
    if not _MAX_UPDATE.fullmatch(str(value)):
        raise ValueError(f"{value!r} is no number of clusters: write a number such as 5 or a percentage such as 20%")
    return value


MaxUpdate = Annotated[Whole | StrictStr, AfterValidator(_share)]
"""A number of clusters; any string, even `"5"`, is a percentage."""


class Deployable(Model):
    """What ClusterProfile, ClusterPromotion and EventTrigger have in common."""

    sync_mode: SyncMode = defaulted(SyncMode.CONTINUOUS)
    tier: Tier = defaulted(100)
    continue_on_conflict: Flag = defaulted(False)
    max_update: MaxUpdate | None = None
    stop_matching_behavior: StopMatchingBehavior = defaulted(StopMatchingBehavior.WITHDRAW)
    reloader: Flag = defaulted(False)
    template_resource_refs: tuple[TemplateResourceRef, ...] = ()
    depends_on: tuple[str, ...] = ()
    policy_refs: tuple[PolicyRef, ...] = ()
    helm_charts: tuple[HelmChart, ...] = ()
    kustomization_refs: tuple[KustomizationRef, ...] = ()
    pre_deploy_checks: tuple[ValidateHealth, ...] = ()
    validate_healths: tuple[ValidateHealth, ...] = ()
    pre_delete_checks: tuple[ValidateHealth, ...] = ()
    post_delete_checks: tuple[ValidateHealth, ...] = ()
    patches: tuple[Patch, ...] = ()
    patches_from: tuple[ValueFrom, ...] = ()
    drift_exclusions: tuple[DriftExclusion, ...] = ()


class PromotedSpec(Deployable):
    """A profile without its choice of clusters."""

    continue_on_error: Flag = defaulted(False)
    max_consecutive_failures: Annotated[Whole, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _identifiers_are_unique(self) -> PromotedSpec:
        seen: set[str] = set()
        for ref in self.template_resource_refs:
            if ref.identifier in seen:
                raise ValueError(f"two templateResourceRefs have the identifier {ref.identifier!r}")
            seen.add(ref.identifier)
        return self


class ProfileSpec(PromotedSpec):
    """What a profile deploys, how, and where."""

    cluster_selector: Selector | None = None
    cluster_refs: tuple[ObjectReference, ...] = ()
    set_refs: tuple[str, ...] = ()
    extra_labels: dict[str, str] = Field(default_factory=dict)
    extra_annotations: dict[str, str] = Field(default_factory=dict)


class RollingClusters(Model):
    """Clusters of a rolling update, for the spec with that hash."""

    hash: Base64 | None = None
    clusters: tuple[ObjectReference, ...] = ()


class FailedCluster(Model):
    """A cluster whose last rollout failed."""

    cluster_ref: ObjectReference
    failure_message: str
    last_failure_time: Instant | None = None


class ProfileStatus(Model):
    """Where the profile stands."""

    matching_clusters: tuple[ObjectReference, ...] = ()
    updating_clusters: RollingClusters | None = None
    updated_clusters: RollingClusters | None = None
    dependencies_hash: Base64 | None = None
    reconciliation_suspended: Flag = False
    suspension_reason: str | None = None
    failed_clusters: tuple[FailedCluster, ...] = ()


class ClusterProfile(KubernetesObject):
    """What belongs on the clusters that a selector names, anywhere in the fleet."""

    spec: ProfileSpec = Field(default_factory=ProfileSpec)
    status: ProfileStatus | None = None


class Profile(KubernetesObject):
    """What belongs on the clusters of its own namespace that a selector names."""

    spec: ProfileSpec = Field(default_factory=ProfileSpec)
    status: ProfileStatus | None = None


class FeatureSummary(Model):
    """One feature on one cluster."""

    feature_id: FeatureID
    status: FeatureStatus | None = None
    hash: Base64 | None = None
    consecutive_failures: Whole = 0
    failure_reason: str | None = None
    failure_message: str | None = None
    last_applied_time: Instant | None = None
    resource_summary_deployed: Flag | None = None
    deployed_group_version_kind: tuple[str, ...] = ()


class DeployedGVKs(Model):
    """The kinds (`kind.version.group`) that a feature has put on the cluster."""

    feature_id: FeatureID
    deployed_group_version_kind: tuple[str, ...] = ()


class ReleaseOwnership(StrEnum):
    """Whether the release is this profile's."""

    MANAGING = "Managing"
    CONFLICT = "Conflict"


class HelmReleaseSummary(Model):
    """One Helm release on the cluster."""

    release_name: str
    release_namespace: str
    status: ReleaseOwnership
    conflict_message: str = ""
    failure_message: str | None = None
    values_hash: Base64 | None = None
    patches_hash: Base64 | None = None
    chart_name: str = ""
    repository_name: str = ""
    repo_url: str = ""
    chart_version: str = ""
    credentials_secret_ref: ObjectReference | None = None
    latest_version: str = ""
    latest_patch_version: str = ""
    last_checked_time: Instant | None = None
    needs_redeploy: Flag = False


class ClusterSummaryStatus(Model):
    """How far the profile is on the cluster."""

    dependencies: str | None = None
    feature_summaries: tuple[FeatureSummary, ...] = ()
    deployed_gvks: tuple[DeployedGVKs, ...] = ()
    helm_release_summaries: tuple[HelmReleaseSummary, ...] = ()
    next_reconcile_time: Instant | None = None
    failure_message: str | None = None
    reconciliation_suspended: Flag = False
    suspension_reason: str | None = None


class ClusterSummarySpec(Model):
    """Which profile on which cluster."""

    cluster_namespace: str
    cluster_name: str
    cluster_type: str
    cluster_profile_spec: ProfileSpec | None = None


class ClusterSummary(KubernetesObject):
    """One profile on one cluster; generated."""

    spec: ClusterSummarySpec | None = None
    status: ClusterSummaryStatus | None = None


class SetSpec(Model):
    """Candidates, and how many of them; `maxReplicas` unset selects nothing."""

    cluster_selector: Selector | None = None
    cluster_refs: tuple[ObjectReference, ...] = ()
    max_replicas: Whole = 0


class SetStatus(Model):
    """The chosen clusters."""

    matching_cluster_refs: tuple[ObjectReference, ...] = ()
    selected_cluster_refs: tuple[ObjectReference, ...] = ()


class ClusterSet(KubernetesObject):
    """Some of the matching clusters, with replacements."""

    spec: SetSpec = Field(default_factory=SetSpec)
    status: SetStatus | None = None


class Set(KubernetesObject):
    """Some of the matching clusters of its own namespace."""

    spec: SetSpec = Field(default_factory=SetSpec)
    status: SetStatus | None = None
