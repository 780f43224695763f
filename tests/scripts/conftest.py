"""A pool of script processes, one for all tests of a file: starting them takes longer than most tests."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from fleetd.scripts.pool import ScriptPool


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[ScriptPool]:
    async with ScriptPool() as opened:
        yield opened


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests run in the loop that the pool was opened in."""
    for item in items:
        if isinstance(item, pytest.Function) and item.path.parent == Path(__file__).parent and inspect.iscoroutinefunction(item.obj):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)
