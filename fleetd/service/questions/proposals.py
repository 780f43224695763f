"""Losses that are held until a person says a word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fleetd.service.answers import Answer, Hint
from fleetd.service.arguments import About
from fleetd.service.asking import Question
from fleetd.service.foreign import plain_text
from fleetd.service.questions.beside import Row, decoded
from fleetd.service.questions.ground import Ground
from fleetd.service.teaching import Code, Lesson, Taught, near

_WAITING = "SELECT * FROM fleet_proposals WHERE state = 'waiting' ORDER BY created_at, id"
_SHOWN = Hint(why="what waits", tool="list_rows", arguments={"view": "fleet_proposals"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FindHeldLoss(Question[Answer[Row]]):
    """The one waiting loss that somebody means."""

    named: Annotated[str, About("its id, as much of the beginning of that as only it has, or its subject")]

    def answered(self, ground: Ground) -> Answer[Row]:
        waiting = [decoded(row) for row in ground.rows(_WAITING)]
        found = [row for row in waiting if row["subject"] == self.named]
        found = found or [row for row in waiting if self.named and row["id"].startswith(self.named)]
        got = plain_text(self.named, most=80)
        if not found:
            names = [name for row in waiting for name in (row["id"], row["subject"])]
            raise Taught(
                Lesson(
                    code=Code.NOT_FOUND,
                    sentence="nothing waits under this id or subject",
                    field="named",
                    got=got,
                    did_you_mean=near(got, names),
                    next=_SHOWN,
                )
            )
        if len(found) > 1:
            sentence = f"this is the beginning of {len(found)} ids: write more of it"
            allowed = tuple(row["id"] for row in found)
            raise Taught(Lesson(code=Code.AMBIGUOUS_REF, sentence=sentence, field="named", got=got, allowed=allowed))
        return ground.answer(found[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class GetProposal(Question[Answer[Row]]):
    """A proposal as it stands, by its whole id."""

    proposal_id: str

    def answered(self, ground: Ground) -> Answer[Row]:
        row = ground.row("SELECT * FROM fleet_proposals WHERE id = :id", id=self.proposal_id)
        if row is None:
            lesson = Lesson(
                code=Code.NOT_FOUND,
                sentence="there is no proposal of this id",
                field="proposal_id",
                got=plain_text(self.proposal_id, most=80),
                next=_SHOWN,
            )
            raise Taught(lesson)
        return ground.answer(decoded(row))
