"""Which revision of the schema this program speaks."""

from __future__ import annotations

from fleetd.domain.errors import InvalidInput

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""Every revision in order; a test holds it against the migrations. Kept here so that opening a database loads no Alembic."""

HEAD = REVISIONS[-1]


def upgrade_is_due(found: str | None, place: str) -> bool:
    """Whether the database is older than the program; `found` is None where there is no schema.

    Raises:
        InvalidInput: it is newer.
    """
    if found is None or found in REVISIONS[:-1]:
        return True
    if found == HEAD:
        return False
    raise InvalidInput(f"{place} was written by a newer fleetd (schema {found}, this one knows {HEAD}): use that version, or a backup")
