"""Who calls, and what that one may."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """A right; tools without it are not shown."""

    READ = "fleet:read"
    SQL = "sql:read"
    OPERATE = "ops:write"


class Mode(StrEnum):
    """What the server offers at all; a principal's scopes can only narrow it."""

    OBSERVE = "observe"
    PROPOSE = "propose"
    OPERATE = "operate"


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller, by name, with its scopes."""

    name: str
    scopes: frozenset[Scope]


LOCAL = Principal("local", frozenset(Scope))
"""Who started the process: whoever holds the database is an administrator; the server's mode narrows it."""
