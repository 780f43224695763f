from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetd.domain.documents import Document, UnreadableText, findings_of, read_documents, strip_server_fields
from fleetd.domain.json_reader import read_json

One = Callable[[str], Document]

_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"


def _names(documents: list[Document]) -> list[str]:
    return [document.manifest["metadata"]["name"] for document in documents]


def test_documents_are_read_in_order_with_their_lines() -> None:
    text = f"# a comment\n---\n{_MAP % 'a'}---\n\n---\n# nothing here\n--- # the next\n{_MAP % 'b'}...\n---\n{_MAP % 'c'}"
    documents = read_documents(text, source="shop.yaml")
    assert _names(documents) == ["a", "b", "c"]
    assert [document.line for document in documents] == [3, 11, 16]
    assert {document.source for document in documents} == {"shop.yaml"}


@pytest.mark.parametrize("text", ["", "\n\n", "---\n", "---\n---\n", "# only a comment\n", "\ufeff"])
def test_empty_input_is_no_document(text: str) -> None:
    assert read_documents(text, source="a") == []


def test_a_byte_order_mark_and_windows_line_ends_are_taken() -> None:
    text = "\ufeff" + (_MAP % "a" + "data:\n  text: |\n    one\n    two\n").replace("\n", "\r\n")
    (document,) = read_documents(text, source="a")
    assert document.manifest["data"] == {"text": "one\ntwo\n"}
    assert document.places[("data", "text")] == (5, 3)
    assert document.place_inside(("data", "text"), 2, 1) == (7, 5)


def test_json_is_taken_one_object_or_several() -> None:
    one = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"smile": "😀"}}
    assert read_documents(json.dumps(one), source="a")[0].manifest == one
    both = json.dumps(one, indent=2) + "\n" + json.dumps({**one, "metadata": {"name": "b"}}, indent="\t")
    documents = read_documents(both, source="a")
    assert _names(documents) == ["a", "b"]
    assert documents[1].line == json.dumps(one, indent=2).count("\n") + 2


def test_json_numbers_are_as_after_a_server() -> None:
    (document,) = read_documents('{"a": 1.0, "b": 1e3, "c": 18446744073709551615, "d": 0.5}', source="a")
    assert document.manifest == {"a": 1, "b": 1000, "c": float(2**64), "d": 0.5}


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '{\n "b": {"a": 1,\n "a": 2}}', '{"a": NaN', '{"a": 1} x', "{" * 5000])
def test_what_is_no_plain_json_is_left_to_the_yaml_reader(text: str) -> None:
    assert read_json(text) is None


def test_a_key_that_stands_twice_in_json_is_told_with_its_place() -> None:
    with pytest.raises(UnreadableText, match=r"^a\.json:3:2: the key 'a' stands twice"):
        read_documents('{"kind": "A",\n "b": {"a": 1,\n "a": 2}}', source="a.json")


@pytest.mark.parametrize(("text", "line"), [("- a\n- b\n", 1), ("a: 1\n---\njust text\n", 3)])
def test_a_document_that_is_no_mapping_is_refused(text: str, line: int) -> None:
    with pytest.raises(UnreadableText, match=f"^a:{line}:1: a document must be a mapping"):
        read_documents(text, source="a")


def test_a_list_is_taken_apart_and_loses_what_the_server_wrote() -> None:
    text = """apiVersion: v1
kind: List
metadata: {resourceVersion: ""}
items:
- apiVersion: v1
  kind: ConfigMap
  metadata:
    name: a
    uid: u
    resourceVersion: "5"
    creationTimestamp: "2026-03-01T12:00:00Z"
    managedFields: []
    annotations:
      kubectl.kubernetes.io/last-applied-configuration: "{}"
  data: {a: b}
- apiVersion: v1
  kind: Namespace
  metadata: {name: b, annotations: {keep: this}}
  status: {phase: Active}
"""
    first, second = read_documents(text, source="a")
    assert first.manifest == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "b"}}
    assert second.manifest["metadata"] == {"name": "b", "annotations": {"keep": "this"}}
    assert "status" not in second.manifest
    assert (first.line, second.line) == (5, 16)
    assert first.places[("data", "a")] == (15, 10)


def test_a_typed_list_names_the_kind_of_its_entries() -> None:
    (document,) = read_documents('{"apiVersion": "v1", "kind": "ConfigMapList", "items": [{"metadata": {"name": "a"}}]}', source="a")
    assert document.manifest == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}


def test_stripping_changes_nothing_in_place() -> None:
    manifest: dict[str, Any] = {"metadata": {"name": "a", "uid": "u", "labels": {"a": "b"}}, "status": {}}
    assert strip_server_fields(manifest) == {"metadata": {"name": "a", "labels": {"a": "b"}}}
    assert manifest["metadata"]["uid"] == "u"


