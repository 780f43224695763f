"""Runs the migrations on the connection that `fleetd.store.migrate` gives, inside its one transaction."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from alembic import context
from sqlalchemy import insert

from fleetd.store.tables import metadata, schema_versions


def _note(ctx: Any, step: Any, **_: Any) -> None:
    """Writes down when a revision was applied, for `fleet_schema`."""
    at = datetime.now(UTC)
    value: Any = at.isoformat(timespec="microseconds")[:-6] + "Z" if ctx.connection.dialect.name == "sqlite" else at
    ctx.connection.execute(insert(schema_versions).values(version=step.up_revision_id, applied_at=value))


context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, on_version_apply=_note)
context.run_migrations()
