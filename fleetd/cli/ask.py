"""`fleetd adopt` and `requeue`: small things asked of the daemon."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from fleetd.cli.deciding import actor
from fleetd.cli.options import DatabaseOption, ReasonOption
from fleetd.cli.output import say, write_line
from fleetd.cli.places import questions, writing
from fleetd.domain.errors import Unreachable
from fleetd.domain.refs import PlacedRef
from fleetd.domain.states import RequestState
from fleetd.service.questions.held import FindCluster, FindSubjects
from fleetd.service.requests import answer, ask

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


def requeue(ref: str, /, *, reason: ReasonOption = "", database: DatabaseOption = None) -> int:
    """Make what is stuck try again now, without waiting for its next attempt, and let go on what of it is held back for a while.

    Examples:

        fleetd requeue ClusterProfile/web
        fleetd requeue Profile/shop/web --reason "the registry is back"
        fleetd requeue EventTrigger/mirror --reason "the loop is mended"
        fleetd requeue event:01a20a46
        fleetd requeue prod/eu-1 --reason "its network is back"

    Parameters
    ----------
    ref:
        ClusterProfile/name or Profile/namespace/name; EventTrigger/name, EventSource/name or event:ID for what waits behind it;
        or a cluster, for what failed or waits there.
    """
    return asyncio.run(_requeue(ref, reason, database))


async def _adopt(placed: PlacedRef, reason: str, database: str | None) -> int:
    async with questions(database) as service:
        cluster = (await service.ask(FindCluster(cluster=placed.cluster))).result.name
    return await _ask("adopt", [str(PlacedRef(placed.ref, cluster))], reason, database)


async def _requeue(ref: str, reason: str, database: str | None) -> int:
    async with questions(database) as service:
        meant = (await service.ask(FindSubjects(refs=(ref,)))).result.profiles
    return await _ask("requeue", meant, reason, database)


async def _ask(verb: str, subjects: Sequence[str], reason: str, database: str | None) -> int:
    """Asks for all of them, and waits for the daemon's answers.

    Raises:
        Unreachable: there is none; the requests stay.
    """
    async with writing(database) as opened:
        now, by = datetime.now(UTC), actor()
        ids = [await ask(opened, verb, subject, actor=by, via="cli", reason=reason, now=now) for subject in subjects]
        end = asyncio.get_running_loop().time() + ANSWER_SECONDS
        answers = [await answer(opened, one, seconds=max(0.0, end - asyncio.get_running_loop().time())) for one in ids]
    for subject, found in zip(subjects, answers, strict=True):
        if found.state is RequestState.FAILED:
            say(f"fleetd: {found.outcome}")
        elif found.state is not RequestState.WAITING:
            write_line(f"{verb} {subject}: {found.outcome}")
    waiting = [one for one, found in zip(ids, answers, strict=True) if found.state is RequestState.WAITING]
    if waiting:
        raise Unreachable(
            f"no daemon has answered within {ANSWER_SECONDS:.0f} s; the request stays and is done when one runs "
            f"(fleetd get requests; id {', '.join(waiting)})"
        )
    return int(any(found.state is RequestState.FAILED for found in answers))
