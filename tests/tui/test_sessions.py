"""Somebody in a real terminal, before a fleet on which a daemon is at work."""

from __future__ import annotations

import shutil

import pytest

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux here: sessions in a real terminal are not played")


@pytest.fixture
def key_file(tmp_path, master_key):
    path = tmp_path / "master.key"
    path.write_text(master_key.to_text(), encoding="utf-8")
    path.chmod(0o600)
    return path


async def test_from_a_trigger_to_the_object_that_fired_and_from_an_object_back_to_its_event(living, empty, key_file, tmp_path):
    async with (
        living.shared(empty, key_file),
        living.terminal(tmp_path, living.fleetd_tui(empty.url, key_file)) as seat,
    ):
        await seat.shows("clusters ready", "Events of the last")
        await seat.type(":et share-services")
        await seat.shows("Gates on", "Service/default/web", "acted")
        await seat.type(":ma share-services")
        await seat.shows("1 of 1", "EventTrigger=share-services", "Service/default/web")
        await seat.keys("Enter")
        await seat.shows("What triggers made of it", "Service/default/web", "default/apps-1", "default/apps-2")
        await seat.keys("Tab", "Enter")
        await seat.shows("Events that it made", "exported-services")
        await seat.type(":ob /Endpoints apps-1")
        await seat.shows("1 of 1", "Endpoints/default/web")
        await seat.keys("Enter")
        await seat.shows("Trace", "event:", "EventTrigger")
        shown = await seat.shows("default/services")
        assert "⇄" in shown, "the hop to the other cluster is marked"
        await seat.keys("q")


async def test_drift_a_failing_cluster_and_a_pause_are_seen_as_they_happen(living, empty, key_file, tmp_path):
    async with (
        living.shared(empty, key_file) as fleet,
        living.terminal(tmp_path, living.fleetd_tui(empty.url, key_file, "dr")) as seat,
    ):
        await seat.shows("no drift")
        await living.tamper(fleet, "apps-1")
        await seat.shows("Endpoints/default/web", "somebody", "corrected")
        await seat.keys("Enter")
        await seat.shows("- wanted", "+ found", "192.0.2.66", "somebody")
        await living.fail_writes(fleet, "apps-2")
        await seat.type(":ad /apps-2")
        await seat.shows("✗ failed", "apply Endpoints")
        await seat.keys("R")
        await seat.shows("requeue ClusterProfile/", "why?")
        fleet.clusters["apps-2"].heal()
        await seat.confirm("it is mended")
        await seat.shows("✓ deployed")
        await seat.type(":cl /apps-1")
        await seat.shows("1 of 1", "default/apps-1")
        await seat.keys("p")
        await seat.shows("pause default/apps-1: why?")
        await seat.confirm("maintenance")
        await seat.shows("pause default/apps-1: done", "… paused")
        await seat.keys("P")
        await seat.shows("resume default/apps-1: why?")
        await seat.confirm("all is well again")
        await seat.shows("resume default/apps-1: done", "✓ ready")
        await seat.type(":rq")
        await seat.shows("maintenance", "it is mended", "tui")


@pytest.mark.parametrize(
    ("environment", "colours"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
    ],
)
async def test_terminals_of_few_and_of_no_colours_are_served(living, database, key_file, tmp_path, environment, colours):
    async with living.terminal(tmp_path, living.fleetd_tui(database.url, key_file, "cl"), (80, 24), **environment) as seat:
        await seat.shows("✗ unreachable", "✓ ready", "1 of 3")
        painted = await seat.tmux("capture-pane", "-p", "-e", "-t", "x")
        rich = "[38;2;" in painted or "[48;2;" in painted
        assert rich == (environment.get("COLORTERM") == "truecolor")
        plain = {"", "0", "1", "2", "4", "7", "39", "49"}
        used = {code for part in painted.split("\x1b[")[1:] if "m" in part for code in part.partition("m")[0].split(";")}
        assert bool(used - plain) == colours, used
        await seat.keys("q")
