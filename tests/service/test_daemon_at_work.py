"""Whether a daemon holds the database, as a reader sees it."""

from __future__ import annotations

import asyncio

from fleetd.store.database import Database
from fleetd.store.reading import Reader


async def test_a_reader_sees_at_once_whether_a_daemon_holds_the_database(database_url, master_key):
    with await asyncio.to_thread(Reader.open, database_url) as reader:
        assert reader.daemon_at_work() is False
        daemon = await Database.open(database_url, key=master_key, daemon=True)
        assert reader.daemon_at_work() is True
        await daemon.close()
        assert reader.daemon_at_work() is False


async def test_somebody_who_only_writes_is_no_daemon(database_url, master_key):
    writer = await Database.open(database_url, key=master_key)
    with await asyncio.to_thread(Reader.open, database_url) as reader:
        assert reader.daemon_at_work() is False
    await writer.close()
