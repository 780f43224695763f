"""What a view is: its columns as expressions, in the words of either database."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fleetd.store.dialects import Words, words

UNACTED_STATES = ("pending", "blocked", "acting", "failed")
UNACTED = "('pending', 'blocked', 'acting', 'failed')"
"""States of a destination on which its trigger should act and has not; an index is made on these very words."""

STALE_SECONDS = 180
"""A cluster that has not answered for as long is stale: three heartbeats."""


@dataclass(frozen=True, slots=True)
class View:
    """A view: what one row is, and its columns from name to expression."""

    name: str
    sentence: str
    columns: dict[str, str]
    source: str

    def create(self, dialect: str) -> list[str]:
        """The statements that make or renew it. On Postgres somebody's own views on it stay whole."""
        say = words(dialect)
        columns = ", ".join(f"{said(expression, say)} AS {name}" for name, expression in self.columns.items())
        body = f"SELECT {columns} {said(self.source, say)}"
        if dialect == "sqlite":
            return [f"DROP VIEW IF EXISTS {self.name}", f"CREATE VIEW {self.name} AS {body}"]
        return [f"CREATE OR REPLACE VIEW {self.name} AS {body}"]


_WORD = re.compile(r"\{(\w+):([^{}]*)\}")


def said(text: str, say: Words) -> str:
    """Fills in the words that differ: `{age:x}`, `{lasted:from,to}`, `{ms:a,b}`, `{ago:seconds}`, `{part:manifest,name}`."""

    def word(found: re.Match[str]) -> str:
        arguments = found[2].split(",")
        match found[1]:
            case "age":
                return say.seconds(found[2], say.now())
            case "lasted":
                return say.seconds(arguments[0], f"COALESCE({arguments[1]}, {say.now()})")
            case "ms":
                return say.milliseconds(*arguments)
            case "ago":
                return say.ago(int(arguments[0]))
            case "part":
                return say.part(*arguments)
            case unknown:
                raise ValueError(unknown)

    return _WORD.sub(word, text)


def same(table: str, *names: str) -> dict[str, str]:
    """Columns of a table under their own names."""
    return {name: f"{table}.{name}" for name in names}
