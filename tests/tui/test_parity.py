"""One fleet, asked in three ways: what the terminal paints, what the MCP tool of the same subject answers, and the row in SQL, each
held against the simulated clusters themselves."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager

import pytest
from mcp import Client

from fleetd.settings import Settings
from fleetd.store.reading import Reader
from mcp_server.principals import Mode
from mcp_server.server import build_server
from mcp_server.serving import Offer, opened


@pytest.fixture
def key_file(tmp_path, master_key):
    path = tmp_path / "master.key"
    path.write_text(master_key.to_text(), encoding="utf-8")
    path.chmod(0o600)
    return path


def cells(terminal, *columns):
    """What is painted in some columns of the list in front, row after row."""
    found, lines = set(), terminal.screen().split("\n")
    head = next(line for line in lines if all(column in line for column in columns))
    begins = {column: re.search(rf"(?<!\S){column}(?!\S)", head).start() for column in columns}
    starts = sorted(found.start() for found in re.finditer(r"\S+", head))
    top = lines.index(head)
    for line in lines[top + 1 : top + 1 + len(terminal.grid.window)]:
        row = []
        for column in columns:
            start = begins[column]
            end = next((one for one in starts if one >= start + len(column)), len(line))
            row.append(line[start:end].strip(" Δ").lstrip("✓✗… "))
        found.add(tuple(row))
    return found


def rows(url, sql):
    with Reader.open(url) as reader:
        return {tuple(row.values()) for row in reader.rows(sql)}


@asynccontextmanager
async def assistant(database, key_file):
    """A client of the real server: calls a tool, and gives the items of its structured answer."""
    offer = Offer(Settings(database=database.url, key_file=key_file), Mode.OBSERVE, sql=True)
    async with opened(offer) as (desk, subscriptions), Client(build_server(desk, subscriptions)) as client:

        async def call(tool, **arguments):
            answer = await client.call_tool(tool, arguments)
            assert not answer.is_error, answer.content
            return answer.structured_content

        yield call


def told(items, *names):
    return {tuple(item.get(name) for name in names) for item in items}


@asynccontextmanager
async def troubled(living, empty, key_file):
    """A fleet on which somebody wrote into a copy, which was put back, and whose cluster apps-2 refuses what is written."""
    async with living.shared(empty, key_file) as fleet:
        await living.tamper(fleet, "apps-1")
        await fleet.until("SELECT 1 FROM fleet_drift_incidents WHERE outcome = 'corrected'")
        await living.fail_writes(fleet, "apps-2")
        await fleet.until("SELECT 1 FROM fleet_pending_events WHERE cluster = 'default/apps-2' AND state = 'failed'")
        yield fleet


async def of_clusters(terminal, call, sql, at_work):
    # What is so: those of the fleet run and answer, and the management plane is one more.
    so = {(f"default/{name}", "ready") for name in at_work.clusters}
    await terminal.painted(*(name for name, _ in so))
    found = (await call("list_clusters", limit=100))["items"]
    assert told(found, "cluster", "connection") >= so
    assert (
        told(found, "cluster", "connection") == sql("SELECT cluster, connection FROM fleet_clusters") == cells(terminal, "CLUSTER", "STATE")
    )
    said = {one["cluster"]: one.get("kubernetes_version") or "-" for one in found}
    assert set(said.items()) == cells(terminal, "CLUSTER", "VERSION")
    # One object of apps-2 failed, and one event waits for it.
    counted = {("default/apps-2", "1", "1")}
    assert {row for row in cells(terminal, "CLUSTER", "PENDING", "FAILED") if row[1:] != ("-", "-")} == counted
    assert {(n, str(p), str(f)) for n, p, f in told(found, "cluster", "pending_events", "failed_addons") if p or f} == counted


async def of_add_ons(terminal, call, sql, at_work, living):
    # What is so: deployed where the copy has the address of the Service, failed where it has not.
    service = await at_work.clusters["services"].get("v1", "Service", "default", "web")
    address, so = service["status"]["loadBalancer"]["ingress"][0]["ip"], set()
    for name in ("apps-1", "apps-2"):
        copy = await at_work.clusters[name].get(*living.ENDPOINTS)
        right = copy["subsets"][0]["addresses"][0]["ip"] == address
        so.add((f"default/{name}", "deployed" if right else "failed"))
    assert so == {("default/apps-1", "deployed"), ("default/apps-2", "failed")}
    await terminal.command("ad")
    await terminal.painted("✓ deployed", "✗ failed")
    assert cells(terminal, "CLUSTER", "STATE") == so
    assert told((await call("list_addons", limit=100))["items"], "cluster", "state") == so
    assert sql("SELECT cluster, state FROM fleet_addons") == so


async def of_events(terminal, call, sql):
    # What is so: the Service appeared, and got another address; the copy of the second one is missing where writes are refused.
    waits = {("default/apps-2", "failed")}
    await terminal.command("pending")
    await terminal.painted("default/apps-2", "share-services")
    assert cells(terminal, "ON", "STATE") == waits
    found = (await call("list_events", state=["failed"], detail="full", limit=100))["items"]
    assert {(one["cluster"], one["state"]) for event in found for one in event["waiting"]} == waits
    assert sql("SELECT cluster, state FROM fleet_pending_events") == waits
    await terminal.command("ev")
    await terminal.painted("settled", "failed")
    await terminal.press("ctrl+w")
    await terminal.painted("EVENT", "OBJECTS")
    events = (await call("list_events", detail="full", limit=100))["items"]
    assert {one["cluster"] for one in events} == {"default/services"}
    painted = cells(terminal, "EVENT", "SOURCE", "CLUSTER")
    assert painted == told(events, "event_id", "event_source", "cluster") == sql("SELECT event_id, event_source, cluster FROM fleet_events")
    assert len(painted) >= 2


async def of_drift(terminal, call, sql):
    # What is so: somebody wrote once, into one copy.
    drifted = {("Endpoints/default/web", "default/apps-1", "somebody", "corrected")}
    await terminal.command("dr")
    await terminal.painted("somebody")
    assert cells(terminal, "OBJECT", "CLUSTER", "CHANGED BY", "STATE") == drifted
    found = (await call("get_drift", limit=100))["items"]
    assert told(found, "object_ref", "cluster", "changed_by_untrusted", "outcome") == drifted
    assert sql("SELECT object_ref, cluster, changed_by, outcome FROM fleet_drift_incidents") == drifted


async def of_triggers(terminal, call, sql):
    # What is so: one trigger is in force; its gates are passed on the cluster of Services, but for a destination.
    await terminal.command("et")
    await terminal.painted("share-services", "ready")
    assert cells(terminal, "NAME", "STATE") == {("share-services", "ready")}
    assert sql("SELECT name, state FROM fleet_event_triggers") == {("share-services", "ready")}
    explained = (await call("explain_trigger", trigger="share-services"))["result"]
    assert explained["cluster"] == "default/services"
    await terminal.command("why share-services")
    await terminal.painted("Gates", "◀ the first that fails")
    page = terminal.page()
    lines = [line.strip() for line in page.partition("Gates")[2].splitlines()]
    painted = {re.split(r"\s{2,}", line[2:])[0].strip() for line in lines if line[:1] in ("✓", "✗", "…")}
    assert {gate["gate"].replace("_", " ") for gate in explained["gates"]} == painted
    failing = next(line for line in page.splitlines() if "◀" in line)
    assert explained["first_failing"].replace("_", " ") in failing
    assert "default/apps-2" in failing
    [met] = sql("SELECT cluster, state FROM fleet_trigger_matches WHERE superseded_at IS NULL")
    assert met == ("default/services", "failed")


async def test_three_faces_say_what_is_so_on_the_clusters(sit_down, living, empty, key_file):
    async with (
        troubled(living, empty, key_file) as fleet,
        assistant(empty, key_file) as call,
        sit_down(empty, size=(250, 40)) as terminal,
    ):

        def sql(text):
            return rows(empty.url, text)

        await of_clusters(terminal, call, sql, fleet)
        await of_add_ons(terminal, call, sql, fleet, living)
        await of_events(terminal, call, sql)
        await of_drift(terminal, call, sql)
        await of_triggers(terminal, call, sql)
