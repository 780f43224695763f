"""One question to the service, or all pages of a list; the warnings of an answer go to stderr."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from fleetd.cli.lessons import in_commands
from fleetd.cli.output import Row, say
from fleetd.cli.places import questions
from fleetd.service.answers import Coverage
from fleetd.service.asking import Question, Questions
from fleetd.service.questions.rows import ListRows, WholeRows

T = TypeVar("T")
Pages = ListRows | WholeRows
PAGE = 500
NAMED = 3


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of all pages that were read; `more` says that there are others."""

    rows: tuple[Row, ...]
    more: bool
    warnings: tuple[str, ...]
    coverage: Coverage


def answer_to(question: Question[T], database: str | None) -> T:
    """The answer."""
    return asyncio.run(_one(question, database))


async def _one(question: Question[T], database: str | None) -> T:
    async with questions(database) as service:
        return await service.ask(question)


def all_rows(asked: Pages, most: int, database: str | None) -> Rows:
    """Page after page; `most` rows at most, 0 for all."""
    return asyncio.run(_all(asked, most, database))


async def _all(asked: Pages, most: int, database: str | None) -> Rows:
    async with questions(database) as service:
        return await pages_of(service, asked, most)


async def pages_of(service: Questions, asked: Pages, most: int) -> Rows:
    """As `all_rows`, of a service that is open."""
    rows: list[Row] = []
    cursor: str | None = ""
    while True:
        page = await service.ask(asked.after(cursor or "", min(PAGE, most - len(rows)) if most else PAGE))
        rows += page.items
        cursor = page.next_cursor
        if cursor is None or (most and len(rows) >= most):
            return Rows(tuple(rows), cursor is not None, page.warnings, page.coverage)


def tell(warnings: Iterable[str], coverage: Coverage) -> None:
    """What stands against taking an answer for the whole state of now."""
    for warning in warnings:
        say(f"note: {in_commands(warning)}")
    if coverage.unreachable_count:
        names = _some(coverage.unreachable, coverage.unreachable_count)
        say(f"note: {coverage.unreachable_count} of {coverage.clusters_total} clusters do not answer ({names}): of them the last is shown")


def _some(names: Sequence[str], count: int) -> str:
    shown = names[:NAMED]
    return ", ".join(shown) + (f" and {count - len(shown)} more" if count > len(shown) else "")
