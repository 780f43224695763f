"""Who decided a proposal and why, when it expires and when it is over; and what is held back for a while."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _moment() -> sa.types.TypeEngine[object]:
    return sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.add_column("proposals", sa.Column("kind", sa.Text(), nullable=False, server_default="loss"))
    op.add_column("proposals", sa.Column("decided_via", sa.Text(), nullable=False, server_default=""))
    op.add_column("proposals", sa.Column("decision", sa.Text(), nullable=False, server_default=""))
    op.add_column("proposals", sa.Column("expires_at", _moment(), nullable=True))
    op.add_column("proposals", sa.Column("ended_at", _moment(), nullable=True))
    op.create_table(
        "damped",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("object_ref", sa.Text(), nullable=False),
        sa.Column("pauses", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("since", _moment(), nullable=False),
        sa.Column("until", _moment(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.Column("watched", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", "cluster", "object_ref"),
    )
