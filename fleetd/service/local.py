"""The service on a database within reach: whoever holds the database may ask everything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

from fleetd.domain.errors import InvalidInput, TryLater
from fleetd.service.asking import Question
from fleetd.service.questions.ground import Ground
from fleetd.service.questions.standing import Seen
from fleetd.service.teaching import Code, Lesson, Taught
from fleetd.store.reading import Reader

T = TypeVar("T")


def _now() -> datetime:
    return datetime.now(UTC)


class _Line:
    """One thread with one connection, opened at its first question; a connection that broke is opened anew at the next."""

    def __init__(self, url: str, clock: Callable[[], datetime], seen: Seen) -> None:
        self._url, self._clock, self._seen = url, clock, seen
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fleetd-questions")
        self._reader: Reader | None = None

    async def ask(self, question: Question[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, question)

    def _answer(self, question: Question[T]) -> T:
        if self._reader is not None and not self._reader.current():
            self._end()
        if self._reader is None:
            self._reader = _opened(self._url)
        try:
            with self._reader.snapshot():
                return question.answered(Ground.of(self._reader, self._clock(), self._seen, question))
        except TryLater:
            self._end()
            raise
        except StopIteration as error:
            # A future cannot carry it: whoever asked would wait for ever.
            raise RuntimeError("the question ended early") from error

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._end)
        self._thread.shutdown()

    def _end(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def _opened(url: str) -> Reader:
    try:
        return Reader.open(url)
    except InvalidInput as error:
        # Nothing is wrong with the question; whoever started this knows the database.
        refused = Taught(Lesson(code=Code.UNAVAILABLE, sentence=str(error)))
        refused.exit_code = InvalidInput.exit_code
        raise refused from error


class LocalQuestions:
    """Reads through connections that cannot write; questions whose length somebody else decides have one of their own."""

    def __init__(self, url: str, *, clock: Callable[[], datetime] = _now) -> None:
        seen = Seen()
        self._line, self._slow_line = _Line(url, clock, seen), _Line(url, clock, Seen())

    async def ask(self, question: Question[T]) -> T:
        return await (self._slow_line if question.slow else self._line).ask(question)

    async def close(self) -> None:
        """Ends after the questions that are being answered."""
        await self._line.close()
        await self._slow_line.close()
