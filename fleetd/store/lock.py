"""One daemon for each SQLite file."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Self

from fleetd.domain.errors import InvalidInput, Refused


class DaemonLock:
    """A lock on `<database>.lock`, held until it is released or the process ends, however it ends."""

    def __init__(self, opened: int) -> None:
        self._opened = opened

    @classmethod
    def take(cls, database: Path) -> Self:
        """Takes the lock.

        Raises:
            Refused: another daemon holds it.
            InvalidInput: its file cannot be made.
        """
        try:
            opened = os.open(f"{database}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise InvalidInput(f"the lock {database}.lock cannot be opened for writing: {error.strerror}") from error
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(opened, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(opened)
            raise Refused(
                f"another fleetd daemon (process {holder}) is running on {database}: stop it first, or name another database"
            ) from error
        with contextlib.suppress(OSError):  # on a full disk nobody is told who holds it; it is held all the same
            os.ftruncate(opened, 0)
            os.pwrite(opened, f"{os.getpid()}\n".encode("ascii"), 0)
        return cls(opened)

    def release(self) -> None:
        os.close(self._opened)
