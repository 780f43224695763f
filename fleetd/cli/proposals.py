"""`fleetd proposals`: what halts until a person says a word; and `fleetd approve`, the same in short."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from fleetd.cli.ask import ANSWER_SECONDS
from fleetd.cli.asked import answer_to, tell
from fleetd.cli.deciding import actor
from fleetd.cli.describing import write_facts
from fleetd.cli.options import DatabaseOption, FormOption, ReasonOption
from fleetd.cli.output import Row, plain, say, write_json, write_line, write_rows, write_yaml
from fleetd.cli.places import existing_url, questions, settings_of
from fleetd.cli.showing import ONCE_AS_A_TABLE, Showing, show
from fleetd.domain.errors import InvalidInput, NotPermitted, Unreachable
from fleetd.domain.states import ProposalState, RequestState
from fleetd.service.acting import Actor, Approve, Reject
from fleetd.service.answers import as_json
from fleetd.service.asking import Questions
from fleetd.service.questions.proposals import DescribeProposal, GetProposal, Proposal
from fleetd.service.questions.rows import ListRows

if TYPE_CHECKING:
    from fleetd.service.local_acting import LocalActions

LOST_SHOWN = 50


def list_(
    *,
    state: Annotated[ProposalState | None, Parameter(help="Only those in this state.")] = None,
    how: Showing = ONCE_AS_A_TABLE,
) -> None:
    """Show proposals, the newest first: what halts until a person decides, and how the others ended.

    Examples:

        fleetd proposals list
        fleetd proposals list --state waiting -o json
    """
    equal = {"state": state.value} if state is not None else {}
    show(ListRows(view="fleet_proposals", equal=equal, as_of=how.as_of), "fleet_proposals", how, nothing="nothing waits for a person")


def show_(proposal: str, /, *, output: FormOption = "table", database: DatabaseOption = None) -> None:
    """Show one proposal: what would go, since when and why, until when it waits, and who decided.

    Examples:

        fleetd proposals show 01a20a46
        fleetd proposals show EventTrigger/mirror -o json

    Parameters
    ----------
    proposal:
        Its id, as much of its beginning or end as only it has; or its subject.
    """
    answer = answer_to(DescribeProposal(named=proposal), database)
    if output == "table":
        _write(answer.result, journal=True)
    else:
        (write_json if output == "json" else write_yaml)(as_json(answer.result))
    tell(answer.warnings, answer.coverage)


def approve(proposal: str, /, *, reason: ReasonOption = "", database: DatabaseOption = None) -> int:
    """Let a held loss follow. It is shown first, and a part of its id is typed to say that this one is meant: it needs a terminal.

    Examples:

        fleetd proposals approve 01a20a46 --reason "the clusters were turned off"
        fleetd approve EventTrigger/mirror

    Parameters
    ----------
    proposal:
        Its id, as much of its beginning or end as only it has; or its subject.
    """
    found, why = _meant("approve", proposal, reason, database)
    action = Approve(proposal=str(found.facts["id"]), seen=found.seen, reason=why)
    return asyncio.run(_decide(action, found, database))


def reject(proposal: str, /, *, reason: ReasonOption = "", database: DatabaseOption = None) -> int:
    """Say no to a held loss: nothing follows, and it is not asked again as long as it lasts. It needs a terminal, as approve does.

    Examples:

        fleetd proposals reject 01a20a46 --reason "the selector was a typo"

    Parameters
    ----------
    proposal:
        Its id, as much of its beginning or end as only it has; or its subject.
    """
    found, why = _meant("reject", proposal, reason, database)
    return asyncio.run(_decide(Reject(proposal=str(found.facts["id"]), reason=why), found, database))


def _meant(verb: str, named: str, reason: str, database: str | None) -> tuple[Proposal, str]:
    """What a person at a terminal has seen and named, and their reason.

    Raises:
        NotPermitted: nobody sits there.
        InvalidInput: they gave no reason, or named another one.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise NotPermitted(f"a person decides this, at a terminal: run fleetd proposals {verb} {named} there, or use A and X in fleetd-tui")
    found = answer_to(DescribeProposal(named=named), database).result
    _write(found, journal=False)
    why = reason.strip() or _typed("\nWhy? ")
    if not why:
        raise InvalidInput("nothing was done: it needs a reason, for the record")
    if _typed(f"Type {found.typed} to {verb} it: ") != found.typed:
        raise InvalidInput("nothing was done: that is not its id")
    return found, why


