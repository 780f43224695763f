"""What a table holds of a list: all keys in their order, the rows of some of them, a cursor and marks that stay with their rows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, Any]
MOST_ROWS = 2_000
"""Rows that are kept; others are read again when somebody comes by."""

FADES = 5.0
"""Seconds that a changed cell is marked."""


@dataclass(slots=True)
class Window:
    """Keys are few bytes each and all here; rows are read as they are needed."""

    keys: Sequence[str] = ()
    more: bool = False
    cursor: int = 0
    marks: set[str] = field(default_factory=set)
    changed: dict[tuple[str, str], float] = field(default_factory=dict)
    """When a cell became another one, by key and column."""
    version: int = 0
    """Counts what could have changed the picture."""
    _rows: OrderedDict[str, Row] = field(default_factory=OrderedDict)
    _places: dict[str, int] | None = None

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def key(self) -> str | None:
        """The key under the cursor."""
        return self.keys[self.cursor] if 0 <= self.cursor < len(self.keys) else None

    @property
    def row(self) -> Row | None:
        """The row under the cursor, when it was read."""
        return self._rows.get(self.key or "")

    def at(self, place: int) -> Row | None:
        """The row of a place, when it was read."""
        return self._rows.get(self.keys[place])

    def held(self, key: str) -> Row | None:
        """The row of a key, when it was read."""
        return self._rows.get(key)

    def place_of(self, key: str) -> int | None:
        """Where a row stands."""
        if self._places is None:
            self._places = {one: place for place, one in enumerate(self.keys)}
        return self._places.get(key)

    # What the service said.

    def order(self, keys: Sequence[str], more: bool) -> None:
        """A new order: the cursor stays with its row; where that is gone, at its place."""
        under, self.more = self.key, more
        if keys == self.keys:
            return
        self.keys, self._places = keys, None
        place = self.place_of(under) if under is not None else 0
        self.cursor = place if place is not None else max(0, min(self.cursor, len(keys) - 1))
        self.marks = {key for key in self.marks if self.place_of(key) is not None} if self.marks else self.marks
        self.version += 1

    def put(self, asked: Iterable[str], rows: Iterable[Row], now: float) -> None:
        """Rows as they are now; a row that was asked for and is not there is gone, until the order says so, too."""
        found = {str(row["key"]): row for row in rows}
        for key in asked:
            row, held = found.get(key), self._rows.get(key)
            if row is None:
                if held is not None:
                    del self._rows[key]
                    self.version += 1
                continue
            if held is not None and held != row:
                for name, value in row.items():
                    if held.get(name) != value:
                        self.changed[key, name] = now
            if held != row:
                self.version += 1
            self._rows[key] = row
            self._rows.move_to_end(key)
        while len(self._rows) > MOST_ROWS:
            self._rows.popitem(last=False)

    def fade(self, now: float) -> bool:
        """Forgets marks of changes that are old enough; whether there were any."""
        old = [cell for cell, at in self.changed.items() if now - at >= FADES]
        for cell in old:
            del self.changed[cell]
        self.version += bool(old)
        return bool(old)

    def unread(self, first: int, last: int) -> tuple[str, ...]:
        """Keys of these places whose rows were not read yet."""
        return tuple(key for key in self.keys[max(0, first) : last] if key not in self._rows)

    # What people do.

    def move_to(self, place: int) -> None:
        """The cursor to this place, or the nearest that there is."""
        self.cursor = max(0, min(place, len(self.keys) - 1))

    def mark(self) -> None:
        """Marks the row under the cursor, or takes its mark away."""
        if (key := self.key) is not None:
            self.marks ^= {key}
            self.version += 1

    def mark_to(self) -> None:
        """Marks all rows from the nearest mark above the cursor down to it; without one that row alone."""
        places = sorted(place for key in self.marks if (place := self.place_of(key)) is not None and place <= self.cursor)
        start = places[-1] if places else self.cursor
        self.marks |= set(self.keys[start : self.cursor + 1])
        self.version += 1

    def unmark(self) -> None:
        """Takes all marks away."""
        self.marks, self.version = set(), self.version + 1

    @property
    def meant(self) -> tuple[str, ...]:
        """The marked rows in their order; without marks the one under the cursor."""
        if not self.marks:
            return (self.key,) if self.key is not None else ()
        return tuple(key for key in self.keys if key in self.marks)
