"""The audit with its chains, and answers about live objects."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SQLITE = (
    """CREATE TRIGGER audit_not_changed BEFORE UPDATE ON audit
       BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END""",
    """CREATE TRIGGER audit_not_removed BEFORE DELETE ON audit
       WHEN NOT EXISTS (SELECT 1 FROM audit_floors f WHERE f.writer = OLD.writer AND f.position >= OLD.position)
       BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END""",
)
POSTGRES = (
    """CREATE FUNCTION fleetd_audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF TG_OP = 'DELETE' AND EXISTS (SELECT 1 FROM audit_floors f WHERE f.writer = OLD.writer AND f.position >= OLD.position) THEN
           RETURN OLD;
         END IF;
         RAISE EXCEPTION 'the audit is append-only' USING ERRCODE = 'insufficient_privilege';
       END $$""",
    "CREATE TRIGGER audit_not_changed BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION fleetd_audit_append_only()",
    "CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION fleetd_audit_append_only()",
    """CREATE FUNCTION fleetd_inspect(id text, subject text, actor text, via text) RETURNS void
       LANGUAGE plpgsql SECURITY DEFINER AS $$
       BEGIN
         PERFORM pg_advisory_xact_lock(7233741001);
         INSERT INTO requests (request_id, verb, subject, actor, via, reason, state, created_at, outcome)
           VALUES (id, 'inspect', subject, actor, via, '', 'waiting', now(), '');
         INSERT INTO changes (at, object_kind, ref, operation) VALUES (clock_timestamp(), 'request', id, 'put');
         PERFORM pg_notify('fleetd_changes', '');
       END $$""",
    "REVOKE ALL ON FUNCTION fleetd_inspect(text, text, text, text) FROM PUBLIC",
    # Who owns it decides what its names mean, never who calls it.
    """DO $$ BEGIN
         EXECUTE format('ALTER FUNCTION fleetd_inspect(text, text, text, text) SET search_path = %I, pg_temp', current_schema());
       END $$""",
)


def _moment() -> sa.types.TypeEngine:
    return sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def _number() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", _number(), sa.Identity(always=False), nullable=False),
        sa.Column("at", _moment(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("arguments_digest", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("result_size", _number(), nullable=True),
        sa.Column("ms", _number(), nullable=True),
        sa.Column("writer", sa.Text(), nullable=False),
        sa.Column("position", _number(), nullable=False),
        sa.Column("chain_hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_audit_position", "audit", ["writer", "position"], unique=True)
    op.create_index("ix_audit_at", "audit", ["at"], unique=False)
    op.create_table(
        "audit_floors",
        sa.Column("writer", sa.Text(), nullable=False),
        sa.Column("seq", _number(), nullable=False),
        sa.Column("position", _number(), nullable=False),
        sa.Column("chain_hash", sa.Text(), nullable=False),
        sa.Column("at", _moment(), nullable=False),
        sa.PrimaryKeyConstraint("writer"),
    )
    op.create_table(
        "inspections",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("at", _moment(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("request_id"),
    )
    op.create_index("ix_inspections_at", "inspections", ["at"], unique=False)
    for statement in SQLITE if op.get_context().dialect.name == "sqlite" else POSTGRES:
        op.execute(statement)
