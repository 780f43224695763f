"""Whether a template is too deep is said of the template: how deep its caller is makes no difference."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from fleetd.decide.engines.go_structure import compile_go
from fleetd.decide.gotemplate.functions.library import event_functions
from fleetd.decide.gotemplate.run import Budget, Surroundings
from fleetd.decide.gotemplate.template import STANDARD, compile_template
from fleetd.decide.gotemplate.tracing import trace
from fleetd.domain.errors import EvaluationFailed, OverBudget

DATA: dict[str, Any] = {"n": 1, "list": [1]}
CHAIN = "".join(
    f'{{{{ define "t{at}" }}}}{{{{ if .n }}}}{{{{ with . }}}}{{{{ range .list }}}}{{{{ template "t{at + 1}" $ }}}}' + "{{ end }}" * 4
    for at in range(50)
)
NESTED = {
    "blocks": "{{ if true }}" * 59 + "x" + "{{ end }}" * 59,
    "parentheses": "{{ " + "(" * 55 + "1" + ")" * 55 + " }}",
    "too many blocks": "{{ if true }}" * 61 + "x" + "{{ end }}" * 61,
    "calls": CHAIN + '{{ define "t50" }}deep{{ end }}{{ template "t0" . }}',
    "calls without end": '{{ define "a" }}{{ if .n }}{{ template "a" . }}{{ end }}{{ end }}{{ template "a" . }}',
    "values": "{{ $x := list }}{{ range until 700 }}{{ $x = list $x }}{{ end }}{{ toJson $x | len }}",
    "values that no stack holds": "{{ $x := list }}{{ range until 5000 }}{{ $x = list $x }}{{ end }}{{ toJson $x | len }}",
}


def depths() -> list[int]:
    """Frames to put below the caller, up to what Python still gives; how many stand above a test is the runner's matter."""
    room = sys.getrecursionlimit() - len(inspect.stack(0)) - 20
    return [0, room // 3, room * 2 // 3, room - 120, room - 60, room - 30, room - 15]


def as_text(text: str) -> str:
    return compile_template(text).render(DATA)


def as_trail(text: str) -> str:
    return trace(text, DATA, STANDARD, Budget(), Surroundings()).text


def as_structure(text: str) -> str:
    return compile_go(json.dumps({"a": text}), event_functions()).render(DATA, Budget(), Surroundings())


def outcome(render: Callable[[str], str], text: str) -> str:
    try:
        return render(text)
    except (EvaluationFailed, OverBudget) as refused:
        return f"{type(refused).__name__}: {refused}"


def from_down_there(frames: int, work: Callable[[], str]) -> str:
    return work() if frames <= 0 else from_down_there(frames - 1, work)


@pytest.mark.parametrize("render", [as_text, as_trail, as_structure])
@pytest.mark.parametrize("text", NESTED.values(), ids=NESTED)
def test_a_deep_caller_gets_what_any_other_gets(render: Callable[[str], str], text: str) -> None:
    assert len({from_down_there(frames, lambda: outcome(render, text)) for frames in depths()}) == 1


def test_what_is_within_the_limits_renders_from_everywhere() -> None:
    rendered = [from_down_there(depths()[-1], lambda name=name: as_text(NESTED[name])) for name in ("blocks", "parentheses", "calls")]  # type: ignore[misc]
    assert rendered == ["x", "1", "deep"]
