"""A question is a value: its arguments are fields, its docstring says what it answers, its type what comes back.

So every face, here or over a network, sends the same value, and no signature is written twice. `Questions` has two kinds of
implementation: on the store (`local`), and remote.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar

from fleetd.service.questions.ground import Ground

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
_WORD = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Generic[T_co]):
    """The base of every question. A `slow` one may take seconds, and must not keep others waiting."""

    slow: ClassVar[bool] = False

    def answered(self, ground: Ground) -> T_co:
        """The answer; blocks.

        Raises:
            Taught: it cannot be answered as it stands.
        """
        raise NotImplementedError

    @classmethod
    def name(cls) -> str:
        """What faces call it: ListClusters is list_clusters."""
        return _WORD.sub("_", cls.__name__).lower()


class Questions(Protocol):
    """Whom a face asks."""

    async def ask(self, question: Question[T]) -> T:
        """Answers a question.

        Raises:
            Taught: it cannot be answered as it stands.
            FleetdError: the state cannot be read now.
        """
        ...

    async def close(self) -> None: ...
