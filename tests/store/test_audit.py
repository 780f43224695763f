"""The audit: what is decided leaves a row in the same commit, and no row can be changed, removed or put between unseen."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from fleetd.domain.audit import AuditEntry, Decider
from fleetd.domain.errors import Conflict, NotPermitted
from fleetd.domain.objects import ref_of
from fleetd.service.admission import Admission
from fleetd.store.appending import Timed, Wish, _opened, appender
from fleetd.store.audit_check import verify
from fleetd.store.care import grant
from fleetd.store.chain import Link
from fleetd.store.database import Database
from fleetd.store.keeping import Retention
from fleetd.store.reading import Reader
from fleetd.store.retention import sweep
from fleetd.store.urls import place_of
from fleetd.store.validate import violations

ANNA = Decider("anna", "cli", "apply")


def rows(url, sql="SELECT * FROM fleet_audit ORDER BY seq"):
    with Reader.open(url) as reader:
        return reader.rows(sql)


def checked(url, **more):
    with Reader.open(url) as reader:
        return verify(reader, **more)


async def run_as_owner(url, *statements):
    """Somebody who may do everything to the database, and takes the guards away first."""
    if "://" in url:
        import asyncpg  # the extra may be missing where no Postgres is asked for

        connection = await asyncpg.connect(url)
        await connection.execute("ALTER TABLE audit DISABLE TRIGGER ALL")
        for statement in statements:
            await connection.execute(statement)
        await connection.close()
        return
    connection = sqlite3.connect(url)
    connection.executescript("DROP TRIGGER audit_not_changed; DROP TRIGGER audit_not_removed;")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def timed(number, at=None):
    entry = AuditEntry(principal="bot", via="mcp", action=f"list_{number}", subject="prod/eu-1", result_size=number, ms=3)
    return Timed(at or datetime.now(UTC), entry)


async def write(url, writer, *entries, end=None):
    """Some rows of a server's chain."""
    opened = appender(url)
    try:
        return await opened.append(entries, end or Link(writer))
    finally:
        await opened.close()


@pytest.fixture
async def opened(database_url, master_key):
    """As `database`, for tests that break it."""
    made = await Database.open(database_url, key=master_key)
    yield made
    await made.close()


async def test_a_change_and_its_row_are_one_commit(database, said):
    manifest = said.config_map("settings", a="1")
    admission = Admission(database, by=ANNA)
    await admission.apply(manifest, now=datetime.now(UTC))
    await admission.apply(manifest, now=datetime.now(UTC))
    await admission.label(ref_of(manifest), {"team": "shop"}, now=datetime.now(UTC))
    await admission.delete(ref_of(manifest), now=datetime.now(UTC))
    found = rows(database.url)
    assert [(row["principal"], row["via"], row["subject_ref"], row["outcome"]) for row in found] == [
        ("anna", "cli", "ConfigMap/default/settings", outcome) for outcome in ("created", "configured", "deleted")
    ]
    changed = {row["at"] for row in rows(database.url, "SELECT at FROM fleet_changes")}
    assert {row["at"] for row in found} <= changed


async def test_what_is_refused_leaves_no_row(database, said):
    await database.declared.put(said.config_map(), expected=0, by=ANNA)
    with pytest.raises(Conflict):
        await database.declared.put(said.config_map(a="2"), expected=0, by=ANNA)
    assert [row["outcome"] for row in rows(database.url)] == ["created"]


async def test_a_request_leaves_a_row_with_its_id(database, said):
    database.by = ANNA
    await database.commit([said.request("r7", verb="approve", subject="EventTrigger/mirror")])
    [row] = rows(database.url)
    assert (row["action"], row["subject_ref"], row["reference"], row["outcome"]) == ("approve", "EventTrigger/mirror", "r7", "waiting")


async def test_what_nobody_decided_leaves_none(database, said):
    await database.declared.put(said.config_map(), expected=0)
    await database.commit([said.request()])
    assert rows(database.url) == []


