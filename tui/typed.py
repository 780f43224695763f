"""The one line that is typed in: commands, filters, times, names."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

PLACEHOLDERS = {
    ":": "a screen or kind: cl, ev pending, why NAME, cm … (right completes)",
    "/": "words in any column; !words without, -f fuzzy, -l label=value",
    "~": "a past time: -2h, 2026-11-01T12:00:00Z; empty: now",
    "*": "a name for this view",
}


class TypedLine(Input):
    """Hidden until somebody presses one of its keys; `what` says which."""

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

    class Left(Message):
        """Somebody left it; what was typed last stands."""

    def __init__(self, suggester: Suggester) -> None:
        super().__init__(id="line", compact=True)
        self._commands = suggester
        self.what = ""

    def open(self, what: str, text: str = "", hint: str = "") -> None:
        """Shows it for a command, a filter, a time, a name or a reason."""
        self.what = what
        self.placeholder = hint or PLACEHOLDERS[what]
        self.suggester = self._commands if what == ":" else None
        with self.prevent(Input.Changed):
            self.value = text
        self.cursor_position = len(text)
        self.add_class("open")
        # At once: what is typed next is meant for it.
        self.screen.set_focus(self)

    def _close(self) -> None:
        self.remove_class("open")

    def action_leave(self) -> None:
        self._close()
        self.post_message(self.Left())

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Typed(self.what, event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._close()
        self.post_message(self.Done(self.what, event.value.strip()))
