"""What waits and what a trigger met, with event and age beside it, so that lists read an index only; what was applied lately."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UNACTED = "valid_to IS NULL AND state IN ('pending', 'blocked', 'acting', 'failed')"
APPLIED = "stage IN ('apply', 'withdraw')"
WAITING = ["cluster", "match_id", "state", "valid_to", "event_id", "detected_at"]
OF_TRIGGER = ["trigger_name", "matched_at", "latest", "event_id", "detected_at", "cluster"]
INDEXES = (
    ("ix_matches_trigger", "matches", OF_TRIGGER, "latest"),
    ("ix_matches_waiting", "matches", WAITING, UNACTED),
    ("ix_destinations_unacted", "destinations", [*WAITING, "source_cluster"], UNACTED),
    ("ix_journal_applied_at", "journal", ["at", "cluster"], APPLIED),
)
OF_MATCH = "(SELECT m.{column} FROM matches m WHERE m.match_id = destinations.match_id AND m.latest)"
FILL = (
    "UPDATE matches SET detected_at = COALESCE((SELECT e.detected_at FROM events e WHERE e.event_id = matches.event_id), matched_at)",
    f"UPDATE destinations SET event_id = {OF_MATCH.format(column='event_id')}, source_cluster = {OF_MATCH.format(column='cluster')},"
    f" detected_at = {OF_MATCH.format(column='detected_at')} WHERE {UNACTED}",
)


def moment() -> sa.types.TypeEngine[Any]:
    return sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.add_column("matches", sa.Column("detected_at", moment()))
    op.add_column("destinations", sa.Column("event_id", sa.Text()))
    op.add_column("destinations", sa.Column("source_cluster", sa.Text()))
    op.add_column("destinations", sa.Column("detected_at", moment()))
    for statement in FILL:
        op.execute(statement)
    op.drop_index("ix_matches_trigger", "matches")
    op.drop_index("ix_matches_waiting", "matches")
    op.drop_index("ix_destinations_unacted", "destinations")
    for name, table, columns, condition in INDEXES:
        where = sa.text(condition)
        op.create_index(name, table, columns, unique=False, sqlite_where=where, postgresql_where=where)
