"""The generic part of writing: versions of kept rows, and the one list of changes that a transaction leaves."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Table, and_, bindparam, delete, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.sql import ClauseElement

from fleetd.domain.audit import AuditEntry
from fleetd.store import tables
from fleetd.store.steps import Ask, Many, Row


class ChangedKind(StrEnum):
    """What a row of `fleet_changes` speaks of (`object_kind`)."""

    DECLARED = "declared"
    STATUS = "status"
    CLUSTER = "cluster"
    VERDICT = "verdict"
    EVENT = "event"
    MATCH = "match"
    DESTINATION = "destination"
    GENERATED = "generated"
    ADDON = "addon"
    OBJECT = "object"
    INCIDENT = "incident"
    REQUEST = "request"
    PROPOSAL = "proposal"
    DAMPED = "damped"


class Operation(StrEnum):
    """What became of it."""

    PUT = "put"
    REMOVE = "remove"


@dataclass(slots=True)
class Changes:
    """What a transaction changed; the last word on an object is the one that is kept."""

    at: datetime
    seen: dict[tuple[str, str], str] = field(default_factory=dict)
    decided: list[AuditEntry] = field(default_factory=list)

    def note(self, kind: ChangedKind, ref: str, operation: Operation = Operation.PUT) -> None:
        self.seen.pop((kind, ref), None)
        self.seen[kind, ref] = operation

    def steps(self) -> Generator[Ask, Sequence[Row], None]:
        if self.seen:
            yield Many(_INSERT_CHANGE, [{"at": self.at, "object_kind": k, "ref": r, "operation": o} for (k, r), o in self.seen.items()])


def insert_all(table: Table, *left_out: str) -> Insert:
    """Inserts every column but the ones left out, each from the parameter of its name.

    Postgres' `Insert` serves both databases: they write `ON CONFLICT` in the same words.
    """
    given = {column.name: bindparam(column.name, type_=column.type) for column in table.c if column.name not in left_out}
    return insert(table).values(given).inline()


_INSERT_CHANGE = insert_all(tables.changes, "seq")


def key_is(table: Table, *columns: str) -> Any:
    """The columns equal the parameters `k_<column>`."""
    return and_(*(table.c[column] == bindparam(f"k_{column}", type_=table.c[column].type) for column in columns))


class Versions:
    """The versions of one kept table, collected over a transaction: of several puts on one key the last one counts."""

    def __init__(self, table: Table, *key: str) -> None:
        self.table = table
        self.key = key
        self.close: ClauseElement = (
            update(table).where(key_is(table, *key), table.c.valid_to.is_(None)).values(valid_to=bindparam("at", type_=tables.Moment()))
        )
        self.insert: ClauseElement = insert_all(table, "row_id")

    def steps(self, rows: dict[tuple[str, ...], Row | None], at: datetime) -> Generator[Ask, Sequence[Row], None]:
        """Closes the open version of each key and opens the new one, where there is one."""
        if not rows:
            return
        names = tuple(f"k_{column}" for column in self.key)
        yield Many(self.close, [{**dict(zip(names, key, strict=True)), "at": at} for key in rows])
        wanted = [{**row, "valid_from": at, "valid_to": None} for row in rows.values() if row is not None]
        if wanted:
            yield Many(self.insert, wanted)


class Current:
    """The rows of a table without versions: one for each key, put over the one before it."""

    def __init__(self, table: Table, *key: str, update_only: tuple[str, ...] = ()) -> None:
        self.key = key
        plain = insert_all(table)
        names = update_only or tuple(column.name for column in table.c if column.name not in key)
        self.put: ClauseElement = plain.on_conflict_do_update(index_elements=key, set_={name: plain.excluded[name] for name in names})
        self.remove: ClauseElement = delete(table).where(key_is(table, *key))

    def steps(self, rows: dict[tuple[str, ...], Row | None]) -> Generator[Ask, Sequence[Row], None]:
        """Puts the rows, and removes those keys that have none."""
        names = tuple(f"k_{column}" for column in self.key)
        gone = [dict(zip(names, key, strict=True)) for key, row in rows.items() if row is None]
        put = [row for row in rows.values() if row is not None]
        if gone:
            yield Many(self.remove, gone)
        if put:
            yield Many(self.put, put)


class Once:
    """Rows that are written once; the same key again changes nothing."""

    def __init__(self, table: Table, *key: str) -> None:
        self.add: ClauseElement = insert_all(table).on_conflict_do_nothing(index_elements=key)

    def steps(self, rows: Sequence[Row]) -> Generator[Ask, Sequence[Row], None]:
        if rows:
            yield Many(self.add, rows)