async def test_anybody_can_check_a_chain_by_what_is_written_about_it(database, said):
    database.by = Decider("änna \u202e", "cli", "apply")
    for number in range(3):
        await Admission(database).apply(said.config_map(f"c{number}"), now=datetime.now(UTC))
    await write(database.url, "mcp-1", timed(1), timed(2))
    names = ["writer", "position", "at", "principal", "via", "client", "action", "subject_ref", "outcome"]
    names += ["arguments_digest", "reference", "result_size", "ms"]
    ends = {}
    for row in rows(database.url):
        text = json.dumps([row[name] for name in names], separators=(",", ":"))
        expected = hashlib.sha256(f"{ends.get(row['writer'], '')}\n{text}".encode()).hexdigest()
        assert row["chain_hash"] == expected
        ends[row["writer"]] = expected
    assert set(ends) == {"fleetd", "mcp-1"}


async def test_a_whole_audit_is_whole(opened, said):
    for number in range(4):
        await opened.declared.put(said.config_map(f"c{number}"), expected=0, by=ANNA)
        await write(opened.url, f"mcp-{number}", timed(1), timed(2))
    found = checked(opened.url)
    assert (found.broken, found.rows, found.writers) == (None, 12, 5)
    assert checked(opened.url, noted=found.head.chain_hash).broken is None
    assert await violations(opened) == []


_SAME = "via, client, action, subject, outcome, arguments_digest, reference, writer"
FORGED = (
    f"INSERT INTO audit (seq, at, principal, {_SAME}, position, chain_hash)"
    f" SELECT 100, at, 'eve', {_SAME}, 7, chain_hash FROM audit WHERE seq = 3"
)
TAMPERED = {
    "changed": ("UPDATE audit SET principal = 'eve' WHERE seq = 3", 3),
    "its size changed": ("UPDATE audit SET result_size = NULL WHERE seq = 3", 3),
    "changed with its hash": ("UPDATE audit SET chain_hash = repeat('a', 64) WHERE seq = 3", 3),
    "removed": ("DELETE FROM audit WHERE seq = 3", 3),
    "the first removed": ("DELETE FROM audit WHERE seq = 1", 1),
    "moved": ("UPDATE audit SET position = position + 10 WHERE seq = 3", 3),
    "put in": (FORGED, 7),
}


@pytest.mark.parametrize("how", TAMPERED)
async def test_tampering_is_found_with_the_first_row_that_is_broken(opened, how):
    end = await write(opened.url, "mcp-1", *(timed(number) for number in range(3)))
    await write(opened.url, "mcp-1", *(timed(number) for number in range(3)), end=end)
    statement, first = TAMPERED[how]
    gapless = "://" not in opened.url
    if gapless:
        statement = statement.replace("repeat('a', 64)", f"'{'a' * 64}'")
    await run_as_owner(opened.url, statement)
    found = checked(opened.url)
    # Without gapless numbers the row after the gap is the first that is seen to be wrong.
    later = {"removed": 4, "the first removed": 2, "put in": 100}
    assert found.broken is not None
    assert found.broken.seq == (first if gapless else later.get(how, first))
    assert await violations(opened) != []


async def test_the_newest_row_is_missed_on_sqlite(opened):
    await write(opened.url, "mcp-1", timed(1), timed(2))
    noted = checked(opened.url).head.chain_hash
    await run_as_owner(opened.url, "DELETE FROM audit WHERE seq = 2")
    # Postgres gives numbers with gaps: there only what was noted, or seen, tells.
    assert (checked(opened.url).broken is not None) == ("://" not in opened.url)
    assert checked(opened.url, noted=noted).broken is not None


async def test_a_row_that_a_later_server_saw_is_missed_on_both(opened):
    await write(opened.url, "mcp-1", timed(1), timed(2))
    last = rows(opened.url)[-1]
    start = AuditEntry(principal="fleetd-mcp", via="mcp", action="start", reference=f"{last['seq']}:{last['chain_hash']}")
    await write(opened.url, "mcp-2", Timed(datetime.now(UTC), start))
    assert checked(opened.url).broken is None
    await run_as_owner(opened.url, f"DELETE FROM audit WHERE seq = {last['seq']}")
    assert checked(opened.url).broken.seq == last["seq"]


async def test_nobody_can_change_or_remove_a_row_by_mistake(database, said):
    await database.declared.put(said.config_map(), expected=0, by=ANNA)
    for statement in ("UPDATE audit SET principal = 'eve'", "DELETE FROM audit"):
        if "://" in database.url:
            import asyncpg  # as above

            connection = await asyncpg.connect(database.url)
            with pytest.raises(asyncpg.PostgresError, match="append-only"):
                await connection.execute(statement)
            with pytest.raises(asyncpg.PostgresError, match="append-only"):
                await connection.execute("TRUNCATE audit")
            await connection.close()
        else:
            connection = sqlite3.connect(database.url)
            with pytest.raises(sqlite3.Error, match="append-only"):
                connection.execute(statement)
            connection.close()
    assert len(rows(database.url)) == 1


