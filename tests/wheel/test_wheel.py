"""What is installed from the wheel needs no checkout."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def test_the_wheel_holds_the_examples_the_migrations_and_the_licence(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    examples = {path.relative_to(ROOT / "examples").as_posix() for path in (ROOT / "examples").rglob("*.yaml")}
    assert {f"fleetd/_examples/{name}" for name in examples} <= names
    assert "fleetd/_migrations/env.py" in names
    assert any(name.startswith("fleetd/_migrations/versions/0001") for name in names)
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "fleetd").rglob("*.lua")} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "bench/", "docs/"))]


def test_nothing_of_the_checkout_is_seen_where_the_wheel_is_installed(installed: Any) -> None:
    told = installed.run("python", "-c", "import fleetd, sys; print(fleetd.__file__); print(*sys.path, sep='\\n')")
    assert told.returncode == 0, told.stderr
    place, *paths = told.stdout.split()
    assert place.startswith(str(installed.binaries.parent))
    assert str(ROOT) not in paths


def test_an_installed_fleetd_makes_a_database_and_plays_the_demo(installed: Any) -> None:
    database = installed.folder / "fleet.db"
    made = installed.run("fleetd", "db", "upgrade", "--database", str(database))
    assert made.returncode == 0, made.stderr
    assert database.exists()
    checked = installed.run("fleetd", "db", "check", "--database", str(database))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    played = installed.run("fleetd", "demo", "--once", "-o", "json")
    assert played.returncode == 0, played.stderr
    assert json.loads(played.stdout)["ok"] is True
