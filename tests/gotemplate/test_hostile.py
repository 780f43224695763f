"""SEC-12, SEC-14, SEC-15 and SEC-17: what hostile templates try, and what hostile data tries through a harmless template."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fleetd.decide.gotemplate.functions.signature import Function
from fleetd.decide.gotemplate.template import STANDARD, Budget, Surroundings, compile_template
from fleetd.domain.errors import EvaluationFailed, OverBudget

HOSTILE = (Path(__file__).parent / "hostile.txt").read_text().splitlines()
CHILD = Path(__file__).parent / "hostile_child.py"
GROWTH_KIB = 16 << 10
DATA: dict[str, Any] = {
    "Secret": "hush",
    "Text": "text",
    "Nothing": None,
    "Resource": {"metadata": {"name": "web"}, "spec": {"replicas": 3}},
}
PYTHON = re.compile(r"<(class|function|built-in|module|bound)|object at 0x|__\w+__=|Traceback")

BREAKING = [
    "x\n---\nkind: ClusterRoleBinding", "x\nkind: ClusterRoleBinding", "\"\nkind: Secret\nx: \"", "'\nkind: Secret\nx: '", "<<",
    "<<: *a", "&a b", "*a", "!!python/object/apply:os.system [id]", "!!binary aGk=", "# gone", " # gone", "a: b", "- x", "[", "{", "}",
    "| ", ">", "%YAML 1.1", "---", "...", "yes", "no", "null", "~", "0x10", "1e3", "012", ".inf", "2001-01-01", "12:30:45",
    "\u2028kind: x", "\u0085kind: x", "\r\nkind: x", "\ufeff", "\\\nkind: x", "${x}", "{{ env }}", "`", "\t", "\u202eevil", "a\u007fb",
    "\u0000", "\u001b[31m", "'''", "\"\"\"", "\\u0022", "\\x22", "=", "?", "? x", ": x",
]  # fmt: skip


def test_there_are_hostile_templates_enough() -> None:
    assert len(set(HOSTILE)) >= 100


@pytest.fixture(scope="module")
def outcomes() -> dict[str, tuple[str, str, int]]:
    """What became of each, in a process of its own: the error's name and text, and KiB by which the process grew."""
    sent = json.dumps([HOSTILE, DATA])
    child = subprocess.run([sys.executable, str(CHILD)], input=sent, capture_output=True, text=True, timeout=100, check=True)
    return {text: (name, message, grown) for text, (name, message, grown) in zip(HOSTILE, json.loads(child.stdout), strict=True)}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_template_is_refused_within_its_budget(text: str, outcomes: dict[str, tuple[str, str, int]]) -> None:
    name, message, grown = outcomes[text]
    assert name in {"EvaluationFailed", "OverBudget"}
    assert grown <= GROWTH_KIB
    assert "hush" not in message
    assert not PYTHON.search(message)


def test_all_of_them_together_grow_the_process_little(outcomes: dict[str, tuple[str, str, int]]) -> None:
    assert sum(grown for _, _, grown in outcomes.values()) <= GROWTH_KIB


def test_no_function_knows_more_than_its_surroundings() -> None:
    """Each call twice, with nothing around it: the same answer, or a refusal."""
    text = "{{ (dict) | %s }}"
    for name, function in STANDARD.items():
        assert isinstance(function, Function)
        answers = []
        for _ in range(2):
            try:
                answers.append(compile_template(text % name).render({}, surroundings=Surroundings()))
            except (EvaluationFailed, OverBudget) as refused:
                answers.append(str(refused))
        assert answers[0] == answers[1], name


@pytest.mark.parametrize("value", BREAKING)
@pytest.mark.parametrize("written", ["toJson", "toYaml", "toYaml | nindent 4", "toRawJson", "toPrettyJson"])
def test_a_value_that_is_written_as_a_value_stays_one(value: str, written: str) -> None:
    check_kept(value, written)


@given(st.text(), st.sampled_from(["toJson", "toYaml", "toYaml | nindent 4", "toRawJson", "toPrettyJson"]))
def test_no_text_leaves_its_place(value: str, written: str) -> None:
    check_kept(value, written)


def check_kept(value: str, written: str) -> None:
    """The document has its three keys still, and the middle one this value, unless it could not be written at all."""
    if compile_template(f"{{{{ .v | {written} | trim }}}}").render({"v": value}) == "":
        return
    rendered = compile_template(f"kind: ConfigMap\nvalue: {{{{ .v | {written} }}}}\nlast: 1\n").render({"v": value})
    try:
        (document,) = yaml.safe_load_all(rendered)
    except (yaml.reader.ReaderError, yaml.constructor.ConstructorError):
        assert value in {"<<", "="} or not value.isprintable()
        return
    assert document.keys() == {"kind", "value", "last"}
    assert document["kind"] == "ConfigMap"
    if re.fullmatch(r"[ -~\n]*", value) and value != "=":
        assert document["value"] == value


def test_budgets_hold_inside_every_function_that_makes_texts(render: Callable[..., str]) -> None:
    """A small budget stops each of them before the text is made."""
    for call in (
        'repeat 9999 "x"',
        'indent 9999 "x"',
        'printf "%9999d" 1',
        "until 9999",
        "seq 9999",
        'replace "" "xxxx" .t',
        "join .t (until 60)",
    ):
        with pytest.raises(OverBudget):
            render(f"{{{{ {call} | len }}}}", {"t": "y" * 900}, budget=Budget(steps=2_000, value_bytes=1_000))
