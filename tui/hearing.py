"""Hears of what anybody commits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable

from fleetd.service.feed import Changed


async def commits(url: str) -> AsyncGenerator[Changed, None]:
    """Yields when it listens, and after each commit, until it is closed.

    Raises:
        FleetdError: the database is away.
    """
    changes = await asyncio.to_thread(_feed)
    async with contextlib.aclosing(changes(url)) as found:
        async for changed in found:
            yield changed


def _feed() -> Callable[[str], AsyncGenerator[Changed, None]]:
    # SQLAlchemy takes longer to import than the first paint: it comes after that, in a thread.
    from fleetd.service.listening import changes

    return changes