async def test_retention_forgets_the_oldest_and_the_rest_stays_whole(database, said):
    now = datetime.now(UTC)
    old = now - timedelta(days=40)
    end = await write(database.url, "mcp-1", *(timed(number, old) for number in range(700)))
    await write(database.url, "mcp-1", timed(1, now), timed(2, now), end=end)
    assert await sweep(database, Retention(), now) == 0
    assert await sweep(database, Retention(audit=timedelta(days=30)), now) == 700
    found = checked(database.url)
    assert (found.broken, found.rows) == (None, 2)
    await database.declared.put(said.config_map(), expected=0, by=ANNA)
    await sweep(database, Retention(audit=timedelta()), now + timedelta(days=1))
    assert rows(database.url) == []
    await database.declared.put(said.config_map(a="2"), expected=1, by=ANNA)
    found = checked(database.url)
    assert (found.broken, found.rows) == (None, 1)


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_an_appending_connection_can_do_nothing_else(database):
    connection = _opened(place_of(database.url))
    for statement in (
        "SELECT * FROM declared",
        "SELECT * FROM audit",
        "UPDATE audit SET outcome = 'ok'",
        "DELETE FROM requests",
        "INSERT INTO declared_states VALUES ('a', 'b', 'c', 'd')",
        "INSERT INTO audit_floors VALUES ('a', 1, 1, 'c', 'd')",
        "INSERT INTO requests SELECT * FROM requests",
        "INSERT OR REPLACE INTO requests SELECT * FROM requests",
        "DROP TABLE audit",
        "PRAGMA writable_schema = 1",
        "ATTACH ':memory:' AS other",
        "CREATE TABLE mine (x)",
    ):
        with pytest.raises(sqlite3.DatabaseError, match=r"not authorized|prohibited"):
            connection.execute(statement)
    connection.close()


async def _role(url):
    import asyncpg  # as above

    name = f"r{uuid.uuid4().hex}"
    connection = await asyncpg.connect(url)
    await connection.execute(f"CREATE ROLE {name} LOGIN")
    await connection.close()
    return url.replace("fleetd@", f"{name}@")


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_on_postgres_a_role_needs_only_to_insert(database):
    url = await _role(database.url)
    await grant(database.url, urlsplit(url).username, append=True)
    await write(url, "mcp-1", timed(1))
    opened = appender(url)
    await opened.ask(Wish("q1", "Service/shop/web@prod/eu-1", "bot", "mcp"))
    await opened.close()
    assert len(rows(database.url)) == 1
    assert [row["verb"] for row in rows(database.url, "SELECT verb FROM fleet_requests")] == ["inspect"]
    import asyncpg  # as above

    connection = await asyncpg.connect(url)
    for statement in ("DELETE FROM audit", "UPDATE audit SET outcome = ''", "SELECT * FROM audit", "INSERT INTO requests DEFAULT VALUES"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_a_role_that_may_not_insert_is_told_so(database):
    url = await _role(database.url)
    with pytest.raises(NotPermitted, match="audit"):
        await write(url, "mcp-1", timed(1))
    opened = appender(url)
    with pytest.raises(NotPermitted, match="fleetd_inspect"):
        await opened.ask(Wish("q1", "Service/shop/web@prod/eu-1", "bot", "mcp"))
    await opened.close()


async def test_the_same_rows_again_are_written_once(database):
    """A commit may have gone through although the connection broke during it."""
    await write(database.url, "mcp-1", timed(1), timed(2))
    again = await write(database.url, "mcp-1", timed(1), timed(2))
    assert again.position == 2
    assert len(rows(database.url)) == 2


async def test_a_request_to_look_wakes_the_daemons_feed(database):
    heard = asyncio.create_task(database.changed())
    opened = appender(database.url)
    await opened.ask(Wish("q1", "Service/shop/web@prod/eu-1", "bot", "mcp"))
    async with asyncio.timeout(10):
        await heard
    asked, _ = await database.asked_since(0)
    assert [(change.object_kind, change.ref) for change in asked] == [("request", "q1")]
    await opened.close()
