"""ConfigurationGroup and ConfigurationBundle: what an agent fetches; generated."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fleetd.domain.kinds.base import Flag, KubernetesObject, Model, Whole, defaulted
from fleetd.domain.kinds.checks import ValidateHealth
from fleetd.domain.kinds.shared import Base64, DriftExclusion, Duration, FeatureStatus, Instant, ObjectReference, Tier


class ConfigurationItem(Model):
    """One bundle, in its place in the order."""

    content_ref: ObjectReference | None = None
    hash: Base64 | None = None


class ConfigurationGroupSpec(Model):
    """Bundles in order, with the profile's settings."""

    action: Literal["Deploy", "Remove"] = defaulted("Deploy")
    update_phase: Literal["Ready", "Preparing"] = defaulted("Ready")
    source_ref: ObjectReference | None = None
    source_status: Literal["Active", "Deleted"] = defaulted("Active")
    configuration_item: tuple[ConfigurationItem, ...] = ()
    requestor_hash: Base64 | None = None
    tier: Tier = defaulted(100)
    dry_run: Flag = defaulted(False)
    reloader: Flag = defaulted(False)
    drift_detection: Flag = defaulted(False)
    drift_exclusions: tuple[DriftExclusion, ...] = ()
    continue_on_conflict: Flag = defaulted(False)
    continue_on_error: Flag = defaulted(False)
    max_consecutive_failures: Annotated[Whole, Field(ge=0)] | None = None
    leave_policies: Flag = defaulted(False)
    pre_deploy_checks: tuple[ValidateHealth, ...] = ()
    validate_healths: tuple[ValidateHealth, ...] = ()
    pre_delete_checks: tuple[ValidateHealth, ...] = ()
    post_delete_checks: tuple[ValidateHealth, ...] = ()
    pre_deploy_check_jobs: dict[str, str] = Field(default_factory=dict)
    validate_health_jobs: dict[str, str] = Field(default_factory=dict)
    pre_delete_check_jobs: dict[str, str] = Field(default_factory=dict)
    post_delete_check_jobs: dict[str, str] = Field(default_factory=dict)
    deployed_group_version_kind: tuple[str, ...] = ()
    service_account_name: str = ""
    service_account_namespace: str = ""


class ConfigurationGroupStatus(Model):
    """How far the agent is."""

    status: FeatureStatus | None = None
    failure_message: str | None = None
    observed_generation: Whole = 0
    observed_requestor_hash: Base64 | None = None
    last_applied_time: Instant | None = None
    deployed_group_version_kind: tuple[str, ...] = ()


class ConfigurationGroup(KubernetesObject):
    """What an agent has to deploy or remove."""

    spec: ConfigurationGroupSpec = Field(default_factory=ConfigurationGroupSpec)
    status: ConfigurationGroupStatus | None = None


class ConfigurationBundleSpec(Model):
    """Manifests as text."""

    resources: tuple[str, ...] = ()
    not_tracked: Flag = False
    timeout: Duration | None = None
    helm_release_namespace: str = ""
    helm_release_name: str = ""
    helm_chart_version: str = ""
    helm_icon: str = ""
    helm_repo_url: str = ""
    helm_release_uninstall: Flag = defaulted(False)
    is_last_helm_release_bundle: Flag = defaulted(False)
    referenced_object_kind: str = ""
    referenced_object_namespace: str = ""
    referenced_object_name: str = ""
    reference_tier: Whole = 0
    skip_namespace_creation: Flag = defaulted(False)
    force: Flag = defaulted(False)


class ConfigurationBundleStatus(Model):
    """What the agent has seen."""

    hash: Base64 | None = None


class ConfigurationBundle(KubernetesObject):
    """Manifests for an agent."""

    spec: ConfigurationBundleSpec = Field(default_factory=ConfigurationBundleSpec)
    status: ConfigurationBundleStatus | None = None
