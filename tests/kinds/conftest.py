"""The examples of all kinds, and the shortest way to a manifest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fleetd.domain.documents import Document, read_documents

_HERE = Path(__file__).parent


def _read(name: str) -> list[Document]:
    return read_documents((_HERE / name).read_text(), source=name)


@pytest.fixture(scope="session")
def full() -> list[Document]:
    return _read("full.yaml")


@pytest.fixture(scope="session")
def minimal() -> list[Document]:
    return _read("minimal.yaml")


@pytest.fixture
def one() -> Callable[[str], Document]:
    """Reads a text that holds one manifest."""

    def read(text: str) -> Document:
        (document,) = read_documents(text, source="shop.yaml")
        return document

    return read
