"""One child process, as the daemon sees it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Self

import msgspec
import structlog

from fleetd.scripts.limits import ScriptLimits
from fleetd.scripts.protocol import HEADER, LARGEST_FRAME, MARK, Answer, Batch, Hello, Mark, framed
from fleetd.scripts.runner import LUA

log = structlog.get_logger(__name__)

_START_SECONDS = 60.0
_GRACE = 0.2
"""Seconds beyond the limit for a process that did not get its CPU."""
_BYTES_A_SECOND = 1_000_000
"""What handing over an object may take on a slow machine, beside the script's own time."""


class Ended(Exception):
    """The child has ended, with work unanswered.

    Args:
        number: of the work that was under way; 0 when none was.
        late: whether it was ended because that work took too long.
        running: whether the script itself ran, or its object was still being handed over.
        starved: whether it was too late without having had its CPU: the machine was busy with something else.
        status: how the process ended: an exit status, or a signal's number below zero.
    """

    def __init__(self, number: int, *, late: bool, running: bool, starved: bool, status: int) -> None:
        super().__init__(f"ended at {number} with status {status}")
        self.number = number
        self.late = late
        self.running = running
        self.starved = starved
        self.status = status


class Child:
    """A process that runs scripts; `Child.start` makes one, `stop` ends it."""

    def __init__(
        self, process: Process, streams: tuple[asyncio.StreamWriter, asyncio.StreamReader], mark: Mark, limits: ScriptLimits
    ) -> None:
        self._process = process
        self._to, self._from = streams
        self._mark = mark
        self._limits = limits
        self._decoder = msgspec.msgpack.Decoder(list[Answer])
        self._late = self._hungry = False
        self.known: set[str] = set()
        """Keys of the scripts that it has been given."""

    @classmethod
    async def start(cls, limits: ScriptLimits, program: str = LUA) -> Self:
        """Starts a process, which is ready to work.

        Raises:
            OSError: it could not be started; the text says why.
        """
        descriptor = _memory_file()
        try:
            mark = Mark(descriptor)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-s", "-m", "fleetd.scripts.child"),
                *(str(descriptor), str(os.getpid()), msgspec.json.encode(limits).decode(), program),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                cwd="/",
                # It must find what this process found; it empties its environment when it has.
                env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
                pass_fds=(descriptor,),
            )
        finally:
            os.close(descriptor)
        if process.stdin is None or process.stdout is None:
            raise OSError("a process for scripts has no pipes")
        child = cls(process, (process.stdin, process.stdout), mark, limits)
        try:
            async with asyncio.timeout(_START_SECONDS):
                hello = msgspec.msgpack.decode(await child._frame(), type=Hello)
        except BaseException as error:
            await child.stop()
            if isinstance(error, TimeoutError | asyncio.IncompleteReadError | msgspec.MsgspecError):
                raise OSError(f"a process for scripts did not start (status {process.returncode})") from error
            raise
        if hello.error:
            await child.stop()
            raise OSError(f"a process for scripts did not start: {hello.error}")
        if hello.unfiltered:
            log.warning("the system calls of a process for scripts are not filtered", because=hello.unfiltered)
        return child

    @property
    def pid(self) -> int:
        """The process' id."""
        return self._process.pid

    async def run(self, batch: Batch) -> AsyncIterator[Sequence[Answer]]:
        """The answers, as they come.

        Raises:
            Ended: it is gone, or had to be killed; the rest of the batch has no answers.
        """
        self._late = self._hungry = False
        watch = asyncio.get_running_loop().create_task(self._watch(batch))
        missing = len(batch.work)
        try:
            self._to.write(framed(batch))
            await self._to.drain()
            self.known = (set() if batch.forget else self.known) | batch.scripts.keys()
            while missing:
                answers = self._decoder.decode(await self._frame())
                missing -= len(answers)
                yield answers
        except (asyncio.IncompleteReadError, OSError, msgspec.MsgspecError) as error:
            number, running = self._mark.get()
            await self.stop()
            known = any(work.number == number for work in batch.work)
            status = self._process.returncode or 0
            raise Ended(number if known else 0, late=self._late, running=running, starved=self._hungry, status=status) from error
        finally:
            watch.cancel()
            # Not `await watch`: its cancellation could not be told from our own.
            await asyncio.wait({watch})

    async def stop(self) -> None:
        """Kills the process and waits for its end."""
        self._kill()
        self._to.close()
        # To the end: the transport closes once its pipes have.
        with suppress(OSError):
            while await self._from.read(1 << 16):
                pass
        await self._process.wait()
        self._mark.close()

    def _kill(self) -> None:
        # Not by `Process.kill`: that reaps a process which has already ended, and asyncio then never learns how.
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    async def _frame(self) -> bytes:
        size = HEADER.unpack(await self._from.readexactly(HEADER.size))[0]
        if size > LARGEST_FRAME:
            raise OSError("the child's answer is too large")
        return await self._from.readexactly(size)

    async def _watch(self, batch: Batch) -> None:
        """Kills the process when its mark stands still for longer than the work there may take.

        Where the machine is busy with something else, a process that did not get that much CPU is given a little longer.
        """
        sizes = {work.number: len(work.argument) for work in batch.work}
        everything = sum(sizes.values())
        seen, left = self._mark.get(), self._allowed(sizes, everything)
        spent, grace = self._cpu(), _GRACE
        while left > 0 or (grace > 0 and self._starved(spent)):
            step = min(left if left > 0 else grace, self._limits.seconds / 2)
            await asyncio.sleep(step)
            now = self._mark.get()
            if now != seen:
                seen, left, spent, grace = now, self._allowed(sizes, everything), self._cpu(), _GRACE
            elif left > 0:
                left -= step
            else:
                grace -= step
        self._late, self._hungry = True, self._starved(spent)
        self._kill()

    def _starved(self, spent: float) -> bool:
        return 0 < self._cpu() < spent + self._limits.seconds

    def _cpu(self) -> float:
        """Seconds of CPU that the process has had; 0 where that is not known."""
        try:
            # The clock of another process, see clock_getcpuclockid(3).
            return time.clock_gettime((~self._process.pid << 3) | 2) if sys.platform == "linux" else 0.0
        except OSError:
            return 0.0

    def _allowed(self, sizes: dict[int, int], everything: int) -> float:
        number, running = self._mark.get()
        if running and number in sizes:
            return self._limits.seconds_for(sizes[number])
        return 2.0 + self._limits.seconds + sizes.get(number, everything) / _BYTES_A_SECOND


def _memory_file() -> int:
    """The descriptor of eight zero bytes that have no name."""
    if sys.platform == "linux":
        descriptor = os.memfd_create("fleetd-scripts")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, MARK.size)
    return descriptor
