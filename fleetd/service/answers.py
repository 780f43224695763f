"""The one envelope that every answer comes in, and how an answer becomes plain JSON.

Fields whose name ends in `_untrusted` hold text that somebody outside wrote (stripped, see `foreign`); all others are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

T = TypeVar("T")
COUNTED = 10_000
"""Totals are exact up to here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """How many there are in all; beyond 10,000 only that there are at least as many."""

    count: int
    exact: bool = True


class DaemonState(StrEnum):
    """Whether a daemon seems to be at work, from what it wrote last."""

    RUNNING = "running"
    SILENT = "silent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What the answer is true of: `revision` counts committed changes, `stale_since` is set while no daemon writes."""

    time: str
    revision: int
    daemon: DaemonState
    stale_since: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of the fleet stands behind the answer; the lists name ten at most, the counts are whole."""

    clusters_total: int
    fresh: int
    stale: tuple[str, ...] = ()
    stale_count: int = 0
    unreachable: tuple[str, ...] = ()
    unreachable_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """A next call, ready to send."""

    why: str
    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows counted by what they have in common."""

    key: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A list, or the part of it that was asked for; with `group_by` the groups instead of the items."""

    items: tuple[T, ...]
    total: Total
    returned: int
    as_of: Moment
    coverage: Coverage
    truncated: bool = False
    next_cursor: str | None = None
    groups: tuple[Group, ...] = ()
    hints: tuple[Hint, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[T]):
    """One thing."""

    result: T
    as_of: Moment
    coverage: Coverage
    hints: tuple[Hint, ...] = ()
    warnings: tuple[str, ...] = ()


def as_json(value: Any) -> Any:
    """Plain JSON of an answer; optional fields that hold nothing are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        found = {}
        for one in fields(value):
            held = getattr(value, one.name)
            optional = one.default is not MISSING or one.default_factory is not MISSING
            if not (optional and (held is None or (isinstance(held, str | tuple | Mapping) and not held))):
                found[one.name] = as_json(held)
        return found
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [as_json(item) for item in value]
    return value
