"""The service on a database within reach: whoever holds the database may ask everything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

from fleetd.domain.errors import TryLater
from fleetd.service.asking import Question
from fleetd.service.questions.ground import Ground, Seen
from fleetd.store.reading import Reader

T = TypeVar("T")


def _now() -> datetime:
    return datetime.now(UTC)


class LocalQuestions:
    """Reads through one connection that cannot write, in a thread of its own; opened at the first question.

    A connection that broke is opened anew at the next question, so that a database may come back.
    """

    def __init__(self, url: str, *, clock: Callable[[], datetime] = _now) -> None:
        self._url = url
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fleetd-questions")
        self._reader: Reader | None = None
        self._seen = Seen()

    async def ask(self, question: Question[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.answer, question)

    def answer(self, question: Question[T]) -> T:
        """As `ask`, for a caller without an event loop; from one thread only."""
        if self._reader is None:
            self._reader = Reader.open(self._url)
        try:
            return question.answered(Ground(self._reader, self._clock(), self._seen))
        except TryLater:
            self._reader.close()
            self._reader = None
            raise

    async def close(self) -> None:
        """Ends after the question that is being answered."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._end)
        self._thread.shutdown()

    def _end(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
