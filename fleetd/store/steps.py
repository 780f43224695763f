"""What a transaction does, as a generator that touches no database: one text for both drivers.

A piece of work yields what it asks of the database and is sent the rows; a driver runs it, in the writer's thread on SQLite
and on the event loop on Postgres.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy.sql import ClauseElement

Row = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fetch:
    """Run once and give the rows. `statement` is a module's constant: its compiled form is kept for good."""

    statement: ClauseElement
    params: Row = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Many:
    """Run for each of the rows; gives nothing."""

    statement: ClauseElement
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Command:
    """A savepoint and the like, as it stands."""

    text: str


Ask = Fetch | Many | Command
Steps = Generator[Ask, Sequence[Row], T]
