"""`fleetd adopt`, `requeue` and `approve`: small things asked of the daemon."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Callable
from datetime import UTC, datetime

from fleetd.cli.options import DatabaseOption, ReasonOption
from fleetd.cli.output import say, write_line
from fleetd.cli.places import writing
from fleetd.domain.errors import InvalidInput, NotFound, Unreachable
from fleetd.domain.kinds.registry import kind_by_name
from fleetd.domain.refs import ObjectRef, PlacedRef
from fleetd.domain.states import RequestState
from fleetd.service.queries import Queries, Where
from fleetd.service.requests import answer, ask
from fleetd.store.reading import Reader

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
    return asyncio.run(_ask("adopt", str(PlacedRef.parse(ref)), reason, database))


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
    return asyncio.run(_ask("requeue", profile_of(profile), reason, database))


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
    return asyncio.run(_ask("approve", loss, reason, database, resolve=_held))


def profile_of(text: str) -> str:
    """A profile as the views name it, from that or from a reference.

    Raises:
        InvalidInput: it names no profile.
    """
    if text.count("/") == 2 and "." in text.partition("/")[0]:
        ref = ObjectRef.parse(text)
        return f"{ref.kind}/{ref.namespace}/{ref.name}" if ref.namespace else f"{ref.kind}/{ref.name}"
    kind, _, rest = text.partition("/")
    spec = kind_by_name(kind) if rest else None
    if spec is None or spec.gvk.kind not in ("ClusterProfile", "Profile") or rest.count("/") != int(spec.namespaced):
        raise InvalidInput(f"{text!r} is no profile: write ClusterProfile/name or Profile/namespace/name")
    return f"{spec.gvk.kind}/{rest}"


def _held(url: str, text: str) -> str:
    """The id of the one waiting loss that is meant.

    Raises:
        NotFound: none is.
        InvalidInput: several are.
    """
    with Reader.open(url) as reader:
        waiting = Queries(reader).rows("fleet_proposals", Where("state = 'waiting'", {}))
    found = [row for row in waiting if row["subject"] == text] or [row for row in waiting if row["id"].startswith(text)]
    if not found:
        raise NotFound(f"nothing waits under {text}: fleetd get proposals shows what does")
    if len(found) > 1:
        raise InvalidInput(f"{text} is the beginning of {len(found)} ids: write more of it")
    return str(found[0]["id"])


async def _ask(verb: str, subject: str, reason: str, database: str | None, *, resolve: Callable[[str, str], str] | None = None) -> int:
    async with writing(database) as opened:
        if resolve is not None:
            subject = await asyncio.to_thread(resolve, opened.url, subject)
        request_id = await ask(opened, verb, subject, actor=actor(), via="cli", reason=reason, now=datetime.now(UTC))
        found = await answer(opened, request_id, seconds=ANSWER_SECONDS)
    if found.state is RequestState.WAITING:
        raise Unreachable(
            f"no daemon has answered within {ANSWER_SECONDS:.0f} s; the request stays and is done when one runs "
            f"(fleetd get requests; id {request_id})"
        )
    if found.state is RequestState.FAILED:
        say(f"fleetd: {found.outcome}")
        return 1
    write_line(f"{verb} {subject}: {found.outcome}")
    return 0


def actor() -> str:
    """Who asks: the user of this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
