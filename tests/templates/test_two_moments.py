"""What an event brings is never a template of the deployment, in any language."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fleetd.decide.engines.answers import Answers, Asking, Awaited, Rendered
from fleetd.decide.languages import JINJA2, Contained
from fleetd.decide.rendering import Render
from fleetd.domain.errors import EvaluationFailed

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def jinja_made(made: str) -> str:
    """What becomes of a text that the first moment made of a value."""
    answers = Answers()
    render = Render(NOW, asking=Asking(answers, ("test",))).by(Contained(JINJA2, Asking(answers, ("test",))))
    with pytest.raises(Awaited):
        render.first("a: {{ Resource.x }}", {"Resource": {"x": "?"}}, "here")
    (asked,) = answers.asked()
    answers.put(asked.key, Rendered(made))
    return render.first("a: {{ Resource.x }}", {"Resource": {"x": "?"}}, "here")


@pytest.mark.parametrize("value", ["{{ env }}", "{% for a in b %}{% endfor %}", "{# x #}", "{%", "x {{"])
def test_braces_that_a_value_brings_into_jinja2_are_refused(value: str) -> None:
    with pytest.raises(EvaluationFailed, match=r"here: .* braces"):
        jinja_made(f"a: {value}")


def test_without_them_it_goes_on() -> None:
    assert jinja_made("a: { b } % }}") == "a: { b } % }}"


def test_braces_that_a_value_brings_into_a_go_template_are_refused_and_its_authors_are_not() -> None:
    render = Render(NOW)
    with pytest.raises(EvaluationFailed, match="braces in it"):
        render.first("a: {{ .x }}", {"x": "{{ env }}"}, "here")
    assert render.first('a: {{ "{{ .Cluster }}" }}{{ .x }}', {"x": "y"}, "here") == "a: {{ .Cluster }}y"
    assert render.first("a: {{ .x }}", {"x": "{% if %}"}, "here") == "a: {% if %}"
