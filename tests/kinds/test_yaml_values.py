from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetd.domain.yaml_reader import MAX_ALIASED, MAX_DEPTH, UnreadableText, read_yaml

_QUIRKS: dict[str, Any] = {
    # Booleans are those of YAML 1.1.
    "y": True, "Y": True, "yes": True, "on": True, "TRUE": True, "n": False, "No": False, "off": False, "tRue": "tRue", "yEs": "yEs",
    # Numbers, with their bases, underscores and signs.
    "0644": 420, "0o17": 15, "08": 8, "0_8": 8, "09.5": 9.5, "1_000": 1000, "1__0": 10, "1_": 1, "0x1F": 31, "0X1f": 31, "-0x1F": -31,
    "0b101": 5, "-0b11": -3, "0B11": 3, "+5": 5, "-0": 0, "007": 7, "0o8": "0o8", "0b2": "0b2", "0x": "0x", "0b": "0b",
    "_5": "_5", "+_5": 5,
    # Floats become whole where JSON writes them so.
    "1e3": 1000, "1E3": 1000, "5.0": 5, "5.": 5, "-0.0": 0, "0.1": 0.1, ".5": 0.5, "-.5": -0.5, "+.5": 0.5, ".5_0": 0.5, "._5": "._5",
    "1e-7": 1e-7, "1e21": 1e21, "12e03": 12000, "1e": "1e", "1.2.3": "1.2.3", "1.5e400": "1.5e400", "1e3_0": 1e30, "0x1p3": "0x1p3",
    # Large numbers keep their digits up to 64 bits.
    "123456789012345678": 123456789012345678, "9223372036854775807": 2**63 - 1, "-9223372036854775808": -(2**63),
    "9223372036854775808": float(2**63), "18446744073709551615": float(2**64), "99999999999999999999999": 1e23,
    # Times and base-60 numbers stay text.
    "2001-01-01": "2001-01-01", "2026-03-01T12:00:00Z": "2026-03-01T12:00:00Z", "12:30": "12:30", "12:30:45": "12:30:45",
    # Nothing.
    "~": None, "null": None, "Null": None, "": None, "nULL": "nULL",
    # Tags.
    "!!str 5": "5", "!!str": "", '!!int "5"': 5, "!!float 5": 5, "!!float 0x10": 16, "!!bool on": True, "!!binary aGVsbG8=": "hello",
    "!foo 5": "5", "! 5": "5", "!!null ~": None, "!!timestamp 2001-01-01": "2001-01-01",
    # Quotes and other text.
    '"5"': "5", "'yes'": "yes", "<<": "<<", "=": "=", '"\\U0001F600\\x41\\u00e9"': "😀Aé", "'it''s'": "it's",
    "a  # not this": "a", "a#b": "a#b",
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), _QUIRKS.items())
def test_a_scalar_means_what_it_means_to_kubectl(text: str, value: Any) -> None:
    (document,) = read_yaml(f"v: {text}\n", source="a")
    assert document.value == {"v": value}
    assert type(document.value["v"]) is type(value)


def _kubectl() -> str | None:
    beside = Path(sys.executable).with_name("kubectl")
    return str(beside) if beside.exists() else shutil.which("kubectl")


@pytest.mark.skipif(_kubectl() is None, reason="needs kubectl")
def test_kubectl_itself_agrees_on_every_quirk() -> None:
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
    text = (
        head
        + "values:\n"
        + "".join(f"- {quirk}\n" for quirk in _QUIRKS)
        + "keys: {yes: 1, 16: 2, 0x11: 3, 1.5: 4, 1e3: 5, 2001-01-01: 6, off: 7}\n"
        + "one: &one {x: 1, z: [3]}\nafter: {x: 9, <<: *one}\nbefore: {<<: *one, x: 9}\n"
        + "list: {<<: [{x: 1}, {x: 2, w: 3}], q: 1}\nfolded: >-\n  a\n  b\n\n  c\nkept: |+\n  a\n\nset: !!set {a, b}\n"
    )
    command = [str(_kubectl()), "label", "--local", "-f", "-", "a=b", "-o", "json", "--dry-run=client"]
    answer = subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=60)
    # As every Kubernetes client does: a number that has no room in 64 bits is a float.
    theirs = json.loads(answer.stdout, parse_int=lambda digits: int(digits) if -(2**63) <= int(digits) < 2**63 else float(digits))
    del theirs["metadata"]["labels"]
    (ours,) = read_yaml(text, source="a")
    assert dict(zip(_QUIRKS, ours.value.pop("values"), strict=True)) == dict(zip(_QUIRKS, theirs.pop("values"), strict=True))
    assert ours.value == theirs


def test_keys_become_text() -> None:
    (document,) = read_yaml("{yes: 1, 16: 2, 0x11: 3, 1.5: 4, 1e3: 5, off: 6, 2001-01-01: 7}", source="a")
    assert document.value == {"true": 1, "16": 2, "17": 3, "1.5": 4, "1000": 5, "false": 6, "2001-01-01": 7}


