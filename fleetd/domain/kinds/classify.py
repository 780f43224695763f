"""Classifier and its relations: labels on clusters, from what runs on them."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from fleetd.domain.kinds.base import Flag, KubernetesObject, Model
from fleetd.domain.kinds.shared import (
    Base64,
    ClusterInfo,
    FeatureStatus,
    KeyValue,
    ObjectReference,
    ReportPhase,
    ResourceSelector,
    UnmanagedLabel,
)


class VersionComparison(StrEnum):
    """How a Kubernetes version compares."""

    EQUAL = "Equal"
    NOT_EQUAL = "NotEqual"
    GREATER = "GreaterThan"
    LESS = "LessThan"
    AT_LEAST = "GreaterThanOrEqualTo"
    AT_MOST = "LessThanOrEqualTo"


class VersionConstraint(Model):
    """A condition on a cluster's Kubernetes version."""

    version: str
    comparison: VersionComparison


class DeployedResourceConstraint(Model):
    """A condition on what runs on a cluster."""

    resource_selectors: tuple[ResourceSelector, ...]
    aggregated_classification: str = ""


class ClassifierSpec(Model):
    """Which labels, and when."""

    classifier_labels: tuple[KeyValue, ...]
    kubernetes_version_constraints: tuple[VersionConstraint, ...] = ()
    deployed_resource_constraint: DeployedResourceConstraint | None = None


class ClassifiedCluster(Model):
    """A matching cluster, with the labels held and not held."""

    cluster_ref: ObjectReference
    managed_labels: tuple[str, ...] = ()
    unmanaged_labels: tuple[UnmanagedLabel, ...] = Field(default=(), alias="unManagedLabels")


class ClassifierStatus(Model):
    """Matching clusters; the field's name lacks a letter in the API."""

    matching_cluster_statuses: tuple[ClassifiedCluster, ...] = Field(default=(), alias="machingClusterStatuses")
    cluster_info: tuple[ClusterInfo, ...] = ()


class Classifier(KubernetesObject):
    """Labels a cluster by its version and by what runs on it."""

    spec: ClassifierSpec | None = None
    status: ClassifierStatus | None = None


class ClassifierReportSpec(Model):
    """Whether one cluster matches one classifier."""

    cluster_namespace: str
    cluster_name: str
    cluster_type: str
    classifier_name: str
    match: Flag


class ClassifierReportStatus(Model):
    """How far the report is."""

    phase: ReportPhase | None = None
    managed_labels: tuple[str, ...] = ()
    unmanaged_labels: tuple[UnmanagedLabel, ...] = ()
    deployment_status: FeatureStatus | None = None
    hash: Base64 | None = None
    failure_message: str | None = None


class ClassifierReport(KubernetesObject):
    """What one cluster says of one classifier; generated."""

    spec: ClassifierReportSpec | None = None
    status: ClassifierReportStatus | None = None


class ManagementClassifierSpec(Model):
    """Which labels; the Lua function names the clusters."""

    match_resources: tuple[ResourceSelector, ...]
    classification_lua: str
    classifier_labels: tuple[KeyValue, ...]


class ManagementClassifierStatus(Model):
    """What went wrong."""

    failure_message: str | None = None


class ManagementClusterClassifier(KubernetesObject):
    """Labels clusters by objects of the management plane."""

    spec: ManagementClassifierSpec | None = None
    status: ManagementClassifierStatus | None = None


class ManagementClassifierReportSpec(Model):
    """Which cluster a management classifier names."""

    cluster_namespace: str
    cluster_name: str
    cluster_type: str
    classifier_name: str


class ManagementClassifierReportStatus(Model):
    """Labels held and not held."""

    managed_labels: tuple[str, ...] = ()
    unmanaged_labels: tuple[UnmanagedLabel, ...] = ()


class ManagementClusterClassifierReport(KubernetesObject):
    """What a management classifier says of one cluster; generated."""

    spec: ManagementClassifierReportSpec | None = None
    status: ManagementClassifierReportStatus | None = None
