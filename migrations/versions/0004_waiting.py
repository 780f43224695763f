"""An index for the events that wait where they happened; the views are made anew with each upgrade."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UNACTED = "valid_to IS NULL AND state IN ('pending', 'blocked', 'acting', 'failed')"


def upgrade() -> None:
    where = sa.text(UNACTED)
    columns = ["cluster", "match_id", "state", "valid_to"]
    op.create_index("ix_matches_waiting", "matches", columns, unique=False, sqlite_where=where, postgresql_where=where)
