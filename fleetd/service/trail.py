"""The audit of a face: every call leaves a row, written in the background, so that no answer waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from fleetd import __version__
from fleetd.domain.audit import AuditEntry
from fleetd.domain.errors import FleetdError, TryLater
from fleetd.service.asking import Questions
from fleetd.service.foreign import plain_text
from fleetd.service.questions.audit import NewestAudit
from fleetd.store.appending import Appender, Timed, appender
from fleetd.store.chain import START, Link

MOST_WAITING = 10_000
AT_ONCE = 500
CLOSING_SECONDS = 5.0
FIRST_SECONDS = 5.0
_AGAIN_SECONDS = 1.0
_SELDOM_SECONDS = 30.0
_log = logging.getLogger("fleetd.service")


@dataclass(frozen=True, slots=True)
class Written:
    """How far the audit is: `off` says why nothing is written; `end` is the last row that is durable."""

    end: Link
    waiting: int = 0
    lost: int = 0
    off: str = ""


class Trail:
    """One for each process of a face (`via`). `begin` it, and `close` it at the end: what waits is written then.

    `tell` hears, in a sentence and once, that nothing can be written.
    """

    def __init__(self, appender: Appender, questions: Questions, via: str, tell: Callable[[str], None]) -> None:
        self._appender = appender
        self._questions = questions
        self._via = via
        self._tell = tell
        self._end = Link(f"{via}-{secrets.token_hex(6)}")
        self._waiting: deque[Timed] = deque()
        self._lost = 0
        self._again = _AGAIN_SECONDS
        self._off = ""
        self._woken = asyncio.Event()
        self._closing = asyncio.Event()
        self._tried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self, mode: str) -> None:
        """Starts writing; the first row says that a server began, and what it saw last."""
        self._task = asyncio.create_task(self._run(mode), name="fleetd-audit")

    def note(self, entry: AuditEntry) -> None:
        """Takes an entry at once; where too many wait it is counted as lost, which a row will say."""
        if self._off:
            return
        if len(self._waiting) >= MOST_WAITING:
            self._lost += 1
            return
        self._waiting.append(Timed(datetime.now(UTC), entry))
        self._woken.set()

    async def written(self) -> Written:
        """How far it is; waits for the first row, but not long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_SECONDS):
                await self._tried.wait()
        return Written(self._end, len(self._waiting), self._lost, self._off)

    async def close(self) -> None:
        """Writes what waits, within some seconds, and ends."""
        self.note(self._own("stop"))
        self._closing.set()
        self._woken.set()
        if self._task is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSING_SECONDS):
                    await self._task
        if self._waiting and not self._off:
            self._tell(f"{len(self._waiting)} rows of the audit could not be written")
        await self._appender.close()

    async def _run(self, mode: str) -> None:
        try:
            seen = await self._questions.ask(NewestAudit())
        except FleetdError:
            seen = ""
        self._waiting.appendleft(Timed(datetime.now(UTC), self._own(START, subject=mode, reference=seen)))
        while not self._off and (self._waiting or not self._closing.is_set()):
            if not self._waiting:
                await self._woken.wait()
            self._woken.clear()
            if not await self._write() and not self._off:
                if self._closing.is_set() and not self._end.position:
                    # There never was a database to write to, and nobody should wait for one now.
                    return
                await self._pause()

    async def _write(self) -> bool:
        """Writes some of what waits; False when that cannot be done now, or never."""
        batch = [self._waiting[place] for place in range(min(AT_ONCE, len(self._waiting)))]
        if not batch:
            return True
        try:
            self._end = await self._appender.append(batch, self._end)
        except TryLater as error:
            if self._again == _AGAIN_SECONDS:
                _log.warning("the audit cannot be written now: %s", error)
            return False
        except FleetdError as error:
            return self._stop(plain_text(str(error), most=200))
        except Exception:  # noqa: BLE001  # a row of ours must not end the writing of all later ones in silence
            _log.exception("the audit failed in a way that nobody foresaw")
            return self._stop("a defect of fleetd; the log has it")
        finally:
            self._tried.set()
        self._again = _AGAIN_SECONDS
        for _ in batch:
            self._waiting.popleft()
        if self._lost and len(self._waiting) < MOST_WAITING:
            lost, self._lost = self._lost, 0
            self.note(self._own("lost", subject=f"{lost} rows", outcome="too many waited"))
        return True

    def _stop(self, why: str) -> bool:
        """Nothing is written any more, which is told once."""
        self._off = why
        self._waiting.clear()
        self._tell(f"audit: off: {why}")
        return False

    async def _pause(self) -> None:
        """Until it is worth trying again, or the server ends."""
        if self._closing.is_set():
            await asyncio.sleep(_AGAIN_SECONDS / 10)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._again):
                await self._closing.wait()
        self._again = min(self._again * 2, _SELDOM_SECONDS)

    def _own(self, action: str, *, subject: str = "", reference: str = "", outcome: str = "ok") -> AuditEntry:
        return AuditEntry(
            principal=f"fleetd-{self._via}",
            via=self._via,
            client=f"fleetd {__version__}",
            action=action,
            subject=subject,
            reference=reference,
            outcome=outcome,
        )


def local_trail(url: str, questions: Questions, via: str, tell: Callable[[str], None]) -> Trail:
    """A trail into a database within reach, by a connection that can append and nothing else."""
    return Trail(appender(url), questions, via, tell)
