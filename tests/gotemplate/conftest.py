"""Rendering in one line, and the real Go engine as the oracle."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from fleetd.decide.gotemplate.template import compile_template

CASES = Path(__file__).parent / "cases"
ORACLE = Path(__file__).parent / "oracle_child.py"


@pytest.fixture(scope="session")
def render() -> Callable[..., str]:
    """Renders a text with data; a missing key is an error, as in Sveltos."""

    def function(text: str, data: Mapping[str, Any] | None = None, **options: Any) -> str:
        budget = {"budget": options.pop("budget")} if "budget" in options else {}
        return compile_template(text, **options).render(data or {}, **budget)

    return function


@pytest.fixture(scope="session")
def oracle() -> Callable[[str], tuple[bool, str]]:
    """What the Go engine inside the Helm SDK makes of a case: whether it rendered, and the text or error.

    It runs in a child process, because it brings a Go runtime; all cases go through it at once.
    """
    if find_spec("helm_python") is None:
        pytest.skip("the Go engine is the oracle here: install helm-python-sdk")
    cases = [case for path in sorted(CASES.glob("*.txt")) for case in path.read_text().splitlines()]
    sent = json.dumps([case.replace("⏎", "\n") for case in cases])
    child = subprocess.run([sys.executable, str(ORACLE)], input=sent, capture_output=True, text=True, timeout=100, check=True)
    answers = dict(zip(cases, json.loads(child.stdout), strict=True))
    return lambda case: (answers[case][0], answers[case][1])
