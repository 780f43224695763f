"""Entries of the audit inside the commit of what they are about, in one chain for all who hold the whole database."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import datetime

from sqlalchemy import select

from fleetd.domain.audit import AuditEntry
from fleetd.store.audit_tables import audit, audit_floors
from fleetd.store.chain import Link, linked
from fleetd.store.gather import insert_all, key_is
from fleetd.store.steps import Ask, Fetch, Many, Row

WRITER = "fleetd"
"""Writing transactions come one after the other, so one chain serves them all, and a process that dies breaks none."""

_audit, _floors = audit, audit_floors
_END = select(_audit.c.position, _audit.c.chain_hash).where(key_is(_audit, "writer")).order_by(_audit.c.position.desc()).limit(1)
_FLOOR = select(_floors.c.position, _floors.c.chain_hash).where(key_is(_floors, "writer"))
_INSERT = insert_all(_audit, "seq")


def audited(entries: Sequence[AuditEntry], at: datetime) -> Generator[Ask, Sequence[Row], None]:
    """Appends the entries to the chain."""
    if not entries:
        return
    key = {"k_writer": WRITER}
    found = (yield Fetch(_END, key)) or (yield Fetch(_FLOOR, key))
    end = Link(WRITER, found[0]["position"], found[0]["chain_hash"]) if found else Link(WRITER)
    rows = []
    for entry in entries:
        row, end = linked(end, entry, at)
        rows.append({**row, "at": at})
    yield Many(_INSERT, rows)
