"""What changed, as it is committed: one changed row costs two statements, an idle minute the look at a version."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fleetd.domain.errors import GiveUp
from fleetd.store.database import Change, Database
from fleetd.store.reading import Reader

MOST = 10_000


@dataclass(frozen=True, slots=True)
class Changed:
    """Changes in their order; `lost` says that there were more than the store keeps, so that anything may have changed."""

    changes: tuple[Change, ...]
    lost: bool = False


async def changes(url: str) -> AsyncIterator[Changed]:
    """Yields once when it listens, with no changes, and then after each commit, until it is closed.

    Raises:
        FleetdError: the database is away.
    """
    database = await Database.open(url, writer=False)
    try:
        seq = await asyncio.to_thread(_last, url)
        yield Changed(())
        async for _ in database.listen():
            try:
                found = await database.changes_since(seq, most=MOST)
            except GiveUp:
                seq = await asyncio.to_thread(_last, url)
                yield Changed((), lost=True)
                continue
            if found:
                seq = found[-1].seq
                yield Changed(tuple(found))
    finally:
        await database.close()


def _last(url: str) -> int:
    with Reader.open(url) as reader:
        return int(reader.rows("SELECT COALESCE(MAX(seq), 0) AS seq FROM fleet_changes")[0]["seq"])
