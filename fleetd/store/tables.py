"""Every table, once; those of the audit stand in `audit_tables`, what is held back in `holding_tables`.

The migrations must arrive at exactly this, on both databases.

A *kept* table carries `valid_from` and `valid_to`: a put closes the version before it in the same transaction, the open
version is the one whose `valid_to` is null, and a partial unique index allows only one for each key.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

metadata = MetaData()


class Moment(TypeDecorator[Any]):
    """A point in time: `timestamptz`, or RFC 3339 text in UTC of fixed width. The drivers convert, see `moments`."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))


_UNACTED = "valid_to IS NULL AND state IN ('pending', 'blocked', 'acting', 'failed')"
_number = BigInteger().with_variant(Integer(), "sqlite")


def _words(*names: str) -> list[Column[Any]]:
    return [Column(name, Text, nullable=False) for name in names]


def _serial(name: str) -> Column[Any]:
    """A number that the database gives; SQLite never gives one twice where the table says `sqlite_autoincrement`."""
    return Column(name, _number, Identity(), primary_key=True)


def _kept() -> list[Column[Any]]:
    return [Column("valid_from", Moment, nullable=False), Column("valid_to", Moment)]


def _open_index(name: str, table: Table, *columns: str, unique: bool = True, where: str = "valid_to IS NULL") -> Index:
    condition = text(where)
    return Index(name, *(table.c[column] for column in columns), unique=unique, sqlite_where=condition, postgresql_where=condition)


# SQLite looks at the row again for the condition of a partial index, unless its columns are in the index.


def _closed_index(table: Table) -> Index:
    """Finds what retention may delete."""
    condition = text("valid_to IS NOT NULL")
    return Index(f"ix_{table.name}_closed", table.c.valid_to, sqlite_where=condition, postgresql_where=condition)


# The database itself.

