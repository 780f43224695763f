"""Completes what is typed after `:`: screens, kinds, and then the names of what there is."""

from __future__ import annotations

from textual.suggester import Suggester

from fleetd.domain.errors import FleetdError
from fleetd.service.asking import Questions
from fleetd.service.questions.windows import Choice, ListKeys
from tui.commands import words
from tui.screens import ALIASES, PAGES, WITH_PAGE

MOST = 500
"""Names that are looked at."""


class Commands(Suggester):
    """The rest of a word; names are asked of the service."""

    def __init__(self, questions: Questions) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._questions = questions

    async def get_suggestion(self, value: str) -> str | None:
        """The whole line with its last word completed."""
        first, space, rest = value.lstrip(":").partition(" ")
        if not space:
            return next((word for word in words() if first and word.startswith(first.lower()) and word != first), None)
        screen = ALIASES.get(first, first)
        sheet = PAGES[screen].subjects if screen in PAGES else (screen if screen in WITH_PAGE else "")
        if not sheet or " " in rest or rest.startswith(("/", "@", "~")):
            return None
        try:
            keys = (await self._questions.ask(ListKeys(choice=Choice(sheet=sheet, needle=rest), most=MOST))).keys
        except FleetdError:
            return None
        names = (key.rpartition("/")[2] if sheet in ("triggers", "sources", "profiles") else key for key in keys)
        return next((f"{first} {name}" for name in names if name.startswith(rest)), None)
