"""Children that run scripts."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from types import TracebackType
from typing import Self

import orjson

from fleetd.scripts.limits import ScriptLimits
from fleetd.scripts.places import Place, Result
from fleetd.scripts.process import Child, Ended
from fleetd.scripts.protocol import Answer, Batch, Work
from fleetd.scripts.quarantine import Quarantine
from fleetd.scripts.queue import Queue, Request
from fleetd.scripts.runner import LUA
from fleetd.scripts.standing import Standings

_BATCH_COUNT, _BATCH_BYTES = 64, 1_000_000
_KNOWN_SCRIPTS = 512
_DEATHS = 2
_START_AGAIN = 10.0
"""Seconds until a process that did not start is worth another try."""
_LIMITS = ScriptLimits()
_SCRIPT_CHARACTERS = 1_000_000


class ScriptPool:
    """Runs scripts in processes that may be killed.

    The processes are started when first needed, and ended with the pool. Where there are several, the first runs whatever comes,
    and the others only scripts that are known to be quick: these wait for no script that runs over its limit.

    Args:
        workers: how many processes.
        clock: seconds, never going back.
        program: what the processes run, see `runner`.
    """

    def __init__(
        self, workers: int = 2, limits: ScriptLimits = _LIMITS, clock: Callable[[], float] = time.monotonic, *, program: str = LUA
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._standings = Standings()
        self._queue = Queue(self._standings)
        self._quarantine = Quarantine()
        given = (self._queue, self._standings, self._quarantine, limits, clock)
        self._workers = [Worker(*given, program=program, proven_only=number > 0) for number in range(workers)]
        self._tasks: list[asyncio.Task[None]] = []
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for request in self._queue.drain():
            request.settle(Result(error="scripts are no longer run"))

    @property
    def pids(self) -> list[int]:
        """Ids of the processes that run now."""
        return [worker.child.pid for worker in self._workers if worker.child is not None]

    async def evaluate(self, script: str, body: object) -> tuple[bool | None, str]:
        """Whether an object is selected, and the script's message; (None, why) where the script failed.

        Where it says no without a message, the text says what may be the cause, if anything is known.
        """
        result = await self.call(script, Place.SELECTOR, body)
        if result.error:
            return None, f"{result.sentence}; {result.explanation}" if result.explanation else result.sentence
        matching, message = result.value["matching"], result.value["message"]
        return matching, message or ("" if matching or not result.explanation else f"the script says no: {result.explanation}")

    async def call(self, script: str, place: str, argument: object) -> Result:
        """Runs a script by its place's contract; whatever the script does, the answer is a result.

        Args:
            place: a `Place` of Lua, or what another program is to do.
            argument: plain data, see `Contract.given`; or the same as JSON.
        """
        try:
            data = argument if isinstance(argument, bytes) else orjson.dumps(argument)
        except TypeError as error:
            return Result(error=f"the object cannot be handed to a script: {error}")
        if len(data) > self._limits.argument_bytes:
            return Result(error=f"the object is larger than {self._limits.argument_bytes} bytes")
        if len(script) > _SCRIPT_CHARACTERS:
            return Result(error=f"the script is longer than {_SCRIPT_CHARACTERS} characters")
        if self._closed:
            return Result(error="scripts are no longer run")
        key = _key(script)
        if rest := self._quarantine.rest(key, self._clock()):
            return _resting(rest)
        if not self._tasks:
            self._tasks = [asyncio.create_task(worker.run()) for worker in self._workers]
        request = Request(key, script, place, data, asyncio.get_running_loop().create_future())
        self._queue.add(request)
        return await request.answer


class Worker:
    """One child after another, and the work that they are given."""

    def __init__(
        self,
        queue: Queue,
        standings: Standings,
        quarantine: Quarantine,
        limits: ScriptLimits,
        clock: Callable[[], float],
        *,
        program: str,
        proven_only: bool,
    ) -> None:
        self._program = program
        self._proven_only = proven_only
        self._queue = queue
        self._standings = standings
        self._quarantine = quarantine
        self._limits = limits
        self._clock = clock
        self._number = 0
        self.child: Child | None = None

    async def run(self) -> None:
        """Until it is cancelled."""
        requests: list[Request] = []
        try:
            with suppress(OSError):  # it is tried again, and told, when there is work
                self.child = await Child.start(self._limits, self._program)
            while True:
                requests = await self._queue.take(_BATCH_COUNT, _BATCH_BYTES, proven_only=self._proven_only)
                await self._serve(requests)
        finally:
            self._queue.put_back(request for request in requests if not request.answer.done())
            if self.child is not None:
                await self.child.stop()
                self.child = None

    async def _serve(self, requests: list[Request]) -> None:
        try:
            child = self.child = self.child or await Child.start(self._limits, self._program)
        except OSError as error:
            for request in requests:
                request.settle(Result(error=str(error), again=_START_AGAIN))
            return
        numbered = {self._number + place: request for place, request in enumerate(requests, 1)}
        self._number += len(requests)
        try:
            async for answers in child.run(_batch(child, numbered)):
                for answer in answers:
                    self._settle(numbered, answer)
        except Ended as end:
            self.child = None
            culprit = numbered.pop(end.number, None)
            if culprit is not None:
                self._blame(culprit, end)
            self._queue.put_back(numbered.values())

    def _settle(self, numbered: dict[int, Request], answer: Answer) -> None:
        request = numbered.pop(answer.number)
        self._quarantine.answered(request.key)
        if self._standings.answered(request.key, answer.seconds):
            self._queue.look_again()
        request.settle(Result(answer.value, answer.error, answer.line, answer.missing, answer.hint))

    def _blame(self, request: Request, end: Ended) -> None:
        request.deaths += 1
        self._standings.ended(request.key)
        if (end.starved or not end.late) and request.deaths < _DEATHS:
            # The process may have been killed by somebody else, or have waited for a busy machine.
            self._queue.put_back([request])
            return
        self._quarantine.ended(request.key, self._clock())
        request.settle(Result(error=_reason(end, self._limits.seconds_for(len(request.argument)))))
        if rest := self._quarantine.rest(request.key, self._clock()):
            for other in self._queue.drain_script(request.key):
                other.settle(_resting(rest))


def _batch(child: Child, numbered: dict[int, Request]) -> Batch:
    forget = len(child.known) > _KNOWN_SCRIPTS
    known = set() if forget else child.known
    scripts = {request.key: request.script for request in numbered.values() if request.key not in known}
    work = [Work(number, request.key, str(request.place), request.argument) for number, request in numbered.items()]
    return Batch(work, scripts, forget)


def _reason(end: Ended, seconds: float) -> str:
    if end.late and end.running:
        return f"it ran longer than {seconds * 1000:.0f} ms"
    if end.late:
        return "its object took too long to be handed over"
    return f"the process that ran it ended (status {end.status}): it may have used more memory or time than it may"


def _resting(rest: float) -> Result:
    return Result(error=f"it is not run for another {rest:.0f} s, because it ended its process several times in a row", again=rest)


@lru_cache(maxsize=1024)
def _key(script: str) -> str:
    return hashlib.blake2b(script.encode(errors="replace"), digest_size=16).hexdigest()
