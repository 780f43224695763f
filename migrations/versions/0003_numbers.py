"""Numbers that are kept, and indexes for the questions of faces on a large fleet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OPEN = "valid_to IS NULL"
UNACTED = "valid_to IS NULL AND state IN ('pending', 'blocked', 'acting', 'failed')"
INDEXES = (
    ("ix_declared_time", "declared", ["valid_from"], None),
    ("ix_declared_name", "declared", ["ref", "name", "kind", "valid_to"], OPEN),
    ("ix_declared_unsupported", "declared", ["ref"], "valid_to IS NULL AND unsupported <> '[]'"),
    ("ix_declared_states_unready", "declared_states", ["ref"], "state <> 'ready'"),
    ("ix_member_labels_pair", "member_labels", ["label_key", "label_value", "cluster", "valid_to"], OPEN),
    ("ix_members_time", "members", ["valid_from"], None),
    ("ix_members_state", "members", ["state", "cluster", "valid_to", "ready", "paused", "version", "namespace", "kind", "mode"], OPEN),
    ("ix_events_detected", "events", ["detected_at", "event_id"], None),
    ("ix_events_place", "events", ["source", "cluster", "detected_at"], None),
    ("ix_matches_unacted", "matches", ["trigger_name", "state", "matched_at", "match_id", "valid_to"], UNACTED),
    ("ix_matches_place", "matches", ["cluster", "trigger_name", "matched_at", "latest"], "latest"),
    ("ix_matches_ended", "matches", ["event_id", "state", "latest"], "latest AND state IN ('suppressed', 'withdrawn')"),
    ("ix_destinations_unacted", "destinations", ["cluster", "match_id", "state", "valid_to"], UNACTED),
    ("ix_destinations_waiting", "destinations", ["match_id", "cluster", "state", "valid_to"], UNACTED),
    ("ix_addons_by_state", "addons", ["state", "profile", "cluster", "addon", "valid_to"], OPEN),
    ("ix_journal_applied", "journal", ["cluster", "at"], "stage IN ('apply', 'withdraw')"),
    ("ix_requests_created", "requests", ["created_at"], None),
    ("ix_requests_subject", "requests", ["subject", "created_at"], None),
    ("ix_incidents_outcome", "incidents", ["outcome", "detected_at"], OPEN),
    ("ix_incidents_profile", "incidents", ["profile", "detected_at"], OPEN),
    ("ix_incidents_object", "incidents", ["object_ref", "detected_at"], OPEN),
    ("ix_incidents_flapping", "incidents", ["detected_at"], "valid_to IS NULL AND flap_count > 0"),
)
RENEWED = (
    ("ix_matches_unacted", "matches"),
    ("ix_member_labels_pair", "member_labels"),
    ("ix_events_detected", "events"),
    ("ix_destinations_unacted", "destinations"),
)
COUNTED = (("members", "state"), ("addons", "state"), ("incidents", "outcome"), ("destinations", "state"))


def upgrade() -> None:
    op.create_table(
        "tallies",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tally", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("subject", "state"),
    )
    for name, table in RENEWED:
        op.drop_index(name, table)
    for name, table, columns, condition in INDEXES:
        where = None if condition is None else sa.text(condition)
        op.create_index(name, table, columns, unique=False, sqlite_where=where, postgresql_where=where)
    for table, state in COUNTED:
        op.execute(
            f"INSERT INTO tallies (subject, state, tally) SELECT '{table}', {state}, COUNT(*) FROM {table}"
            f" WHERE valid_to IS NULL GROUP BY {state}"
        )
