"""How a page asks, and what makes one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from fleetd.service.asking import Question
from fleetd.service.questions.windows import Choice, ListKeys, ReadRows
from fleetd.store.reading import Record
from tui.lines import Page
from tui.places import Place

T = TypeVar("T")


class Ask(Protocol):
    """Asks the service, and remembers what was asked for the command log."""

    async def __call__(self, question: Question[T]) -> T: ...


async def listed(ask: Ask, sheet: str, subject: str, as_of: str, most: int = 20) -> list[Record]:
    """The first rows of a list that belong to one thing, in its order."""
    choice = Choice(sheet=sheet, subject=subject, as_of=as_of)
    keys = (await ask(ListKeys(choice=choice, most=most))).keys
    rows = {row["key"]: row for row in await ask(ReadRows(choice=choice, keys=keys))}
    return [rows[key] for key in keys if key in rows]


@dataclass(frozen=True, slots=True)
class Screen:
    """A page that there is.

    Attributes:
        subjects: the list whose rows can be its subject, for completion; empty where it takes none or anything.
        live: whether commits can change it.
    """

    name: str
    title: str
    make: Callable[[Ask, Place], Awaitable[Page]]
    subjects: str = ""
    needs_subject: bool = True
    live: bool = True
