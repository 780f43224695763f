"""Small, reversible things that people do from here: what each is about, what to ask before, and what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetd.domain.errors import FleetdError, InvalidInput
from fleetd.service.acting import Actions, Actor
from fleetd.service.asking import Questions
from fleetd.service.questions.held import ReadRequests
from fleetd.service.questions.proposals import to_type
from fleetd.service.questions.requests import RequestRow
from tui.acts import ACTS, Act, named
from tui.given import Given
from tui.grid import Grid
from tui.local_pages import lesson_line
from tui.subjects import of_row

if TYPE_CHECKING:
    from tui.app import FleetApp

PATIENCE = 10.0
"""Seconds that somebody waits here for what becomes of it; the list of requests shows it later."""


@dataclass(frozen=True, slots=True)
class Meant:
    """What would be done, until somebody says why."""

    act: Act
    about: tuple[str, ...]

    @property
    def said(self) -> str:
        more = f" and {len(self.about) - 1} more" if len(self.about) > 1 else ""
        return f"{self.act.verb} {named(self.about[0])}{more}"

    @property
    def typed(self) -> str:
        """What has to be typed before the reason; empty where nothing has."""
        return to_type(named(self.about[0])) if self.act.weighty else ""


def meant(app: FleetApp, verb: str) -> Meant:
    """What a key would do to the marked rows, or to what somebody points at.

    Raises:
        InvalidInput: it cannot be done; why.
    """
    act = ACTS[verb]
    if app.place.as_of:
        raise InvalidInput("this is the past, and nothing can be done to it: esc returns to now")
    subjects = [app.subject]
    if isinstance(app.body, Grid) and app.body.window.marks:
        rows = [app.body.window.held(key) for key in app.body.window.meant]
        if unread := rows.count(None):
            raise InvalidInput(f"{unread} of the {len(rows)} marked rows are not read yet: scroll over them, or mark fewer")
        subjects = [of_row(app.body.table.name, row) for row in rows if row is not None]
    about = tuple(dict.fromkeys(filter(None, map(act.about, subjects))))
    if not about:
        raise InvalidInput(f"{verb} is for {act.kinds}: choose one")
    if act.weighty and len(about) > 1:
        raise InvalidInput(f"{verb} is done one at a time: {len(about)} are marked")
    return Meant(act, about)


@dataclass
class Acting:
    """What is about to be done, and what came of it."""

    app: FleetApp
    _meant: Meant | None = None
    _actions: Actions | None = None

    def begin(self, verb: str) -> str:
        """What to ask before it is done.

        Raises:
            InvalidInput: it cannot be done; why.
        """
        self._meant = meant(self.app, verb)
        return self.question

    @property
    def question(self) -> str:
        """What is asked now; empty where nothing is."""
        if self._meant is None:
            return ""
        return f"{self._meant.said}: {f'type {self._meant.typed} and why' if self._meant.typed else 'why?'}"

    def forget(self) -> None:
        """Nothing is to be done after all."""
        self._meant = None

    async def end(self, reason: str) -> None:
        """Does it, for this reason, and says what came of it."""
        what, self._meant = self._meant, None
        if what is not None and what.typed:
            first, _, reason = reason.partition(" ")
            if first != what.typed:
                self.app.frame.say(f"nothing was done: type {what.typed}, a space, and why", bad=True)
                return
        if what is None or not reason.strip():
            self.app.frame.say("nothing was done: it needs a reason", bad=True)
            return
        try:
            await self._do(what, reason)
        except FleetdError as error:
            self.app.frame.say(lesson_line(error), bad=True)

    async def close(self) -> None:
        """Ends what writes."""
        if self._actions is not None:
            await self._actions.close()

    async def _do(self, what: Meant, reason: str) -> None:
        if self._actions is None:
            self._actions = await asyncio.to_thread(_actions, self.app.given, self.app.looking.questions)
        made: list[RequestRow] = []
        for action in what.act.make(what.about, reason):
            made += (await self._actions.act(action, Actor(_who(), "tui"))).result.requests
        self.app.frame.say(f"{what.said}: asked, waiting for the daemon (:rq shows it later)")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._outcome(what, tuple(row.request_id for row in made))

    async def _outcome(self, what: Meant, ids: tuple[str, ...]) -> None:
        looking = self.app.looking
        while True:
            looking.committed.clear()
            rows = (await looking.questions.ask(ReadRequests(ids=ids))).result.requests
            if all(row.state != "waiting" for row in rows):
                worst = next((row for row in rows if row.state == "failed"), rows[0])
                self.app.frame.say(f"{what.said}: {worst.state}: {worst.outcome_untrusted}", bad=worst.state == "failed")
                return
            await looking.committed.wait()


def _actions(given: Given, questions: Questions) -> Actions:
    # What writes brings SQLAlchemy, which nobody who only looks should wait for.
    from fleetd.service.local_acting import LocalActions

    return LocalActions(given.url, questions, key_file=given.key_file)


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
