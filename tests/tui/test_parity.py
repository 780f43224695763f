"""One fleet, asked in three ways: what the terminal paints, what the MCP tool of the same subject answers, and the row in SQL, each
held against the simulated clusters themselves."""

from __future__ import annotations

import pytest

from fleetd.service.questions.addons import ListAddons
from fleetd.service.questions.clusters import ListClusters
from fleetd.service.questions.drift import GetDrift
from fleetd.service.questions.events import ListEvents
from fleetd.store.reading import Reader


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
    starts = sorted(head.index(title) for title in head.split())
    top = lines.index(head)
    for line in lines[top + 1 : top + 1 + len(terminal.grid.window)]:
        row = []
        for column in columns:
            start = head.index(column)
            end = next((one for one in starts if one >= start + len(column)), len(line))
            row.append(line[start:end].strip(" Δ").lstrip("✓✗… "))
        found.add(tuple(row))
    return found


def rows(url, sql):
    with Reader.open(url) as reader:
        return {tuple(row.values()) for row in reader.rows(sql)}


async def test_three_faces_say_what_is_so_on_the_clusters(sit_down, living, empty, key_file):
    async with living.shared(empty, key_file) as fleet:
        await living.tamper(fleet, "apps-1")
        await fleet.until("SELECT 1 FROM fleet_drift_incidents WHERE outcome = 'corrected'")
        await living.fail_writes(fleet, "apps-2")
        await fleet.until("SELECT 1 FROM fleet_pending_events WHERE cluster = 'default/apps-2' AND state = 'failed'")
        async with sit_down(empty, size=(250, 40)) as terminal:
            ask = terminal.app.looking.questions.ask

            # Clusters: those that run.
            there = {f"default/{name}" for name in fleet.clusters}
            await terminal.painted(*there)
            answered = (await ask(ListClusters(limit=100))).items
            assert {one for [one] in cells(terminal, "CLUSTER")} >= there
            assert {one.cluster for one in answered} >= there
            assert {one for [one] in rows(empty.url, "SELECT cluster FROM fleet_clusters")} >= there
            told = {(one.cluster, one.connection) for one in answered}
            assert told == rows(empty.url, "SELECT cluster, connection FROM fleet_clusters") == cells(terminal, "CLUSTER", "STATE")

            # Add-ons: deployed where the copy has the address of the Service, failed where it has not.
            service = await fleet.clusters["services"].get("v1", "Service", "default", "web")
            address = service["status"]["loadBalancer"]["ingress"][0]["ip"]
            so = set()
            for name in ("apps-1", "apps-2"):
                copy = await fleet.clusters[name].get(*living.ENDPOINTS)
                right = copy["subsets"][0]["addresses"][0]["ip"] == address
                so.add((f"default/{name}", "deployed" if right else "failed"))
            assert so == {("default/apps-1", "deployed"), ("default/apps-2", "failed")}
            await terminal.command("ad")
            await terminal.painted("✓ deployed", "✗ failed")
            assert cells(terminal, "CLUSTER", "STATE") == so
            assert {(one.cluster, one.state) for one in (await ask(ListAddons(limit=100))).items} == so
            assert rows(empty.url, "SELECT cluster, state FROM fleet_addons") == so

            # Events that wait: on the cluster that refuses what is written.
            waits = {("default/apps-2", "failed")}
            await terminal.command("pending")
            await terminal.painted("default/apps-2", "share-services")
            assert cells(terminal, "ON", "STATE") == waits
            told = [one for event in (await ask(ListEvents(state=("failed",), detail="full", limit=100))).items for one in event.waiting]
            assert {(one.cluster, one.state) for one in told} == waits
            assert rows(empty.url, "SELECT cluster, state FROM fleet_pending_events") == waits

            # Drift: where somebody wrote.
            drifted = {("Endpoints/default/web", "default/apps-1", "somebody", "corrected")}
            await terminal.command("dr")
            await terminal.painted("somebody")
            assert cells(terminal, "OBJECT", "CLUSTER", "CHANGED BY", "STATE") == drifted
            found = (await ask(GetDrift(limit=100))).items
            assert {(one.object_ref, one.cluster, one.changed_by_untrusted, one.outcome) for one in found} == drifted
            assert rows(empty.url, "SELECT object_ref, cluster, changed_by, outcome FROM fleet_drift_incidents") == drifted
