"""EventSource, EventReport and EventTrigger: what is an event, and what follows from it."""

from __future__ import annotations

from pydantic import Field

from fleetd.domain.kinds.base import Flag, KubernetesObject, Model, defaulted
from fleetd.domain.kinds.profiles import Deployable
from fleetd.domain.kinds.shared import Base64, ClusterInfo, NonEmpty, ObjectReference, ReportPhase, ResourceSelector, Selector


class MessagingMatchCriteria(Model):
    """Which CloudEvents; the last three are unanchored regular expressions."""

    subject: str = ""
    cloud_event_source: str = ""
    cloud_event_type: str = ""
    cloud_event_subject: str = ""


class EventSourceSpec(Model):
    """When an event has happened."""

    resource_selectors: tuple[ResourceSelector, ...] = ()
    aggregated_selection: str = ""
    collect_resources: Flag = defaulted(False)
    messaging_match_criteria: tuple[MessagingMatchCriteria, ...] = ()


class EventSource(KubernetesObject):
    """What to watch for in clusters and streams."""

    spec: EventSourceSpec = Field(default_factory=EventSourceSpec)


class EventReportSpec(Model):
    """What a source sees on one cluster; `resources` is base64 of JSON documents, each followed by `---`."""

    cluster_namespace: str
    cluster_name: str
    cluster_type: str
    event_source_name: str
    matching_resources: tuple[ObjectReference, ...] = ()
    resources: Base64 = ""
    cloud_events: tuple[Base64, ...] = ()


class EventReportStatus(Model):
    """How far the report is."""

    phase: ReportPhase | None = None
    failure_message: str | None = None


class EventReport(KubernetesObject):
    """What one source sees on one cluster; generated."""

    spec: EventReportSpec | None = None
    status: EventReportStatus | None = None


class Generator(Model):
    """A ConfigMap or Secret to be instantiated with the event's data."""

    name: NonEmpty
    name_format: NonEmpty
    namespace: str = ""
    optional: Flag = defaulted(False)


class EventTriggerSpec(Deployable):
    """Which events of which clusters, and what to deploy where when they happen."""

    source_cluster_selector: Selector
    cluster_set_refs: tuple[str, ...] = ()
    event_source_name: NonEmpty
    destination_cluster_selector: Selector | None = None
    destination_cluster: ObjectReference | None = None
    one_for_event: Flag = False
    profile_name_format: str = ""
    config_map_generator: tuple[Generator, ...] = ()
    secret_generator: tuple[Generator, ...] = ()
    cloud_event_action: str = defaulted("Create")
    extra_labels: dict[str, str] = Field(default_factory=dict)
    extra_annotations: dict[str, str] = Field(default_factory=dict)


class EventTriggerStatus(Model):
    """Where the trigger stands."""

    matching_clusters: tuple[ObjectReference, ...] = ()
    cluster_info: tuple[ClusterInfo, ...] = ()
    destination_matching_cluster_refs: tuple[ObjectReference, ...] = ()


class EventTrigger(KubernetesObject):
    """What to do about an event."""

    spec: EventTriggerSpec | None = None
    status: EventTriggerStatus | None = None
