"""What stands in the table of types, and what the server makes of values by it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.kubeapi.builtin import builtin_kinds
from fleetd.kubeapi.quantities import canonical
from fleetd.kubeapi.typed import fits, kept, misfit, unknown
from fleetd.kubeapi.types import Sort, Type, type_of

NAMES = st.sampled_from("spec metadata template containers resources limits cpu replicas name labels status x".split())  # noqa: SIM905
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(NAMES, inner),
    ),
    max_leaves=15,
)


def test_every_kind_that_is_kept_has_a_type() -> None:
    kinds = builtin_kinds()
    for row in kinds.stored():
        assert row.type is not None, row.resource
        assert {"apiVersion", "kind", "metadata"} <= row.type.fields.keys()


def test_the_table_says_what_the_published_schemas_say() -> None:
    package = pytest.importorskip("kubernetes_validate")
    folder = files(package) / "kubernetes-json-schema" / "v1.36.0-local" / "_definitions.json"
    published = json.loads(folder.read_text())["$defs"]
    for row in builtin_kinds().stored():
        gvk = {"group": row.group, "version": row.version, "kind": row.kind}
        schema = next(each for each in published.values() if gvk in each.get("x-kubernetes-group-version-kind", ()))
        assert row.type is not None
        _same(row.type, schema, published, {row.type.name})


def _same(kind: Type, schema: dict[str, Any], published: dict[str, Any], seen: set[str]) -> None:
    assert kind.fields.keys() == schema.get("properties", {}).keys(), kind.name
    assert set(kind.required) == set(schema.get("required", ())), kind.name
    for name, inner in kind.fields.items():
        element, below = inner, schema["properties"][name]
        while element.sort in (Sort.LIST, Sort.MAP):
            below = below["items"] if element.sort is Sort.LIST else below["additionalProperties"]
            element = element.of
        reference = below.get("$ref") or next((one.get("$ref") for one in below.get("allOf", ())), None)
        if element.sort is Sort.STRUCT and element.name not in seen:
            seen.add(element.name)
            _same(element, published[reference.split("/")[-1]], published, seen)


@given(JSON)
def test_what_is_kept_fits_or_cannot_be_read(value: Any) -> None:
    kind = type_of("apps/v1", "Deployment")
    assert kind is not None
    if misfit(kind, value) is None:
        assert fits(kind, kept(kind, value))
        assert list(unknown(kind, kept(kind, value))) == []
    else:
        assert not fits(kind, value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1000m", "1"),
        ("0.5", "500m"),
        ("0.5Gi", "512Mi"),
        ("1024Mi", "1Gi"),
        ("1000Mi", "1000Mi"),
        ("1000k", "1M"),
        ("1e3", "1e3"),
        ("-1000m", "-1"),
        ("0Gi", "0"),
        ("12345", "12345"),
        ("1.5.2", None),
        ("one", None),
    ],
)
def test_quantities_have_one_form(text: str, told: str | None) -> None:
    assert canonical(text) == told


@given(number=st.integers(0, 10**12), suffix=st.sampled_from(["", "m", "k", "M", "Ki", "Mi", "Gi"]))
def test_the_one_form_of_a_quantity_is_its_own(number: int, suffix: str) -> None:
    told = canonical(f"{number}{suffix}")
    assert told is not None
    assert canonical(told) == told
