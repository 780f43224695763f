"""A fleet without a network: one plane, what a store would keep of it, and clusters that are dictionaries."""

from __future__ import annotations

import runpy
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
import yaml

from fleetd.decide.drift import fields_of_entry, owned_digest
from fleetd.decide.ownership import Owned
from fleetd.domain.declared import DeclaredObject
from fleetd.domain.held_back import Damped, DampedGone
from fleetd.domain.objects import Manifest, Observed, ref_of
from fleetd.domain.records import (
    AddonGone,
    AddonRecord,
    ChangeKind,
    DeclaredStatus,
    DestinationGone,
    DestinationRecord,
    EventRecord,
    GeneratedGone,
    GeneratedRecord,
    HeldLoss,
    IncidentRecord,
    InventoryGone,
    InventoryRecord,
    MatchRecord,
    MemberGone,
    MemberRecord,
    Record,
    ReportedObject,
    VerdictGone,
    VerdictRecord,
)
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import DeclaredState, DriftOutcome, MatchState

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
FLEET = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("fleet.py"))))


@dataclass
class KeptReport:
    revision: int = 0
    event_id: str = ""
    by_ref: dict[ObjectRef, ReportedObject] = field(default_factory=dict)

    @property
    def objects(self) -> list[ReportedObject]:
        return list(self.by_ref.values())


class Kept:
    """The last record of each key, as the store gives them back after a restart."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[Any, Any]] = defaultdict(dict)
        self.reports: dict[tuple[str, str], KeptReport] = {}

    def commit(self, records: Collection[Record]) -> None:
        for record in records:
            assert getattr(record, "cause_id", "a cause"), f"nothing led to {record}"
            self._take(record)

    def _take(self, record: Record) -> None:
        rows = self.rows
        match record:
            case MemberRecord():
                rows["members"][record.cluster] = record
            case MemberGone():
                rows["members"].pop(record.cluster, None)
            case VerdictRecord():
                rows["verdicts"][record.source, record.cluster, record.ref] = record
            case VerdictGone():
                rows["verdicts"].pop((record.source, record.cluster, record.ref), None)
            case EventRecord():
                self._event(record)
            case MatchRecord():
                self._match(record)
            case DestinationRecord():
                rows["destinations"][record.match_id, record.cluster] = record
            case DestinationGone():
                rows["destinations"].pop((record.match_id, record.cluster), None)
            case GeneratedRecord():
                rows["generated"][record.ref] = record
            case GeneratedGone():
                rows["generated"].pop(record.ref, None)
            case AddonRecord():
                rows["addons"][record.profile, record.cluster, record.addon] = record
            case AddonGone():
                rows["addons"].pop((record.profile, record.cluster, record.addon), None)
            case InventoryRecord():
                rows["inventory"][record.cluster, record.ref] = record
            case InventoryGone():
                rows["inventory"].pop((record.cluster, record.ref), None)
            case IncidentRecord():
                rows["incidents"][record.incident_id] = record
            case DeclaredStatus():
                rows["statuses"][record.ref] = record
            case HeldLoss():
                rows["held"][record.proposal_id] = record
            case Damped():
                rows["damped"][record.kind, record.subject, record.cluster, record.object_ref] = record
            case DampedGone():
                rows["damped"].pop((record.kind, record.subject, record.cluster, record.object_ref), None)
            case _:
                pass

    def _event(self, event: EventRecord) -> None:
        report = self.reports.setdefault((event.source, event.cluster), KeptReport())
        assert event.revision == report.revision + 1
        report.revision, report.event_id = event.revision, event.event_id
        for change in event.changes:
            if change.change is ChangeKind.REMOVED:
                del report.by_ref[change.object.ref]
            else:
                assert (change.change is ChangeKind.ADDED) == (change.object.ref not in report.by_ref)
                report.by_ref[change.object.ref] = change.object
        assert event.matching_count == len(report.by_ref)

    def _match(self, match: MatchRecord) -> None:
        open_matches = self.rows["matches"]
        key = match.trigger, match.cluster, match.object_ref
        for known in [item for item in open_matches.values() if (item.trigger, item.cluster, item.object_ref) == key]:
            if known.match_id != match.match_id:
                del open_matches[known.match_id]
        if match.state in (MatchState.WITHDRAWN, MatchState.SUPPRESSED):
            open_matches.pop(match.match_id, None)
        else:
            open_matches[match.match_id] = match

    def __getattr__(self, name: str) -> list[Any]:
        if name == "incidents":
            return [item for item in self.rows[name].values() if item.outcome is DriftOutcome.OPEN]
        return list(self.rows[name].values())


def cluster(name: str, labels: Mapping[str, str]) -> Manifest:
    """A member's declaration."""
    return {
        "apiVersion": "lib.projectsveltos.io/v1beta1",
        "kind": "SveltosCluster",
        "metadata": {"name": name, "namespace": "fleet", "labels": dict(labels)},
        "spec": {},
    }


def observed(manifest: Manifest) -> Observed:
    """As a watch shows it."""
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "managedFields"}
    return Observed(
        ref=ref_of(manifest),
        uid=manifest["metadata"]["uid"],
        resource_version=manifest["metadata"]["resourceVersion"],
        body={**manifest, "metadata": metadata},
        raw=orjson.dumps(manifest),
    )


