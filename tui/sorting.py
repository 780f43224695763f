"""Which column a key for sorting means on a list."""

from __future__ import annotations

from fleetd.store.views import views
from tui.grid import Grid

_MEANT = {
    "name": ("name", "cluster", "event_trigger", "profile", "object_ref", "subject_ref", "subject"),
    "age": ("detected_at", "matched_at", "created_at", "applied_at", "since", "at", "last_seen_at"),
    "state": ("state", "connection", "outcome", "verdict", "decision"),
}


def sorting(grid: Grid, what: str) -> str:
    """A column of the view; empty where there is none of the kind. Without a word: the column that was chosen."""
    if not what:
        chosen = grid.focused_column
        names: tuple[str, ...] = (chosen.name,) if chosen is not None else ()
    else:
        names = _MEANT[what]
    there = {column.name for column in grid.table.columns}
    # What rows are completed with is no column of the view: nothing can be sorted by that.
    of_view = next(columns for view, _, columns in views() if view == grid.table.sheet.view)
    return next((name for name in names if name in there and name in of_view), "")
