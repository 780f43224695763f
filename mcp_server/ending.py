"""An end in order, when the process is told to end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def told_to_end() -> Iterator[asyncio.Event]:
    """Is set by SIGINT and SIGTERM, which end nothing by themselves meanwhile."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in SIGNALS:
        loop.add_signal_handler(number, told.set)
    try:
        yield told
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


async def told_before(told: asyncio.Event, serving: asyncio.Task[Any]) -> bool:
    """Waits for either; whether it was told first. What serves goes on then, and is left to the caller."""
    waiting = asyncio.create_task(told.wait())
    try:
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    return not serving.done()
