"""Who decides something here, for the audit: the user of this machine, and the command that was called."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from contextvars import ContextVar

from fleetd import __version__
from fleetd.cli.commands import COMMANDS
from fleetd.domain.audit import Decider

_called: ContextVar[str] = ContextVar("called", default="")


def note_command(arguments: Sequence[str]) -> None:
    """Remembers which command is being run."""
    words = [word for word in arguments[:2] if not word.startswith("-")]
    named = [".".join(words[:count]) for count in (2, 1)]
    _called.set(next((name for name in named if name in COMMANDS), ""))


def actor() -> str:
    """Who asks: the user of this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def decider() -> Decider:
    """Who changes the database, by the command's own word: `apply`, `register`, `pause`."""
    return Decider(actor(), "cli", _called.get().rpartition(".")[2] or "change", f"fleetd {__version__}")
