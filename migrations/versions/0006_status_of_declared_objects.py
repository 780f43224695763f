"""What a kind says of its objects in its own words, such as the clusters that a ClusterSet has."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("declared_states", sa.Column("status", sa.Text(), nullable=False, server_default=""))
