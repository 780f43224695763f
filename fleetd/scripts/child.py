"""A process that runs scripts: `python -m fleetd.scripts.child MARK PARENT LIMITS PROGRAM`, frames on stdin and stdout."""

from __future__ import annotations

import os
import sys
import time

import msgspec

from fleetd.scripts.confine import allow_cpu, confine
from fleetd.scripts.limits import ScriptLimits
from fleetd.scripts.protocol import HEADER, Answer, Batch, Hello, Mark, Work, framed
from fleetd.scripts.runner import Runner, load

_IN, _OUT = 0, 1
_DESCRIPTORS = 256
_PATIENCE = 0.01
"""Seconds that an answer may wait for the next ones."""


class Child:
    """Reads batches, runs them one by one, writes answers."""

    def __init__(self, runner: Runner, mark: Mark, limits: ScriptLimits) -> None:
        self._runner = runner
        self._mark = mark
        self._limits = limits
        self._decoder = msgspec.msgpack.Decoder(Batch)

    def serve(self) -> None:
        """Until the other side closes."""
        while (header := _read(HEADER.size)) is not None:
            body = _read(HEADER.unpack(header)[0])
            if body is None:
                return
            self._work(self._decoder.decode(body))

    def _work(self, batch: Batch) -> None:
        if batch.forget:
            self._runner.forget()
        for key, script in batch.scripts.items():
            self._runner.keep(key, script)
        answers: list[Answer] = []
        told = time.monotonic()
        for work in batch.work:
            answers.append(self._answer(work))
            if time.monotonic() - told > _PATIENCE:
                self._tell(answers)
                answers, told = [], time.monotonic()
        if answers:
            self._tell(answers)

    def _tell(self, answers: list[Answer]) -> None:
        # Should the daemon read slowly, that is no script's fault.
        self._mark.set(0, running=False)
        _write(framed(answers))

    def _answer(self, work: Work) -> Answer:
        self._mark.set(work.number, running=False)
        allow_cpu(self._limits.seconds * 2 + len(work.argument) / 250_000)

        def begun() -> None:
            self._mark.set(work.number, running=True)

        began = time.monotonic()
        result = self._runner.run(work.key, work.place, work.argument, begun)
        took = time.monotonic() - began
        return Answer(work.number, result.value, result.error, result.line, result.missing, result.hint, took)


def _read(size: int) -> bytes | None:
    """Exactly so many bytes; None when the other side has closed."""
    parts = []
    while size:
        part = os.read(_IN, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(_OUT, view) :]


def main(arguments: list[str]) -> None:
    """Begins; tells why where it cannot."""
    descriptor, parent = int(arguments[0]), int(arguments[1])
    limits = msgspec.json.decode(arguments[2], type=ScriptLimits)
    mark = Mark(descriptor)
    # The memory stays without its descriptor, and without the copy that `mmap` made for itself.
    os.closerange(3, _DESCRIPTORS)
    runner = load(arguments[3], limits)
    unfiltered = confine(limits.process_bytes, parent)
    _write(framed(Hello(unfiltered=unfiltered)))
    Child(runner, mark, limits).serve()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (BrokenPipeError, ProcessLookupError, KeyboardInterrupt):
        sys.exit(1)
    except Exception as error:
        _write(framed(Hello(f"{type(error).__name__}: {error}")))
        raise
