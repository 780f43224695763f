"""The command line asks the service: it reads no table, no view and no reader by itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import fleetd.cli

CLI = Path(fleetd.cli.__file__).parent
READS = ("fleetd.store.reading", "fleetd.store.views", "fleetd.store.past", "fleetd.store.declared", "fleetd.service.queries")
CARES = {"audit.py": "the chain of hashes", "lint.py": "what is declared", "places.py": "for these", "run.py": "the daemon itself"}
"""Files that hold the database itself, and for what; the demo tells the story as it is committed."""


def imported(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=str(where), names=names):
                yield from (f"{where}.{name.name}" for name in names)


def reads(module: ast.Module) -> list[str]:
    return [name for name in imported(module) if any(f"{name}.".startswith(f"{where}.") for where in READS)]


@pytest.mark.parametrize("path", sorted(CLI.glob("*.py")), ids=lambda path: path.name)
def test_a_command_asks_the_service(path):
    found = reads(ast.parse(path.read_text(encoding="utf-8")))
    assert not found or path.name in CARES or path.name.startswith("demo")


@pytest.mark.parametrize(
    "text", ["from fleetd.store.reading import Reader", "import fleetd.store.views", "from fleetd.store import reading"]
)
def test_the_check_sees_what_it_is_there_for(text):
    assert reads(ast.parse(text))
