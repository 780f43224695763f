"""Proposals: what halts until a person says a word, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fleetd.decide.proposals import mark_of, short_id
from fleetd.service.answers import Answer, Hint
from fleetd.service.arguments import About
from fleetd.service.asking import Question
from fleetd.service.foreign import plain_text
from fleetd.service.questions.beside import Row, decoded
from fleetd.service.questions.ground import Ground
from fleetd.service.teaching import Code, Lesson, Taught, near

_EVERY = "SELECT * FROM fleet_proposals ORDER BY CASE state WHEN 'waiting' THEN 0 ELSE 1 END, created_at DESC, id"
_OPEN = """
SELECT * FROM fleet_proposals WHERE state IN ('waiting', 'approved') OR (state IN ('rejected', 'expired') AND ended_at IS NULL)
ORDER BY CASE state WHEN 'waiting' THEN 0 ELSE 1 END, created_at, id
"""
_SAID = """
SELECT * FROM fleet_journal WHERE subject_ref IN (:subject, :id) OR (:cause <> '' AND cause_id = :cause) ORDER BY entry_id DESC LIMIT 20
"""
_SHOWN = Hint(why="what waits", tool="list_rows", arguments={"view": "fleet_proposals"})


def to_type(proposal_id: str) -> str:
    """What a person types to say that they mean this one."""
    return short_id(proposal_id)


def shown(row: Mapping[str, Any]) -> str:
    """A proposal's id with the mark of what a face shows of it: `id#mark`."""
    return f"{row['id']}#{mark_of(decoded(dict(row))['lost'])}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindProposal(Question[Answer[Row]]):
    """The one proposal that somebody means: with `ended` also one that holds nothing back any more."""

    named: Annotated[str, About("its id, as much of its beginning or end as only it has, or its subject")]
    ended: bool = False

    def answered(self, ground: Ground) -> Answer[Row]:
        return ground.answer(_meant(ground, self.named, ended=self.ended))


def _meant(ground: Ground, named: str, *, ended: bool) -> Row:
    rows = [decoded(row) for row in ground.rows(_EVERY if ended else _OPEN)]
    found = [row for row in rows if named in (row["id"], row["subject"])][:1]
    found = found or [row for row in rows if named and (row["id"].startswith(named) or row["id"].endswith(named))]
    got = plain_text(named, most=80)
    if not found:
        names = [name for row in rows for name in (row["id"], row["subject"])]
        sentence = "there is no proposal of this id or subject" if ended else "nothing waits under this id or subject"
        raise Taught(
            Lesson(code=Code.NOT_FOUND, sentence=sentence, field="named", got=got, did_you_mean=near(got, names), next=_SHOWN)
        )  # fmt: skip
    if len(found) > 1:
        sentence = f"this is a part of {len(found)} ids: write more of it"
        allowed = tuple(row["id"] for row in found)
        raise Taught(Lesson(code=Code.AMBIGUOUS_REF, sentence=sentence, field="named", got=got, allowed=allowed))
    return found[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A proposal as a person decides on it: `typed` says that this one is meant, `seen` what was shown."""

    facts: dict[str, Any]
    lost: tuple[str, ...]
    typed: str
    seen: str
    journal: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeProposal(Question[Answer[Proposal]]):
    """A proposal: what would go, since when and why, until when it waits, and who decided what."""

    named: Annotated[str, About("its id, as much of its beginning or end as only it has, or its subject")]

    def answered(self, ground: Ground) -> Answer[Proposal]:
        row = _meant(ground, self.named, ended=True)
        said = ground.rows(_SAID, subject=row["subject"], id=row["id"], cause=row["cause_id"])
        facts = {name: value for name, value in row.items() if name != "lost"}
        return ground.answer(
            Proposal(
                facts=facts,
                lost=tuple(row["lost"]),
                typed=short_id(row["id"]),
                seen=mark_of(row["lost"]),
                journal=tuple(dict(one) for one in reversed(said)),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GetProposal(Question[Answer[Row]]):
    """A proposal as it stands, by its whole id."""

    proposal_id: str

    def answered(self, ground: Ground) -> Answer[Row]:
        row = ground.row("SELECT * FROM fleet_proposals WHERE id = :id", id=self.proposal_id)
        if row is None:
            raise Taught(
                Lesson(
                    code=Code.NOT_FOUND,
                    sentence="there is no proposal of this id",
                    field="proposal_id",
                    got=plain_text(self.proposal_id, most=80),
                )
            )
        return ground.answer(decoded(row))
