"""Somebody's own SQL over the views, for the daemon and the faces that live on an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from fleetd.store.reading import Reader, Record


async def query(url: str, sql: str, params: Mapping[str, Any] | None = None, *, most: int = 10_000, seconds: float = 10.0) -> list[Record]:
    """Runs one SELECT over the views on a connection of its own, off the loop. Raises what `Reader.query` does."""

    def work() -> list[Record]:
        with Reader.open(url) as reader:
            return reader.query(sql, params, most=most, seconds=seconds)

    return await asyncio.to_thread(work)
