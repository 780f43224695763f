"""The program itself: its exit codes, what it imports, and that it runs in a real terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys

import pytest

from tui.__main__ import run

FORBIDDEN = ("mcp", "mcp_server", "kubernetes_asyncio", "pyarrow", "fleetd.sim", "fleetd.engine", "fleetd.cli")
PATIENCE = 60


def test_no_database_is_told_in_a_sentence(tmp_path, capsys):
    assert run(["--database", str(tmp_path / "none.db")]) == 2
    assert capsys.readouterr().err.startswith(f"fleetd-tui: there is no database at {tmp_path}/none.db: name it by --database")


def test_a_database_is_named_by_the_environment_too(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FLEETD_DATABASE", str(tmp_path / "other.db"))
    assert run([]) == 2
    assert "other.db" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("mysql://x/y", 2, "no database that fleetd knows"),
        ("postgresql://nobody:secret@127.0.0.1:1/fleet", 3, "127.0.0.1"),
    ],
)
def test_a_wrong_address_and_a_server_that_is_away_are_told_apart(url, code, words, capsys):
    assert run(["--database", url]) == code
    said = capsys.readouterr().err
    assert words in said
    assert "secret" not in said
    assert said.count("\n") == 1


def test_a_file_that_is_no_database_of_ours_is_told(tmp_path, capsys):
    (tmp_path / "empty.db").touch()
    (tmp_path / "text.db").write_text("not a database, but some text that is long enough to have a header of its own" * 20)
    assert run(["--database", str(tmp_path / "empty.db")]) == 2
    assert "fleetd db upgrade" in capsys.readouterr().err
    assert run(["--database", str(tmp_path / "text.db")]) == 1
    assert "not a database" in capsys.readouterr().err


def test_without_a_terminal_it_says_so(upgraded_sqlite, capsys):
    assert run(["--database", str(upgraded_sqlite)]) == 2
    assert "needs a terminal" in capsys.readouterr().err


def test_it_brings_neither_the_protocol_nor_a_cluster_client():
    code = (
        "import sys, tui.__main__, tui.app; early = 'sqlalchemy' in sys.modules; "
        "import tui.hearing, fleetd.service.local_acting; tui.hearing._feed(); print(early, *sys.modules)"
    )
    early, *modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert early == "False"
    assert not [name for name in modules if any(f"{name}.".startswith(f"{forbidden}.") for forbidden in FORBIDDEN)]


def test_it_runs_in_a_terminal_until_somebody_quits(upgraded_sqlite):
    primary, secondary = pty.openpty()
    command = [sys.executable, "-m", "tui", "--database", str(upgraded_sqlite)]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    with subprocess.Popen(command, stdin=secondary, stdout=secondary, stderr=secondary, env=environment, close_fds=True) as program:
        os.close(secondary)
        shown = b""
        while b"cluster register" not in shown:
            assert select.select([primary], [], [], PATIENCE)[0], shown
            shown += os.read(primary, 65_536)
        os.write(primary, b"q")
        try:
            while select.select([primary], [], [], PATIENCE)[0] and os.read(primary, 65_536):
                pass
        except OSError:
            pass  # how Linux says that the other side of a terminal is closed
        assert program.wait(PATIENCE) == 0
    os.close(primary)


def test_it_ends_when_its_terminal_is_gone(upgraded_sqlite):
    primary, secondary = pty.openpty()
    command = [sys.executable, "-m", "tui", "--database", str(upgraded_sqlite)]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    # In a session of its own it has no controlling terminal, so that nobody tells it by a signal.
    with subprocess.Popen(
        command, stdin=secondary, stdout=secondary, stderr=secondary, env=environment, close_fds=True, start_new_session=True
    ) as program:
        os.close(secondary)
        shown = b""
        while b"cluster register" not in shown:
            assert select.select([primary], [], [], PATIENCE)[0], shown
            shown += os.read(primary, 65_536)
        os.close(primary)
        try:
            program.wait(PATIENCE)
        finally:
            program.kill()
    assert program.returncode != -9
