"""Records become rows: a whole batch of many callers is collected, then said in one statement per kind of row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import bindparam, delete, update

from fleetd.domain import records as said
from fleetd.domain.held_back import Damped, DampedGone
from fleetd.domain.objects import Manifest
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import ProposalKind, ProposalState, RequestState
from fleetd.store import tables
from fleetd.store.audit_tables import inspections
from fleetd.store.bodies import json_bytes, pack
from fleetd.store.crypto import MasterKey
from fleetd.store.gather import ChangedKind, Changes, Current, Once, Operation, Versions, insert_all, key_is
from fleetd.store.holding_tables import damped, proposals
from fleetd.store.matching import Matching
from fleetd.store.steps import Ask, Many, Row
from fleetd.store.tallies import COUNTED, Tally
from fleetd.store.views import INSPECTION_SECONDS

_VERSIONS = (
    Versions(tables.members, "cluster"),
    Versions(tables.verdicts, "source", "cluster", "object_ref"),
    Versions(tables.report_objects, "source", "cluster", "object_ref"),
    Versions(tables.addons, "profile", "cluster", "addon"),
    Versions(tables.incidents, "incident_id"),
)
_MEMBERS, _VERDICTS, _REPORT_OBJECTS, _ADDONS, _INCIDENTS = _VERSIONS
_CHANGES_LATER = ("subject", "summary", "lost", "state", "decided_by", "decided_at", "applied_at", "decided_via", "decision", "ended_at")
_CURRENT = (
    Current(tables.heartbeats, "cluster"),
    Current(tables.reports, "source", "cluster"),
    Current(tables.generated, "ref"),
    Current(tables.inventory, "cluster", "object_ref"),
    Current(tables.declared_states, "ref"),
    Current(tables.requests, "request_id"),
    Current(inspections, "request_id"),
    # Who held it, when and why stay as they were said first.
    Current(proposals, "proposal_id", update_only=_CHANGES_LATER),
    Current(damped, "kind", "subject", "cluster", "object_ref"),
)
_HEARTBEATS, _REPORTS, _GENERATED, _INVENTORY, _STATES, _REQUESTS, _INSPECTIONS, _PROPOSALS, _DAMPED = _CURRENT
_BODIES = Once(tables.bodies, "digest")
_EVENTS = Once(tables.events, "event_id")
_EVENT_OBJECTS = Once(tables.event_objects, "event_id", "object_ref")
_JOURNAL = insert_all(tables.journal, "entry_id")

_at = bindparam("at", type_=tables.Moment())
_labels = tables.member_labels
_KEEP_LABEL = (
    update(_labels).where(key_is(_labels, "cluster", "label_key", "label_value"), _labels.c.valid_to.is_(None)).values(seen_at=_at)
)
_CLOSE_LABELS = (
    update(_labels).where(key_is(_labels, "cluster"), _labels.c.valid_to.is_(None), _labels.c.seen_at != _at).values(valid_to=_at)
)
_OPEN_LABEL = insert_all(_labels, "row_id").on_conflict_do_nothing(
    index_elements=["cluster", "label_key"], index_where=_labels.c.valid_to.is_(None)
)
_fields = tables.incident_fields
_CLEAR_FIELDS = delete(_fields).where(key_is(_fields, "incident_id"))
_FORGET_INSPECTIONS = delete(inspections).where(inspections.c.at < _at)
_ADD_FIELDS = insert_all(_fields).on_conflict_do_nothing(index_elements=["incident_id", "field_path"])

Keyed = dict[tuple[str, ...], Row | None]


class Writing:
    """One transaction's records, collected; `steps` says them to the database and may be taken once."""

    def __init__(self, at: datetime, key: MasterKey) -> None:
        self.at = at
        self.changes = Changes(at)
        self.asks = False
        self._key = key
        self._kept: dict[Versions, Keyed] = defaultdict(dict)
        self._current: dict[Current, Keyed] = defaultdict(dict)
        self._matching = Matching()
        self._labels: dict[str, dict[str, str]] = {}
        self._bodies: dict[str, Row] = {}
        self._events: list[Row] = []
        self._event_objects: list[Row] = []
        self._journal: list[Row] = []
        self._fields: dict[str, tuple[said.DriftField, ...]] = {}

    def take(self, batch: Iterable[said.Record]) -> None:
        """Adds records, in the order in which they were said."""
        for record in batch:
            _TAKES[type(record)](self, record)

    def steps(self) -> Generator[Ask, Sequence[Row], None]:
        """What was taken, as statements; the changes are left to the transaction's end."""
        tally = Tally()
        yield from _BODIES.steps(list(self._bodies.values()))
        for versions, rows in self._kept.items():
            yield from versions.steps(rows, self.at)
            if (state := COUNTED.get(versions.table)) is not None:
                tally.opened(versions.table, (row[state] for row in rows.values() if row is not None))
        for current, keyed in self._current.items():
            yield from current.steps(keyed)
        yield from self._label_steps()
        yield from _EVENTS.steps(self._events)
        yield from _EVENT_OBJECTS.steps(self._event_objects)
        yield from self._matching.steps(self.at, tally)
        if self._fields:
            yield Many(_CLEAR_FIELDS, [{"k_incident_id": incident} for incident in self._fields])
            yield from self._field_steps()
        if self._journal:
            yield Many(_JOURNAL, self._journal)
        if _INSPECTIONS in self._current:
            yield Many(_FORGET_INSPECTIONS, [{"at": self.at - timedelta(seconds=INSPECTION_SECONDS)}])
        if self._matching.matches or self._matching.destinations or any(one.table in COUNTED for one in self._kept):
            yield from tally.steps(self.at)

    def _label_steps(self) -> Generator[Ask, Sequence[Row], None]:
        if not self._labels:
            return
        pairs = [(cluster, key, value) for cluster, labels in self._labels.items() for key, value in labels.items()]
        if pairs:
            yield Many(_KEEP_LABEL, [{"k_cluster": c, "k_label_key": k, "k_label_value": v, "at": self.at} for c, k, v in pairs])
        yield Many(_CLOSE_LABELS, [{"k_cluster": cluster, "at": self.at} for cluster in self._labels])
        if pairs:
            stamps = {"owner": "declared", "seen_at": self.at, "valid_from": self.at, "valid_to": None}
            yield Many(_OPEN_LABEL, [{"cluster": c, "label_key": k, "label_value": v, **stamps} for c, k, v in pairs])

    def _field_steps(self) -> Generator[Ask, Sequence[Row], None]:
        rows = [
            {"incident_id": incident, "field_path": field.path, "wanted": field.wanted, "found": field.found}
            for incident, fields in self._fields.items()
            for field in fields
        ]
        if rows:
            yield Many(_ADD_FIELDS, rows)

    # One kind of record each.

    def _member(self, record: said.MemberRecord) -> None:
        self._kept[_MEMBERS][record.cluster,] = {
            "cluster": record.cluster,
            "namespace": record.namespace,
            "name": record.name,
            "kind": record.kind,
            "state": record.state,
            "reason": record.reason,
            "since": record.since,
            "ready": record.ready,
            "paused": record.paused,
            "version": record.version,
            "uid": record.uid,
            "mode": record.mode,
        }
        self._labels[record.cluster] = dict(record.labels)
        if record.last_seen_at is not None:
            self._seen(record.cluster, record.last_seen_at)
        self.changes.note(ChangedKind.CLUSTER, record.cluster)

    def _member_gone(self, record: said.MemberGone) -> None:
        self._kept[_MEMBERS][record.cluster,] = None
        self._current[_HEARTBEATS][record.cluster,] = None
        self._labels[record.cluster] = {}
        self.changes.note(ChangedKind.CLUSTER, record.cluster, Operation.REMOVE)

    def _seen(self, cluster: str, at: datetime) -> None:
        self._current[_HEARTBEATS][cluster,] = {"cluster": cluster, "last_seen_at": at}

    def _heartbeat(self, record: said.Heartbeat) -> None:
        for cluster in record.clusters:
            self._seen(cluster, record.at)

    def _verdict(self, record: said.VerdictRecord) -> None:
        ref = str(record.ref)
        self._kept[_VERDICTS][record.source, record.cluster, ref] = {
            "source": record.source,
            "cluster": record.cluster,
            "object_ref": ref,
            "state": record.state,
            "reason": record.reason,
            "deciding": record.deciding,
            "since": record.since,
        }
        self.changes.note(ChangedKind.VERDICT, f"{record.source}/{ref}@{record.cluster}")

    def _verdict_gone(self, record: said.VerdictGone) -> None:
        self._kept[_VERDICTS][record.source, record.cluster, str(record.ref)] = None
        self.changes.note(ChangedKind.VERDICT, f"{record.source}/{record.ref}@{record.cluster}", Operation.REMOVE)

    def _body(self, manifest: Manifest, ref: ObjectRef) -> str:
        body = pack(manifest, ref, self._key)
        self._bodies.setdefault(body.digest, {"digest": body.digest, "encrypted": body.encrypted, "content": body.content})
        return body.digest

    def _event(self, record: said.EventRecord) -> None:
        row = {"event_id": record.event_id, "source": record.source, "cluster": record.cluster, "revision": record.revision}
        counted = {**row, "matching_count": record.matching_count}
        self._events.append({**counted, "detected_at": record.detected_at, "cause_id": record.cause_id})
        self._current[_REPORTS][record.source, record.cluster] = counted
        for change in record.changes:
            self._event_object(record, change)
        self.changes.note(ChangedKind.EVENT, record.event_id)

    def _event_object(self, record: said.EventRecord, change: said.ObjectChange) -> None:
        shown = change.object
        ref = str(shown.ref)
        row = {"object_ref": ref, "api_version": shown.api_version, "uid": shown.uid, "digest": shown.digest}
        self._event_objects.append({"event_id": record.event_id, "change": change.change, **row})
        removed = change.change is said.ChangeKind.REMOVED
        body = None if removed or shown.body is None else self._body(shown.body, shown.ref)
        place = {"source": record.source, "cluster": record.cluster, "body": body}
        self._kept[_REPORT_OBJECTS][record.source, record.cluster, ref] = None if removed else {**row, **place}

    def _match(self, record: said.MatchRecord) -> None:
        self._matching.match(record, self.changes)

    def _destination(self, record: said.DestinationRecord) -> None:
        self._matching.destination(record, self.changes)

    def _destination_gone(self, record: said.DestinationGone) -> None:
        self._matching.destination_gone(record, self.changes)

    def _made(self, record: said.GeneratedRecord) -> None:
        ref = str(record.ref)
        self._current[_GENERATED][ref,] = {
            "ref": ref,
            "body": self._body(record.manifest, record.ref),
            "digest": record.digest,
            "trigger_name": record.trigger,
            "cluster": record.cluster,
            "object_ref": str(record.object_ref or ""),
            "cause_id": record.cause_id,
            "at": record.at,
        }
        self.changes.note(ChangedKind.GENERATED, ref)

    def _made_gone(self, record: said.GeneratedGone) -> None:
        self._current[_GENERATED][str(record.ref),] = None
        self.changes.note(ChangedKind.GENERATED, str(record.ref), Operation.REMOVE)

    def _addon(self, record: said.AddonRecord) -> None:
        self._kept[_ADDONS][record.profile, record.cluster, record.addon] = {
            "profile": record.profile,
            "cluster": record.cluster,
            "addon": record.addon,
            "kind": record.kind,
            "state": record.state,
            "reason": record.reason,
            "attempts": record.attempts,
            "wanted_digest": record.wanted_digest,
            "at": record.at,
            "applied_at": record.applied_at,
            "next_attempt_at": record.next_attempt_at,
            "cause_id": record.cause_id,
        }
        self.changes.note(ChangedKind.ADDON, f"{record.profile}/{record.addon}@{record.cluster}")

    def _addon_gone(self, record: said.AddonGone) -> None:
        self._kept[_ADDONS][record.profile, record.cluster, record.addon] = None
        self.changes.note(ChangedKind.ADDON, f"{record.profile}/{record.addon}@{record.cluster}", Operation.REMOVE)

    def _object(self, record: said.InventoryRecord) -> None:
        ref = str(record.ref)
        self._current[_INVENTORY][record.cluster, ref] = {
            "cluster": record.cluster,
            "object_ref": ref,
            "object_kind": record.ref.kind,
            "api_group": record.ref.group,
            "api_version": record.api_version,
            "namespace": record.ref.namespace,
            "name": record.ref.name,
            "profile": record.profile,
            "addon": record.addon,
            "applied_at": record.applied_at,
            "wanted_digest": record.wanted_digest,
            "live_digest": record.live_digest,
            "fields": record.fields,
            "uid": record.uid,
            "resource_version": record.resource_version,
            "epoch": record.epoch,
            "cause_id": record.cause_id,
        }
        self.changes.note(ChangedKind.OBJECT, f"{ref}@{record.cluster}")

    def _object_gone(self, record: said.InventoryGone) -> None:
        self._current[_INVENTORY][record.cluster, str(record.ref)] = None
        self.changes.note(ChangedKind.OBJECT, f"{record.ref}@{record.cluster}", Operation.REMOVE)

    def _incident(self, record: said.IncidentRecord) -> None:
        self._kept[_INCIDENTS][record.incident_id,] = {
            "incident_id": record.incident_id,
            "cluster": record.cluster,
            "object_ref": str(record.ref),
            "profile": record.profile,
            "changed_by": record.changed_by,
            "detected_at": record.detected_at,
            "corrected_at": record.corrected_at,
            "outcome": record.outcome,
            "flap_count": record.flap_count,
            "cause_id": record.cause_id,
        }
        self._fields[record.incident_id] = record.fields
        self.changes.note(ChangedKind.INCIDENT, record.incident_id)

    def _journal_entry(self, record: said.JournalRecord) -> None:
        entry = {"at": record.at, "stage": record.stage, "subject": record.subject, "cluster": record.cluster}
        self._journal.append({**entry, "decision": record.decision, "reason": record.reason, "cause_id": record.cause_id})

    def _status(self, record: said.DeclaredStatus) -> None:
        ref = str(record.ref)
        status = json_bytes(record.status).decode() if record.status else ""
        self._current[_STATES][ref,] = {"ref": ref, "state": record.state, "reason": record.reason, "at": record.at, "status": status}
        self.changes.note(ChangedKind.STATUS, ref)

    def _request(self, record: said.RequestRecord) -> None:
        self._current[_REQUESTS][record.request_id,] = {
            "request_id": record.request_id,
            "verb": record.verb,
            "subject": record.subject,
            "actor": record.actor,
            "via": record.via,
            "reason": record.reason,
            "state": record.state,
            "created_at": record.created_at,
            "decided_at": record.decided_at,
            "outcome": record.outcome,
        }
        if record.answer:
            self._current[_INSPECTIONS][record.request_id,] = {"request_id": record.request_id, "at": self.at, "answer": record.answer}
        self.asks = self.asks or record.state is RequestState.WAITING
        self.changes.note(ChangedKind.REQUEST, record.request_id)

    def _held_loss(self, record: said.HeldLoss) -> None:
        self._current[_PROPOSALS][record.proposal_id,] = {
            "proposal_id": record.proposal_id,
            "subject": record.subject,
            "summary": record.summary,
            "lost": json_bytes(list(record.lost)).decode(),
            "actor": "fleetd",
            "via": "engine",
            "state": record.state,
            "created_at": record.created_at,
            "decided_by": record.decided_by,
            "decided_at": record.decided_at,
            "applied_at": record.decided_at if record.state is ProposalState.APPLIED else None,
            "cause_id": record.cause_id,
            "kind": ProposalKind.LOSS,
            "decided_via": record.decided_via,
            "decision": record.decision,
            "expires_at": record.expires_at,
            "ended_at": record.ended_at,
        }
        self.changes.note(ChangedKind.PROPOSAL, record.proposal_id)

    def _held_back(self, record: Damped) -> None:
        key = (record.kind, record.subject, record.cluster, str(record.object_ref or ""))
        named = dict(zip(("kind", "subject", "cluster", "object_ref"), key, strict=True))
        timed = {"pauses": record.pauses, "since": record.since, "until": record.until}
        watched = json_bytes(list(record.watched)).decode()
        self._current[_DAMPED][key] = {
            **named, **timed, "reason": record.reason, "cause_id": record.cause_id, "watched": watched, "mark": record.mark
        }  # fmt: skip
        self.changes.note(ChangedKind.DAMPED, "@".join(key))

    def _goes_on(self, record: DampedGone) -> None:
        key = (record.kind, record.subject, record.cluster, str(record.object_ref or ""))
        self._current[_DAMPED][key] = None
        self.changes.note(ChangedKind.DAMPED, "@".join(key), Operation.REMOVE)

    takes: ClassVar[dict[type, Callable[[Writing, Any], None]]] = {
        said.MemberRecord: _member,
        said.MemberGone: _member_gone,
        said.Heartbeat: _heartbeat,
        said.VerdictRecord: _verdict,
        said.VerdictGone: _verdict_gone,
        said.EventRecord: _event,
        said.MatchRecord: _match,
        said.DestinationRecord: _destination,
        said.DestinationGone: _destination_gone,
        said.GeneratedRecord: _made,
        said.GeneratedGone: _made_gone,
        said.AddonRecord: _addon,
        said.AddonGone: _addon_gone,
        said.InventoryRecord: _object,
        said.InventoryGone: _object_gone,
        said.IncidentRecord: _incident,
        said.JournalRecord: _journal_entry,
        said.DeclaredStatus: _status,
        said.RequestRecord: _request,
        said.HeldLoss: _held_loss,
        Damped: _held_back,
        DampedGone: _goes_on,
    }


_TAKES = Writing.takes
