"""Rendering in one line, and the real Go engine as the oracle."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from fleetd.decide.gotemplate.template import compile_template

CASES = Path(__file__).parent / "cases"
ORACLE = Path(__file__).parent / "oracle_child.py"

Ask = Callable[[Sequence[Any]], list[tuple[bool, str]]]


@pytest.fixture(scope="session")
def render() -> Callable[..., str]:
    """Renders a text with data; a missing key is an error, as in Sveltos."""

    def function(text: str, data: Mapping[str, Any] | None = None, **options: Any) -> str:
        budget = {"budget": options.pop("budget")} if "budget" in options else {}
        return compile_template(text, **options).render(data or {}, **budget)

    return function


@pytest.fixture(scope="session")
def go() -> Iterator[Ask]:
    """What the Go engine inside the Helm SDK makes of cases: whether each rendered, and the text or error.

    A case is a text, or a text with its data. It runs in a child process, because it brings a Go runtime.
    """
    if find_spec("helm_python") is None:
        pytest.skip("the Go engine is the oracle here: install helm-python-sdk")
    with subprocess.Popen([sys.executable, str(ORACLE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None

        def ask(cases: Sequence[Any]) -> list[tuple[bool, str]]:
            sent = [case if isinstance(case, str) else (case[0], literal(case[1])) for case in cases]
            print(json.dumps(sent), file=child.stdin, flush=True)
            return [(done, text) for done, text in json.loads(child.stdout.readline())]  # type: ignore[union-attr]

        yield ask
        child.stdin.close()


@pytest.fixture(scope="session")
def oracle(go: Ask) -> Callable[[str], tuple[bool, str]]:
    """What Go makes of a line of the cases; all of them go through it at once."""
    cases = [case for path in sorted(CASES.glob("*.txt")) for case in path.read_text().splitlines()]
    answers = dict(zip(cases, go([case.replace("⏎", "\n") for case in cases]), strict=True))
    return lambda case: answers[case]


def literal(value: Any) -> str:
    """A value as an expression of a template: chart values would turn every whole number into a float."""
    match value:
        case None | bool():
            return {None: "nil", True: "true", False: "false"}[value]
        case int():
            return f"(int64 {value})"
        case float():
            return f"(float64 {value!r})"
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list():
            return f"(list {' '.join(map(literal, value))})"
    return f"(dict {' '.join(f'{literal(key)} {literal(inner)}' for key, inner in value.items())})"
