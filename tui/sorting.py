"""Which column a key for sorting means on a list."""

from __future__ import annotations

from tui.grid import Grid

_MEANT = {
    "name": ("name", "cluster", "event_trigger", "profile", "object_ref", "subject_ref", "subject"),
    "age": ("detected_at", "matched_at", "created_at", "applied_at", "since", "at", "last_seen_at"),
    "state": ("state", "connection", "outcome", "verdict", "decision"),
}
_COMPUTED = {("drift", "fields"), ("events", "blocked_by"), ("events", "object_count"), ("events", "object_ref"), ("events", "state")}
"""Columns that are no column of their view: nothing can be sorted by them."""


def sorting(grid: Grid, what: str) -> str:
    """A column of the view; empty where there is none of the kind. Without a word: the column that was chosen."""
    if not what:
        chosen = grid.focused_column
        names: tuple[str, ...] = (chosen.name,) if chosen is not None else ()
    else:
        names = _MEANT[what]
    there = {column.name for column in grid.table.columns}
    return next((name for name in names if name in there and (grid.table.name, name) not in _COMPUTED), "")
