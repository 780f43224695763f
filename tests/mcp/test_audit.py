"""Every call leaves a row that says who asked what with which end, and no answer waits for it."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from datetime import UTC, datetime

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import Implementation

from fleetd.domain.errors import TryLater
from fleetd.service.local import LocalQuestions
from fleetd.service.trail import MOST_WAITING, Trail
from fleetd.settings import Settings
from fleetd.store.appending import Timed, appender
from fleetd.store.audit_check import verify
from fleetd.store.chain import Link
from fleetd.store.reading import Reader
from mcp_server.kept import Caller, Kept
from mcp_server.principals import Mode, Principal, Scope
from mcp_server.server import build_server
from mcp_server.serving import Offer, opened

BOT = Caller(Principal("bot", frozenset(Scope)), "testing 1")


def rows(url):
    with Reader.open(url) as reader:
        return reader.rows("SELECT * FROM fleet_audit ORDER BY seq")


def called(url):
    """The rows of calls, without those of the server itself."""
    return [row for row in rows(url) if row["principal"] != "fleetd-mcp"]


def until_written(url, count):
    while len(rows(url)) < count:
        pass


async def status(c):
    return (await c.call_tool("get_server_status", {})).structured_content["result"]


async def test_each_call_leaves_a_row(client, database):
    async with client(Mode.OPERATE, client_info=Implementation(name="probe", version="7")) as c:
        answer = await c.call_tool("list_clusters", {"clusters": "env=prod"})
        await c.call_tool("get_cluster", {"cluster": "nowhere"})
        await c.call_tool("list_clusters", {"has": ["hunter2-nonsense"]})
        made = await c.call_tool("requeue", {"refs": ["ClusterProfile/share-web"], "reason": "hunter2"})
        await c.read_resource("fleetd://overview")
        await c.get_prompt("why_here", {"ref": "Service/shop/web@prod/us-1"})
        with pytest.raises(MCPError):
            await c.read_resource("fleetd://nothing")
    found = called(database.url)
    request_id = made.structured_content["result"]["requests"][0]["request_id"]
    assert [(row["action"], row["subject_ref"], row["outcome"]) for row in found if row["writer"] != "fleetd"] == [
        ("list_clusters", "env=prod", "ok"),
        ("get_cluster", "nowhere", "not_found"),
        ("list_clusters", "", "bad_argument"),
        ("requeue", "ClusterProfile/share-web", "ok"),
        ("resources/read", "fleetd://overview", "ok"),
        ("prompts/get", "why_here", "ok"),
        ("resources/read", "fleetd://nothing", "not_found"),
    ]
    assert {(row["principal"], row["via"], row["client"]) for row in found if row["writer"] != "fleetd"} == {("local", "mcp", "probe 7")}
    assert found[0]["result_size"] == pytest.approx(len(str(answer.structured_content)), rel=0.3)
    assert all(len(row["arguments_digest"]) == 64 and row["ms"] >= 0 for row in found if row["writer"] != "fleetd")
    assert [row["reference"] for row in found if row["action"] == "requeue"] == [request_id] * 2
    assert "hunter2" not in str(rows(database.url))


@pytest.mark.parametrize("protocol", ["auto", "legacy"])
async def test_the_client_says_its_name_in_both_protocols(client, database, protocol):
    async with client(protocol=protocol, client_info=Implementation(name="probe\u202e", version="7")) as c:
        await c.call_tool("list_clusters", {})
    [row] = called(database.url)
    assert row["client"] == "probe 7"


async def test_a_call_of_what_is_not_there_leaves_a_row(client, database):
    async with client() as c:
        await asyncio.gather(c.call_tool("no_such_tool", {}), return_exceptions=True)
    assert [(row["action"], row["outcome"]) for row in called(database.url)] == [("no_such_tool", "not_found")]


async def test_the_same_arguments_have_the_same_digest(client, database):
    async with client() as c:
        for arguments in ({"clusters": "eu-*", "limit": 5}, {"limit": 5, "clusters": "eu-*"}, {"clusters": "eu-*", "limit": 6}):
            await c.call_tool("list_clusters", arguments)
    first, same, other = (row["arguments_digest"] for row in called(database.url))
    assert first == same != other


async def test_what_was_asked_is_written_when_the_server_ends(client, database):
    async with client() as c:
        for _ in range(50):
            await c.call_tool("get_server_status", {})
    found = rows(database.url)
    assert len(called(database.url)) == 50
    assert (found[0]["action"], found[0]["subject_ref"], found[-1]["action"]) == ("start", "observe", "stop")
    with Reader.open(database.url) as reader:
        assert verify(reader).broken is None


async def test_a_server_notes_what_it_saw_when_it_began(client, database):
    for _ in range(2):
        async with client() as c:
            await status(c)
    found = rows(database.url)
    second = [row for row in found if row["action"] == "start"][1]
    before = found[found.index(second) - 1]
    assert second["reference"] == f"{before['seq']}:{before['chain_hash']}"


async def test_the_status_tells_the_chain_and_that_it_is_broken(client, database):
    async with client() as c:
        first = await status(c)
        assert first["audit"] == "on"
        assert "the last as it was written" in first["audit_chain"]
        await asyncio.to_thread(until_written, database.url, 2)
        connection = sqlite3.connect(database.url)
        connection.executescript("DROP TRIGGER audit_not_changed; UPDATE audit SET principal = 'eve', chain_hash = 'x';")
        connection.close()
        assert (await status(c))["audit_chain"].startswith("broken: 2 rows of mcp-")
    with Reader.open(database.url) as reader:
        assert verify(reader).broken.seq == 1


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_where_nothing_may_be_written_the_server_says_so_and_goes_on(database, capsys):
    import asyncpg  # the extra may be missing where no Postgres is asked for

    name = f"r{uuid.uuid4().hex}"
    connection = await asyncpg.connect(database.url)
    await connection.execute(f"CREATE ROLE {name} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")
    await connection.close()
    url = database.url.replace("fleetd@", f"{name}@")
    async with opened(Offer(Settings(database=url))) as desk, Client(build_server(*desk)) as c:
        found = await status(c)
        live = await c.call_tool("get_object", {"ref": "Pod/shop/web@prod/eu-1", "live": True})
        for _ in range(3):
            assert not (await c.call_tool("list_clusters", {})).is_error
    assert found["audit"].startswith("off: ")
    assert "permission denied for table audit" in found["audit"]
    assert live.structured_content["error"]["code"] == "read_only_mode"
    assert capsys.readouterr().err.count("audit: off") == 1
    assert rows(database.url) == []


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_on_postgres_a_row_is_written_by_a_role_that_may_only_insert(database):
    import asyncpg  # as above

    name = f"r{uuid.uuid4().hex}"
    connection = await asyncpg.connect(database.url)
    await connection.execute(
        f"CREATE ROLE {name} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}; GRANT INSERT ON audit TO {name}"
    )
    await connection.close()
    url = database.url.replace("fleetd@", f"{name}@")
    async with opened(Offer(Settings(database=url))) as desk, Client(build_server(*desk)) as c:
        assert (await status(c))["audit"] == "on"
    assert [row["action"] for row in rows(database.url)] == ["start", "get_server_status", "stop"]


async def test_a_database_that_comes_later_is_written_then(tmp_path, upgraded_sqlite):
    path = tmp_path / "later.db"
    opened_later = appender(str(path))
    start = [Timed(datetime.now(UTC), BOT.entry("start", {}, Kept("ok"), 1))]
    with pytest.raises(TryLater, match="yet"):
        await opened_later.append(start, Link("mcp-1"))
    path.write_bytes(upgraded_sqlite.read_bytes())
    await opened_later.append(start, Link("mcp-1"))
    await opened_later.close()
    assert [row["action"] for row in rows(str(path))] == ["start"]


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_database_that_takes_no_row_turns_the_audit_off(client, database, capsys):
    connection = sqlite3.connect(database.url)
    connection.execute("CREATE TRIGGER never BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'not here'); END")
    connection.close()
    async with client() as c:
        found = await status(c)
        assert not (await c.call_tool("list_clusters", {})).is_error
    assert found["audit"].startswith("off: ")
    assert "does not take it" in found["audit"]
    assert capsys.readouterr().err.count("audit: off") == 1


class Away:
    """A database that cannot be written until it is back."""

    def __init__(self):
        self.back = asyncio.Event()
        self.tried = asyncio.Event()
        self.kept = []

    async def append(self, entries, end):
        self.tried.set()
        if not self.back.is_set():
            raise TryLater("away")
        self.kept += [timed.entry for timed in entries]
        return end

    async def ask(self, wish):
        raise TryLater("away")

    async def close(self):
        pass


@pytest.fixture
async def questions(database):
    asked = LocalQuestions(database.url)
    yield asked
    await asked.close()


async def test_while_the_database_is_away_calls_are_kept_in_their_order_and_bounded(questions):
    away = Away()
    trail = Trail(away, questions, "mcp", [].append)
    trail.begin("observe")
    await away.tried.wait()
    for number in range(MOST_WAITING + 5):
        trail.note(BOT.entry(f"call_{number}", {}, Kept("ok"), 1))
    written = await trail.written()
    assert (written.waiting, written.lost) == (MOST_WAITING, 6)
    away.back.set()
    await trail.close()
    names = [entry.action for entry in away.kept]
    assert names[:3] == ["start", "call_0", "call_1"]
    [lost] = [entry for entry in away.kept if entry.action == "lost"]
    assert lost.subject == "7 rows"
