"""Takes from this process what running scripts does not need. For a child; there is no way back."""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import sys
import time
from contextlib import suppress

from fleetd.scripts.syscalls import filter_calls

_NOBODY = 65534
_STACK_BYTES = 96 * 1024 * 1024
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38


def confine(process_bytes: int, parent: int) -> str:
    """No new files, processes, privileges or core dumps; bounded memory; few system calls; an end with the parent's.

    Returns why system calls are not filtered; empty where they are.

    Raises:
        ProcessLookupError: the parent has already ended.
    """
    os.environ.clear()
    # Without it, the first look at the time of day would look for a file.
    os.environ["TZ"] = "UTC"
    time.tzset()
    os.chdir("/")
    control = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
    for kind, value in (
        (resource.RLIMIT_AS, process_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 3),
        (resource.RLIMIT_NPROC, 0),
        # Lua bounds its own stack; where its functions of C call back, that takes from this one.
        (resource.RLIMIT_STACK, _STACK_BYTES),
    ):
        # A platform may know a limit and not allow it (the address space on macOS).
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (value, value))
    if os.geteuid() == 0:
        # The limit on processes does not bind root. A container may lack the right to change.
        with suppress(OSError):
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
    if control is not None:
        # After the change of user, which takes the first of these back.
        control(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        control(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        control(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if os.getppid() != parent:
        raise ProcessLookupError("the parent has ended")
    return filter_calls() if control is not None else f"there is no filter for {sys.platform}"


def allow_cpu(seconds: float) -> None:
    """Ends this process when it uses more CPU from now on: nobody may be left to kill it."""
    soft = math.ceil(time.process_time() + seconds) + 1
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))