def _typed(question: str) -> str:
    with suppress(EOFError):
        return input(question).strip()
    return ""


def _write(found: Proposal, *, journal: bool) -> None:
    facts = found.facts
    named = ("id", "state", "kind", "subject", "reason", "created_at", "expires_at", "decided_by", "decided_via", "decided_at", "decision")
    shown = {name: facts[name] for name in (*named, "ended_at", "cause_id")}
    titles = {"reason": "what", "created_at": "since", "expires_at": "waits until", "decision": "because", "ended_at": "over since"}
    write_facts({titles.get(name, name): value for name, value in shown.items()})
    write_line(f"\n{'Would go' if facts['state'] == ProposalState.WAITING else 'Was about'} ({len(found.lost)}):")
    for one in found.lost[:LOST_SHOWN]:
        write_line(f"  {plain(one)}")
    if len(found.lost) > LOST_SHOWN:
        write_line(f"  … and {len(found.lost) - LOST_SHOWN} more (-o json has all)")
    if journal and found.journal:
        write_line("\nWhy and since when:")
        write_rows(found.journal, view="fleet_journal", form="table")


async def _decide(action: Approve | Reject, found: Proposal, database: str | None) -> int:
    """Asks, and waits for what becomes of it: the daemon looks anew before anything goes."""
    from fleetd.service.local_acting import LocalActions  # brings SQLAlchemy

    existing_url(database)
    settings = settings_of(database)
    async with questions(database) as service:
        actions = LocalActions(settings.database, service, key_file=settings.key_file)
        try:
            made = (await actions.act(action, Actor(actor(), "cli"))).result.requests
            (row,) = await actions.outcome(tuple(one.request_id for one in made), seconds=ANSWER_SECONDS)
            if row.state == RequestState.WAITING:
                raise Unreachable(
                    f"no daemon has answered within {ANSWER_SECONDS:.0f} s; the request stays and is done when one runs "
                    f"(fleetd get requests; id {row.request_id})"
                )
            if row.state == RequestState.FAILED:
                say(f"fleetd: {row.outcome_untrusted}")
                return 1
            now = await _decided(service, actions, str(found.facts["id"]))
        finally:
            await actions.close()
    return _said(str(found.facts["subject"]), now, row.outcome_untrusted, expected=found.lost)


async def _decided(service: Questions, actions: LocalActions, proposal_id: str) -> Row:
    """The proposal, when what was decided has followed, or when the time for an answer is over."""
    now: Row = (await service.ask(GetProposal(proposal_id=proposal_id))).result
    with suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_SECONDS):
            while now["state"] == ProposalState.APPROVED:
                await actions.changed()
                now = (await service.ask(GetProposal(proposal_id=proposal_id))).result
    return now


def _said(subject: str, now: Row, outcome: str, *, expected: tuple[str, ...]) -> int:
    match now["state"]:
        case ProposalState.APPLIED | ProposalState.REJECTED as state:
            write_line(f"{subject}: {'approved' if state == ProposalState.APPLIED else 'rejected'}, {outcome}")
        case ProposalState.APPROVED:
            write_line(f"{subject}: approved, and looked at once more before anything goes (fleetd proposals show {now['id']})")
        case ProposalState.WAITING if len(now["lost"]) > len(expected):
            say(f"fleetd: {now['reason']}: that is more than was approved, so nothing went; approve it again if that is meant")
            return 1
        case state:
            say(f"fleetd: {subject}: {state}: there is no such loss any more, and nothing went")
            return 1
    return 0
