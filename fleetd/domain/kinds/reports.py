"""ClusterConfiguration, ClusterReport, ResourceSummary and Reloader: what is where, what would change, what did; generated."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fleetd.domain.kinds.base import Flag, KubernetesObject, Model, defaulted
from fleetd.domain.kinds.shared import DeploymentType, FeatureID, Instant, Patch, ReportPhase


class ReportedResource(Model):
    """An object by its kind and name."""

    group: str
    version: str
    kind: str
    name: str
    namespace: str = ""
    last_applied_time: Instant | None = None
    ignore_for_configuration_drift: Flag = defaulted(False)


class DeployedResource(Model):
    """An object that a profile has put on the cluster."""

    group: str
    version: str
    kind: str
    name: str
    namespace: str = ""
    last_applied_time: Instant | None = None
    deployment_type: DeploymentType = defaulted(DeploymentType.REMOTE)


class DeployedChart(Model):
    """A chart that a profile has put on the cluster."""

    repo_url: str
    release_name: str
    namespace: str = ""
    chart_version: str
    app_version: str = ""
    icon: str = ""
    last_applied_time: Instant


class DeployedFeature(Model):
    """What one feature has put on the cluster."""

    feature_id: FeatureID
    resources: tuple[DeployedResource, ...] = ()
    charts: tuple[DeployedChart, ...] = ()


class ClusterProfileResources(Model):
    """What one ClusterProfile has put on the cluster."""

    cluster_profile_name: str
    features: tuple[DeployedFeature, ...] = Field(default=(), alias="Features")


class ProfileResources(Model):
    """What one Profile has put on the cluster."""

    profile_name: str
    features: tuple[DeployedFeature, ...] = Field(default=(), alias="Features")


class ClusterConfigurationStatus(Model):
    """What is on the cluster, by profile."""

    cluster_profile_resources: tuple[ClusterProfileResources, ...] = ()
    profile_resources: tuple[ProfileResources, ...] = ()


class ClusterConfiguration(KubernetesObject):
    """What profiles have put on one cluster."""

    status: ClusterConfigurationStatus | None = None


class ReleaseReport(Model):
    """What would happen to a release."""

    release_namespace: str
    chart_name: str
    chart_version: str
    action: Literal["No Action", "Install", "Upgrade", "Delete", "Conflict", "Update Values"] | None = None
    message: str = ""


class ResourceReport(Model):
    """What would happen to an object; the message of an update is its difference."""

    resource: ReportedResource
    action: Literal["No Action", "Create", "Update", "Delete", "Conflict", "Error"] | None = None
    message: str = ""


class ClusterReportSpec(Model):
    """Which cluster."""

    cluster_namespace: str
    cluster_name: str


class ClusterReportStatus(Model):
    """What would happen, by feature."""

    release_reports: tuple[ReleaseReport, ...] = ()
    resource_reports: tuple[ResourceReport, ...] = ()
    helm_resource_reports: tuple[ResourceReport, ...] = ()
    kustomize_resource_reports: tuple[ResourceReport, ...] = ()


class ClusterReport(KubernetesObject):
    """What a profile in mode DryRun would do on one cluster."""

    spec: ClusterReportSpec | None = None
    status: ClusterReportStatus | None = None


class ChartObject(Model):
    """An object of a chart."""

    group: str
    version: str
    kind: str
    name: str
    namespace: str = ""
    last_applied_time: Instant | None = None
    ignore_for_configuration_drift: Flag


class ChartRelease(Model):
    """A release by its chart and name."""

    chart_name: str
    release_name: str
    release_namespace: str


class ChartResources(ChartRelease):
    """The objects of a release."""

    group: tuple[ChartObject, ...] = ()


class ResourceSummarySpec(Model):
    """What is watched for drift."""

    resources: tuple[ReportedResource, ...] = ()
    kustomize_resources: tuple[ReportedResource, ...] = ()
    chart_resources: tuple[ChartResources, ...] = ()
    patches: tuple[Patch, ...] = ()


class ResourceHash(ReportedResource):
    """An object with the hash that it should have."""

    hash: str = ""
    helm_chart_ref: ChartRelease | None = None


class ResourceSummaryStatus(Model):
    """What has drifted."""

    resources_changed: Flag = False
    kustomize_resources_changed: Flag = False
    helm_resources_changed: Flag = False
    resource_hashes: tuple[ResourceHash, ...] = ()
    kustomize_resource_hashes: tuple[ResourceHash, ...] = ()
    helm_resource_hashes: tuple[ResourceHash, ...] = ()
    drifted_helm_charts: tuple[ChartRelease, ...] = ()


class ResourceSummary(KubernetesObject):
    """What of a profile is watched for drift on its cluster."""

    spec: ResourceSummarySpec = Field(default_factory=ResourceSummarySpec)
    status: ResourceSummaryStatus | None = None


class ReloaderInfo(Model):
    """A workload that starts anew when what it mounts changes."""

    kind: Literal["Deployment", "StatefulSet", "DaemonSet"]
    namespace: str
    name: str
    value: str = ""


class ReloaderSpec(Model):
    """The workloads."""

    reloader_info: tuple[ReloaderInfo, ...] = ()


class Reloader(KubernetesObject):
    """Workloads that start anew when a ConfigMap or Secret that they mount changes."""

    spec: ReloaderSpec = Field(default_factory=ReloaderSpec)


class ReloaderReportSpec(Model):
    """Which workloads of one cluster must start anew."""

    cluster_namespace: str
    cluster_name: str
    cluster_type: str
    resources_to_reload: tuple[ReloaderInfo, ...] = ()


class ReloaderReportStatus(Model):
    """How far the report is."""

    phase: ReportPhase | None = None


class ReloaderReport(KubernetesObject):
    """Workloads of one cluster that must start anew."""

    spec: ReloaderReportSpec | None = None
    status: ReloaderReportStatus | None = None
