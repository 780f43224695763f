"""HealthCheck and ClusterHealthCheck: whether what runs is well, and who is told."""

from __future__ import annotations

from enum import StrEnum

from fleetd.domain.kinds.base import Flag, KubernetesObject, Model, defaulted
from fleetd.domain.kinds.shared import Base64, ClusterInfo, Instant, NonEmpty, ObjectReference, ReportPhase, ResourceSelector, Selector


class HealthStatus(StrEnum):
    """How an object is."""

    HEALTHY = "Healthy"
    PROGRESSING = "Progressing"
    DEGRADED = "Degraded"
    SUSPENDED = "Suspended"


class LivenessType(StrEnum):
    """What a liveness check looks at."""

    ADDONS = "Addons"
    HEALTH_CHECK = "HealthCheck"


class NotificationType(StrEnum):
    """How people are told."""

    KUBERNETES_EVENT = "KubernetesEvent"
    SLACK = "Slack"
    WEBEX = "Webex"
    DISCORD = "Discord"
    TEAMS = "Teams"
    TELEGRAM = "Telegram"
    SMTP = "SMTP"


class DeliveryStatus(StrEnum):
    """Whether a notification went out."""

    DELIVERED = "Delivered"
    FAILED = "FailedToDeliver"


class HealthCheckSpec(Model):
    """Which objects, and the Lua function that judges them."""

    resource_selectors: tuple[ResourceSelector, ...]
    evaluate_health: NonEmpty
    collect_resources: Flag = defaulted(False)
    evaluate_independently: Flag = defaulted(True)


class HealthCheck(KubernetesObject):
    """How the health of objects is judged."""

    spec: HealthCheckSpec | None = None


class ResourceStatus(Model):
    """How one object is."""

    object_ref: ObjectReference
    health_status: HealthStatus
    message: str = ""
    resource: Base64 | None = None


class HealthCheckReportSpec(Model):
    """What one health check says of one cluster."""

    cluster_namespace: str
    cluster_name: str
    cluster_type: str
    health_check_name: str
    resource_statuses: tuple[ResourceStatus, ...] = ()


class HealthCheckReportStatus(Model):
    """How far the report is."""

    phase: ReportPhase | None = None


class HealthCheckReport(KubernetesObject):
    """What one health check says of one cluster; generated."""

    spec: HealthCheckReportSpec | None = None
    status: HealthCheckReportStatus | None = None


class LivenessCheck(Model):
    """One thing that must be well."""

    name: str
    type: LivenessType
    liveness_source_ref: ObjectReference | None = None


class Notification(Model):
    """One way of telling people; the reference names a Secret with the address and the key."""

    name: str
    type: NotificationType
    notification_ref: ObjectReference | None = None


class ClusterHealthCheckSpec(Model):
    """Which clusters, what must be well, and who is told."""

    cluster_selector: Selector | None = None
    liveness_checks: tuple[LivenessCheck, ...]
    notifications: tuple[Notification, ...]


class HealthCondition(Model):
    """One check on one cluster."""

    name: str
    type: str
    status: str
    severity: str = ""
    last_transition_time: Instant
    reason: str = ""
    message: str = ""


class NotificationSummary(Model):
    """Whether one notification went out."""

    name: str
    status: DeliveryStatus
    failure_message: str | None = None


class ClusterCondition(Model):
    """How one cluster is."""

    cluster_info: ClusterInfo
    conditions: tuple[HealthCondition, ...] = ()
    notification_summaries: tuple[NotificationSummary, ...] = ()


class ClusterHealthCheckStatus(Model):
    """How the clusters are."""

    matching_clusters: tuple[ObjectReference, ...] = ()
    cluster_condition: tuple[ClusterCondition, ...] = ()


class ClusterHealthCheck(KubernetesObject):
    """What must be well on which clusters, and who is told when it is not."""

    spec: ClusterHealthCheckSpec | None = None
    status: ClusterHealthCheckStatus | None = None
