"""DebuggingConfiguration, Techsupport and SveltosLicense: kinds about the control plane itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fleetd.domain.kinds.base import Flag, KubernetesObject, Model, Whole
from fleetd.domain.kinds.shared import Instant, LabelFilter, ObjectReference, ResourceSelector, SecretReference, Selector

Component = Literal[
    "AddonManager", "Classifier", "ClassifierAgent", "SveltosClusterManager", "DriftDetectionManager", "AccessManager",
    "HealthCheckManager", "EventManager", "ShardController", "UIBackend", "SveltosAgent", "ConversionWebhook", "Techsupport",
    "MCPServer", "",
]  # fmt: skip


class ComponentLog(Model):
    """How much one component writes into its log."""

    component: Component
    log_level: Literal["LogLevelNotSet", "LogLevelInfo", "LogLevelDebug", "LogLevelVerbose"] | None = None


class DebuggingConfigurationSpec(Model):
    """Log levels by component."""

    configuration: tuple[ComponentLog, ...] = ()


class DebuggingConfiguration(KubernetesObject):
    """How much the components write into their logs."""

    spec: DebuggingConfigurationSpec = Field(default_factory=DebuggingConfigurationSpec)


class LogChoice(Model):
    """Which pods' logs."""

    namespace: str = ""
    name: str = ""
    label_filters: tuple[LabelFilter, ...] = ()
    since_seconds: Whole | None = None


class KubernetesEventChoice(Model):
    """Which Kubernetes events."""

    namespace: str = ""
    type: Literal["Normal", "Warning"] | None = None


class Collection(Model):
    """What goes into an archive."""

    resources: tuple[ResourceSelector, ...] = ()
    logs: tuple[LogChoice, ...] = ()
    events: tuple[KubernetesEventChoice, ...] = ()


class ManagedCollection(Collection):
    """What goes into an archive from managed clusters."""

    cluster_selector: Selector | None = None
    cluster_refs: tuple[ObjectReference, ...] = ()


class Scheduling(Model):
    """When an archive is made; `schedule` is a cron expression."""

    schedule: str
    starting_deadline_seconds: Whole | None = None


class DeliveryMethod(Model):
    """Where an archive goes."""

    name: str
    type: Literal["Slack", "Webex", "Discord", "Telegram", "SMTP", "SFTP"]
    secret_ref: SecretReference | None = None


class TechsupportSpec(Model):
    """What is collected, when, and where it goes."""

    from_management: Collection | None = None
    from_managed: ManagedCollection | None = None
    on_demand: Flag = False
    scheduling_config: Scheduling | None = None
    delivery_methods: tuple[DeliveryMethod, ...]


class TechsupportStatus(Model):
    """The last archive and the next."""

    next_schedule_time: Instant | None = None
    last_run_time: Instant | None = None
    last_run_status: Literal["Collected", "InProgress", "Failed"] | None = None
    failure_message: str | None = None
    hash: str | None = None


class Techsupport(KubernetesObject):
    """An archive of logs, objects and events."""

    spec: TechsupportSpec | None = None
    status: TechsupportStatus | None = None


class SveltosLicenseStatus(Model):
    """What the license allows."""

    status: Literal["Valid", "Expired", "Invalid", "NotFound"] | None = None
    message: str = ""
    expiration_date: Instant | None = None
    max_clusters: Whole | None = None
    features: tuple[str, ...] = ()


class SveltosLicense(KubernetesObject):
    """The state of a license."""

    status: SveltosLicenseStatus | None = None
