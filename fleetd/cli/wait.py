"""`fleetd wait`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from fleetd.cli.naming import ref_of_word
from fleetd.cli.options import DatabaseOption, NamespaceOption
from fleetd.cli.output import say, say_all, write_line
from fleetd.cli.places import listening, reading
from fleetd.cli.state import duration
from fleetd.domain.errors import InvalidInput, NotFound
from fleetd.domain.refs import ObjectRef, PlacedRef
from fleetd.service.queries import Queries, Row, Where, reason_of
from fleetd.service.queries_progress import unfinished
from fleetd.store.reading import Reader

if TYPE_CHECKING:
    from fleetd.store.database import Database

STILL_SECONDS = 0.5

Lacking = Callable[[Reader], list[str]]
"""What is not yet as wanted, in sentences; none when it is."""


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
        Everything declared is taken up, every cluster ready, every add-on deployed, every event acted on, and no loss held.
    for_:
        exists, deleted, ready, deployed, or state=NAME.
    timeout:
        How long: 30s, 2m, 1h.
    """
    if converged == bool(for_) or bool(for_) != bool(ref):
        raise InvalidInput("say what to wait for: --converged, or --for COND REF")
    lacking = (lambda reader: unfinished(reader).sentences()) if converged else _condition(for_, ref, namespace)
    return asyncio.run(_wait(lacking, duration(timeout).total_seconds(), database, still=converged))


async def _changes(database: Database, lacking: Lacking, reader: Reader) -> bool:
    """Whether something comes to lack within a moment: an edit of a declaration is not marked as taken up when it changes no status."""
    end = asyncio.get_running_loop().time() + STILL_SECONDS
    while (left := end - asyncio.get_running_loop().time()) > 0:
        with suppress(TimeoutError):
            async with asyncio.timeout(left):  # not wait_for: before Python 3.12 it may swallow a cancellation
                await database.changed()
        if lacking(reader):
            return True
    return False


async def _wait(lacking: Lacking, seconds: float, database: str | None, *, still: bool) -> int:
    missing: list[str] = []
    async with listening(database) as opened:
        with reading(database) as reader:
            try:
                async with asyncio.timeout(seconds):
                    while True:
                        while missing := lacking(reader):
                            await opened.changed()
                        if not still or not await _changes(opened, lacking, reader):
                            break
            except TimeoutError:
                say_all(missing)
                say("fleetd: not within the time")
                return 1
    write_line("condition met")
    return 0


def _condition(text: str, ref: str, namespace: str) -> Lacking:
    word, equals, value = text.removeprefix("condition=").partition("=")
    word = {"delete": "deleted", "create": "exists"}.get(word.lower(), word.lower())
    if word not in ("exists", "deleted", "ready", "deployed") and not (word == "state" and equals and value):
        raise InvalidInput(f"{text!r} is no condition: write exists, deleted, ready, deployed or state=NAME")
    if "@" in ref:
        placed = PlacedRef.parse(ref)
        return lambda reader: _on_cluster(Queries(reader), word, placed)
    named = ref_of_word(ref, namespace)
    wanted = value if word == "state" else word
    return lambda reader: _declared(Queries(reader), wanted, named)


def _on_cluster(queries: Queries, word: str, placed: PlacedRef) -> list[str]:
    if word not in ("exists", "deleted"):
        raise InvalidInput("of an object on a cluster wait for exists or deleted")
    where = Where("object_ref = :ref AND cluster = :cluster", {"ref": str(placed.ref), "cluster": placed.cluster})
    there = bool(queries.rows("fleet_objects", where))
    return [] if there == (word == "exists") else [f"{placed}: {'fleetd has put it there' if there else 'fleetd has not put it there'}"]


def _declared(queries: Queries, wanted: str, ref: ObjectRef) -> list[str]:
    try:
        row = queries.object(ref)
    except NotFound as error:
        if wanted == "deployed" and queries.generated(ref) is not None:
            return _deployed(queries, ref)
        return [] if wanted == "deleted" else [str(error)]
    match wanted:
        case "exists":
            return []
        case "deleted":
            return [f"{ref} is still declared"]
        case "deployed":
            return _deployed(queries, ref)
        case _ if ref.kind == "SveltosCluster":
            return _member(queries, wanted, ref)
        case _:
            return [] if row["state"] == wanted else [_said(str(ref), row, "state")]


def _member(queries: Queries, wanted: str, ref: ObjectRef) -> list[str]:
    try:
        row = queries.cluster(f"{ref.namespace}/{ref.name}")
    except NotFound as error:
        return [str(error)]
    return [] if row["connection"] == wanted else [_said(row["cluster"], row, "connection")]


def _deployed(queries: Queries, ref: ObjectRef) -> list[str]:
    if ref.kind not in ("ClusterProfile", "Profile"):
        raise InvalidInput("deployed is a condition of profiles: write clusterprofile/name or profile/namespace/name")
    profile = f"{ref.kind}/{ref.namespace}/{ref.name}" if ref.namespace else f"{ref.kind}/{ref.name}"
    found = queries.rows("fleet_addons", Where("profile = :profile", {"profile": profile}), most=100_000)
    if not found:
        return [f"{profile} is on no cluster"]
    return [_said(f"{profile} on {row['cluster']}", row, "state") for row in found if row["state"] not in ("deployed", "healthy")]


def _said(what: str, row: Row, state: str) -> str:
    reason = reason_of(row)
    return f"{what}: {row[state]}" + (f": {reason}" if reason else "")
