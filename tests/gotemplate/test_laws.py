"""What holds for every text and every value."""

from __future__ import annotations

import json
import string
from contextlib import suppress
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from fleetd.decide.gotemplate.json_text import json_text, read_json
from fleetd.decide.gotemplate.run import Budget, Run, Surroundings
from fleetd.decide.gotemplate.template import compile_template, standard_functions
from fleetd.decide.gotemplate.yaml_read import read_yaml
from fleetd.decide.gotemplate.yaml_write import yaml_text
from fleetd.domain.errors import EvaluationFailed, OverBudget

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t", exclude_characters="\x85\u2028\u2029\ufffe\uffff"))
SCALARS = st.none() | st.booleans() | st.integers(-(2**52), 2**52) | st.floats(-1e300, 1e300, allow_nan=False) | TEXT
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT.filter(lambda key: "\n" not in key), inner, max_size=4),
    max_leaves=12,
)
PIECES = [
    "{{",
    "}}",
    "{{-",
    " -}}",
    " ",
    "if ",
    "range ",
    "end",
    "else",
    "define ",
    '"x"',
    "$x",
    ":=",
    ".a",
    ".",
    "|",
    "(",
    ")",
    "1",
    "print ",
    "eq ",
    "'c'",
    "\n",
    "t",
    "`",
    '"',
    ",",
    "/*",
    "*/",
    "list ",
    "toYaml ",
    "index ",
    "fromYaml ",
]


def run() -> Run:
    return Run(Budget(), Surroundings())


@given(st.text().filter(lambda text: "{{" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)))
def test_literal_text_renders_to_itself(text: str) -> None:
    assert compile_template(text).render({}) == text


@given(st.dictionaries(st.text(string.printable, min_size=1), st.integers()))
def test_a_range_over_a_map_goes_in_the_order_of_its_keys(source: dict[str, int]) -> None:
    keys = compile_template("{{ range $k, $v := .m }}{{ toJson $k }}\n{{ end }}").render({"m": source}).splitlines()
    assert [json.loads(key) for key in keys] == sorted(source)


@given(VALUES)
def test_written_yaml_reads_back(value: Any) -> None:
    text = yaml_text(value, run())
    assert read_yaml(text, run()) == value


@given(VALUES)
def test_written_json_reads_back(value: Any) -> None:
    text = json_text(value, run())
    assert read_json(text, run()) == value
    assert json.loads(text, parse_int=float) == value


@given(VALUES.map(lambda value: json.loads(json.dumps(value).replace('"="', '"-"').replace('"<<"', '"-"'))))
def test_written_yaml_means_the_same_to_another_reader(value: Any) -> None:
    """Texts for numbers, on which YAML libraries disagree; `=` and `<<` are words of their own to this one."""
    texts = json.loads(json_text(value, run()), parse_int=str, parse_float=str, parse_constant=str)
    assert yaml.safe_load(yaml_text(texts, run())) == texts


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), VALUES)
def test_any_text_renders_or_is_refused_with_a_reason(text: str, value: Any) -> None:
    with suppress(EvaluationFailed, OverBudget):
        assert isinstance(compile_template(text).render({"a": value}), str)


FUNCTIONS = standard_functions()


@given(
    st.sampled_from(sorted(FUNCTIONS)), st.lists(VALUES | st.sampled_from([-1, 0, 10**18, "(", "%*d", "2006"]), max_size=4), st.booleans()
)
def test_every_function_answers_or_refuses_whatever_it_is_given(name: str, values: list[Any], literal: bool) -> None:
    arguments = " ".join(f"(index $.v {at})" for at in range(len(values)))
    if literal:
        arguments = " ".join(json.dumps(value) if isinstance(value, (str, int)) else f"(index $.v {at})" for at, value in enumerate(values))
    budget = Budget(steps=20_000, output_bytes=50_000, value_bytes=50_000)
    with suppress(EvaluationFailed, OverBudget):
        assert isinstance(compile_template(f"{{{{ {name} {arguments} }}}}").render({"v": values}, budget=budget), str)
