"""Which columns of which view people see, and how a value is said in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from fleetd.service.questions.beside import reason_of

Cell = str
Column = str

_COLUMNS: dict[str, tuple[str, ...]] = {
    "fleet_clusters": (
        "cluster", "connection", "paused", "kubernetes_version", "pending_events", "failed_addons", "open_drift", "last_seen_at", "reason",
    ),
    "fleet_events": ("event_source", "cluster", "objects", "matching_count", "detected_at", "event_id"),
    "fleet_pending_events": (
        "event_source", "event_trigger", "source_cluster", "cluster", "stage", "state", "detected_at", "reason",
    ),
    "fleet_addons": (
        "profile", "event_trigger", "object_ref", "cluster", "addon", "state", "attempts", "applied_at", "reason",
    ),
    "fleet_drift_incidents": (
        "object_ref", "cluster", "fields", "changed_by", "outcome", "detected_at", "corrected_at", "profile",
    ),
    "fleet_trigger_matches": ("event_trigger", "cluster", "object_ref", "state", "matched_at", "acted_at", "reason"),
    "fleet_objects": ("cluster", "object_ref", "profile", "addon", "applied_at"),
    "fleet_declared": ("kind", "namespace", "name", "state", "updated_at", "reason"),
    "fleet_journal": ("at", "stage", "subject_ref", "cluster", "decision", "reason"),
    "fleet_proposals": ("id", "subject", "state", "decided_by", "created_at", "expires_at", "decided_at", "decision", "reason"),
    "fleet_damped": ("kind", "subject_ref", "cluster", "object_ref", "pauses", "since", "until", "reason"),
    "fleet_requests": ("id", "verb", "subject", "actor", "state", "created_at", "outcome"),
    "fleet_verdicts": ("event_source", "cluster", "object_ref", "verdict", "since", "deciding_expression", "reason"),
}  # fmt: skip
_IDENTITIES: dict[str, tuple[str, ...]] = {
    "fleet_clusters": ("cluster",),
    "fleet_events": ("event_id",),
    "fleet_pending_events": ("event_id", "event_trigger", "cluster"),
    "fleet_addons": ("profile", "addon", "cluster"),
    "fleet_drift_incidents": ("incident_id",),
    "fleet_trigger_matches": ("match_id",),
    "fleet_objects": ("object_ref", "cluster"),
    "fleet_declared": ("ref",),
}
_JSON = frozenset({"spec", "manifest", "status", "lost", "unsupported"})
_MOMENTS = frozenset({"at", "since", "until", "valid_from", "valid_to"})
_WHERE_ANY = frozenset({"reason", "outcome", "event_trigger", "object_ref", "decided_by", "decided_at", "decision", "expires_at"})
"""Columns that a table leaves out when no row has anything in them."""

FIELDS_SHOWN = 2


def columns_of(view: str, rows: Sequence[Mapping[str, Any]], *, wide: bool) -> tuple[str, ...]:
    """The columns that a table shows: the chosen ones, or all without JSON; of somebody's own question all."""
    every = tuple(rows[0]) if rows else _COLUMNS.get(view, ())
    if not view:
        return every
    chosen = _COLUMNS.get(view) if not wide else None
    kept = chosen or tuple(name for name in every if name not in _JSON)
    return tuple(name for name in kept if name not in _WHERE_ANY or any(row.get(name) for row in rows))


def cells_of(view: str, rows: Sequence[Mapping[str, Any]], *, wide: bool) -> tuple[list[Column], list[list[Cell]]]:
    """Titles and lines of a table; times are ages, unless it is wide."""
    names = columns_of(view, rows, wide=wide)
    now = datetime.now(UTC)
    lines = [[_cell(name, _value(view, name, row), None if wide else now) for name in names] for row in rows]
    return [_title(name, wide=wide) for name in names], lines


def _value(view: str, name: str, row: Mapping[str, Any]) -> Any:
    """What a cell shows of a row; of somebody's own question just what was asked for."""
    if view and name == "reason":
        return reason_of(row)
    if view == "fleet_events" and name == "objects" and row.get("first_object"):
        return _and_more(row["first_object"], row["object_count"] - 1)
    return row.get(name)


def _and_more(shown: str, others: int) -> str:
    return f"{shown} +{others}" if others > 0 else shown


def identity_of(view: str, row: Mapping[str, Any]) -> str:
    """What `-o name` shows of a row: its identity, parts separated by a space; the first column where none is known."""
    names = _IDENTITIES.get(view) or tuple(row)[:1]
    return " ".join(str(row[name]) for name in names if row.get(name) is not None)


def _title(name: str, *, wide: bool) -> str:
    shown = name.removesuffix("_at") if not wide and name.endswith("_at") else name
    return shown.upper().replace("_", " ")


def _cell(name: str, value: Any, now: datetime | None) -> Cell:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        shown = len(value) if now is None else FIELDS_SHOWN
        return _and_more(", ".join(str(one) for one in value[:shown]), len(value) - shown) or "-"
    if isinstance(value, Mapping):
        return ",".join(f"{key}={held}" for key, held in value.items()) or "-"
    if now is not None and isinstance(value, str) and (name.endswith("_at") or name in _MOMENTS):
        return ago(value, now)
    return str(value)


def said_of(name: str, value: Any) -> Cell:
    """A cell of a table that is of no view: times, by the column's name, are ages."""
    return _cell(name, value, datetime.now(UTC))


def ago(moment: str, now: datetime) -> str:
    """How long ago a time was, as kubectl writes ages."""
    try:
        then = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    return age(now - then)


def age(lasted: timedelta) -> str:
    """`45s`, `3m12s`, `5h10m`, `4d`: at most two units."""
    seconds = int(lasted.total_seconds())
    if seconds < 0:
        return f"in {age(-lasted)}"
    if seconds < 120:
        return f"{seconds}s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 10:
        return f"{minutes}m{seconds}s" if seconds else f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    if hours < 3:
        return f"{hours}h{minutes}m" if hours else f"{minutes}m"
    return f"{hours}h" if hours < 48 else f"{hours // 24}d"
