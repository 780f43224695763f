"""Small things that were asked of the daemon, and what came of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from fleetd.domain.inspection import VERB
from fleetd.service.answers import Answer, Hint
from fleetd.service.arguments import About
from fleetd.service.asking import Question
from fleetd.service.foreign import plain_text, safe_ref
from fleetd.service.questions.ground import Ground
from fleetd.service.questions.live import live_page
from fleetd.service.questions.objects import ObjectPage
from fleetd.service.questions.sights import seen
from fleetd.service.teaching import Code, Lesson, Taught
from fleetd.store.reading import Record

READ = "SELECT * FROM fleet_requests WHERE id = :id"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """A request. waiting: no daemon has taken it up yet; done and failed are final."""

    request_id: str
    verb: str
    subject: str
    state: str
    created_at: str
    decided_at: str | None = None
    object: ObjectPage | None = None
    outcome_untrusted: str = ""


def request_row(row: Record) -> RequestRow:
    """A row of `fleet_requests`."""
    return RequestRow(
        request_id=row["id"],
        verb=row["verb"],
        subject=safe_ref(row["subject"]),
        state=row["state"],
        created_at=row["created_at"],
        decided_at=row["decided_at"],
        outcome_untrusted=plain_text(row["outcome"]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GetRequest(Question[Answer[RequestRow]]):
    """What became of a request of requeue, set_pause, or get_object with live=true. To wait for it, subscribe to fleetd://requests/{id}."""

    request_id: Annotated[str, About("as the request gave it")]

    def answered(self, ground: Ground) -> Answer[RequestRow]:
        row = ground.row(READ, id=self.request_id)
        if row is None:
            got = plain_text(self.request_id, most=80)
            hint = Hint(why="what was asked lately", tool="get_timeline", arguments={"types": ["request"]})
            raise Taught(Lesson(code=Code.NOT_FOUND, sentence="there is no request of this id", field="request_id", got=got, next=hint))
        hints: tuple[Hint, ...] = ()
        if row["state"] == "failed":
            hints = (Hint(why="how the fleet is", tool="fleet_overview"),)
        answer = request_row(row)
        if row["verb"] == VERB and row["state"] == "done":
            answer = replace(answer, object=live_page(seen(ground, row, "spec")))
        return ground.answer(answer, hints)
