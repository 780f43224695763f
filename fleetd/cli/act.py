"""`fleetd pause`, `resume` and `resync`: small, reversible things, each with a reason that is kept."""

from __future__ import annotations

import asyncio

from fleetd.cli.ask import ANSWER_SECONDS
from fleetd.cli.deciding import actor
from fleetd.cli.options import DatabaseOption, ReasonOption
from fleetd.cli.output import say, write_line
from fleetd.cli.places import existing_url, questions, settings_of
from fleetd.domain.errors import Unreachable
from fleetd.service.acting import Action, Actor, Resync, SetPause
from fleetd.service.questions.requests import RequestRow


def pause(ref: str, /, *, reason: ReasonOption, database: DatabaseOption = None) -> int:
    """Pause a cluster or a profile: fleetd writes nothing there. What is deployed stays, and all is still observed.

    Examples:

        fleetd pause prod/eu-1 --reason "its network is being rebuilt"
        fleetd pause ClusterProfile/web --reason "wait for the release"

    Parameters
    ----------
    ref:
        A cluster (namespace/name, or its name alone), ClusterProfile/name or Profile/namespace/name.
    """
    return asyncio.run(_act(SetPause(scope=ref, paused=True, reason=reason), database))


def resume(ref: str, /, *, reason: ReasonOption, database: DatabaseOption = None) -> int:
    """Resume what was paused; what had to wait is done now.

    Examples:

        fleetd resume prod/eu-1 --reason "the network is back"

    Parameters
    ----------
    ref:
        A cluster (namespace/name, or its name alone), ClusterProfile/name or Profile/namespace/name.
    """
    return asyncio.run(_act(SetPause(scope=ref, paused=False, reason=reason), database))


def resync(cluster: str, /, *, reason: ReasonOption, database: DatabaseOption = None) -> int:
    """Read everything on a cluster anew, and look at all that fleetd put there. Where nothing has changed, nothing is written.

    Examples:

        fleetd resync prod/eu-1 --reason "it was restored from a backup"

    Parameters
    ----------
    cluster:
        namespace/name, or the name alone.
    """
    return asyncio.run(_act(Resync(clusters=(cluster,), reason=reason), database))


async def _act(action: Action, database: str | None) -> int:
    from fleetd.service.local_acting import LocalActions  # brings SQLAlchemy

    existing_url(database)
    settings = settings_of(database)
    async with questions(database) as service:
        actions = LocalActions(settings.database, service, key_file=settings.key_file)
        try:
            made = (await actions.act(action, Actor(actor(), "cli"))).result.requests
            rows = await actions.outcome(tuple(row.request_id for row in made), seconds=ANSWER_SECONDS)
        finally:
            await actions.close()
    return _said(rows)


def _said(rows: tuple[RequestRow, ...]) -> int:
    for row in rows:
        if row.state == "waiting":
            raise Unreachable(
                f"no daemon has answered within {ANSWER_SECONDS:.0f} s; the request stays and is done when one runs "
                f"(fleetd get requests; id {row.request_id})"
            )
        if row.state == "failed":
            say(f"fleetd: {row.outcome_untrusted}")
        else:
            write_line(f"{row.verb} {row.subject}: {row.outcome_untrusted}")
    return int(any(row.state == "failed" for row in rows))
