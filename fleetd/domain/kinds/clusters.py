"""SveltosCluster and Cluster API's Cluster: the members of the fleet."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field, model_validator

from fleetd.domain.kinds.base import Flag, KubernetesObject, Loose, Model, Whole, defaulted
from fleetd.domain.kinds.shared import Duration, Instant, ResourceSelector, Window


class ConnectionStatus(StrEnum):
    """Whether the cluster answers."""

    HEALTHY = "Healthy"
    DOWN = "Down"


class TokenRenewal(Model):
    """How the kubeconfig's token is kept fresh."""

    renew_token_request_interval: Duration
    token_duration: Duration | None = None
    sa_namespace: str = ""
    sa_name: str = ""
    kubeconfig_key_name: str = ""


class ClusterCheck(Model):
    """A Lua condition over objects of the cluster."""

    name: str
    resource_selectors: tuple[ResourceSelector, ...]
    condition: str


class CertificateSecret(Model):
    """A Secret beside the cluster, with its certificate authority."""

    name: str


class AWSIdentity(Model):
    """An EKS cluster."""

    cluster_name: str
    role_arn: str = ""
    region: str = ""


class GCPIdentity(Model):
    """A GKE cluster."""

    project_id: str
    cluster_name: str
    location: str


class AzureIdentity(Model):
    """An AKS cluster."""

    tenant_id: str
    client_id: str
    subscription_id: str = ""
    resource_group: str = ""
    cluster_name: str = ""


class WorkloadIdentity(Model):
    """Short-lived cloud tokens instead of a kubeconfig."""

    provider: Literal["AWS", "GCP", "Azure"]
    endpoint: str
    ca_secret_ref: CertificateSecret | None = None
    aws: AWSIdentity | None = None
    gcp: GCPIdentity | None = None
    azure: AzureIdentity | None = None

    @model_validator(mode="after")
    def _the_part_of_the_provider_and_no_other(self) -> WorkloadIdentity:
        given = {name for name in ("aws", "gcp", "azure") if getattr(self, name) is not None}
        if given != {self.provider.lower()}:
            raise ValueError(f"provider {self.provider} needs the part {self.provider.lower()}, and no other cloud's part")
        return self


class SveltosClusterSpec(Model):
    """How a cluster is reached, and when it is fit."""

    kubeconfig_name: str = ""
    kubeconfig_key_name: str = ""
    paused: Flag = False
    token_request_renewal_option: TokenRenewal | None = None
    data: dict[str, str] = Field(default_factory=dict)
    active_window: Window | None = None
    consecutive_failure_threshold: Whole = defaulted(3)
    readiness_checks: tuple[ClusterCheck, ...] = ()
    liveness_checks: tuple[ClusterCheck, ...] = ()
    pull_mode: Flag = defaulted(False)
    workload_identity: WorkloadIdentity | None = None

    @model_validator(mode="after")
    def _one_way_in(self) -> SveltosClusterSpec:
        if self.workload_identity and self.kubeconfig_name:
            raise ValueError("workloadIdentity and kubeconfigName exclude each other")
        return self


class SveltosClusterStatus(Model):
    """Whether the cluster can be spoken to."""

    version: str = ""
    ready: Flag = False
    connection_status: ConnectionStatus | None = None
    connection_failures: Whole = 0
    failure_message: str | None = None
    last_reconciled_token_request_at: str | None = None
    agent_last_report_time: Instant | None = None
    next_pause: Instant | None = None
    next_unpause: Instant | None = None
    active_window_hash: str | None = None


class SveltosCluster(KubernetesObject):
    """A cluster of the fleet, registered with a kubeconfig, a workload identity or an agent."""

    spec: SveltosClusterSpec = Field(default_factory=SveltosClusterSpec)
    status: SveltosClusterStatus | None = None


class ClusterAPISpec(Loose):
    """What fleetd reads of a Cluster API cluster; the rest is Cluster API's."""

    paused: Flag = False


class ClusterAPIInitialization(Loose):
    """How far the first control plane is."""

    control_plane_initialized: Flag = False


class ClusterAPICondition(Loose):
    """One condition."""

    type: str
    status: str


class ClusterAPIStatus(Loose):
    """What fleetd reads of the status."""

    conditions: tuple[ClusterAPICondition, ...] = ()
    initialization: ClusterAPIInitialization = Field(default_factory=ClusterAPIInitialization)

    @property
    def ready(self) -> bool:
        """Whether the control plane has come up once."""
        return self.initialization.control_plane_initialized or any(
            condition.type == "ControlPlaneInitialized" and condition.status == "True" for condition in self.conditions
        )


class ClusterAPICluster(KubernetesObject):
    """A cluster that Cluster API has made; its kubeconfig is in the Secret `<name>-kubeconfig`."""

    spec: ClusterAPISpec = Field(default_factory=ClusterAPISpec)
    status: ClusterAPIStatus | None = None
