"""What changed, as it is committed: one changed row costs two statements, an idle minute the look at a version."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from fleetd.domain.errors import GiveUp
from fleetd.service.feed import Changed, Touched
from fleetd.store.database import Database
from fleetd.store.reading import Reader

MOST = 10_000


async def changes(url: str) -> AsyncGenerator[Changed, None]:
    """Opens a database for reading and follows it, until it is closed.

    Raises:
        FleetdError: the database is away.
    """
    database = await Database.open(url, writer=False)
    try:
        async with aclosing(follow(database)) as found:
            async for changed in found:
                yield changed
    finally:
        await database.close()


async def follow(database: Database) -> AsyncGenerator[Changed, None]:
    """Yields once when it listens, with no changes, and then after each commit of another, until it is closed."""
    seq = await asyncio.to_thread(_last, database.url)
    yield Changed(())
    async for _ in database.listen():
        try:
            found = await database.changes_since(seq, most=MOST)
        except GiveUp:
            seq = await asyncio.to_thread(_last, database.url)
            yield Changed((), lost=True)
            continue
        if found:
            seq = found[-1].seq
            yield Changed(tuple(Touched(one.object_kind, one.ref, one.operation, one.cluster) for one in found))


def _last(url: str) -> int:
    with Reader.open(url) as reader:
        return int(reader.rows("SELECT COALESCE(MAX(seq), 0) AS seq FROM fleet_changes")[0]["seq"])
