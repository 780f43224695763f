"""What holds of every command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fleetd.cli.commands import COMMANDS
from fleetd.domain.records import EventRecord
from fleetd.store.views import views

READING = [
    ("get", "clusters"),
    ("get", "eventsources", "-o", "json"),
    ("describe", "eventsource", "services"),
    ("events",),
    ("events", "--pending"),
    ("drift",),
    ("addons",),
    ("cluster", "list"),
    ("cluster", "list", "--has", "pending_events"),
    ("events", "--since", "2h", "-l", "env=prod"),
    ("trace", "eventsource/services"),
    ("timeline", "eventsource/services"),
    ("get", "journal", "--limit", "5"),
    ("sql", "SELECT name FROM fleet_declared"),
    ("views",),
    ("version",),
]
FORMS = ("table", "wide", "json", "yaml", "name")
NOT_LOADED = """
import json, sys
from fleetd.cli.__main__ import run_command
code = run_command(json.loads(sys.argv[1]))
heavy = ("kubernetes_asyncio", "mcp", "textual", "sqlalchemy", "aiohttp", "lupa")
print("loaded:", code, sorted(name for name in sys.modules if name in heavy))
"""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_helps_with_an_example(fleetd, name):
    done = fleetd(*name.split("."), "--help")
    assert done.code == 0
    assert f"fleetd {name.replace('.', ' ')}" in done.out.partition("Examples:")[2] or name == "completion"
    assert "Examples:" in done.out


def test_the_list_of_commands_says_a_sentence_about_each(fleetd):
    shown = " ".join(fleetd("--help").out.replace("│", " ").split())
    for name, command in COMMANDS.items():
        if "." not in name:
            assert command.sentence in shown


def test_help_reads_well_in_eighty_columns(fleetd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = fleetd("--help").out
    assert "  3    a database, cluster or daemon did not answer\n  4    refused\n" in shown
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_every_output_ends_with_one_newline(fleetd, samples):
    empty = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
    fleetd("apply", "-f", "-", given=samples.all() + empty)
    forms = [(*arguments, "-o", form) for arguments in (("get", "cm"), ("get", "declared"), ("get", "cm/settings")) for form in FORMS]
    for arguments in (*READING, *forms, ("describe", "ns", "shop"), ("describe", "cm", "settings"), ("db", "usage"), ("db", "check")):
        out = fleetd(*arguments).out
        assert not out or (out.endswith("\n") and not out.endswith("\n\n")), arguments


def test_get_without_a_kind_says_what_there_is(fleetd):
    done = fleetd("get")
    assert (done.code, done.out) == (2, "")
    for word in ("eventtriggers", "configmaps", "pending", "addons", "proposals"):
        assert word in done.err


def test_on_a_terminal_the_daemon_says_when_it_is_ready(environment, fleetd, samples, folder):
    (folder / "a.yaml").write_text(samples.config_map)
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "fleetd.cli", "run", "--announce", "--observe", "--manifests", str(folder)]
    running = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        assert running.stdout.readline() == b"ready\n"
        said = terminal.read(4096).decode()
        running.send_signal(signal.SIGINT)
        running.stdout.close()
        assert running.wait() == 0
    assert f"ready: database {environment['FLEETD_DATABASE']}, 0 members, observing only" in said
    assert f"following {folder}" in said


def test_the_demo_brings_a_key_of_its_own(environment, tmp_path):
    own = {"FLEETD_KEY_FILE": str(tmp_path / "nowhere.key")}
    command = [sys.executable, "-m", "fleetd.cli", "demo", "--once", "-o", "json", "--clusters", "3"]
    done = subprocess.run(command, env={**os.environ, **environment, **own}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ok"]
    assert "master key" not in done.stderr


def test_reading_works_on_either_database(on_database, samples):
    on_database("apply", "-f", "-", given=samples.all())
    more = [("get", view.removeprefix("fleet_"), "-o", form) for view, _, _ in views() for form in ("wide", "json")]
    narrowed = [("events", "--pending", "--since", "1h"), ("addons", "--state", "failed", "-l", "env=prod"), ("drift", "--open")]
    for arguments in (*READING, *more, *narrowed, ("db", "usage"), ("db", "check"), ("db", "upgrade", "--check")):
        done = on_database(*arguments)
        assert done.code == 0, (arguments, done.err)


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_reading_loads_nothing_heavy_and_needs_no_key(fleetd, samples, environment, arguments):
    fleetd("apply", "-f", "-", given=samples.source)
    Path(environment["FLEETD_KEY_FILE"]).write_text("no key at all")
    done = subprocess.run(
        [sys.executable, "-c", NOT_LOADED, json.dumps(arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1] == "loaded: 0 []", done.stderr


@pytest.mark.parametrize(
    "arguments", [("teapot",), ("get",), ("get", "cm", "-o", "xml"), ("apply", "--nope"), ("cluster", "teapot"), ("wait",)], ids=" ".join
)
def test_wrong_use_is_told_on_stderr(fleetd, arguments):
    done = fleetd(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err


def test_a_database_that_is_away_is_exit_code_3(fleetd):
    done = fleetd("get", "clusters", "--database", "postgresql://nobody@127.0.0.1:1/none")
    assert done.code == 3
    assert "nobody" not in done.out


def test_a_database_that_means_nothing_is_bad_input(fleetd):
    assert fleetd("get", "clusters", "--database", "mysql://x/y").code == 2


def test_the_option_goes_before_the_environment(fleetd, samples, tmp_path):
    fleetd("apply", "-f", "-", "--database", str(tmp_path / "other.db"), given=samples.source)
    assert fleetd("get", "eventsources", "-o", "name", "--database", str(tmp_path / "other.db")).lines == [
        "eventsource.lib.projectsveltos.io/services"
    ]
    assert fleetd("get", "eventsources").code == 2


def test_a_watch_shows_what_comes_and_an_interrupt_ends_it_with_130(environment, written, now):
    def event(name: str) -> EventRecord:
        about = {"source": "services", "cluster": "default/eu", "detected_at": now, "cause_id": "c"}
        return EventRecord(event_id=name, revision=1, matching_count=0, changes=(), **about)

    written([event("first")])
    watching = subprocess.Popen(
        [sys.executable, "-m", "fleetd.cli", "events", "-w", "-o", "json"],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - ignored where tests run in the background
    )
    assert json.loads(watching.stdout.readline())["event_id"] == "first"
    written([event("second")])
    assert json.loads(watching.stdout.readline())["event_id"] == "second"
    watching.send_signal(signal.SIGINT)
    watching.stdout.close()
    assert watching.wait() == 130


async def test_a_reader_that_goes_away_is_no_failure(start):
    reading = await start("views")
    reading.stdout._transport.close()
    await reading.wait()
    assert reading.returncode == 0


def test_the_version_comes_for_people_and_programs(fleetd):
    assert fleetd("version").out.startswith("fleetd ")
    assert set(fleetd("version", "-o", "json").json) == {"version", "python", "schema"}
    assert fleetd("--version").code == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_the_commands(fleetd, shell):
    done = fleetd("completion", shell)
    assert done.code == 0
    assert "update-credentials" in done.out


def test_the_daemon_does_not_follow_a_folder_that_is_not_there(fleetd):
    assert fleetd("run", "--manifests", "nowhere").code == 2


def test_care_of_the_database(fleetd, samples, tmp_path):
    fleetd("apply", "-f", "-", given=samples.source)
    assert fleetd("db", "upgrade", "--check").code == 0
    assert fleetd("db", "check").code == 0
    assert fleetd("db", "backup", str(tmp_path / "copy.db")).lines == [str(tmp_path / "copy.db")]
    assert fleetd("db", "backup", str(tmp_path / "copy.db")).code == 2
    assert fleetd("get", "eventsources", "--database", str(tmp_path / "copy.db"), "-o", "name").code == 0
    assert {"table", "rows", "bytes"} == set(fleetd("db", "usage", "-o", "json").json[0])
