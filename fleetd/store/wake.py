"""How processes on one SQLite file hear of each other's commits: a named pipe per listener in `<database>.wake/`.

A pipe, where a socket might stand: a socket's path may have 107 bytes only. Writing a byte never waits; a listener that has
died leaves a pipe that nobody reads, which the next one to write removes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path


class Wake:
    """This process's ear and voice. Without leave to write beside the database it stays deaf, and the version check serves."""

    def __init__(self, database: Path) -> None:
        self._folder = database.with_name(database.name + ".wake")
        self._own = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._opened: int | None = None

    def listen(self, heard: Callable[[], None]) -> None:
        """Calls `heard` on the running loop after another process spoke."""
        path = self._folder / self._own
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            os.mkfifo(path, 0o600)
            # Both directions, so that the pipe has a writer always and never reads as ended.
            self._opened = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return
        opened = self._opened

        def drain() -> None:
            with contextlib.suppress(BlockingIOError):
                while os.read(opened, 4096):
                    pass
            heard()

        asyncio.get_running_loop().add_reader(opened, drain)

    def speak(self) -> None:
        """Wakes every other listener; for any thread."""
        try:
            names = os.listdir(self._folder)
        except OSError:
            return
        for name in names:
            if name != self._own:
                self._poke(self._folder / name)

    @staticmethod
    def _poke(path: Path) -> None:
        try:
            opened = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            # ENXIO: nobody reads it any more.
            with contextlib.suppress(OSError):
                path.unlink()
            return
        try:
            with contextlib.suppress(OSError):
                os.write(opened, b"!")
        finally:
            os.close(opened)

    def close(self) -> None:
        if self._opened is None:
            return
        asyncio.get_running_loop().remove_reader(self._opened)
        with contextlib.suppress(OSError):
            (self._folder / self._own).unlink()
        os.close(self._opened)
        self._opened = None