def declared_object(ref: ObjectRef, manifest: Manifest, status: DeclaredStatus | None, unsupported: tuple[str, ...]) -> DeclaredObject:
    """As a store keeps it."""
    state = status.state if status else DeclaredState.READY
    return DeclaredObject(
        ref=ref,
        manifest=manifest,
        uid=manifest["metadata"]["uid"],
        resource_version=1,
        generation=1,
        created_at=NOON,
        updated_at=NOON,
        state=state,
        reason=status.reason if status else "",
        status=status.status if status else {},
        unsupported=unsupported,
    )


def inventory(live: Manifest, wanted: Owned, *, cluster: str, at: datetime) -> InventoryRecord:
    """The row of an object that was applied."""
    return InventoryRecord(
        cluster=cluster,
        ref=wanted.ref,
        api_version=wanted.api_version,
        profile="",
        addon=wanted.addon,
        applied_at=at,
        wanted_digest=wanted.digest,
        live_digest=owned_digest(live),
        fields=fields_of_entry(live),
        uid=live["metadata"]["uid"],
        resource_version=live["metadata"]["resourceVersion"],
        epoch=0,
        cause_id="",
    )


def config_map(name: str, value: str = "1", namespace: str = "default", **labels: str) -> Manifest:
    """A ConfigMap on a cluster; by default one that the source `marked` takes."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {"mark": "yes"}},
        "data": {"value": value},
    }


def source(name: str = "marked", mark: str = "yes") -> str:
    """Takes ConfigMaps with the label mark."""
    return f"""
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventSource
metadata: {{name: {name}}}
spec:
  collectResources: true
  resourceSelectors:
    - {{group: "", version: v1, kind: ConfigMap, namespace: default, labelFilters: [{{key: mark, operation: Equal, value: "{mark}"}}]}}
"""


def trigger(
    name: str = "copy", *, one: bool = True, role: str = "source", to: str = "", event_source: str = "marked", more: str = ""
) -> str:
    """Makes, of every object or of all, an object in namespace `made`: here, or on the clusters with the label `env`."""
    destination = f"destinationClusterSelector: {{matchLabels: {{env: {to}}}}}" if to else ""
    return f"""
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventTrigger
metadata: {{name: {name}}}
spec:
  sourceClusterSelector: {{matchLabels: {{role: {role}}}}}
  eventSourceName: "{event_source}"
  oneForEvent: {str(one).lower()}
  {destination}
  policyRefs: [{{kind: ConfigMap, namespace: default, name: {name}}}]
  {more}
"""


def template(name: str = "copy", *, one: bool = True, extra: str = "") -> str:
    """What the trigger of this name makes."""
    each = (
        f"{name}-{{{{ .Cluster.metadata.name }}}}-{{{{ .Resource.metadata.name }}}}" if one else f"{name}-{{{{ .Cluster.metadata.name }}}}"
    )
    value = "{{ .Resource.data.value }}" if one else "{{ range .Resources }}{{ .metadata.name }}={{ .data.value }},{{ end }}"
    return f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, namespace: default, annotations: {{projectsveltos.io/instantiate: ok}}}}
data:
  a.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {{name: "{each}", namespace: made}}
    data: {{value: "{value}{extra}"}}
"""


def profile(name: str = "base", *, env: str = "x", more: str = "", annotations: str = "{}") -> str:
    """Puts the content of the same name on the clusters with the label `env`."""
    return f"""
apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {{name: {name}, annotations: {annotations}}}
spec:
  clusterSelector: {{matchLabels: {{env: {env}}}}}
  policyRefs: [{{kind: ConfigMap, namespace: default, name: {name}}}]
  {more}
"""


def content(name: str = "base", *values: str, namespace: str = "made") -> str:
    """A ConfigMap with one object for each value: `<name>-0`, `<name>-1` …"""
    objects = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{name}-{index}", "namespace": namespace}, "data": {"value": value}}
        for index, value in enumerate(values or ("1",))
    ]
    data = {"a.yaml": yaml.safe_dump_all(objects)}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data})


class Said:
    """The builders, as short as a test wants them."""

    config_map = staticmethod(config_map)
    source = staticmethod(source)
    trigger = staticmethod(trigger)
    template = staticmethod(template)
    profile = staticmethod(profile)
    content = staticmethod(content)
    observed = staticmethod(observed)
    cluster = staticmethod(cluster)

    declared_object = staticmethod(declared_object)
    inventory = staticmethod(inventory)

    @staticmethod
    def loaded(text: str) -> Manifest:
        """A manifest that was not there before."""
        manifest: Manifest = yaml.safe_load(text)
        manifest["metadata"]["uid"] = "edited"
        return manifest

    @staticmethod
    def ref(name: str, namespace: str = "default") -> ObjectRef:
        return ObjectRef("ConfigMap", "", namespace, name)


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def fleet(new_fleet: Callable[[], Any]) -> Any:
    return new_fleet()


@pytest.fixture(scope="session")
def new_fleet() -> Callable[[], Any]:
    return lambda: FLEET.Fleet(Kept(), Said)
