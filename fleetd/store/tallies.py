"""How many rows stand in which state: numbers that are shown all the time, kept by the writer in the commit that changes them.

What a transaction opened, the writer knows; what it closed bears its time. Triggers of the database would count row by row: on
Postgres each of them writes the counter's row anew, a thousand times in a transaction of a thousand rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, Table, bindparam, func, literal_column, select, union_all
from sqlalchemy.dialects.postgresql import insert

from fleetd.store import tables as t
from fleetd.store.steps import Ask, Fetch, Many, Row

COUNTED: dict[Table, str] = {t.members: "state", t.addons: "state", t.incidents: "outcome", t.destinations: "state"}
"""Tables whose open rows are counted, and by which column."""
_t = t.tallies
_put = insert(_t).values({column.name: bindparam(column.name, type_=column.type) for column in _t.c}).inline()
_ADD = _put.on_conflict_do_update(index_elements=["subject", "state"], set_={"tally": _t.c.tally + _put.excluded.tally})


def counted(table: Table) -> Select[tuple[object, ...]]:
    """The rows of a table by state; what is to be counted of them is for the caller to say."""
    state = table.c[COUNTED[table]]
    subject: ColumnElement[str] = literal_column(f"'{table.name}'").label("subject")
    return select(subject, state.label("state"), func.count().label("tally")).group_by(state)


_CLOSED = union_all(*(counted(table).where(table.c.valid_to == bindparam("at", type_=t.Moment())) for table in COUNTED))


class Tally:
    """What one transaction changes in the numbers: what it opened, less what bears its time as the end."""

    def __init__(self) -> None:
        self._opened: Counter[tuple[str, str]] = Counter()

    def opened(self, table: Table, states: Iterable[str]) -> None:
        """That rows of a table were written. One that is closed as it is opened counts both ways."""
        for state in states:
            self._opened[table.name, state] += 1

    def steps(self, at: datetime) -> Generator[Ask, Sequence[Row], None]:
        """To be taken after everything else. No other transaction has the same time: one daemon writes, and its stamps only rise."""
        for row in (yield Fetch(_CLOSED, {"at": at})):
            self._opened[row["subject"], row["state"]] -= row["tally"]
        moved = [{"subject": subject, "state": state, "tally": tally} for (subject, state), tally in self._opened.items() if tally]
        if moved:
            yield Many(_ADD, moved)


RECOUNT = (
    "DELETE FROM tallies",
    *(
        f"INSERT INTO tallies (subject, state, tally) SELECT '{table.name}', {state}, COUNT(*) FROM {table.name}"  # our own names
        f" WHERE valid_to IS NULL GROUP BY {state}"
        for table, state in COUNTED.items()
    ),
)
"""Counts everything anew, for whoever fills a database without the writer."""
