"""A killed process loses nothing that was acknowledged, and leaves nothing half done."""

from __future__ import annotations

import asyncio
import signal
import sys

import pytest

from fleetd.domain.errors import Refused, TryLater
from fleetd.store.database import Database
from fleetd.store.reading import Reader
from fleetd.store.validate import violations

# Each commit is one cluster, one event with three objects, one match and one destination; its number is said once it is durable.
WRITER = """
import asyncio, sys
from datetime import UTC, datetime
from fleetd.domain.records import *
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import *
from fleetd.store.crypto import MasterKey
from fleetd.store.database import Database

def batch(name):
    now = datetime.now(UTC)
    refs = [ObjectRef("Service", "", name, str(n)) for n in range(3)]
    cluster = f"prod/{name}"
    objects = tuple(ObjectChange(ChangeKind.ADDED, ReportedObject(ref, "v1", "u", "d", {"n": str(ref)})) for ref in refs)
    yield MemberRecord(cluster=cluster, namespace="prod", name=name, kind="SveltosCluster", state=ClusterState.READY, reason="",
        since=now, ready=True, paused=False, labels={"name": name})
    yield EventRecord(event_id=name, source="lb", cluster=cluster, revision=1, detected_at=now, matching_count=3, changes=objects,
        cause_id=name)
    yield MatchRecord(match_id=name, trigger="t", source="lb", event_id=name, cluster=cluster, object_ref=refs[0], profile="p",
        state=MatchState.PENDING, reason="", matched_at=now, acted_at=None, cause_id=name)
    yield DestinationRecord(match_id=name, cluster=cluster, state=MatchState.PENDING, reason="")

async def write(database, lane, round):
    for number in range(10_000):
        name = f"{round}-{lane}-{number}"
        await database.commit(list(batch(name)))
        sys.stdout.write(name + "\\n")
        sys.stdout.flush()

async def main():
    database = await Database.open(sys.argv[1], key=MasterKey(bytes(range(32))), daemon=True)
    await asyncio.gather(*(write(database, lane, sys.argv[2]) for lane in range(4)))

asyncio.run(main())
"""


async def _killed_after(url: str, round_: int, lines: int) -> list[str]:
    """Starts a writer and kills it the moment it has said so many numbers; gives all that it said."""
    writer = await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, url, str(round_), stdout=asyncio.subprocess.PIPE)
    assert writer.stdout is not None
    said = [(await writer.stdout.readline()).decode() for _ in range(lines)]
    writer.send_signal(signal.SIGKILL)
    said += (await writer.stdout.read()).decode().splitlines(keepends=True)
    await writer.wait()
    return [line.strip() for line in said if line.endswith("\n")]


async def test_nothing_acknowledged_is_lost_and_nothing_is_half(database_url, master_key):
    acknowledged: set[str] = set()
    epochs = []
    for round_, lines in enumerate((1, 17, 160)):
        acknowledged |= set(await _killed_after(database_url, round_, lines))
        database = await Database.open(database_url, key=master_key)
        epochs.append(database.epoch)
        loaded = await database.load()
        assert await violations(database) == []
        await database.close()
        clusters = {member.name for member in loaded.members}
        assert acknowledged <= clusters
        assert {match.match_id for match in loaded.matches} == clusters
        assert {destination.match_id for destination in loaded.destinations} == clusters
        assert {cluster.removeprefix("prod/") for _, cluster in loaded.reports} == clusters
        assert all(len(report.objects) == 3 for report in loaded.reports.values())
        assert all(member.labels == {"name": member.name} for member in loaded.members)
    assert epochs == [1, 2, 3]
    with Reader.open(database_url) as reader:
        if reader.dialect == "sqlite":
            assert reader.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]


async def test_two_daemons_on_one_database_are_refused(database_url, master_key, said):
    first = await Database.open(database_url, key=master_key, daemon=True)
    with pytest.raises(Refused, match="another fleetd daemon"):
        await Database.open(database_url, key=master_key, daemon=True)
    beside = await Database.open(database_url, key=master_key)
    await beside.commit([said.member()])
    assert (beside.epoch, first.epoch) == (1, 1)
    await beside.close()
    await first.close()
    second = await Database.open(database_url, key=master_key, daemon=True)
    assert second.epoch == 2
    assert second.instance_id != first.instance_id
    await second.close()


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_full_disk_is_told_and_survived(database, said):
    """SQLite's own page limit stands for the disk's end: it answers with the same error."""
    connection_pages = "PRAGMA max_page_count={}"
    writer_says = database.write
    await database.commit([said.member()])

    def limit(pages: int):
        def work(_changes):
            from fleetd.store.steps import Command

            yield Command(connection_pages.format(pages))

        return work

    await writer_says(limit(1))
    with pytest.raises(TryLater, match="full"):
        await database.commit([said.journal(reason="x" * 2_000_000), said.member("prod/lost")])
    await writer_says(limit(1_000_000))
    await database.commit([said.member("prod/after")])
    assert {member.cluster for member in (await database.load()).members} == {"prod/eu-1", "prod/after"}


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_a_cut_connection_is_told_and_made_anew(database, said):
    import asyncpg

    await database.commit([said.member()])
    outsider = await asyncpg.connect(database.url)
    pid = database._driver._writing.get_server_pid()
    await outsider.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
    await outsider.close()
    for attempt in range(2):
        try:
            await database.commit([said.member("prod/after")])
        except TryLater:
            assert attempt == 0
        else:
            break
    assert {member.cluster for member in (await database.load()).members} == {"prod/eu-1", "prod/after"}
