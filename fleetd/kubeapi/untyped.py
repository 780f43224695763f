"""Applied configurations of custom kinds held against their schema, in the words of structured merge and diff."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fleetd.domain.fieldset import path_text
from fleetd.domain.mergefacts import Shape
from fleetd.kubeapi.apply_merge import element_of
from fleetd.kubeapi.structural import ALWAYS, INT_OR_STRING, PRESERVE, Schema, below, is_object
from fleetd.kubeapi.typed import mismatch, untyped
from fleetd.kubeapi.types import Sort, named_type

SORTS = {
    "string": Sort.TEXT,
    "boolean": Sort.TRUTH,
    "integer": Sort.INT64,
    "number": Sort.NUMBER,
    "array": Sort.LIST,
    "object": Sort.STRUCT,
}


def unplaced(schema: Schema, value: Any, shape: Shape, path: Sequence[str] = ()) -> Iterator[str]:
    """Why a configuration does not have its schema's form; one sentence for each place."""
    if value is None:
        return
    if isinstance(value, dict) and schema.get("type", "object") == "object":
        yield from _fields(schema, value, shape, path)
    elif isinstance(value, list) and schema.get("type", "array") == "array":
        items = schema.get("items")
        for number, item in enumerate(value if isinstance(items, Mapping) else ()):
            element = element_of(item, shape) if shape.keys or shape.unique else f"i:{number}"
            yield from unplaced(schema["items"], item, shape.item, (*path, element))
    elif not schema.get(INT_OR_STRING) and schema.get("type") in SORTS and not schema.get("format"):
        why = mismatch(SORTS[schema["type"]], value)
        if why:
            yield f"{path_text(tuple(path))}: {why}"


def _fields(schema: Schema, value: Mapping[str, Any], shape: Shape, path: Sequence[str]) -> Iterator[str]:
    whole = is_object(schema, root=not path)
    for name, inner in value.items():
        here = (*path, f"f:{name}")
        found = below(schema, name)
        if whole and name in ALWAYS:
            if name == "metadata":
                yield from untyped(named_type("ObjectMeta"), inner, shape.child(name), here)
        elif found is not None:
            yield from unplaced(found, inner, shape.child(name), here) if found else ()
        elif not schema.get(PRESERVE) and (schema.get("properties") or schema.get("type") == "object"):
            yield f"{path_text(here)}: field not declared in schema"
