"""A pool of script processes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fleetd.scripts.pool import ScriptPool


@pytest.fixture
async def pool() -> AsyncIterator[ScriptPool]:
    async with ScriptPool() as opened:
        yield opened