schema_versions = Table(
    "schema_versions", metadata, Column("version", Text, primary_key=True), Column("applied_at", Moment, nullable=False)
)
counters = Table("counters", metadata, Column("name", Text, primary_key=True), Column("value", _number, nullable=False))
# How many open rows a table has in a state; see `tallies`.
tallies = Table(
    "tallies",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("state", Text, primary_key=True),
    Column("tally", _number, nullable=False),
)
daemon_starts = Table(
    "daemon_starts",
    metadata,
    _serial("epoch"),
    *_words("instance_id"),
    Column("started_at", Moment, nullable=False),
    sqlite_autoincrement=True,
)
changes = Table(
    "changes",
    metadata,
    _serial("seq"),
    Column("at", Moment, nullable=False),
    *_words("object_kind", "ref", "operation"),
    sqlite_autoincrement=True,
)
Index("ix_changes_kind", changes.c.object_kind, changes.c.seq)
Index("ix_changes_at", changes.c.at)
bodies = Table(
    "bodies",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("encrypted", Boolean, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

# What people declared.

declared = Table(
    "declared",
    metadata,
    _serial("row_id"),
    *_words("ref", "kind", "api_group", "api_version", "namespace", "name", "uid"),
    Column("resource_version", _number, nullable=False),
    Column("generation", _number, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("manifest", Text, nullable=False),
    Column("sealed", LargeBinary),
    Column("unsupported", Text, nullable=False),
    *_kept(),
)
_open_index("uq_declared_open", declared, "ref")
_open_index("ix_declared_kind", declared, "api_group", "kind", "namespace", "name", unique=False)
Index("ix_declared_ref", declared.c.ref, declared.c.valid_from)
Index("ix_declared_time", declared.c.valid_from)
_open_index("ix_declared_name", declared, "ref", "name", "kind", "valid_to", unique=False)
_open_index("ix_declared_unsupported", declared, "ref", unique=False, where="valid_to IS NULL AND unsupported <> '[]'")
_closed_index(declared)
declared_states = Table(
    "declared_states",
    metadata,
    Column("ref", Text, primary_key=True),
    *_words("state", "reason"),
    Column("at", Moment, nullable=False),
    # The kind's own status as JSON, empty where there is none to tell.
    Column("status", Text, nullable=False, server_default=""),
)
_open_index("ix_declared_states_unready", declared_states, "ref", unique=False, where="state <> 'ready'")
declared_references = Table(
    "declared_references",
    metadata,
    Column("from_ref", Text, primary_key=True),
    Column("field_path", Text, primary_key=True),
    *_words("to_ref"),
)
Index("ix_declared_references_to", declared_references.c.to_ref)

# The fleet.

members = Table(
    "members",
    metadata,
    _serial("row_id"),
    *_words("cluster", "namespace", "name", "kind", "state", "reason"),
    Column("since", Moment, nullable=False),
    Column("ready", Boolean, nullable=False),
    Column("paused", Boolean, nullable=False),
    *_words("version", "uid", "mode"),
    *_kept(),
)
_open_index("uq_members_open", members, "cluster")
Index("ix_members_cluster", members.c.cluster, members.c.valid_from)
Index("ix_members_time", members.c.valid_from)
_open_index(
    "ix_members_state", members, "state", "cluster", "valid_to", "ready", "paused", "version", "namespace", "kind", "mode", unique=False
)
_closed_index(members)
member_labels = Table(
    "member_labels",
    metadata,
    _serial("row_id"),
    *_words("cluster", "label_key", "label_value", "owner"),
    Column("seen_at", Moment, nullable=False),
    *_kept(),
)
_open_index("uq_member_labels_open", member_labels, "cluster", "label_key")
_open_index("ix_member_labels_pair", member_labels, "label_key", "label_value", "cluster", "valid_to", unique=False)
_closed_index(member_labels)
heartbeats = Table("heartbeats", metadata, Column("cluster", Text, primary_key=True), Column("last_seen_at", Moment, nullable=False))

# Conditions and events.

verdicts = Table(
    "verdicts",
    metadata,
    _serial("row_id"),
    *_words("source", "cluster", "object_ref", "state", "reason", "deciding"),
    Column("since", Moment, nullable=False),
    *_kept(),
)
_open_index("uq_verdicts_open", verdicts, "source", "cluster", "object_ref")
_open_index("ix_verdicts_object", verdicts, "cluster", "object_ref", unique=False)
_closed_index(verdicts)
reports = Table(
    "reports",
    metadata,
    Column("source", Text, primary_key=True),
    Column("cluster", Text, primary_key=True),
    *_words("event_id"),
    Column("revision", _number, nullable=False),
    Column("matching_count", _number, nullable=False),
)
report_objects = Table(
    "report_objects",
    metadata,
    _serial("row_id"),
    *_words("source", "cluster", "object_ref", "api_version", "uid", "digest"),
    Column("body", Text),
    *_kept(),
)
_open_index("uq_report_objects_open", report_objects, "source", "cluster", "object_ref")
_open_index("ix_report_objects_body", report_objects, "body", unique=False, where="body IS NOT NULL")
_closed_index(report_objects)
events = Table(
    "events",
    metadata,
    Column("event_id", Text, primary_key=True),
    *_words("source", "cluster"),
    Column("revision", _number, nullable=False),
    Column("detected_at", Moment, nullable=False),
    Column("matching_count", _number, nullable=False),
    *_words("cause_id"),
)
Index("ix_events_detected", events.c.detected_at, events.c.event_id)
Index("ix_events_cluster", events.c.cluster, events.c.detected_at)
Index("ix_events_source", events.c.source, events.c.detected_at)
Index("ix_events_place", events.c.source, events.c.cluster, events.c.detected_at)
event_objects = Table(
    "event_objects",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("object_ref", Text, primary_key=True),
    *_words("change", "api_version", "uid", "digest"),
)
Index("ix_event_objects_object", event_objects.c.object_ref)

# Matches: the open match of a slot (trigger, cluster, object) has no `valid_to`; a superseded one stays as its `latest` version.

matches = Table(
    "matches",
    metadata,
    _serial("row_id"),
    *_words("match_id", "trigger_name", "source", "event_id", "cluster", "object_ref", "profile", "state", "reason"),
    Column("matched_at", Moment, nullable=False),
    Column("acted_at", Moment),
    *_words("cause_id"),
    Column("latest", Boolean, nullable=False),
    Column("superseded_at", Moment),
    *_kept(),
    # When its event was detected: lists of events by what became of them need no look at the events then.
    Column("detected_at", Moment),
)
_open_index("uq_matches_slot", matches, "trigger_name", "cluster", "object_ref")
_open_index("uq_matches_latest", matches, "match_id", where="latest")
_open_index("ix_matches_time", matches, "matched_at", unique=False, where="latest")
_OF_TRIGGER = ("trigger_name", "matched_at", "latest", "event_id", "detected_at", "cluster")
_open_index("ix_matches_trigger", matches, *_OF_TRIGGER, unique=False, where="latest")
Index("ix_matches_id", matches.c.match_id, matches.c.superseded_at)
Index("ix_matches_event", matches.c.event_id)
_open_index("ix_matches_superseded", matches, "superseded_at", unique=False, where="superseded_at IS NOT NULL")
_open_index("ix_matches_unacted", matches, "trigger_name", "state", "matched_at", "match_id", "valid_to", unique=False, where=_UNACTED)
_open_index("ix_matches_place", matches, "cluster", "trigger_name", "matched_at", "latest", unique=False, where="latest")
_WAITING = ("cluster", "match_id", "state", "valid_to", "event_id", "detected_at")
_open_index("ix_matches_waiting", matches, *_WAITING, unique=False, where=_UNACTED)
_ENDED = "latest AND state IN ('suppressed', 'withdrawn')"
_open_index("ix_matches_ended", matches, "event_id", "state", "latest", unique=False, where=_ENDED)
_closed_index(matches)
destinations = Table(
    "destinations",
    metadata,
    _serial("row_id"),
    *_words("match_id", "cluster", "state", "reason"),
    Column("rendered_at", Moment),
    Column("applied_at", Moment),
    Column("latest", Boolean, nullable=False),
    *_kept(),
    # Of its match, while it waits.
    Column("event_id", Text),
    Column("source_cluster", Text),
    Column("detected_at", Moment),
)
_open_index("uq_destinations_latest", destinations, "match_id", "cluster", where="latest")
_open_index("ix_destinations_unacted", destinations, *_WAITING, "source_cluster", unique=False, where=_UNACTED)
_open_index("ix_destinations_waiting", destinations, "match_id", "cluster", "state", "valid_to", unique=False, where=_UNACTED)
_closed_index(destinations)
generated = Table(
    "generated",
    metadata,
    Column("ref", Text, primary_key=True),
    *_words("body", "digest", "trigger_name", "cluster", "object_ref", "cause_id"),
    Column("at", Moment, nullable=False),
)
Index("ix_generated_body", generated.c.body)

# What stands on the clusters.

addons = Table(
    "addons",
    metadata,
    _serial("row_id"),
    *_words("profile", "cluster", "addon", "kind", "state", "reason"),
    Column("attempts", _number, nullable=False),
    *_words("wanted_digest"),
    Column("at", Moment, nullable=False),
    Column("applied_at", Moment),
    Column("next_attempt_at", Moment),
    *_words("cause_id"),
    *_kept(),
)
_open_index("uq_addons_open", addons, "profile", "cluster", "addon")
_open_index("ix_addons_state", addons, "cluster", "state", unique=False)
_open_index("ix_addons_by_state", addons, "state", "profile", "cluster", "addon", "valid_to", unique=False)
Index("ix_addons_history", addons.c.profile, addons.c.cluster, addons.c.addon, addons.c.valid_from)
_closed_index(addons)
inventory = Table(
    "inventory",
    metadata,
    Column("cluster", Text, primary_key=True),
    Column("object_ref", Text, primary_key=True),
    *_words("object_kind", "api_group", "api_version", "namespace", "name", "profile", "addon"),
    Column("applied_at", Moment, nullable=False),
    *_words("wanted_digest", "live_digest", "fields", "uid", "resource_version"),
    Column("epoch", _number, nullable=False),
    *_words("cause_id"),
)
Index("ix_inventory_profile", inventory.c.profile, inventory.c.cluster)
Index("ix_inventory_object", inventory.c.object_ref)
incidents = Table(
    "incidents",
    metadata,
    _serial("row_id"),
    *_words("incident_id", "cluster", "object_ref", "profile", "changed_by"),
    Column("detected_at", Moment, nullable=False),
    Column("corrected_at", Moment),
    *_words("outcome"),
    Column("flap_count", _number, nullable=False),
    *_words("cause_id"),
    *_kept(),
)
_open_index("uq_incidents_open", incidents, "incident_id")
_open_index("ix_incidents_detected", incidents, "detected_at", unique=False)
_open_index("ix_incidents_cluster", incidents, "cluster", "outcome", unique=False)
_open_index("ix_incidents_outcome", incidents, "outcome", "detected_at", unique=False)
_open_index("ix_incidents_profile", incidents, "profile", "detected_at", unique=False)
_open_index("ix_incidents_object", incidents, "object_ref", "detected_at", unique=False)
_open_index("ix_incidents_flapping", incidents, "detected_at", unique=False, where="valid_to IS NULL AND flap_count > 0")
_closed_index(incidents)
incident_fields = Table(
    "incident_fields",
    metadata,
    Column("incident_id", Text, primary_key=True),
    Column("field_path", Text, primary_key=True),
    *_words("wanted", "found"),
)

# Decisions, and what is asked.

journal = Table(
    "journal",
    metadata,
    _serial("entry_id"),
    Column("at", Moment, nullable=False),
    *_words("stage", "subject", "cluster", "decision", "reason", "cause_id"),
    sqlite_autoincrement=True,
)
Index("ix_journal_at", journal.c.at)
Index("ix_journal_subject", journal.c.subject, journal.c.entry_id)
_open_index("ix_journal_applied", journal, "cluster", "at", unique=False, where="stage IN ('apply', 'withdraw')")
_open_index("ix_journal_applied_at", journal, "at", "cluster", unique=False, where="stage IN ('apply', 'withdraw')")
Index("ix_journal_cause", journal.c.cause_id, journal.c.entry_id)
requests = Table(
    "requests",
    metadata,
    Column("request_id", Text, primary_key=True),
    *_words("verb", "subject", "actor", "via", "reason", "state"),
    Column("created_at", Moment, nullable=False),
    Column("decided_at", Moment),
    *_words("outcome"),
)
Index("ix_requests_created", requests.c.created_at)
Index("ix_requests_subject", requests.c.subject, requests.c.created_at)
_open_index("ix_requests_waiting", requests, "created_at", unique=False, where="state = 'waiting'")
