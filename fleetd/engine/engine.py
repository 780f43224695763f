"""The engine: the loop, and everybody who acts on what it concludes."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any, Protocol

import structlog

from fleetd.decide.digest import digest, keyed
from fleetd.decide.engines.answers import Rendered, Rendering
from fleetd.decide.observe import Wish, decisive
from fleetd.decide.plane.aggregating import Selected, conclude
from fleetd.decide.plane.observing import answer_asked
from fleetd.decide.plane.rendered import rendered
from fleetd.decide.plane.state import DeliveryKey, Plane
from fleetd.decide.plane.turn import Ask, Selecting, Turn
from fleetd.domain.inspection import Show
from fleetd.domain.objects import Manifest, Observed
from fleetd.domain.records import RequestRecord
from fleetd.domain.refs import GroupVersionKind
from fleetd.engine.clock import Clock
from fleetd.engine.deliverer import Deliverer
from fleetd.engine.feed import Announce, Feed, unheard
from fleetd.engine.inspecting import Inspector, nothing_shown
from fleetd.engine.loop import Loop
from fleetd.engine.members import Connect, Members
from fleetd.store.database import Database

log = structlog.get_logger(__name__)

RENDERED_TOGETHER = 100
"""Renderings whose answers are taken in one turn: a profile is looked at once for all of them."""
Answer = tuple[bool | None, str]
"""(whether the object matches, or None where the script failed; the script's message, or the error)"""


class Made(Protocol):
    """A text, or one sentence and its line; or, seconds until it is to be asked again."""

    @property
    def text(self) -> str | None: ...
    @property
    def error(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def again(self) -> float: ...


class Chosen(Protocol):
    """Objects with a message, or one sentence; or, seconds until it is to be asked again."""

    @property
    def objects(self) -> Sequence[Manifest]: ...
    @property
    def message(self) -> str: ...
    @property
    def error(self) -> str: ...
    @property
    def again(self) -> float: ...


class Scripts(Protocol):
    """Who runs users' scripts and templates, apart from us; neither call raises for what one does."""

    async def evaluate(self, script: str, body: object) -> Answer:
        """Whether a script selects an object."""

    async def select(self, script: str, objects: bytes) -> Chosen:
        """What a script that looks at a list of objects (JSON) chooses of it."""

    async def render(self, task: str, text: str, argument: bytes) -> Made:
        """What a template of another engine makes."""


class Engine:
    """Begins with what the store holds, and keeps the fleet as declared until it is stopped."""

    def __init__(
        self,
        database: Database,
        connect: Connect,
        scripts: Scripts,
        clock: Clock,
        announce: Announce = unheard,
        show: Show = nothing_shown,
        *,
        observe: bool = False,
    ) -> None:
        by = keyed(database.key.digest(b"digests of contents").encode()) if database.key is not None else digest
        self.plane = Plane(database.instance_id, digest=by, epoch=database.epoch)
        self.loop = Loop(self.plane, database, clock)
        self.members = Members(self.loop, connect, clock)
        self.deliverer = Deliverer(self.loop, self.members.connected, clock, observe=observe)
        self.inspector = Inspector(self.loop, self.members.connected, show)
        self.feed = Feed(database, self.loop, announce)
        self.loop.consequences = self
        self._scripts = scripts
        self._asking: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Runs until it is cancelled, then ends in order: watches, deliveries, connections."""
        await self.feed.begin()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.loop.run())
                group.create_task(self.feed.run())
                group.create_task(self.members.beat())
        finally:
            await self.inspector.stop()
            await self.deliverer.stop()
            await self.members.stop()
            for task in self._asking:
                task.cancel()

    def deliver(self, key: DeliveryKey) -> None:
        self.deliverer.deliver(key)

    def reconnect(self, cluster: str) -> None:
        self.members.reconnect(cluster)

    def renew(self, cluster: str) -> None:
        self.members.renew(cluster)

    def adjust_watches(self, cluster: str) -> None:
        self.members.adjust_watches(cluster)

    def rejudge(self, cluster: str, gvk: GroupVersionKind) -> None:
        self.members.rejudge(cluster, gvk)

    def read_again(self, cluster: str, gvk: GroupVersionKind) -> None:
        self.members.read_again(cluster, gvk)

    def inspect(self, request: RequestRecord) -> None:
        self.inspector.inspect(request)

    def ask(self, ask: Ask) -> None:
        self._begin(self._ask(ask))

    def select(self, asked: Selecting) -> None:
        self._begin(self._select(asked))

    def render(self, renderings: Sequence[Rendering]) -> None:
        for start in range(0, len(renderings), RENDERED_TOGETHER):
            self._begin(self._render(renderings[start : start + RENDERED_TOGETHER]))

    def _begin(self, what: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(what)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _render(self, renderings: Sequence[Rendering]) -> None:
        made = await asyncio.gather(*(self._made(rendering) for rendering in renderings))
        answers = [(rendering.key, one) for rendering, one in zip(renderings, made, strict=True) if isinstance(one, Rendered)]
        await self.loop.feed(partial(_taken, answers))
        later = [(rendering, one) for rendering, one in zip(renderings, made, strict=True) if not isinstance(one, Rendered)]
        if later:
            await asyncio.sleep(max(seconds for _, seconds in later))
            await self._render([rendering for rendering, _ in later])

    async def _made(self, rendering: Rendering) -> Rendered | float:
        """The answer, or seconds until it is to be asked again."""
        try:
            made = await self._scripts.render(rendering.task, rendering.text, rendering.argument)
        except Exception:
            log.exception("a template could not be rendered")
            return Rendered(None, "the template could not be rendered")
        return made.again or Rendered(made.text, made.error, made.line)

    async def _ask(self, ask: Ask) -> None:
        answers = await asyncio.gather(*(self._evaluate(wish, ask.observed) for wish in ask.wishes))
        await self.loop.feed(partial(_answered, ask, answers))

    async def _select(self, asked: Selecting) -> None:
        again = 0.0
        try:
            chosen = await self._scripts.select(asked.script, b"[" + b",".join(asked.bodies) + b"]")
            answer, again = Selected(chosen.objects, chosen.message, chosen.error), chosen.again
        except Exception:
            log.exception("a script could not be run", source=asked.source)
            answer = Selected(error="the script could not be run")
        await self.loop.feed(partial(_selected, asked, answer))
        if again:
            await asyncio.sleep(again)
            await self._select(asked)

    async def _evaluate(self, wish: Wish, observed: Observed) -> Answer:
        try:
            return decisive([await self._scripts.evaluate(script, observed.raw or observed.body) for script in wish.scripts])
        except Exception:
            log.exception("a script could not be run", source=wish.source)
            return None, "the script could not be run"


def _taken(answers: Sequence[tuple[str, Rendered]], plane: Plane, turn: Turn) -> None:
    rendered(plane, turn, answers)


def _selected(asked: Selecting, answer: Selected, plane: Plane, turn: Turn) -> None:
    conclude(plane, turn, asked, answer)


def _answered(ask: Ask, answers: Sequence[Answer], plane: Plane, turn: Turn) -> None:
    answer_asked(plane, turn, ask, answers)
