"""A member leaves: at once, or when nothing of fleetd is on it any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

from fleetd.cli.naming import shown
from fleetd.cli.output import counted, say, write_line
from fleetd.cli.places import questions, writing
from fleetd.decide.members import WITHDRAW
from fleetd.domain.errors import NotFound, Refused, Unreachable
from fleetd.service.admission import Admission
from fleetd.service.membership import leave, member_ref
from fleetd.service.questions.beside import reason_of
from fleetd.service.questions.membership import FindLeft, Left
from fleetd.store.database import Database

ANSWER_SECONDS = 10.0
"""As long may a daemon take to begin; one that runs begins within milliseconds."""
Look = Callable[[], Awaitable[Left]]
STILL_SECONDS = 0.5
"""As long must a member be empty: what the daemon began before it heard shows by then."""


def _counts(left: Left) -> str:
    return f"{counted(left.addon_count, 'add-on')}, {counted(left.objects, 'object')}"


async def deregister_now(name: str, namespace: str, database: str | None) -> None:
    """Forgets the member; what is on it stays."""
    async with writing(database) as opened:
        await _forget(opened, name, namespace)


async def withdraw_and_deregister(name: str, namespace: str, seconds: float, database: str | None) -> int:
    """Marks the member as leaving, waits until it is empty, and forgets it; 1 when the time is over before.

    Raises:
        NotFound: there is no such member.
        Refused: it is paused; nothing was changed.
        Unreachable: it is away, and nothing was changed; or it or the daemon did not answer, and it stays marked.
    """
    ref, cluster = member_ref(name, namespace), f"{namespace}/{name}"
    async with writing(database) as opened:
        if await opened.declared.get(ref) is None:
            raise NotFound(f"{ref} does not exist")
        async with questions(database) as service:
            asked = FindLeft(cluster=cluster)

            async def look() -> Left:
                return (await service.ask(asked)).result

            _refuse_in_vain(await look(), name, namespace)
            await Admission(opened).label(ref, {WITHDRAW: "yes"}, now=datetime.now(UTC), field="annotations")
            try:
                left = await _emptied(opened, look, seconds)
            except BaseException:
                say(_still_marked(name, namespace))
                raise
        if left:
            return _not_in_time(left, name, namespace)
        await _forget(opened, name, namespace)
    return 0


def _begun(left: Left) -> bool:
    """Whether the daemon has heard that the member leaves."""
    return not left or left.removing


def _refuse_in_vain(left: Left, name: str, namespace: str) -> None:
    if not left:
        return
    if left.paused:
        raise Refused(f"{left.cluster} is paused, and nothing was changed: fleetd cluster resume {name} -n {namespace} first")
    if left.away:
        raise Unreachable(
            f"{left.cluster} is unreachable ({left.reason}) with {_counts(left)} on it; nothing was changed "
            "(without --withdraw it is forgotten, and they stay there)"
        )


async def _emptied(database: Database, look: Look, seconds: float) -> Left:
    """Waits until nothing is left, for so long at most; what is left then.

    Raises:
        Unreachable: no daemon began.
    """
    end = asyncio.get_running_loop().time() + seconds
    look = _telling(look)
    left = await _until(database, look, _begun, min(seconds, ANSWER_SECONDS))
    if not _begun(left):
        raise Unreachable(f"no daemon has begun to withdraw from {left.cluster} within {min(seconds, ANSWER_SECONDS):g} s: does one run?")
    while remaining := max(0.0, end - asyncio.get_running_loop().time()):
        left = await _until(database, look, lambda found: not found, remaining)
        if left or not (left := await _until(database, look, bool, min(STILL_SECONDS, remaining))):
            break
    return left


async def _until(database: Database, look: Look, enough: Callable[[Left], bool], seconds: float) -> Left:
    """Looks after each commit, until it is enough or the time is over."""
    left = await look()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not enough(left):
                await database.changed()
                left = await look()
    return left


def _telling(look: Look) -> Look:
    """As `look`, and says what is left whenever that has changed."""
    told: list[str] = []

    async def looked() -> Left:
        left = await look()
        if left and told[-1:] != [_counts(left)]:
            told.append(_counts(left))
            say(f"{left.cluster}: {_counts(left)} left")
        return left

    return looked


def _not_in_time(left: Left, name: str, namespace: str) -> int:
    for row in left.addons:
        reason = reason_of(row)
        say(f"{row['profile']} {row['addon']}: {row['state']}{f': {reason}' if reason else ''}")
    say(_still_marked(name, namespace))
    if left.away:
        raise Unreachable(f"{left.cluster} has become unreachable ({left.reason}), with {_counts(left)} left on it")
    say(f"fleetd: not within the time: {_counts(left)} left on {left.cluster}")
    return 1


def _still_marked(name: str, namespace: str) -> str:
    return (
        f"{namespace}/{name} is kept, and stays marked: what is on it goes as soon as that can be done, and the same command then ends it; "
        f"to take it back: fleetd annotate sveltoscluster {name} -n {namespace} {WITHDRAW}-"
    )


async def _forget(database: Database, name: str, namespace: str) -> None:
    gone = await leave(Admission(database), name, namespace, now=datetime.now(UTC))
    write_line(f"{shown(gone.ref)} deregistered")