def test_fences_of_a_page_are_read_with_the_lines_of_the_page() -> None:
    page = f"""# A page

Some `code` and a snippet that is no manifest:

```yaml
spec: {{}}
```

```yaml
{_MAP % "a"}---
{_MAP % "b"}
```

1. In a list

   ~~~yml title=x
   apiVersion: v1
   kind: ConfigMap
   metadata:
     nam: c
   ---
   apiVersion: v1
   kind: ConfigMap
   metadata: {{name: d}}
   ~~~

```lua
kind = "no"
```
"""
    documents = read_documents(page, source="docs/page.md")
    assert [document.line for document in documents] == [10, 14, 23, 28]
    (finding,) = [finding for finding in findings_of(documents[2]) if finding.code == "FD101"]
    assert (finding.line, finding.column) == (26, 6)
    assert page.split("\n")[25][5:] == "nam: c"


def test_a_fault_in_a_fence_has_the_line_of_the_page() -> None:
    with pytest.raises(UnreadableText, match=r"^page\.md:4:1: the key 'a' stands twice"):
        read_documents("text\n```yaml\na: 1\na: 2\n```\n", source="page.md")


def test_places_point_at_names_and_list_entries(one: One) -> None:
    document = one("""kind: A
spec:
  list:
  - a: 1
    b: [x, y]
  -   c: 2
""")
    assert document.places == {
        ("kind",): (1, 1),
        ("spec",): (2, 1),
        ("spec", "list"): (3, 3),
        ("spec", "list", 0): (4, 5),
        ("spec", "list", 0, "a"): (4, 5),
        ("spec", "list", 0, "b"): (5, 5),
        ("spec", "list", 0, "b", 0): (5, 9),
        ("spec", "list", 0, "b", 1): (5, 12),
        ("spec", "list", 1): (6, 7),
        ("spec", "list", 1, "c"): (6, 7),
    }
    assert document.place_of(("spec", "list", 0, "missing", "deeper")) == (4, 5)
    assert document.place_of(("nothing",)) == (1, 1)


@pytest.mark.parametrize(
    ("text", "inside", "place"),
    [
        ("v: |\n  one\n  two\n", (2, 2), (3, 4)),
        ("v: |2\n    one\n  two\n", (1, 3), (2, 5)),
        ("v: |\n\n\n  one\n", (3, 1), (4, 3)),
        ("v: | # why\n  one\n", (1, 1), (2, 3)),
        ("v: >\n  one\n  two\n", (1, 5), (1, 4)),
        ("v: plain text\n", (1, 7), (1, 10)),
        ("v: 'in quotes'\n", (1, 4), (1, 8)),
        ('v:   "in quotes"\n', (1, 1), (1, 7)),
        ("w: 1\nv:\n  below\n", (1, 1), (3, 3)),
        ("v: |\n  one\n", (0, 0), (1, 1)),
    ],
)
def test_a_place_inside_a_text_is_found_in_the_file(one: One, text: str, inside: tuple[int, int], place: tuple[int, int]) -> None:
    assert one(text).place_inside(("v",), *inside) == place


def test_a_place_inside_a_text_of_a_fence_or_a_second_document_is_found() -> None:
    page = f"text\n\n```yaml\n{_MAP % 'a'}---\n{_MAP % 'b'}data:\n  a: |\n    one\n    two\n```\n"
    document = read_documents(page, source="a.md")[1]
    line, column = document.place_inside(("data", "a"), 2, 1)
    assert page.split("\n")[line - 1][column - 1 :] == "two"


_WORDS = st.text("abcdefgh", min_size=1, max_size=6)
_TREES = st.recursive(
    st.integers(0, 99) | _WORDS.map(lambda word: f"v{word}"),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(_WORDS, below, max_size=3),
    max_leaves=12,
)


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], Any]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for step, held in steps for found in [((*path, step), held), *_paths(held, (*path, step))]]


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(_WORDS, _TREES, min_size=1, max_size=3), st.sampled_from([True, False, None]), st.integers(2, 6))
def test_every_place_points_at_the_right_character(tree: dict[str, Any], flow: bool | None, indent: int) -> None:
    text = "# first\n---\n" + yaml.safe_dump(tree, default_flow_style=flow, indent=indent, sort_keys=False)
    lines = text.split("\n")
    (document,) = read_documents(text, source="a")
    assert document.manifest == tree
    assert set(document.places) == {path for path, _ in _paths(tree)}
    for path, value in _paths(tree):
        line, column = document.places[path]
        rest = lines[line - 1][column - 1 :]
        if isinstance(path[-1], str):
            assert rest.lstrip("? ").startswith(path[-1])
        elif not isinstance(value, dict | list):
            assert rest.startswith(str(value))
