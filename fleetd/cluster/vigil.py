"""Closes a stream that says nothing for too long, for the price of one timer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp


class Vigil:
    """Watches over one stream. Whole lines count; a byte now and then does not."""

    def __init__(self, response: aiohttp.ClientResponse, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._response = response
        self._seconds = seconds
        self._began = self._last = self._loop.time()
        self._resting = False
        self.silent = False
        self._timer = self._loop.call_later(seconds, self._look)

    @property
    def age(self) -> float:
        return self._loop.time() - self._began

    def heard(self) -> None:
        """A line came."""
        self._last = self._loop.time()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """While whoever reads is busy with what came, silence is not the server's."""
        self._resting = True
        try:
            yield
        finally:
            self._resting = False
            self._last = self._loop.time()

    def end(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        left = self._seconds if self._resting else self._last + self._seconds - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
            return
        self.silent = True
        self._response.close()
