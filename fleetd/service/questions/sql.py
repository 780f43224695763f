"""Somebody's own SQL over the public views, on a connection that cannot write."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from fleetd.domain.errors import InvalidInput, NotPermitted
from fleetd.service.answers import Answer, Hint
from fleetd.service.arguments import About
from fleetd.service.asking import Question
from fleetd.service.foreign import plain_text
from fleetd.service.questions.ground import Ground
from fleetd.service.teaching import Lesson, Taught, bad, lesson_of, near
from fleetd.store.views import views

MOST_ROWS = 500
_CELL = 300

_NO_COLUMN = re.compile(r"(?:no such column: |column )\"?(?:\w{1,60}\.)?(\w{1,60})")
"""As SQLite and Postgres say it."""
_VIEW = re.compile(r"\bfleet_\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What a query gave; each cell is text, number or truth, stripped and capped."""

    columns: tuple[str, ...]
    returned: int
    truncated: bool
    elapsed_ms: int
    rows_untrusted: tuple[tuple[Any, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSql(Question[Answer[Rows]]):
    """What one SELECT over the fleet_* views gives; describe_schema lists them. It can change nothing."""

    slow: ClassVar[bool] = True

    sql: Annotated[str, About("one SELECT over fleet_* views; :name marks a parameter")]
    params: Annotated[dict[str, str | int], About("values of the parameters")] = field(default_factory=dict)
    limit: Annotated[int, About("rows to return", 1, MOST_ROWS)] = 100
    timeout_ms: Annotated[int, About("time to spend", 100, 5000)] = 2000

    def answered(self, ground: Ground) -> Answer[Rows]:
        started = time.monotonic()
        try:
            rows = ground.reader.query(self.sql, self.params, most=self.limit + 1, seconds=self.timeout_ms / 1000)
        except (InvalidInput, NotPermitted) as error:
            raise not_taken(error, self.sql) from error
        shown = rows[: self.limit]
        columns = tuple(shown[0]) if shown else ()
        found = Rows(
            columns=tuple(plain_text(name, most=60) for name in columns),
            returned=len(shown),
            truncated=len(rows) > len(shown),
            elapsed_ms=round((time.monotonic() - started) * 1000),
            rows_untrusted=tuple(tuple(_cell(row[name]) for name in columns) for row in shown),
        )
        return ground.answer(found, warnings=(f"more than {self.limit} rows: ORDER BY and LIMIT, or count",) if found.truncated else ())


def not_taken(error: InvalidInput | NotPermitted, sql: str) -> Taught:
    """What the database said quotes the query, and so whatever somebody put into it."""
    sentence, _, said = str(error).partition(": ")
    hint = Hint(why="the views and their columns", tool="describe_schema")
    no_view = re.match(r"(\w{1,60}) is no view", sentence)
    likely = near(no_view[1], _names()) if no_view else _columns(said, sql)
    return Taught(
        Lesson(code=lesson_of(error).code, sentence=sentence, field="sql", said_untrusted=plain_text(said), did_you_mean=likely, next=hint)
    )


def _columns(said: str, sql: str) -> tuple[str, ...]:
    """The columns most like one that is not there, of the views that a query names."""
    missing = _NO_COLUMN.search(said)
    named = set(_VIEW.findall(sql))
    return near(missing[1], (column for name, _, columns in views() if name in named for column in columns)) if missing else ()


def _names() -> list[str]:
    return [name for name, _, _ in views()]


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return plain_text(str(value), most=_CELL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewPage:
    """A view: what one row is, and its columns."""

    view: str
    row_is: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The views, all with their sentence, or one with its columns."""

    views: tuple[ViewPage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeSchema(Question[Answer[Schema]]):
    """Which views run_sql can read, what one row of each is, and which columns it has."""

    view: Annotated[str, About("one view, with its columns; empty: all, with theirs")] = ""

    def answered(self, ground: Ground) -> Answer[Schema]:
        if self.view and self.view not in (names := _names()):
            raise bad("view", plain_text(self.view, most=60), "there is no such view", allowed=names)
        found = tuple(ViewPage(view=name, row_is=row, columns=columns) for name, row, columns in views() if self.view in ("", name))
        return ground.answer(Schema(views=found))
