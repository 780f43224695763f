"""The one line that is typed in: commands, filters, times, names."""

from __future__ import annotations

import time
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.events import Key
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

READS = 0.4
"""Seconds in which nobody has read what is asked, said why, and pressed enter."""

PLACEHOLDERS = {
    ":": "a screen or kind: cl, ev pending, why NAME, cm … (right completes)",
    "/": "words in any column; !words without, -f fuzzy, -l label=value",
    "~": "a past time: -2h, 2026-11-01T12:00:00Z; empty: now",
    "*": "a name for this view",
}


class TypedLine(Input):
    """Hidden until somebody presses one of its keys; `what` says which.

    What is about to be done to the fleet (`!`) is done only after an enter that came when all that it confirms was on the terminal:
    a text that is sent in one piece with a key, as from a paste, does nothing.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False),
        Binding("tab", "cursor_right", "complete", show=False),
    ]
    DEFAULT_CSS = """
    TypedLine { display: none; height: 1; border: none; padding: 0 1; }
    TypedLine.open { display: block; }
    """

    class Typed(Message):
        """The text became another one."""

        def __init__(self, what: str, text: str) -> None:
            super().__init__()
            self.what, self.text = what, text

    class Done(Typed):
        """Somebody is done with it."""

    class Hasty(Message):
        """Enter came before anybody could have seen what it confirms."""

    class Read(Message):
        """What it asks was there long enough: enter counts from now on."""

    class Left(Message):
        """Somebody left it; what was typed last stands."""

    def __init__(self, suggester: Suggester) -> None:
        super().__init__(id="line", compact=True)
        self._commands = suggester
        self.what = ""
        self._painted = True
        self._opened_at = self._typed_at = self._key_at = 0.0

    @property
    def seen(self) -> bool:
        """Whether what it asks and what was typed are on the terminal, and long enough."""
        return self._painted and time.monotonic() - self._opened_at >= READS

    def open(self, what: str, text: str = "", hint: str = "") -> None:
        """Shows it for a command, a filter, a time, a name or a reason."""
        self.what = what
        self.placeholder = hint or PLACEHOLDERS[what]
        self.suggester = self._commands if what == ":" else None
        with self.prevent(Input.Changed):
            self.value = text
        self.cursor_position = len(text)
        self.add_class("open")
        self._opened_at = time.monotonic()
        self._to_be_seen()
        if what == "!":
            self.set_timer(READS, lambda: self.post_message(self.Read()))
        # At once: what is typed next is meant for it.
        self.screen.set_focus(self)

    def _to_be_seen(self) -> None:
        self._painted, self._typed_at = False, time.monotonic()
        self.call_after_refresh(self._is_painted, self._typed_at)

    def _is_painted(self, typed_at: float) -> None:
        self._painted = self._painted or typed_at == self._typed_at

    def on_key(self, event: Key) -> None:
        """When it was pressed, which may be long before it is dealt with."""
        self._key_at = event.time

    @property
    def _confirmed(self) -> bool:
        """Whether enter was pressed after all that was there to be seen."""
        return self._painted and self._key_at > self._typed_at and self._key_at - self._opened_at >= READS

    def _close(self) -> None:
        self.remove_class("open")

    def action_leave(self) -> None:
        self._close()
        self.post_message(self.Left())

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._to_be_seen()
        self.post_message(self.Typed(self.what, event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self.what == "!" and not self._confirmed:
            self.post_message(self.Hasty())
            return
        self._close()
        self.post_message(self.Done(self.what, event.value.strip()))
