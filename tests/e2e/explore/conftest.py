"""What is explored here does not depend on the database."""

from __future__ import annotations

import pytest


@pytest.fixture
def database_kind() -> str:
    """The promises are shown on both databases elsewhere."""
    return "sqlite"
