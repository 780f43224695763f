"""Hostile texts are tried in a process of their own, where it can be seen what they need."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("child.py")
MOST_GROWTH = 16 * 2**20
LONGEST = 1200
"""Characters of what is said of one text; a stranger's text is never repeated whole."""


def too_long(outcome: str) -> bool:
    """Whether one of the sentences of an outcome is."""
    return max(map(len, outcome.split(" / "))) > LONGEST


@pytest.fixture
def in_a_process() -> Callable[..., Sequence[str]]:
    """Does with each text what fleetd does with it, as `way` of the child says, and gives what was said of each.

    Nothing may come of a text but a value or a sentence, the process may not grow, and what is asked first has the same answer afterwards.
    """

    def run(way: str, texts: Sequence[str], *, first: Sequence[str], answer: str) -> Sequence[str]:
        asked = json.dumps({"way": way, "texts": list(texts), "first": list(first)})
        done = subprocess.run([sys.executable, str(CHILD)], input=asked, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        said = json.loads(done.stdout)
        outcomes: list[str] = said["outcomes"]
        assert len(outcomes) == len(texts)
        wrong = [(ascii(text[:120]), one[:300]) for text, one in zip(texts, outcomes, strict=True) if "BROKEN" in one or too_long(one)]
        assert wrong == []
        assert said["after"] == [answer] * len(first)
        assert said["grown"] < MOST_GROWTH
        return outcomes

    return run
