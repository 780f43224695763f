"""The tables of the audit, and of what clusters answered: beside those of `tables`, in the same metadata."""

from __future__ import annotations

from typing import Any

from sqlalchemy import DDL, BigInteger, Column, Identity, Index, Integer, Table, Text, event

from fleetd.store.tables import Moment, metadata

_number = BigInteger().with_variant(Integer(), "sqlite")


def _words(*names: str) -> list[Column[Any]]:
    return [Column(name, Text, nullable=False) for name in names]


audit = Table(
    "audit",
    metadata,
    Column("seq", _number, Identity(), primary_key=True),
    Column("at", Moment, nullable=False),
    *_words("principal", "via", "client", "action", "subject", "outcome", "arguments_digest", "reference"),
    Column("result_size", _number),
    Column("ms", _number),
    *_words("writer"),
    Column("position", _number, nullable=False),
    *_words("chain_hash"),
    sqlite_autoincrement=True,
)
Index("uq_audit_position", audit.c.writer, audit.c.position, unique=True)
Index("ix_audit_at", audit.c.at)
audit_floors = Table(
    "audit_floors",
    metadata,
    Column("writer", Text, primary_key=True),
    Column("seq", _number, nullable=False),
    Column("position", _number, nullable=False),
    *_words("chain_hash"),
    Column("at", Moment, nullable=False),
)
inspections = Table(
    "inspections",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("at", Moment, nullable=False),
    *_words("answer"),
)
Index("ix_inspections_at", inspections.c.at)

_APPEND_ONLY = "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
_FORGOTTEN = "SELECT 1 FROM audit_floors f WHERE f.writer = OLD.writer AND f.position >= OLD.position"
for _guard in (
    f"CREATE TRIGGER audit_not_changed BEFORE UPDATE ON audit {_APPEND_ONLY}",
    f"CREATE TRIGGER audit_not_removed BEFORE DELETE ON audit WHEN NOT EXISTS ({_FORGOTTEN}) {_APPEND_ONLY}",
):
    # The triggers of Postgres stand in the migration alone.
    event.listen(audit, "after_create", DDL(_guard).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]
