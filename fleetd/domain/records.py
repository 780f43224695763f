"""What the stages conclude, as values: the store keeps them as rows, a restart reads them back.

A record is the whole current truth about its key; putting it closes the version before it. `*Gone` closes without a
successor. Times are aware and in UTC. A `cause_id` names the first observation, message or request that led here.
`cluster` is `namespace/name` (`capi:` before Cluster API ones), `profile` is `ClusterProfile/name` or
`Profile/namespace/name`, sources and triggers go by their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from fleetd.domain.held_back import Damped, DampedGone
from fleetd.domain.objects import Manifest
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import (
    AddonState,
    ClusterState,
    DeclaredState,
    DriftOutcome,
    MatchState,
    ProposalState,
    RequestState,
    VerdictState,
)


class Stage(StrEnum):
    """Where on the way of an event a decision was made."""

    DECLARE = "declare"
    CONNECT = "connect"
    OBSERVE = "observe"
    REPORT = "report"
    MATCH = "match"
    INSTANTIATE = "instantiate"
    SCHEDULE = "schedule"
    RENDER = "render"
    PLAN = "plan"
    APPLY = "apply"
    DRIFT = "drift"
    WITHDRAW = "withdraw"
    REQUEST = "request"


class ChangeKind(StrEnum):
    """What happened to an object of a report."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRecord:
    """A cluster of the fleet. Key: cluster. `labels` are those of its declared object; `uid` its kube-system namespace's."""

    cluster: str
    namespace: str
    name: str
    kind: str
    state: ClusterState
    reason: str
    since: datetime
    ready: bool
    paused: bool
    version: str = ""
    uid: str = ""
    mode: str = "push"
    last_seen_at: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberGone:
    """A cluster left the fleet."""

    cluster: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """These clusters answered; written batched, no history."""

    clusters: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRecord:
    """What a source says of an object. Key: source, cluster, ref."""

    source: str
    cluster: str
    ref: ObjectRef
    state: VerdictState
    reason: str
    deciding: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictGone:
    """The object, or the question, is no more."""

    source: str
    cluster: str
    ref: ObjectRef
    at: datetime


@dataclass(frozen=True, slots=True)
class ReportedObject:
    """One object of a report. `body` is there when the source collects resources; `digest` covers what the report shows of it."""

    ref: ObjectRef
    api_version: str
    uid: str
    digest: str
    body: Manifest | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """One line of a report's difference; a removed object stands as it was reported last."""

    change: ChangeKind
    object: ReportedObject


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """One event: a revision of the report of (source, cluster), as its difference to the revision before."""

    event_id: str
    source: str
    cluster: str
    revision: int
    detected_at: datetime
    matching_count: int
    changes: tuple[ObjectChange, ...]
    cause_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRecord:
    """A trigger met by an event. Key: match_id; one open match per (trigger, cluster, object_ref).

    `object_ref` is None where the trigger takes a report as a whole. A new event on the same key supersedes the match.
    """

    match_id: str
    trigger: str
    source: str
    event_id: str
    cluster: str
    object_ref: ObjectRef | None
    profile: str
    state: MatchState
    reason: str
    matched_at: datetime
    acted_at: datetime | None
    cause_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationRecord:
    """How far a match is on one destination. Key: match_id, cluster."""

    match_id: str
    cluster: str
    state: MatchState
    reason: str
    rendered_at: datetime | None = None
    applied_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationGone:
    """The destination is none any more (it left, or its labels changed)."""

    match_id: str
    cluster: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedRecord:
    """An object that fleetd made: a profile, or a rendered ConfigMap or Secret that one refers to. Key: ref."""

    ref: ObjectRef
    manifest: Manifest = field(repr=False)
    digest: str
    trigger: str
    cluster: str
    object_ref: ObjectRef | None
    cause_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedGone:
    """A generated object is wanted no more."""

    ref: ObjectRef
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AddonRecord:
    """One add-on of one profile on one cluster. Key: profile, cluster, addon. `addon` is `policyRefs/<index or source ref>`."""

    profile: str
    cluster: str
    addon: str
    kind: str
    state: AddonState
    reason: str
    attempts: int
    wanted_digest: str
    at: datetime
    applied_at: datetime | None = None
    next_attempt_at: datetime | None = None
    cause_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddonGone:
    """The add-on is no more on the cluster, nor wanted there."""

    profile: str
    cluster: str
    addon: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryRecord:
    """An object that an add-on has put on a cluster. Key: cluster, ref.

    `wanted_digest` is that of the manifest; `live_digest` that of the part of the live object that our managedFields entry
    covered right after the apply, so that what the server normalises is no drift. `fields` is the fieldsV1 JSON of that entry:
    what is in it stays ours, even when somebody else takes it.
    """

    cluster: str
    ref: ObjectRef
    api_version: str
    profile: str
    addon: str
    applied_at: datetime
    wanted_digest: str
    live_digest: str
    fields: str
    uid: str
    resource_version: str
    epoch: int
    cause_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryGone:
    """The object is ours no more: deleted, or left."""

    cluster: str
    ref: ObjectRef
    at: datetime


@dataclass(frozen=True, slots=True)
class DriftField:
    """A field that somebody else changed; both values as JSON text, secret values never."""

    path: str
    wanted: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRecord:
    """Somebody changed an object of ours. Key: incident_id."""

    incident_id: str
    cluster: str
    ref: ObjectRef
    profile: str
    changed_by: str
    detected_at: datetime
    corrected_at: datetime | None
    outcome: DriftOutcome
    flap_count: int
    fields: tuple[DriftField, ...]
    cause_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRecord:
    """One decision. `subject` is a reference, or a source's, trigger's or profile's name with its kind before it."""

    at: datetime
    stage: Stage
    subject: str
    cluster: str
    decision: str
    reason: str
    cause_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredStatus:
    """What the engine makes of a declared object. Key: ref. `status` is that of its kind, in Sveltos' words, where it has one."""

    ref: ObjectRef
    state: DeclaredState
    reason: str
    at: datetime
    status: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """A small thing asked of the daemon. Key: request_id. `verb` is adopt, approve, reject, requeue, pause, resume or inspect.

    `answer`: a cluster's to an inspection, as JSON without secrets; kept apart, for minutes."""

    request_id: str
    verb: str
    subject: str
    actor: str
    via: str
    reason: str
    state: RequestState
    created_at: datetime
    decided_at: datetime | None = None
    outcome: str = ""
    answer: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLoss:
    """A loss too large to follow without a person: it halts as a proposal. Key: proposal_id.

    It ends `applied` when somebody approved it, `stale` when there is no such loss any more, `expired` when nobody decided in time.
    What was rejected or expired is kept back until `ended_at`, when there is no such loss any more.
    """

    proposal_id: str
    subject: str
    summary: str
    lost: tuple[str, ...]
    created_at: datetime
    cause_id: str
    state: ProposalState = ProposalState.WAITING
    decided_by: str = ""
    decided_at: datetime | None = None
    decided_via: str = ""
    decision: str = ""
    """the reason that was given for it"""
    expires_at: datetime | None = None
    ended_at: datetime | None = None


Record = (
    MemberRecord
    | MemberGone
    | Heartbeat
    | VerdictRecord
    | VerdictGone
    | EventRecord
    | MatchRecord
    | DestinationRecord
    | DestinationGone
    | GeneratedRecord
    | GeneratedGone
    | AddonRecord
    | AddonGone
    | InventoryRecord
    | InventoryGone
    | IncidentRecord
    | JournalRecord
    | DeclaredStatus
    | RequestRecord
    | HeldLoss
    | Damped
    | DampedGone
)
