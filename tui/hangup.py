"""Whether the terminal is still there: a process without one would wait for keys for ever, and turn in a circle while it does."""

from __future__ import annotations

import os
import select
import sys


def hung_up() -> bool:
    """Whether whatever the keys come from was closed; False where that cannot be told."""
    try:
        descriptor = sys.__stdin__.fileno() if sys.__stdin__ is not None else -1
        if descriptor < 0 or os.name != "posix":
            return False
        poll = select.poll()
        poll.register(descriptor, select.POLLHUP)
        return any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))
    except (OSError, ValueError):
        return True
