"""`fleetd wait`."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated

from cyclopts import Parameter

from fleetd.cli.live import News, following
from fleetd.cli.naming import ref_of_word
from fleetd.cli.options import DatabaseOption, NamespaceOption, seconds_of
from fleetd.cli.output import say, say_all, write_line
from fleetd.cli.places import questions
from fleetd.domain.errors import InvalidInput, Unreachable
from fleetd.domain.refs import PlacedRef
from fleetd.service.asking import Questions
from fleetd.service.questions.progress import FindLacking, FindUnfinished, Lacking

STILL_SECONDS = 0.5


def wait(
    ref: str = "",
    /,
    *,
    converged: Annotated[bool, Parameter(negative="")] = False,
    for_: Annotated[str, Parameter(name="--for", metavar="COND")] = "",
    timeout: str = "30s",
    namespace: NamespaceOption = "default",
    database: DatabaseOption = None,
) -> int:
    """Wait until the fleet, or one thing in it, is as wanted; exit code 1, with what is missing, when the time is over.

    Examples:

        fleetd apply -f ./fleet && fleetd wait --converged --timeout 2m
        fleetd wait --for ready sveltoscluster/eu-1
        fleetd wait --for deployed clusterprofile/web
        fleetd wait --for deleted Service/shop/web@default/eu-1

    Parameters
    ----------
    ref:
        kind/name of a declared object, or Kind.group/namespace/name@cluster of what fleetd put on a cluster.
    converged:
        A daemon is at work, everything declared taken up, every cluster ready, every add-on deployed, every event acted on, no loss held.
    for_:
        exists, deleted, ready, deployed, or state=NAME.
    timeout:
        How long: 30s, 2m, 1h.
    """
    if converged == bool(for_) or bool(for_) != bool(ref):
        raise InvalidInput("say what to wait for: --converged, or --for COND REF")
    asked = FindUnfinished() if converged else _lacking(for_, ref, namespace)
    return asyncio.run(_wait(asked, seconds_of(timeout), database))


def _lacking(condition: str, ref: str, namespace: str) -> FindLacking:
    if "@" in ref:
        placed = PlacedRef.parse(ref)
        return FindLacking(ref=str(placed.ref), condition=condition, cluster=placed.cluster)
    return FindLacking(ref=str(ref_of_word(ref, namespace)), condition=condition)


async def _wait(asked: FindLacking | FindUnfinished, seconds: float, database: str | None) -> int:
    missing = Lacking()
    async with questions(database) as service, following(database) as news:
        missing = await _missing(service, asked)
        try:
            async with asyncio.timeout(seconds):
                while _lacks(missing) or (isinstance(asked, FindUnfinished) and await _changes(service, asked, news)):
                    if _lacks(missing):
                        await _heard(news, missing)
                    missing = await _missing(service, asked)
        except TimeoutError:
            say_all((*missing.sentences, *filter(None, [missing.unattended])))
            say("fleetd: not within the time")
            # Nothing that is known stands against it, but nobody is there who would know.
            return 1 if missing.sentences or not missing.unattended else Unreachable.exit_code
    write_line("condition met")
    return 0


def _lacks(missing: Lacking) -> bool:
    return bool(missing.sentences or missing.unattended)


async def _heard(news: News, missing: Lacking) -> None:
    """Until something was committed; that a daemon begins its work is nothing that is committed for others to hear."""
    with suppress(TimeoutError):
        async with asyncio.timeout(STILL_SECONDS if missing.unattended else None):
            await news.of()


async def _missing(service: Questions, asked: FindLacking | FindUnfinished) -> Lacking:
    return (await service.ask(asked)).result


async def _changes(service: Questions, asked: FindUnfinished, news: News) -> bool:
    """Whether something comes to lack within a moment: an edit of a declaration is not marked as taken up when it changes no status."""
    end = asyncio.get_running_loop().time() + STILL_SECONDS
    while (left := end - asyncio.get_running_loop().time()) > 0:
        with suppress(TimeoutError):
            async with asyncio.timeout(left):  # not wait_for: before Python 3.12 it may swallow a cancellation
                await news.of()
        if _lacks(await _missing(service, asked)):
            return True
    return False
