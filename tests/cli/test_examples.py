"""Examples in help pages and documents are commands that fleetd takes."""

from __future__ import annotations

import inspect
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from fleetd.cli.__main__ import build_app
from fleetd.cli.commands import COMMANDS

DOCS = Path(__file__).parents[2] / "docs"
ENDS = ("|", "&&", ">", "<", ")")


def commands_in(text: str) -> list[str]:
    """Every command of fleetd in examples; what stands behind three spaces is a remark."""
    found = []
    for line in text.splitlines():
        for part in re.split(r"&&|\|", line.strip()):
            match = re.match(r"(?:.*<\()?(fleetd .*)", part.strip())
            if match:
                found.append(match[1].partition("   ")[0])
    return found


def helped() -> list[str]:
    """The examples of all help pages."""
    texts = []
    for command in COMMANDS.values():
        module, _, function = command.place.partition(":")
        text = inspect.getdoc(getattr(import_module(module), function)) or ""
        texts += commands_in(re.split(r"\n(?:Parameters\n-+|Args:)\n", text)[0].partition("Examples:\n")[2])
    return texts


def documented() -> list[str]:
    pages = [(DOCS / name).read_text("utf-8") for name in ("cli.md", "registration.md")]
    return [one for page in pages for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL) for one in commands_in(block)]


def words_of(line: str) -> list[str]:
    words = shlex.split(line.rstrip(")"))[1:]
    end = next((place for place, word in enumerate(words) if word in ENDS), len(words))
    return words[:end]


@pytest.mark.parametrize("line", sorted({*helped(), *documented()}))
def test_an_example_is_a_command_that_is_taken(line):
    words = words_of(line)
    build_app(words).parse_args(words, exit_on_error=False, print_error=False)


def test_there_are_examples_to_look_at():
    assert len(helped()) > len(COMMANDS)
    assert len(documented()) > 30
