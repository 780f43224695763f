"""Whoever listens hears of each commit."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime

from fleetd.domain.records import MemberGone
from fleetd.service.feed import changes


async def test_a_commit_reaches_who_listens(database):
    async with contextlib.aclosing(changes(database.url)) as feed, asyncio.timeout(20):
        assert (await anext(feed)).changes == ()
        await database.commit([MemberGone(cluster="prod/us-1", at=datetime.now(UTC))])
        heard = await anext(feed)
    assert [(one.object_kind, one.ref, one.operation) for one in heard.changes] == [("cluster", "prod/us-1", "remove")]
