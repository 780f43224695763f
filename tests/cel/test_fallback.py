"""cel-python behind the same port."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fleetd.decide.cel.fallback import compile_with_cel_python
from fleetd.decide.cel.port import Evaluator
from fleetd.decide.cel.program import compile_cel
from fleetd.domain.errors import EvaluationFailed, OverBudget

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the engine's own parser


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("resource.a == 1", True),
        ("resource.list.map(x, x * 2)", [2, 4]),
        ("{'a': [true, 1.5, 'b', null]}", {"a": [True, 1.5, "b", None]}),
        ("resource.list.exists(x, x == 2) && has(resource.a)", True),
    ],
)
def test_both_engines_stand_behind_one_port(source: str, value: object) -> None:
    engines: list[Evaluator] = [compile_cel(source), compile_with_cel_python(source)]
    for engine in engines:
        result = engine.evaluate({"resource": {"a": 1, "list": [1, 2]}})
        assert result == value
        assert type(result) is type(value)
        assert engine.source == source
        assert engine.trace({"resource": {"a": 1, "list": [1, 2]}}).value == value


def test_the_second_engine_reads_the_whole_object() -> None:
    assert compile_with_cel_python("resource.a == 1").reads == {()}


def test_errors_of_the_second_engine_are_those_of_the_house() -> None:
    with pytest.raises(EvaluationFailed, match="does not understand") as caught:
        compile_with_cel_python("1 +")
    assert caught.value.line == 1
    with pytest.raises(EvaluationFailed):
        compile_with_cel_python("resource.missing").matches({})
    with pytest.raises(EvaluationFailed, match=r"undeclared reference to 'nothing'$"):
        compile_with_cel_python("nothing(1)").matches({})
    with pytest.raises(EvaluationFailed, match="resource"):
        compile_with_cel_python("resource.a").evaluate({})
    assert compile_with_cel_python("resource.missing").trace({"resource": {}}).error is not None


def test_only_the_boolean_true_matches_there_too() -> None:
    assert compile_with_cel_python("resource.a").matches({"a": True})
    assert not compile_with_cel_python("resource.a").matches({"a": 1})


def test_an_object_that_is_too_large_is_not_handed_over() -> None:
    with pytest.raises(OverBudget):
        compile_with_cel_python("true").evaluate({"resource": list(range(1000))}, budget=100)


def test_who_does_not_use_the_second_engine_does_not_load_it() -> None:
    code = "import sys, fleetd.decide.cel.program, fleetd.decide.cel.fallback; sys.exit('celpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
