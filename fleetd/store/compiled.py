"""Statements as each driver wants them: text with positions, and values in the database's own types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Dialect
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

from fleetd.store.moments import moment_text
from fleetd.store.steps import Row


def _sqlite_value(value: Any) -> Any:
    if type(value) is datetime:
        return moment_text(value)
    if isinstance(value, str) and not value.isascii():
        return _whole(value)
    return value


def _postgres_value(value: Any) -> Any:
    if isinstance(value, str):
        # Postgres has no text with the zero character; one hostile object must not stop everybody's commit.
        return _whole(value.replace("\x00", "\ufffd"))
    if type(value) is datetime and value.tzinfo is None:
        raise ValueError(f"{value!r} names no time zone")
    return value


def _whole(value: str) -> str:
    """The text without lone surrogates, which have no bytes in UTF-8."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement's text for one driver, and which parameter stands where."""

    text: str
    names: tuple[str, ...]
    literals: Row
    convert: Callable[[Any], Any]

    def values(self, row: Row) -> tuple[Any, ...]:
        convert, literals = self.convert, self.literals
        return tuple(convert(row[name] if name in row else literals[name]) for name in self.names)

    def all_values(self, rows: Iterable[Row]) -> list[tuple[Any, ...]]:
        return [self.values(row) for row in rows]


class Compiler:
    """Compiles each statement once; statements are constants of modules, so the cache does not grow."""

    def __init__(self, dialect: Dialect, convert: Callable[[Any], Any]) -> None:
        self._dialect = dialect
        self._convert = convert
        self._kept: dict[ClauseElement, Prepared] = {}

    def prepared(self, statement: ClauseElement) -> Prepared:
        known = self._kept.get(statement)
        if known is None:
            compiled = cast(SQLCompiler, statement.compile(dialect=self._dialect))
            names: Sequence[str] = compiled.positiontup or ()
            literals = {name: value for name, value in compiled.params.items() if value is not None}
            known = self._kept[statement] = Prepared(str(compiled), tuple(names), literals, self._convert)
        return known


def sqlite_compiler() -> Compiler:
    return Compiler(sqlite.dialect(paramstyle="qmark"), _sqlite_value)


def postgres_compiler() -> Compiler:
    return Compiler(asyncpg.dialect(), _postgres_value)  # type: ignore[no-untyped-call]
