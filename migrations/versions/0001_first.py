"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _moment() -> sa.types.TypeEngine:
    return sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def _number() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "addons",
        sa.Column("row_id", _number(), sa.Identity(always=False), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("addon", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", _number(), nullable=False),
        sa.Column("wanted_digest", sa.Text(), nullable=False),
        sa.Column("at", _moment(), nullable=False),
        sa.Column("applied_at", _moment(), nullable=True),
        sa.Column("next_attempt_at", _moment(), nullable=True),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.Column("valid_from", _moment(), nullable=False),
        sa.Column("valid_to", _moment(), nullable=True),
        sa.PrimaryKeyConstraint("row_id"),
    )
    op.create_index(
        "ix_addons_closed",
        "addons",
        ["valid_to"],
        unique=False,
        sqlite_where=sa.text("valid_to IS NOT NULL"),
        postgresql_where=sa.text("valid_to IS NOT NULL"),
    )
    op.create_index("ix_addons_history", "addons", ["profile", "cluster", "addon", "valid_from"], unique=False)
    op.create_index(
        "ix_addons_state",
        "addons",
        ["cluster", "state"],
        unique=False,
        sqlite_where=sa.text("valid_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_index(
        "uq_addons_open",
        "addons",
        ["profile", "cluster", "addon"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_table(
        "bodies",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("encrypted", sa.Boolean(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "changes",
        sa.Column("seq", _number(), sa.Identity(always=False), nullable=False),
        sa.Column("at", _moment(), nullable=False),
        sa.Column("object_kind", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_changes_at", "changes", ["at"], unique=False)
    op.create_index("ix_changes_kind", "changes", ["object_kind", "seq"], unique=False)
    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", _number(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "daemon_starts",
        sa.Column("epoch", _number(), sa.Identity(always=False), nullable=False),
        sa.Column("instance_id", sa.Text(), nullable=False),
        sa.Column("started_at", _moment(), nullable=False),
        sa.PrimaryKeyConstraint("epoch"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "declared",
        sa.Column("row_id", _number(), sa.Identity(always=False), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("api_group", sa.Text(), nullable=False),
        sa.Column("api_version", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("resource_version", _number(), nullable=False),
        sa.Column("generation", _number(), nullable=False),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("updated_at", _moment(), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("unsupported", sa.Text(), nullable=False),
        sa.Column("valid_from", _moment(), nullable=False),
        sa.Column("valid_to", _moment(), nullable=True),
        sa.PrimaryKeyConstraint("row_id"),
    )
    op.create_index(
        "ix_declared_closed",
        "declared",
        ["valid_to"],
        unique=False,
        sqlite_where=sa.text("valid_to IS NOT NULL"),
        postgresql_where=sa.text("valid_to IS NOT NULL"),
    )
    op.create_index(
        "ix_declared_kind",
        "declared",
        ["api_group", "kind", "namespace", "name"],
        unique=False,
        sqlite_where=sa.text("valid_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_index("ix_declared_ref", "declared", ["ref", "valid_from"], unique=False)
    op.create_index(
        "uq_declared_open",
        "declared",
        ["ref"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_table(
        "declared_references",
        sa.Column("from_ref", sa.Text(), nullable=False),
        sa.Column("field_path", sa.Text(), nullable=False),
        sa.Column("to_ref", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("from_ref", "field_path"),
    )
    op.create_index("ix_declared_references_to", "declared_references", ["to_ref"], unique=False)
    op.create_table(
        "declared_states",
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", _moment(), nullable=False),
        sa.PrimaryKeyConstraint("ref"),
    )
    op.create_table(
        "destinations",
        sa.Column("row_id", _number(), sa.Identity(always=False), nullable=False),
        sa.Column("match_id", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("rendered_at", _moment(), nullable=True),
        sa.Column("applied_at", _moment(), nullable=True),
        sa.Column("latest", sa.Boolean(), nullable=False),
        sa.Column("valid_from", _moment(), nullable=False),
        sa.Column("valid_to", _moment(), nullable=True),
        sa.PrimaryKeyConstraint("row_id"),
    )
    op.create_index(
        "ix_destinations_closed",
        "destinations",
        ["valid_to"],
        unique=False,
        sqlite_where=sa.text("valid_to IS NOT NULL"),
        postgresql_where=sa.text("valid_to IS NOT NULL"),
    )
    op.create_index(
        "ix_destinations_unacted",
        "destinations",
        ["cluster", "match_id"],
        unique=False,
        sqlite_where=sa.text("valid_to IS NULL AND state IN ('pending', 'blocked', 'acting', 'failed')"),
        postgresql_where=sa.text("valid_to IS NULL AND state IN ('pending', 'blocked', 'acting', 'failed')"),
    )
    op.create_index(
        "uq_destinations_latest",
        "destinations",
        ["match_id", "cluster"],
        unique=True,
        sqlite_where=sa.text("latest"),
        postgresql_where=sa.text("latest"),
    )
    op.create_table(
        "event_objects",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("object_ref", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("api_version", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "object_ref"),
    )
    op.create_index("ix_event_objects_object", "event_objects", ["object_ref"], unique=False)
    op.create_table(
        "events",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("revision", _number(), nullable=False),
        sa.Column("detected_at", _moment(), nullable=False),
        sa.Column("matching_count", _number(), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event_id"),
    )
    op.create_index("ix_events_cluster", "events", ["cluster", "detected_at"], unique=False)
    op.create_index("ix_events_detected", "events", ["detected_at"], unique=False)
    op.create_index("ix_events_source", "events", ["source", "detected_at"], unique=False)
    op.create_table(
        "generated",
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("trigger_name", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("object_ref", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.Column("at", _moment(), nullable=False),
        sa.PrimaryKeyConstraint("ref"),
    )
    op.create_index("ix_generated_body", "generated", ["body"], unique=False)
    op.create_table(
        "heartbeats",
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("last_seen_at", _moment(), nullable=False),
        sa.PrimaryKeyConstraint("cluster"),
    )
    op.create_table(
        "incident_fields",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("field_path", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "field_path"),
    )
    op.create_table(
        "incidents",
        sa.Column("row_id", _number(), sa.Identity(always=False), nullable=False),
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("object_ref", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("detected_at", _moment(), nullable=False),
        sa.Column("corrected_at", _moment(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("flap_count", _number(), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.Column("valid_from", _moment(), nullable=False),
        sa.Column("valid_to", _moment(), nullable=True),
        sa.PrimaryKeyConstraint("row_id"),
    )
    op.create_index(
        "ix_incidents_closed",
        "incidents",
        ["valid_to"],
        unique=False,
        sqlite_where=sa.text("valid_to IS NOT NULL"),
        postgresql_where=sa.text("valid_to IS NOT NULL"),
    )
    op.create_index(
        "ix_incidents_cluster",
        "incidents",
        ["cluster", "outcome"],
        unique=False,
        sqlite_where=sa.text("valid_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_index(
        "ix_incidents_detected",
        "incidents",
        ["detected_at"],
        unique=False,
        sqlite_where=sa.text("valid_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_index(
        "uq_incidents_open",
        "incidents",
        ["incident_id"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_table(
        "inventory",
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("object_ref", sa.Text(), nullable=False),
        sa.Column("object_kind", sa.Text(), nullable=False),
        sa.Column("api_group", sa.Text(), nullable=False),
        sa.Column("api_version", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("addon", sa.Text(), nullable=False),
        sa.Column("applied_at", _moment(), nullable=False),
        sa.Column("wanted_digest", sa.Text(), nullable=False),
        sa.Column("live_digest", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("resource_version", sa.Text(), nullable=False),
        sa.Column("epoch", _number(), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("cluster", "object_ref"),
    )
    op.create_index("ix_inventory_object", "inventory", ["object_ref"], unique=False)
    op.create_index("ix_inventory_profile", "inventory", ["profile", "cluster"], unique=False)
    op.create_table(
        "journal",
        sa.Column("entry_id", _number(), sa.Identity(always=False), nullable=False),
        sa.Column("at", _moment(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_journal_at", "journal", ["at"], unique=False)
    op.create_index("ix_journal_cause", "journal", ["cause_id", "entry_id"], unique=False)
    op.create_index("ix_journal_subject", "journal", ["subject", "entry_id"], unique=False)
    op.create_table(
        "matches",
        sa.Column("row_id", _number(), sa.Identity(always=False), nullable=False),
        sa.Column("match_id", sa.Text(), nullable=False),
        sa.Column("trigger_name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("object_ref", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("matched_at", _moment(), nullable=False),
        sa.Column("acted_at", _moment(), nullable=True),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.Column("latest", sa.Boolean(), nullable=False),
        sa.Column("superseded_at", _moment(), nullable=True),
        sa.Column("valid_from", _moment(), nullable=False),
        sa.Column("valid_to", _moment(), nullable=True),
        sa.PrimaryKeyConstraint("row_id"),
    )
    op.create_index(
        "ix_matches_closed",
        "matches",
        ["valid_to"],
        unique=False,
        sqlite_where=sa.text("valid_to IS NOT NULL"),
        postgresql_where=sa.text("valid_to IS NOT NULL"),
    )
    op.create_index("ix_matches_event", "matches", ["event_id"], unique=False)
    op.create_index("ix_matches_id", "matches", ["match_id", "superseded_at"], unique=False)
    op.create_index(
        "ix_matches_superseded",
        "matches",
        ["superseded_at"],
        unique=False,
        sqlite_where=sa.text("superseded_at IS NOT NULL"),
        postgresql_where=sa.text("superseded_at IS NOT NULL"),
    )
    op.create_index(
        "ix_matches_time", "matches", ["matched_at"], unique=False, sqlite_where=sa.text("latest"), postgresql_where=sa.text("latest")
    )
    op.create_index(
        "ix_matches_trigger",
        "matches",
        ["trigger_name", "matched_at"],
        unique=False,
        sqlite_where=sa.text("latest"),
        postgresql_where=sa.text("latest"),
    )
    op.create_index(
        "ix_matches_unacted",
        "matches",
        ["match_id"],
        unique=False,
        sqlite_where=sa.text("valid_to IS NULL AND state IN ('pending', 'blocked', 'acting', 'failed')"),
        postgresql_where=sa.text("valid_to IS NULL AND state IN ('pending', 'blocked', 'acting', 'failed')"),
    )
    op.create_index(
        "uq_matches_latest", "matches", ["match_id"], unique=True, sqlite_where=sa.text("latest"), postgresql_where=sa.text("latest")
    )
    op.create_index(
        "uq_matches_slot",
        "matches",
        ["trigger_name", "cluster", "object_ref"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_table(
        "member_labels",
        sa.Column("row_id", _number(), sa.Identity(always=False), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("label_key", sa.Text(), nullable=False),
        sa.Column("label_value", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("seen_at", _moment(), nullable=False),
        sa.Column("valid_from", _moment(), nullable=False),
        sa.Column("valid_to", _moment(), nullable=True),
        sa.PrimaryKeyConstraint("row_id"),
    )
    op.create_index(
        "ix_member_labels_closed",
        "member_labels",
        ["valid_to"],
        unique=False,
        sqlite_where=sa.text("valid_to IS NOT NULL"),
        postgresql_where=sa.text("valid_to IS NOT NULL"),
    )
    op.create_index(
        "ix_member_labels_pair",
        "member_labels",
        ["label_key", "label_value"],
        unique=False,
        sqlite_where=sa.text("valid_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_index(
        "uq_member_labels_open",
        "member_labels",
        ["cluster", "label_key"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_table(
        "members",
        sa.Column("row_id", _number(), sa.Identity(always=False), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", _moment(), nullable=False),
        sa.Column("ready", sa.Boolean(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("valid_from", _moment(), nullable=False),
        sa.Column("valid_to", _moment(), nullable=True),
        sa.PrimaryKeyConstraint("row_id"),
    )
    op.create_index(
        "ix_members_closed",
        "members",
        ["valid_to"],
        unique=False,
        sqlite_where=sa.text("valid_to IS NOT NULL"),
        postgresql_where=sa.text("valid_to IS NOT NULL"),
    )
    op.create_index("ix_members_cluster", "members", ["cluster", "valid_from"], unique=False)
    op.create_index(
        "uq_members_open",
        "members",
        ["cluster"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_table(
        "proposals",
        sa.Column("proposal_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("lost", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", _moment(), nullable=True),
        sa.Column("applied_at", _moment(), nullable=True),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("proposal_id"),
    )
    op.create_table(
        "report_objects",
        sa.Column("row_id", _number(), sa.Identity(always=False), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("object_ref", sa.Text(), nullable=False),
        sa.Column("api_version", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("valid_from", _moment(), nullable=False),
        sa.Column("valid_to", _moment(), nullable=True),
        sa.PrimaryKeyConstraint("row_id"),
    )
    op.create_index(
        "ix_report_objects_body",
        "report_objects",
        ["body"],
        unique=False,
        sqlite_where=sa.text("body IS NOT NULL"),
        postgresql_where=sa.text("body IS NOT NULL"),
    )
    op.create_index(
        "ix_report_objects_closed",
        "report_objects",
        ["valid_to"],
        unique=False,
        sqlite_where=sa.text("valid_to IS NOT NULL"),
        postgresql_where=sa.text("valid_to IS NOT NULL"),
    )
    op.create_index(
        "uq_report_objects_open",
        "report_objects",
        ["source", "cluster", "object_ref"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_table(
        "reports",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("revision", _number(), nullable=False),
        sa.Column("matching_count", _number(), nullable=False),
        sa.PrimaryKeyConstraint("source", "cluster"),
    )
    op.create_table(
        "requests",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("decided_at", _moment(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("request_id"),
    )
    op.create_index(
        "ix_requests_waiting",
        "requests",
        ["created_at"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "schema_versions",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("applied_at", _moment(), nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_table(
        "verdicts",
        sa.Column("row_id", _number(), sa.Identity(always=False), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("object_ref", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("deciding", sa.Text(), nullable=False),
        sa.Column("since", _moment(), nullable=False),
        sa.Column("valid_from", _moment(), nullable=False),
        sa.Column("valid_to", _moment(), nullable=True),
        sa.PrimaryKeyConstraint("row_id"),
    )
    op.create_index(
        "ix_verdicts_closed",
        "verdicts",
        ["valid_to"],
        unique=False,
        sqlite_where=sa.text("valid_to IS NOT NULL"),
        postgresql_where=sa.text("valid_to IS NOT NULL"),
    )
    op.create_index(
        "ix_verdicts_object",
        "verdicts",
        ["cluster", "object_ref"],
        unique=False,
        sqlite_where=sa.text("valid_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_index(
        "uq_verdicts_open",
        "verdicts",
        ["source", "cluster", "object_ref"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.bulk_insert(sa.table("counters", sa.column("name"), sa.column("value")), [{"name": "resource_version", "value": 0}])
    if op.get_context().dialect.name == "postgresql":
        # The content comes compressed; compressing it again costs three times the write.
        op.execute("ALTER TABLE bodies ALTER COLUMN content SET STORAGE EXTERNAL")
