"""The language as its specification has it: expressions with the values that they must have, by section."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from fleetd.decide.cel.program import compile_cel
from fleetd.decide.cel.times import duration_text, timestamp_text
from fleetd.decide.cel.values import Duration, Maybe, Table, Timestamp, TypeName, UInt
from fleetd.domain.errors import EvaluationFailed, GiveUp

FOLDER = Path(__file__).parent / "expected"


class Refused(str):
    """An error is expected, whose sentence has this text."""

    __slots__ = ()


WORDS: dict[str, Any] = {
    "u": UInt,
    "inf": math.inf,
    "nan": math.nan,
    "null": None,
    "true": True,
    "false": False,
    "typ": TypeName,
    "ts": lambda text: ("timestamp", text),
    "dur": lambda text: ("duration", text),
    "opt": Maybe,
    "none": Maybe,
    "table": lambda *pairs: Table(pairs),
    "err": lambda part="": Refused(part),
}


def _read(path: Path) -> list[tuple[str, Any, dict[str, Any]]]:
    found = []
    for line in path.read_text().splitlines():
        if not line or line.startswith("# "):
            continue
        expression, _, expected = line.rpartition(" ==> ")
        value, _, bindings = expected.partition("  @ ")
        # The table stands beside this file, and its right side is Python.
        found.append((expression, eval(value, dict(WORDS)), eval(bindings, dict(WORDS)) if bindings else {}))
    return found


CASES = [(f"{path.stem}: {case[0]}", *case) for path in sorted(FOLDER.glob("*.txt")) for case in _read(path)]


def shape(value: Any) -> Any:
    """The value so that two are equal only when type and content are, -0.0 apart from 0.0 and NaN equal to itself."""
    match value:
        case tuple() | None | bool() | str() | bytes():
            return (type(value).__name__, value)
        case int() | float():
            return (type(value).__name__, repr(value))
        case UInt():
            return ("uint", value.value)
        case list():
            return ("list", [shape(item) for item in value])
        case dict():
            return ("map", {repr(shape(key)): shape(item) for key, item in value.items()})
        case Table():
            return ("map", {repr(shape(key)): shape(item) for key, item in value.entries.values()})
        case Maybe():
            return ("optional", shape(value.value) if value.present else "none")
        case Timestamp():
            return shape(("timestamp", timestamp_text(value)))
        case Duration():
            return shape(("duration", duration_text(value)))
        case _:
            return (type(value).__name__, value)


@pytest.mark.parametrize(("expression", "expected", "bindings"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_an_expression_has_the_value_that_the_specification_gives_it(expression: str, expected: Any, bindings: dict[str, Any]) -> None:
    if isinstance(expected, Refused):
        with pytest.raises(EvaluationFailed) as caught:
            compile_cel(expression, variables=tuple(bindings)).evaluate(bindings)
        assert str(expected) in str(caught.value)
        assert str(caught.value)
        return
    program = compile_cel(expression, variables=tuple(bindings))
    assert shape(program.evaluate(bindings)) == shape(expected)
    trace = program.trace(bindings)
    assert trace.error is None
    assert shape(trace.value) == shape(expected)


@pytest.mark.parametrize(("expression", "bindings"), [(case[1], case[3]) for case in CASES], ids=[case[0] for case in CASES])
def test_a_trace_has_the_value_or_the_error_of_the_evaluation(expression: str, bindings: dict[str, Any]) -> None:
    try:
        program = compile_cel(expression, variables=tuple(bindings))
    except EvaluationFailed:
        return
    trace = program.trace(bindings)
    error, value = None, None
    try:
        value = program.evaluate(bindings)
    except GiveUp as ended:
        error = str(ended)
    assert trace.error == error
    if error is None:
        assert shape(trace.value) == shape(value)
