"""A member leaves: at once, or when nothing of fleetd is on it any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from fleetd.cli.naming import shown
from fleetd.cli.output import counted, say, write_line
from fleetd.cli.places import reading, writing
from fleetd.decide.members import WITHDRAW
from fleetd.domain.errors import NotFound, Refused, Unreachable
from fleetd.domain.states import AddonState, ClusterState
from fleetd.service.admission import Admission
from fleetd.service.membership import leave, member_ref
from fleetd.service.queries import Queries, Row, Where, reason_of
from fleetd.store.database import Database

ANSWER_SECONDS = 10.0
"""As long may a daemon take to begin; one that runs begins within milliseconds."""
STILL_SECONDS = 0.5
"""As long must a member be empty: what the daemon began before it heard shows by then."""
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Left:
    """What is of fleetd on a member."""

    cluster: str
    addons: tuple[Row, ...]
    objects: int
    away: bool
    paused: bool
    reason: str

    def __bool__(self) -> bool:
        return bool(self.addons or self.objects)

    def __str__(self) -> str:
        return f"{counted(len(self.addons), 'add-on')}, {counted(self.objects, 'object')}"

    @property
    def begun(self) -> bool:
        """Whether the daemon has heard that the member leaves."""
        return not self or any(row["state"] == AddonState.REMOVING for row in self.addons)


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
        with reading(database) as reader:
            queries = Queries(reader)
            _refuse_in_vain(left_on(queries, cluster), name, namespace)
            await Admission(opened).label(ref, {WITHDRAW: "yes"}, now=datetime.now(UTC), field="annotations")
            try:
                left = await _emptied(opened, lambda: left_on(queries, cluster), seconds)
            except BaseException:
                say(_still_marked(name, namespace))
                raise
        if left:
            return _not_in_time(left, name, namespace)
        await _forget(opened, name, namespace)
    return 0


def left_on(queries: Queries, cluster: str) -> Left:
    """What is of fleetd on a member now."""
    where = Where("cluster = :cluster", {"cluster": cluster})
    member = next(iter(queries.rows("fleet_clusters", where)), None)
    return Left(
        cluster=cluster,
        addons=tuple(queries.listed("fleet_addons", where, most=100_000)),
        objects=len(queries.rows("fleet_objects", where, most=100_000)),
        away=member is not None and member["connection"] == ClusterState.UNREACHABLE,
        paused=member is not None and bool(member["paused"]),
        reason=reason_of(member) if member is not None else "",
    )


def _refuse_in_vain(left: Left, name: str, namespace: str) -> None:
    if not left:
        return
    if left.paused:
        raise Refused(f"{left.cluster} is paused, and nothing was changed: fleetd cluster resume {name} -n {namespace} first")
    if left.away:
        raise Unreachable(
            f"{left.cluster} is unreachable ({left.reason}) with {left} on it; nothing was changed "
            "(without --withdraw it is forgotten, and they stay there)"
        )


async def _emptied(database: Database, look: Callable[[], Left], seconds: float) -> Left:
    """Waits until nothing is left, for so long at most; what is left then.

    Raises:
        Unreachable: no daemon began.
    """
    end = asyncio.get_running_loop().time() + seconds
    look = _telling(look)
    left = await _until(database, look, lambda found: found.begun, min(seconds, ANSWER_SECONDS))
    if not left.begun:
        raise Unreachable(f"no daemon has begun to withdraw from {left.cluster} within {min(seconds, ANSWER_SECONDS):g} s: does one run?")
    while remaining := max(0.0, end - asyncio.get_running_loop().time()):
        left = await _until(database, look, lambda found: not found, remaining)
        if left or not (left := await _until(database, look, bool, min(STILL_SECONDS, remaining))):
            break
    return left


async def _until(database: Database, look: Callable[[], Left], enough: Callable[[Left], bool], seconds: float) -> Left:
    """Looks after each commit, until it is enough or the time is over."""
    left = look()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not enough(left):
                await database.changed()
                left = look()
    return left


def _telling(look: Callable[[], Left]) -> Callable[[], Left]:
    """As `look`, and says what is left whenever that has changed."""
    told: list[str] = []

    def looked() -> Left:
        left = look()
        if left and told[-1:] != [str(left)]:
            told.append(str(left))
            say(f"{left.cluster}: {left} left")
        return left

    return looked


def _not_in_time(left: Left, name: str, namespace: str) -> int:
    for row in left.addons[:SHOWN]:
        reason = reason_of(row)
        say(f"{row['profile']} {row['addon']}: {row['state']}{f': {reason}' if reason else ''}")
    say(_still_marked(name, namespace))
    if left.away:
        raise Unreachable(f"{left.cluster} has become unreachable ({left.reason}), with {left} left on it")
    say(f"fleetd: not within the time: {left} left on {left.cluster}")
    return 1


def _still_marked(name: str, namespace: str) -> str:
    return (
        f"{namespace}/{name} is kept, and stays marked: what is on it goes as soon as that can be done, and the same command then ends it; "
        f"to take it back: fleetd annotate sveltoscluster {name} -n {namespace} {WITHDRAW}-"
    )


async def _forget(database: Database, name: str, namespace: str) -> None:
    gone = await leave(Admission(database), name, namespace, now=datetime.now(UTC))
    write_line(f"{shown(gone.ref)} deregistered")
