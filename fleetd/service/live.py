"""Objects as they are on their clusters now: a request that the daemon answers, awaited on the feed of changes."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import aclosing
from dataclasses import replace
from uuid import uuid4

from fleetd.domain.errors import FleetdError, NotPermitted
from fleetd.service.acting import Actor
from fleetd.service.answers import Answer
from fleetd.service.asking import Questions
from fleetd.service.questions.evaluating import EvaluateExpression
from fleetd.service.questions.live import FindPlace, IsDecided, ReadLive
from fleetd.service.questions.objects import GetObject, ObjectPage
from fleetd.service.teaching import Code, Lesson, Taught
from fleetd.store.appending import Wish, appender

SECONDS = 5.0


class LiveObjects:
    """Asks for looks at objects, by a connection that can write such requests and nothing else. Close it at the end."""

    def __init__(self, url: str, questions: Questions, *, seconds: float = SECONDS) -> None:
        self._url = url
        self._questions = questions
        self._appender = appender(url)
        self._seconds = seconds
        self._waiting: dict[str, asyncio.Event] = {}
        self._listening = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def look(self, asked: GetObject, actor: Actor, request_id: str) -> Answer[ObjectPage]:
        """The object as it is now.

        Raises:
            Taught: it cannot be had, or not yet: the sentence says which.
        """
        if asked.as_of:
            raise Taught(Lesson(code=Code.BAD_ARGUMENT, sentence="live is now: leave as_of out", field="as_of", got=asked.as_of[:40]))
        placed = await self._questions.ask(FindPlace(ref=asked.ref))
        news = self._waiting[request_id] = asyncio.Event()
        try:
            async with asyncio.timeout(self._seconds):
                await self._listen()
                await self._ask(Wish(request_id, placed, actor.name, actor.via))
                while not await self._questions.ask(IsDecided(request_id=request_id)):
                    await news.wait()
                    news.clear()
        except TimeoutError:
            pass
        finally:
            del self._waiting[request_id]
        return await self._questions.ask(ReadLive(request_id=request_id, seconds=self._seconds, view=asked.view))

    async def _ask(self, wish: Wish) -> None:
        try:
            await self._appender.ask(wish)
        except NotPermitted as error:
            sentence = "this server may not write into the database, not even the request by which the daemon would read the object"
            raise Taught(Lesson(code=Code.READ_ONLY_MODE, sentence=sentence)) from error

    async def _listen(self) -> None:
        if self._task is None or self._task.done():
            self._listening.clear()
            self._task = asyncio.create_task(self._follow(), name="fleetd-live")
        await self._listening.wait()

    async def _follow(self) -> None:
        from fleetd.service.listening import changes  # brings SQLAlchemy, which no other question needs

        with contextlib.suppress(FleetdError):
            async with aclosing(changes(self._url)) as found:
                async for changed in found:
                    self._listening.set()
                    for request_id, news in self._waiting.items():
                        if changed.lost or any(one.ref == request_id for one in changed.changes):
                            news.set()
        self._listening.set()

    async def close(self) -> None:
        """Stops listening."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._appender.close()


async def read_for(asked: EvaluateExpression, live: LiveObjects, actor: Actor, request_id: str) -> EvaluateExpression:
    """The question with the object as it is on its cluster now, in place of its reference.

    Raises:
        Taught: it cannot be had, or not yet.
    """
    ref = str(asked.object)
    page = (await live.look(GetObject(ref=ref, view="manifest", live=True), actor, request_id)).result
    return replace(asked, object=page.manifest_untrusted, cluster=asked.cluster or page.ref.partition("@")[2])


def new_request_id() -> str:
    """The id of a request that is about to be made."""
    return uuid4().hex
