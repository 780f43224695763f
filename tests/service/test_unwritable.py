"""A database in a folder that cannot be written."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fleetd.domain.errors import TryLater
from fleetd.store.reading import Reader

NOBODY = 65534


@pytest.fixture
def closed(upgraded_sqlite) -> Iterator[Path]:
    """A database in WAL mode that was closed in order, where others may look."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fleet.db"
        shutil.copyfile(upgraded_sqlite, path)
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.close()
        path.chmod(0o644)
        Path(folder).chmod(0o755)
        yield path


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """Takes the right to write there away, from root, too."""
    own = os.geteuid()
    folder.chmod(0o555)
    try:
        if own == 0:
            os.seteuid(NOBODY)
        yield
    finally:
        os.seteuid(own)
        folder.chmod(0o755)


def test_a_database_that_was_closed_is_read_where_nothing_can_be_written(closed):
    with unwritable(closed.parent), Reader.open(str(closed)) as reader:
        assert reader.rows("SELECT COUNT(*) AS n FROM fleet_clusters") == [{"n": 0}]
        assert reader.current()
    assert [path.name for path in closed.parent.iterdir()] == ["fleet.db"]


def test_it_is_opened_anew_once_somebody_writes_it(closed):
    with unwritable(closed.parent):
        reader = Reader.open(str(closed))
    connection = sqlite3.connect(closed)
    connection.execute("CREATE TABLE another (id)")
    assert not reader.current()
    connection.close()
    assert not reader.current()
    reader.close()


def test_what_is_still_beside_it_is_said_with_the_way_out(closed):
    connection = sqlite3.connect(closed)
    connection.execute("CREATE TABLE another (id)")
    for name in ("fleet.db-wal", "fleet.db-shm"):
        shutil.copyfile(closed.parent / name, closed.parent / f"kept{name}")
    connection.close()
    shutil.move(closed.parent / "keptfleet.db-wal", closed.parent / "fleet.db-wal")
    with unwritable(closed.parent), pytest.raises(TryLater, match=r"cannot be written.*fleet\.db-wal.*fleetd db backup"):
        Reader.open(str(closed))