def test_a_merge_gives_way_to_what_stands_below_it() -> None:
    (document,) = read_yaml("base: &b {x: 1, z: [2]}\nsite: {<<: *b, x: 3}\nlist: {<<: [{x: 4}, *b]}\n", source="a")
    assert document.value["site"] == {"x": 3, "z": [2]}
    assert document.value["list"]["x"] == 4


def test_a_quoted_merge_sign_is_a_key() -> None:
    (document,) = read_yaml('a: {"<<": {b: 1}}', source="a")
    assert document.value == {"a": {"<<": {"b": 1}}}


@pytest.mark.parametrize(
    ("text", "line", "column", "sentence"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, "the key 'a' stands twice in this mapping"),
        ('x:\n  1: a\n  "1": b\n', 3, 3, "the key '1' stands twice in this mapping"),
        ("{a: 1, a: 2}", 1, 8, "the key 'a' stands twice in this mapping"),
        ("a:\n\tb: 1\n", 2, 1, "a tab stands where spaces must: indent with spaces"),
        ("a: b: c\n", 1, 5, "a ':' is not expected here: check the indentation, or put the value into quotes"),
        ("a:\n  b: 1\n c: 2\n", 3, 2, "the indentation does not fit the lines above"),
        ("a: *nowhere\n", 1, 4, "there is no anchor &nowhere before this"),
        ("a: &a [*a]\n", 1, 8, "there is no anchor &a before this"),
        ("? [a]\n: b\n", 1, 3, "a mapping or a list cannot be a key: put text that begins with '{' or '[' into quotes"),
        ("name: {{ .Name }}\n", 1, 8, "a mapping or a list cannot be a key: put text that begins with '{' or '[' into quotes"),
        ("a: .inf\n", 1, 4, "infinity and NaN have no place in a manifest"),
        ("~: 1\n", 1, 1, "null is no key"),
        ("a: !!int x\n", 1, 4, "this is no !!int"),
        ("a: !!int 5.0\n", 1, 4, "this is no !!int"),
        ("a: !!binary '='\n", 1, 4, "the !!binary value is no base64 text"),
        ("a: {<<: 3}\n", 1, 5, "'<<' takes a mapping, or a list of mappings"),
        ("a: é\nb: \x07\n", 2, 4, "this character is not allowed in YAML"),
        ("a: \ud800\n", 1, 4, "this character is not allowed in YAML"),
        ("a: @b\n", 1, 4, "this character cannot begin a value: put the value into quotes"),
        ("a: %b\n", 1, 4, "this character cannot begin a value: put the value into quotes"),
    ],
)
def test_a_fault_is_told_with_its_place_and_one_sentence(text: str, line: int, column: int, sentence: str) -> None:
    with pytest.raises(UnreadableText) as caught:
        read_yaml(text, source="shop.yaml")
    assert str(caught.value) == f"shop.yaml:{line}:{column}: {sentence}"
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "a: " + "{a: " * 50_000, "- " * 50_000 + "a", "".join(" " * n + "a:\n" for n in range(500))]
)
def test_deep_nesting_is_refused(text: str) -> None:
    with pytest.raises(UnreadableText, match=f"nested deeper than {MAX_DEPTH} levels"):
        read_yaml(text, source="a")


def test_an_alias_bomb_is_refused() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for before, after in zip("abcdefg", "bcdefgh", strict=True):
        bomb += f"{after}: &{after} [{', '.join([f'*{before}'] * 10)}]\n"
    with pytest.raises(UnreadableText, match=f"more than {MAX_ALIASED} values"):
        read_yaml(bomb, source="a")


def test_honest_aliases_are_taken() -> None:
    (document,) = read_yaml("a: &a {b: [1, 2]}\nc: *a\nd: [*a, *a]\n", source="a")
    assert document.value["d"] == [{"b": [1, 2]}] * 2


def _trees() -> st.SearchStrategy[Any]:
    text = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff\ufffe\uffff"), max_size=20)
    tricky = st.sampled_from(
        ["yes", "0644", "1e3", "~", "null", "<<", "12:30", "2001-01-01", "- a", "a: b", "", " a ", "#", "{{ .A }}", "a\nb\n"]
    )
    whole = st.integers(-(2**63), 2**63 - 1)
    part = st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: not value.is_integer())
    leaf = st.none() | st.booleans() | whole | part | text | tricky
    return st.recursive(leaf, lambda below: st.lists(below, max_size=4) | st.dictionaries(text | tricky, below, max_size=4), max_leaves=15)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text("abcxyz", min_size=1), _trees(), min_size=1, max_size=4), st.sampled_from(["block", "flow", "json"]))
def test_what_is_written_is_read_again(tree: dict[str, Any], style: str) -> None:
    text = json.dumps(tree, ensure_ascii=False) if style == "json" else _written(tree, flow=style == "flow")
    (document,) = read_yaml(text, source="a")
    assert document.value == tree


class _Writer(yaml.SafeDumper):
    """Quotes all text, so that only the reader decides what the rest means."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Writer.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


def _written(tree: Any, *, flow: bool) -> str:
    return yaml.dump(tree, Dumper=_Writer, default_flow_style=flow, allow_unicode=True, sort_keys=False)
