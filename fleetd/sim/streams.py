"""A watch on its way to the client: counted, and struck by faults."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from fleetd.kubeapi.exchange import Stream
from fleetd.sim.asked import Asked
from fleetd.sim.faults import INVALID_JSON, Fault, FaultKind, Faults
from fleetd.sim.transport import BrokenFrame

SLOW = (FaultKind.BANDWIDTH, FaultKind.DELAY)


def _wait(fault: Fault | None, frame: bytes) -> float:
    """Seconds that a frame takes."""
    if fault is None:
        return 0.0
    return len(frame) / max(fault.rate, 1) if fault.kind is FaultKind.BANDWIDTH else fault.seconds


class WatchedStream:
    """Passes on the frames of a stream; `ended` is called once with it when the stream is over.

    A stream that kept silent has lost frames. It stays silent until the fault is healed, and is closed then: what it would go
    on with would hide what it left out.
    """

    def __init__(self, stream: Stream, asked: Asked, faults: Faults, ended: Callable[[WatchedStream], None]) -> None:
        self.content_type = stream.content_type
        self.asked = asked
        self._stream = stream
        self._faults = faults
        self._ended = ended
        self._lost = False
        self._due = 0.0
        self._waiting: deque[bytes | None] = deque()
        self._timers: deque[asyncio.TimerHandle] = deque()
        self._held: list[bytes] = []

    def start(self, write: Callable[[bytes], None], close: Callable[[], None]) -> None:
        self._write = write
        self._close = close
        self._stream.start(self._frame, self._end)

    def stop(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._stream.stop()
        self._ended(self)

    def healed(self) -> None:
        """A fault was lifted."""
        if self._lost:
            self._close()
        held, self._held = self._held, []
        for frame in held:
            self._frame(frame)

    def cut(self) -> None:
        """Ends in the middle of a word."""
        self._write(BrokenFrame(b"\n"))

    def _frame(self, frame: bytes) -> None:
        fault = self._faults.on_frame(self.asked)
        if self._lost or (fault is not None and fault.kind is FaultKind.SILENT):
            self._lost = True
        elif self._held or (fault is not None and fault.kind is FaultKind.FREEZE):
            self._held.append(frame)
        elif self._waiting or (fault is not None and fault.kind in SLOW):
            self._later(frame, _wait(fault, frame))
        elif fault is None:
            self._write(frame)
        else:
            self._write(BrokenFrame(frame) if fault.kind is FaultKind.TRUNCATE else INVALID_JSON)

    def _end(self) -> None:
        if self._waiting:
            self._later(None, 0.0)
        elif not self._lost:
            self._close()

    def _later(self, frame: bytes | None, seconds: float) -> None:
        """Sends it after those that already wait."""
        loop = asyncio.get_running_loop()
        self._due = max(self._due, loop.time() + seconds)
        self._waiting.append(frame)
        self._timers.append(loop.call_at(self._due, self._send_first))

    def _send_first(self) -> None:
        self._timers.popleft()
        frame = self._waiting.popleft()
        if frame is None:
            self._close()
        else:
            self._write(frame)
