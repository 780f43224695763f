"""What the engine needs to go on where it stood, read in one view of the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, or_, select

from fleetd.domain.declared import DeclaredObject
from fleetd.domain.held_back import Damped
from fleetd.domain.objects import Manifest
from fleetd.domain.records import (
    AddonRecord,
    DestinationRecord,
    DriftField,
    GeneratedRecord,
    HeldLoss,
    IncidentRecord,
    InventoryRecord,
    MatchRecord,
    MemberRecord,
    ReportedObject,
    RequestRecord,
    VerdictRecord,
)
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import AddonState, ClusterState, DampedKind, DriftOutcome, MatchState, ProposalState, RequestState, VerdictState
from fleetd.store import tables as t
from fleetd.store.bodies import json_value, unpack
from fleetd.store.crypto import MasterKey
from fleetd.store.declared import all_declared
from fleetd.store.holding_tables import damped, proposals
from fleetd.store.moments import moment, optional_moment
from fleetd.store.steps import Fetch, Row, Steps


@dataclass(frozen=True, slots=True)
class LoadedReport:
    """The report of a source on a cluster, as its last event left it."""

    revision: int
    event_id: str
    objects: tuple[ReportedObject, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Everything current. `seq` is the last change that is in it: what comes after is `changes_since(seq)`.

    `reports` goes by (source, cluster). Matches are the open ones that are not withdrawn, with their open destinations;
    incidents those that are open; requests those that wait, held losses those that hold something back.
    """

    seq: int
    members: tuple[MemberRecord, ...]
    declared: tuple[DeclaredObject, ...]
    verdicts: tuple[VerdictRecord, ...]
    reports: Mapping[tuple[str, str], LoadedReport]
    matches: tuple[MatchRecord, ...]
    destinations: tuple[DestinationRecord, ...]
    generated: tuple[GeneratedRecord, ...]
    addons: tuple[AddonRecord, ...]
    inventory: tuple[InventoryRecord, ...]
    incidents: tuple[IncidentRecord, ...]
    requests: tuple[RequestRecord, ...]
    held: tuple[HeldLoss, ...]
    damped: tuple[Damped, ...]


_SEQ = select(func.coalesce(func.max(t.changes.c.seq), 0).label("seq"))
_MEMBERS = (
    select(t.members, t.heartbeats.c.last_seen_at)
    .select_from(t.members.outerjoin(t.heartbeats, t.heartbeats.c.cluster == t.members.c.cluster))
    .where(t.members.c.valid_to.is_(None))
    .order_by(t.members.c.cluster)
)
_LABELS = select(t.member_labels).where(t.member_labels.c.valid_to.is_(None)).order_by(t.member_labels.c.row_id)
_VERDICTS = select(t.verdicts).where(t.verdicts.c.valid_to.is_(None)).order_by(t.verdicts.c.row_id)
_REPORTS = select(t.reports).order_by(t.reports.c.source, t.reports.c.cluster)
_REPORT_OBJECTS = (
    select(t.report_objects, t.bodies.c.encrypted, t.bodies.c.content)
    .select_from(t.report_objects.outerjoin(t.bodies, t.bodies.c.digest == t.report_objects.c.body))
    .where(t.report_objects.c.valid_to.is_(None))
    .order_by(t.report_objects.c.row_id)
)
_m, _d = t.matches, t.destinations
_MATCHES = select(_m).where(_m.c.valid_to.is_(None), _m.c.state != "withdrawn").order_by(_m.c.row_id)
_DESTINATIONS = (
    select(_d)
    .select_from(_d.join(_m, (_m.c.match_id == _d.c.match_id) & _m.c.valid_to.is_(None) & (_m.c.state != "withdrawn")))
    .where(_d.c.valid_to.is_(None))
    .order_by(_d.c.row_id)
)
_GENERATED = (
    select(t.generated, t.bodies.c.encrypted, t.bodies.c.content)
    .select_from(t.generated.join(t.bodies, t.bodies.c.digest == t.generated.c.body))
    .order_by(t.generated.c.ref)
)
_ADDONS = select(t.addons).where(t.addons.c.valid_to.is_(None)).order_by(t.addons.c.profile, t.addons.c.cluster, t.addons.c.addon)
_INVENTORY = select(t.inventory).order_by(t.inventory.c.cluster, t.inventory.c.object_ref)
_i = t.incidents
_INCIDENTS = select(_i).where(_i.c.valid_to.is_(None), _i.c.outcome == "open").order_by(_i.c.row_id)
_FIELDS = (
    select(t.incident_fields)
    .select_from(t.incident_fields.join(_i, _i.c.incident_id == t.incident_fields.c.incident_id))
    .where(_i.c.valid_to.is_(None), _i.c.outcome == "open")
    .order_by(t.incident_fields.c.field_path)
)
_REQUESTS = select(t.requests).where(t.requests.c.state == "waiting").order_by(t.requests.c.created_at)
_p = proposals.c
# Those that ended before anybody kept when are none of the lasting ones.
_LASTS = or_(*(_p.state == state for state in ("waiting", "approved", "rejected", "expired")))
_HELD = select(proposals).where(_p.ended_at.is_(None), _LASTS).order_by(_p.created_at)
_DAMPED = select(damped).order_by(damped.c.since)


