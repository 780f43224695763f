"""One daemon for each SQLite file."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path
from typing import Self

from fleetd.domain.errors import InvalidInput, Refused

_LOOKS = 20
_LOOK_SECONDS = 0.01


def held(database: Path) -> bool | None:
    """Whether a daemon holds the lock of this file, None where nobody may look.

    To look is to hold a part of the lock for a moment: `take` tries more than once.
    """
    try:
        opened = os.open(f"{database}.lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:
        return None
    try:
        fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(opened)
    return False


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
            _lock(opened)
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


def _lock(opened: int) -> None:
    """Raises BlockingIOError when another daemon has it; who only looks lets it go at once."""
    for _ in range(_LOOKS):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(_LOOK_SECONDS)
    fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
