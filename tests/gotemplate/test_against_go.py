"""Our engine and the real one give the same text, case by case; where Go fails, ours fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fleetd.decide.gotemplate.template import Missing, compile_template
from fleetd.domain.errors import EvaluationFailed

CASES = Path(__file__).parent / "cases"
FAILING = (CASES / "errors.txt").read_text().splitlines()
RENDERED = [case for path in sorted(CASES.glob("*.txt")) if path.name != "errors.txt" for case in path.read_text().splitlines()]

Oracle = Callable[[str], tuple[bool, str]]


def ours(case: str) -> str:
    """Helm takes a missing key for nil and removes what Go writes for nil."""
    return compile_template(case.replace("⏎", "\n"), missing=Missing.ZERO).render({}).replace("<no value>", "")


@pytest.mark.parametrize("case", RENDERED)
def test_the_text_is_what_go_renders(case: str, oracle: Oracle) -> None:
    assert (True, ours(case)) == oracle(case)


@pytest.mark.parametrize("case", FAILING)
def test_what_go_refuses_is_refused(case: str, oracle: Oracle) -> None:
    rendered, _ = oracle(case)
    assert not rendered
    with pytest.raises(EvaluationFailed) as failure:
        ours(case)
    assert failure.value.line == 1
    assert failure.value.column >= 1