def waiting_requests() -> Steps[tuple[RequestRecord, ...]]:
    """What is asked of the daemon and not decided yet, oldest first."""
    return tuple(request_of(row) for row in (yield Fetch(_REQUESTS)))


def load(key: MasterKey | None) -> Steps[Loaded]:
    """Reads all of it. Run it in one transaction."""
    seq = (yield Fetch(_SEQ))[0]["seq"]
    labels: dict[str, dict[str, str]] = defaultdict(dict)
    for row in (yield Fetch(_LABELS)):
        labels[row["cluster"]][row["label_key"]] = row["label_value"]
    members = tuple(_member(row, labels.get(row["cluster"], {})) for row in (yield Fetch(_MEMBERS)))
    declared = yield from all_declared(key)
    verdicts = tuple(_verdict(row) for row in (yield Fetch(_VERDICTS)))
    reports = yield from _reports(key)
    fields: dict[str, list[DriftField]] = defaultdict(list)
    for row in (yield Fetch(_FIELDS)):
        fields[row["incident_id"]].append(DriftField(row["field_path"], row["wanted"], row["found"]))
    return Loaded(
        seq=seq,
        members=members,
        declared=declared,
        verdicts=verdicts,
        reports=reports,
        matches=tuple(_match(row) for row in (yield Fetch(_MATCHES))),
        destinations=tuple(_destination(row) for row in (yield Fetch(_DESTINATIONS))),
        generated=tuple(_generated(row, key) for row in (yield Fetch(_GENERATED))),
        addons=tuple(_addon(row) for row in (yield Fetch(_ADDONS))),
        inventory=tuple(_object(row) for row in (yield Fetch(_INVENTORY))),
        incidents=tuple(_incident(row, fields.get(row["incident_id"], ())) for row in (yield Fetch(_INCIDENTS))),
        requests=tuple(request_of(row) for row in (yield Fetch(_REQUESTS))),
        held=tuple(_held(row) for row in (yield Fetch(_HELD))),
        damped=tuple(_damped(row) for row in (yield Fetch(_DAMPED))),
    )


def _reports(key: MasterKey | None) -> Steps[dict[tuple[str, str], LoadedReport]]:
    objects: dict[tuple[str, str], list[ReportedObject]] = defaultdict(list)
    for row in (yield Fetch(_REPORT_OBJECTS)):
        body = None if row["content"] is None else _body(row, "body", key)
        shown = ReportedObject(ObjectRef.parse(row["object_ref"]), row["api_version"], row["uid"], row["digest"], body)
        objects[row["source"], row["cluster"]].append(shown)
    return {
        (row["source"], row["cluster"]): LoadedReport(
            row["revision"], row["event_id"], tuple(objects.get((row["source"], row["cluster"]), ()))
        )
        for row in (yield Fetch(_REPORTS))
    }


def _body(row: Row, digest: str, key: MasterKey | None) -> Manifest:
    return unpack({"digest": row[digest], "encrypted": row["encrypted"], "content": row["content"]}, key)


def _ref(text: str) -> ObjectRef | None:
    return ObjectRef.parse(text) if text else None


