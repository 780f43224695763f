"""A database that cannot be opened, or is not there: one sentence, and nothing is made that nobody asked for."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

READING = ("cluster list", "events", "audit verify", "db check", "db usage", "db upgrade --check", "wait --converged", "pause x --reason y")
CHANGING = (
    "label eventtrigger/x a=b",
    "annotate eventtrigger/x a=b",
    "delete eventtrigger/x",
    "cluster label x a=b",
    "cluster pause x",
    "cluster resume x",
    "requeue ClusterProfile/x",
    "adopt Service/a/b@c/d --reason y",
)
KEY = "import sys, pathlib; from fleetd.store.crypto import key_beside; print(key_beside(pathlib.Path(sys.argv[1]))[2])"


@pytest.mark.parametrize("command", CHANGING)
def test_what_changes_something_makes_no_database_where_there_is_none(fleetd: Any, tmp_path: Path, command: str) -> None:
    done = fleetd(*command.split(), "--database", str(tmp_path / "a" / "slip.db"))
    assert (done.code, "there is no database at" in done.err) == (2, True)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("command", [*READING, "apply -f -", "run", "db backup here.db"])
def test_a_place_at_which_no_file_can_be_is_told_in_a_sentence(fleetd: Any, samples: Any, tmp_path: Path, command: str) -> None:
    done = fleetd(*command.split(), "--database", str(tmp_path / ("x" * 300)), given=samples.config_map)
    assert done.code in (2, 3)
    assert done.err.startswith("fleetd: ")
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize("command", [*READING, "apply -f -", "run", "db backup here.db"])
def test_a_file_that_is_no_database_is_told_in_a_sentence(fleetd: Any, samples: Any, tmp_path: Path, command: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("this is no database, whatever its name says, and long enough to be looked at" * 20, encoding="utf-8")
    done = fleetd(*command.split(), "--database", str(path), given=samples.config_map)
    assert done.code not in (0, 70)
    assert "is damaged or no SQLite database" in done.err
    assert path.read_text(encoding="utf-8").startswith("this is no database")


def test_a_daemon_that_cannot_have_its_lock_says_so(fleetd: Any, environment: dict[str, str]) -> None:
    Path(f"{environment['FLEETD_DATABASE']}.lock").mkdir()
    done = fleetd("run")
    assert (done.code, "the lock" in done.err) == (2, True)


def test_a_key_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    def full() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    command = [sys.executable, "-c", KEY, str(tmp_path / "fleet.db")]
    failed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, preexec_fn=full)
    assert "InvalidInput: the key file" in failed.stderr
    assert list(tmp_path.iterdir()) == []
    made, again = (subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout for _ in range(2))
    assert (made, again) == ("True\n", "False\n")


def test_where_the_key_is_gone_no_other_is_made_beside_secrets_that_it_does_not_fit(
    fleetd: Any, samples: Any, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLEETD_KEY_FILE")
    key = Path(f"{environment['FLEETD_DATABASE']}.key")
    assert fleetd("apply", "-f", "-", given=samples.config_map).code == 0
    key.unlink()
    assert fleetd("apply", "-f", "-", given=samples.secret).code == 0, "nothing was encrypted by the first key"
    kept = key.rename(key.with_suffix(".kept"))
    for command in ("apply -f -", "run"):
        done = fleetd(*command.split(), given=samples.config_map)
        assert (done.code, "put it back" in done.err, key.exists()) == (2, True, False)
    assert "token" in fleetd("get", "secrets").out
    kept.rename(key)
    assert fleetd("apply", "-f", "-", given=samples.secret).code == 0


@pytest.mark.parametrize("database_kind", ["postgres"])
def test_the_room_that_tables_take_on_postgres_is_told_before_anybody_analyzed_them(on_database: Any, samples: Any) -> None:
    assert on_database("apply", "-f", "-", given=samples.all()).code == 0
    found = {row["table"]: row["rows"] for row in on_database("db", "usage", "-o", "json").json}
    assert found["declared"] == 3
