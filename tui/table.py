"""A table that takes new rows in place: what did not change is not touched, and the cursor stays on its row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.widgets import DataTable
from textual.widgets.data_table import RowDoesNotExist

from tui.sheets import Column, Form, Row, Sheet


class _Lead(Text):
    """The first cell of a row, which knows its row: the table is sorted by it."""

    def __init__(self, cell: Text, key: str) -> None:
        super().__init__(cell.plain, cell.style, justify=cell.justify)
        self.key = key


class SheetTable(DataTable[Text]):
    """The rows of one sheet."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "down", show=False),
        Binding("k", "cursor_up", "up", show=False),
        Binding("g", "scroll_top", "first", show=False),
        Binding("G", "scroll_bottom", "last", show=False),
    ]

    def __init__(self, sheet: Sheet) -> None:
        super().__init__(id=f"table-{sheet.name}", cursor_type="row", zebra_stripes=True, cell_padding=1)
        self.sheet = sheet
        self._held: dict[str, Row] = {}

    def on_mount(self) -> None:
        for column in self.sheet.columns:
            self.add_column(Text(column.title), key=column.name)

    @property
    def current(self) -> Row | None:
        """The row that the cursor is on."""
        key = self._key_at(self.cursor_row)
        return self._held.get(key) if key is not None else None

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Shows exactly these rows, in this order."""
        fresh = {self._key(row): row for row in rows}
        under, line, scrolled = self._key_at(self.cursor_row), self.cursor_row, self.scroll_offset
        order_stands = list(fresh) == list(self._held)
        gone = self._held.keys() - fresh.keys()
        if len(gone) == len(self._held):
            self.clear()  # one by one takes longer, and nothing stays in its place
        else:
            for key in gone:
                self.remove_row(key)
        now = datetime.now(UTC)
        for key, row in fresh.items():
            self._put(key, row, now)
        self._held = fresh
        if not order_stands:
            ranks = {key: rank for rank, key in enumerate(fresh)}
            self.sort(self.sheet.columns[0].name, key=lambda lead: ranks[lead.key])
            self._return_to(under, line, scrolled)

    def show_ages(self) -> None:
        """Says the times of the rows anew."""
        now = datetime.now(UTC)
        for key, row in self._held.items():
            for column in self.sheet.columns:
                if column.form is Form.AGE:
                    self._renew(key, column, row, now)

    def _put(self, key: str, row: Row, now: datetime) -> None:
        held = self._held.get(key)
        if held is None:
            first, *others = (column.cell(row, now) for column in self.sheet.columns)
            self.add_row(_Lead(first, key), *others, key=key)
        elif held != row:
            for column in self.sheet.columns:
                self._renew(key, column, row, now)

    def _renew(self, key: str, column: Column, row: Row, now: datetime) -> None:
        held, cell = self.get_cell(key, column.name), column.cell(row, now)
        if held != cell or held.style != cell.style:
            fresh = _Lead(cell, key) if isinstance(held, _Lead) else cell
            # Only a longer cell has the column measured: for shorter ones Textual measures every row again.
            self.update_cell(key, column.name, fresh, update_width=cell.cell_len > held.cell_len)

    def _return_to(self, key: str | None, line: int, scrolled: Offset) -> None:
        if not self.row_count:
            return
        try:
            place = self.get_row_index(key) if key is not None else 0
        except RowDoesNotExist:
            place = min(line, self.row_count - 1)
        self.move_cursor(row=place, scroll=False)
        if scrolled.y:
            self.call_after_refresh(self.scroll_to, y=max(0, scrolled.y + place - line), animate=False)

    def _key(self, row: Row) -> str:
        return "\x1f".join(map(str, self.sheet.identity(row)))

    def _key_at(self, line: int) -> str | None:
        if not 0 <= line < self.row_count:
            return None
        found: Any = self.get_row_at(line)[0]
        return str(found.key)