def _member(row: Row, labels: Mapping[str, str]) -> MemberRecord:
    return MemberRecord(
        **_same(row, "cluster", "namespace", "name", "kind", "reason", "version", "uid", "mode"),
        state=ClusterState(row["state"]),
        since=moment(row["since"]),
        ready=bool(row["ready"]),
        paused=bool(row["paused"]),
        last_seen_at=optional_moment(row["last_seen_at"]),
        labels=labels,
    )


def _same(row: Row, *names: str) -> dict[str, Any]:
    """The fields that a record and its row call by the same name and hold in the same form."""
    return {name: row[name] for name in names}


def _verdict(row: Row) -> VerdictRecord:
    return VerdictRecord(
        **_same(row, "source", "cluster", "reason", "deciding"),
        ref=ObjectRef.parse(row["object_ref"]),
        state=VerdictState(row["state"]),
        since=moment(row["since"]),
    )


def _match(row: Row) -> MatchRecord:
    return MatchRecord(
        **_same(row, "match_id", "source", "event_id", "cluster", "profile", "reason", "cause_id"),
        trigger=row["trigger_name"],
        object_ref=_ref(row["object_ref"]),
        state=MatchState(row["state"]),
        matched_at=moment(row["matched_at"]),
        acted_at=optional_moment(row["acted_at"]),
    )


def _destination(row: Row) -> DestinationRecord:
    return DestinationRecord(
        **_same(row, "match_id", "cluster", "reason"),
        state=MatchState(row["state"]),
        rendered_at=optional_moment(row["rendered_at"]),
        applied_at=optional_moment(row["applied_at"]),
    )


def _generated(row: Row, key: MasterKey | None) -> GeneratedRecord:
    return GeneratedRecord(
        **_same(row, "digest", "cluster", "cause_id"),
        ref=ObjectRef.parse(row["ref"]),
        manifest=_body(row, "body", key),
        trigger=row["trigger_name"],
        object_ref=_ref(row["object_ref"]),
        at=moment(row["at"]),
    )


def _addon(row: Row) -> AddonRecord:
    return AddonRecord(
        **_same(row, "profile", "cluster", "addon", "kind", "reason", "attempts", "wanted_digest", "cause_id"),
        state=AddonState(row["state"]),
        at=moment(row["at"]),
        applied_at=optional_moment(row["applied_at"]),
        next_attempt_at=optional_moment(row["next_attempt_at"]),
    )


def _object(row: Row) -> InventoryRecord:
    return InventoryRecord(
        **_same(row, "cluster", "api_version", "profile", "addon", "wanted_digest", "live_digest", "fields"),
        **_same(row, "uid", "resource_version", "epoch", "cause_id"),
        ref=ObjectRef.parse(row["object_ref"]),
        applied_at=moment(row["applied_at"]),
    )


def _incident(row: Row, fields: Sequence[DriftField]) -> IncidentRecord:
    return IncidentRecord(
        **_same(row, "incident_id", "cluster", "profile", "changed_by", "flap_count", "cause_id"),
        ref=ObjectRef.parse(row["object_ref"]),
        detected_at=moment(row["detected_at"]),
        corrected_at=optional_moment(row["corrected_at"]),
        outcome=DriftOutcome(row["outcome"]),
        fields=tuple(fields),
    )


def request_of(row: Row) -> RequestRecord:
    return RequestRecord(
        **_same(row, "request_id", "verb", "subject", "actor", "via", "reason", "outcome"),
        state=RequestState(row["state"]),
        created_at=moment(row["created_at"]),
        decided_at=optional_moment(row["decided_at"]),
    )


def _held(row: Row) -> HeldLoss:
    return HeldLoss(
        **_same(row, "proposal_id", "subject", "summary", "cause_id", "decided_by", "decided_via", "decision"),
        lost=tuple(json_value(row["lost"])),
        state=ProposalState(row["state"]),
        created_at=moment(row["created_at"]),
        decided_at=optional_moment(row["decided_at"]),
        expires_at=optional_moment(row["expires_at"]),
        ended_at=optional_moment(row["ended_at"]),
    )


def _damped(row: Row) -> Damped:
    return Damped(
        **_same(row, "subject", "cluster", "pauses", "reason", "cause_id", "mark"),
        kind=DampedKind(row["kind"]),
        object_ref=_ref(row["object_ref"]),
        since=moment(row["since"]),
        until=optional_moment(row["until"]),
        watched=tuple(json_value(row["watched"])),
    )
