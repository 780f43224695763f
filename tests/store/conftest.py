"""A database of either kind, and records as short as a test wants them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleetd.domain.held_back import Damped
from fleetd.domain.objects import Manifest
from fleetd.domain.records import (
    AddonRecord,
    ChangeKind,
    DestinationRecord,
    DriftField,
    EventRecord,
    GeneratedRecord,
    IncidentRecord,
    InventoryRecord,
    JournalRecord,
    MatchRecord,
    MemberRecord,
    ObjectChange,
    ReportedObject,
    RequestRecord,
    Stage,
    VerdictRecord,
)
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import AddonState, ClusterState, DampedKind, DriftOutcome, MatchState, RequestState, VerdictState
from fleetd.store.crypto import MasterKey
from fleetd.store.database import Database
from fleetd.store.validate import violations


@dataclass
class Clock:
    """A clock that goes only when it is told to."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> datetime:
        self.at += timedelta(**by)
        return self.at


class Said:
    """Builders of records; what a test does not name is something plain."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def service(self, name: str = "web", namespace: str = "shop") -> ObjectRef:
        return ObjectRef("Service", "", namespace, name)

    def member(self, cluster: str = "prod/eu-1", **more: Any) -> MemberRecord:
        namespace, name = cluster.split("/")
        plain = {"kind": "SveltosCluster", "state": ClusterState.READY, "reason": "", "since": self.clock(), "ready": True, "paused": False}
        return MemberRecord(**{"cluster": cluster, "namespace": namespace, "name": name, **plain, **more})

    def verdict(self, ref: ObjectRef, state: VerdictState = VerdictState.MATCH, **more: Any) -> VerdictRecord:
        plain = {"source": "lb", "cluster": "prod/eu-1", "reason": "", "deciding": "has(object.status)", "since": self.clock()}
        return VerdictRecord(**{**plain, "ref": ref, "state": state, **more})

    def event(
        self, event_id: str = "e1", *refs: ObjectRef, change: ChangeKind = ChangeKind.ADDED, body: Any = None, **more: Any
    ) -> EventRecord:
        changes = tuple(ObjectChange(change, ReportedObject(ref, "v1", f"uid-{ref.name}", f"d-{ref.name}", body)) for ref in refs)
        plain = {"source": "lb", "cluster": "prod/eu-1", "revision": 1, "detected_at": self.clock(), "cause_id": event_id}
        return EventRecord(**{"event_id": event_id, "matching_count": len(refs), "changes": changes, **plain, **more})

    def match(self, match_id: str = "m1", ref: ObjectRef | None = None, **more: Any) -> MatchRecord:
        plain = {"trigger": "mirror", "source": "lb", "event_id": "e1", "cluster": "prod/eu-1", "profile": f"ClusterProfile/{match_id}"}
        times = {"state": MatchState.PENDING, "reason": "", "matched_at": self.clock(), "acted_at": None, "cause_id": "e1"}
        return MatchRecord(**{"match_id": match_id, "object_ref": ref, **plain, **times, **more})

    def destination(self, match_id: str = "m1", cluster: str = "prod/us-1", **more: Any) -> DestinationRecord:
        return DestinationRecord(**{"match_id": match_id, "cluster": cluster, "state": MatchState.PENDING, "reason": "", **more})

    def generated(self, ref: ObjectRef, manifest: Manifest, **more: Any) -> GeneratedRecord:
        plain = {"digest": "g", "trigger": "mirror", "cluster": "prod/eu-1", "object_ref": None, "cause_id": "e1", "at": self.clock()}
        return GeneratedRecord(**{"ref": ref, "manifest": manifest, **plain, **more})

    def addon(self, profile: str = "ClusterProfile/web", cluster: str = "prod/us-1", **more: Any) -> AddonRecord:
        plain = {"addon": "policyRefs/0", "kind": "policyRef", "state": AddonState.DEPLOYED, "reason": "", "attempts": 1}
        return AddonRecord(**{"profile": profile, "cluster": cluster, "wanted_digest": "w", "at": self.clock(), **plain, **more})

    def object(self, ref: ObjectRef, cluster: str = "prod/us-1", **more: Any) -> InventoryRecord:
        digests = {
            "wanted_digest": "w",
            "live_digest": "l",
            "fields": "{}",
            "uid": "u",
            "resource_version": "7",
            "epoch": 1,
            "cause_id": "e1",
        }
        plain = {"api_version": "v1", "profile": "ClusterProfile/web", "addon": "policyRefs/0", "applied_at": self.clock()}
        return InventoryRecord(**{"cluster": cluster, "ref": ref, **plain, **digests, **more})

    def incident(self, incident_id: str = "i1", **more: Any) -> IncidentRecord:
        fields = (DriftField("spec.ports[0].port", "80", "8080"),)
        plain = {
            "cluster": "prod/us-1",
            "ref": self.service(),
            "profile": "ClusterProfile/web",
            "changed_by": "kubectl-edit",
            "fields": fields,
        }
        times = {"detected_at": self.clock(), "corrected_at": None, "outcome": DriftOutcome.OPEN, "flap_count": 0, "cause_id": incident_id}
        return IncidentRecord(**{"incident_id": incident_id, **plain, **times, **more})

    def damped(self, ref: ObjectRef) -> Damped:
        return Damped(
            kind=DampedKind.FLAPPING,
            subject="EventSource/lb",
            cluster="prod/eu-1",
            object_ref=ref,
            pauses=2,
            since=self.clock(),
            until=self.clock(),
            reason="it flaps",
            cause_id="e1",
            watched=("a", "b"),
            mark="m",
        )

    def journal(self, decision: str = "applied", **more: Any) -> JournalRecord:
        plain = {
            "at": self.clock(),
            "stage": Stage.APPLY,
            "subject": "ClusterProfile/web",
            "cluster": "prod/us-1",
            "reason": "",
            "cause_id": "e1",
        }
        return JournalRecord(**{"decision": decision, **plain, **more})

    def request(self, request_id: str = "r1", **more: Any) -> RequestRecord:
        plain = {
            "verb": "requeue",
            "subject": "ClusterProfile/web",
            "actor": "ada",
            "via": "cli",
            "reason": "stuck",
            "created_at": self.clock(),
        }
        return RequestRecord(**{"request_id": request_id, "state": RequestState.WAITING, **plain, **more})

    def config_map(self, name: str = "settings", **data: str) -> Manifest:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data}

    def secret(self, name: str = "token", **data: str) -> Manifest:
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "default"}, "stringData": data}

    def trigger(self, name: str = "mirror", source: str = "lb") -> Manifest:
        references = [{"kind": "ConfigMap", "name": "mirror-template", "namespace": "default"}]
        return {
            "apiVersion": "lib.projectsveltos.io/v1beta1",
            "kind": "EventTrigger",
            "metadata": {"name": name},
            "spec": {"eventSourceName": source, "oneForEvent": True, "policyRefs": references},
        }

    def source(self, name: str = "lb") -> Manifest:
        selector = [{"group": "", "version": "v1", "kind": "Service", "evaluateCEL": [{"name": "lb", "rule": "has(resource.status)"}]}]
        return {
            "apiVersion": "lib.projectsveltos.io/v1beta1",
            "kind": "EventSource",
            "metadata": {"name": name},
            "spec": {"collectResources": True, "resourceSelectors": selector},
        }


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def said(clock: Clock) -> Said:
    return Said(clock)


@pytest.fixture
async def database(database_url: str, master_key: MasterKey, clock: Clock) -> AsyncIterator[Database]:
    """An open database; what must hold of it is checked when the test is over."""
    opened = await Database.open(database_url, key=master_key, now=clock)
    yield opened
    broken = await violations(opened)
    await opened.close()
    assert broken == []
