"""The few places where the two databases need different words inside a view."""

from __future__ import annotations

from typing import Protocol


class Words(Protocol):
    """Expressions as one database writes them; arguments are column expressions."""

    def now(self) -> str: ...

    def seconds(self, start: str, end: str) -> str: ...

    def milliseconds(self, start: str, end: str) -> str: ...

    def ago(self, seconds: int) -> str: ...

    def part(self, manifest: str, name: str) -> str: ...


class SqliteWords:
    """Times are RFC 3339 text, JSON is text."""

    def now(self) -> str:
        return "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

    def seconds(self, start: str, end: str) -> str:
        return f"CAST(ROUND((julianday({end}) - julianday({start})) * 86400) AS INTEGER)"

    def milliseconds(self, start: str, end: str) -> str:
        # Not by julianday, which knows whole milliseconds only and cuts the rest.
        seconds = f"(strftime('%s', {end}) - strftime('%s', {start})) * 1000"
        return f"CAST(ROUND({seconds} + (substr({end}, 21, 6) - substr({start}, 21, 6)) / 1000.0) AS INTEGER)"

    def ago(self, seconds: int) -> str:
        return f"strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-{seconds} seconds')"

    def part(self, manifest: str, name: str) -> str:
        return f"json_extract({manifest}, '$.{name}')"


class PostgresWords:
    """Times are `timestamptz`, JSON is `jsonb`, which cannot hold the zero character."""

    def now(self) -> str:
        return "now()"

    def seconds(self, start: str, end: str) -> str:
        return f"CAST(ROUND(EXTRACT(EPOCH FROM {end} - {start})) AS bigint)"

    def milliseconds(self, start: str, end: str) -> str:
        return f"CAST(ROUND(EXTRACT(EPOCH FROM {end} - {start}) * 1000) AS bigint)"

    def ago(self, seconds: int) -> str:
        return f"now() - interval '{seconds} seconds'"

    def part(self, manifest: str, name: str) -> str:
        return f"CAST(replace({manifest}, '\\u0000', '\\ufffd') AS jsonb) -> '{name}'"


def words(dialect: str) -> Words:
    """By SQLAlchemy's name of the database."""
    return SqliteWords() if dialect == "sqlite" else PostgresWords()
