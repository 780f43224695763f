"""`fleetd adopt`, `requeue` and `approve`: small things asked of the daemon."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

from fleetd.cli.deciding import actor
from fleetd.cli.options import DatabaseOption, ReasonOption
from fleetd.cli.output import Row, say, write_line
from fleetd.cli.places import questions, writing
from fleetd.domain.errors import Unreachable
from fleetd.domain.refs import PlacedRef
from fleetd.domain.states import ProposalState, RequestState
from fleetd.service.asking import Questions
from fleetd.service.questions.held import FindCluster, FindProfile
from fleetd.service.questions.proposals import FindHeldLoss, GetProposal
from fleetd.service.requests import Answer, answer, ask
from fleetd.store.database import Database

ANSWER_SECONDS = 10.0


def adopt(ref: str, /, *, reason: ReasonOption, database: DatabaseOption = None) -> int:
    """Take over an object that another owner holds; whoever wants it there tries again, and its fields become fleetd's.

    Examples:

        fleetd adopt Service/shop/web@default/eu-1 --reason "made by hand before there was a profile"
        fleetd adopt Deployment.apps/shop/web@default/eu-1 --reason "moved here from another tool"

    Parameters
    ----------
    ref:
        The object and its cluster: Kind.group/namespace/name@namespace/cluster.
    """
    return asyncio.run(_adopt(PlacedRef.parse(ref), reason, database))


def requeue(profile: str, /, *, reason: ReasonOption = "", database: DatabaseOption = None) -> int:
    """Make a profile try again on every cluster, without waiting for its next attempt.

    Examples:

        fleetd requeue ClusterProfile/web
        fleetd requeue Profile/shop/web --reason "the registry is back"

    Parameters
    ----------
    profile:
        ClusterProfile/name or Profile/namespace/name.
    """
    return asyncio.run(_requeue(profile, reason, database))


def approve(loss: str, /, *, reason: ReasonOption = "", database: DatabaseOption = None) -> int:
    """Let a held loss follow: what one change would take away at once, and was more than goes without a person's word.

    Examples:

        fleetd get proposals
        fleetd approve 0c7d3f --reason "the clusters were turned off"

    Parameters
    ----------
    loss:
        The id of the proposal, or as much of its beginning as only it has; or its subject.
    """
    return asyncio.run(_approve(loss, reason, database))


async def _approve(loss: str, reason: str, database: str | None) -> int:
    """Asks, and waits for what becomes of the loss: the daemon looks anew before anything goes."""
    async with questions(database) as service:
        held = (await service.ask(FindHeldLoss(named=loss))).result
        async with writing(database) as opened:
            found = await _answered(opened, "approve", held["id"], reason)
            if found.state is RequestState.FAILED:
                say(f"fleetd: {found.outcome}")
                return 1
            now = await _decided(service, opened, held)
    match now["state"]:
        case ProposalState.APPLIED:
            write_line(f"{held['subject']}: approved, {found.outcome}")
        case ProposalState.WAITING if now["lost"] == held["lost"]:
            write_line(f"{held['subject']}: approved, and looked at once more before anything goes (fleetd get proposals)")
        case ProposalState.WAITING:
            say(f"fleetd: {now['reason']}: that is more than was approved, so nothing went; approve it again if that is meant")
            return 1
        case state:
            say(f"fleetd: {held['subject']}: {state}: there is no such loss any more, and nothing went")
            return 1
    return 0


async def _decided(service: Questions, database: Database, held: Row) -> Row:
    """The proposal, when it is decided or has become another one, or when the time for an answer is over."""
    now = held
    with suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_SECONDS):
            while (now := (await service.ask(GetProposal(proposal_id=held["id"]))).result) == held:
                await database.changed()
    return now


async def _adopt(placed: PlacedRef, reason: str, database: str | None) -> int:
    async with questions(database) as service:
        cluster = (await service.ask(FindCluster(cluster=placed.cluster))).result.name
    return await _ask("adopt", str(PlacedRef(placed.ref, cluster)), reason, database)


async def _requeue(profile: str, reason: str, database: str | None) -> int:
    async with questions(database) as service:
        named = (await service.ask(FindProfile(named=profile))).result.name
    return await _ask("requeue", named, reason, database)


async def _ask(verb: str, subject: str, reason: str, database: str | None) -> int:
    async with writing(database) as opened:
        found = await _answered(opened, verb, subject, reason)
    if found.state is RequestState.FAILED:
        say(f"fleetd: {found.outcome}")
        return 1
    write_line(f"{verb} {subject}: {found.outcome}")
    return 0


async def _answered(database: Database, verb: str, subject: str, reason: str) -> Answer:
    """Asks, and waits for the daemon's answer.

    Raises:
        Unreachable: there is none; the request stays.
    """
    request_id = await ask(database, verb, subject, actor=actor(), via="cli", reason=reason, now=datetime.now(UTC))
    found = await answer(database, request_id, seconds=ANSWER_SECONDS)
    if found.state is RequestState.WAITING:
        raise Unreachable(
            f"no daemon has answered within {ANSWER_SECONDS:.0f} s; the request stays and is done when one runs "
            f"(fleetd get requests; id {request_id})"
        )
    return found
