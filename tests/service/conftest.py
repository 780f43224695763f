"""A planted fleet on a database of either kind, and the service on it."""

from __future__ import annotations

import runpy
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from fleetd.service.local import LocalQuestions
from fleetd.store.crypto import MasterKey
from fleetd.store.database import Database

PLANTED = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("planted.py"))))


@pytest.fixture
def planted() -> SimpleNamespace:
    """What was planted: its names, and the hostile text."""
    return PLANTED


@pytest.fixture
async def database(database_url: str, master_key: MasterKey) -> AsyncIterator[Database]:
    opened = await Database.open(database_url, key=master_key)
    await PLANTED.plant(opened)
    yield opened
    await opened.close()


@pytest.fixture
async def questions(database: Database) -> AsyncIterator[LocalQuestions]:
    """The service, on the planted fleet."""
    asked = LocalQuestions(database.url)
    yield asked
    await asked.close()
