"""Schemas of OpenAPI for the built-in kinds, made of the table of types and of what is known about merging."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from fleetd.domain.mergefacts import Shape
from fleetd.kubeapi.kinds import Kind
from fleetd.kubeapi.types import Sort, Type, named_type

Schema = dict[str, Any]
SCALARS: dict[Sort, Schema] = {
    Sort.TEXT: {"type": "string"},
    Sort.BYTES: {"type": "string", "format": "byte"},
    Sort.TRUTH: {"type": "boolean"},
    Sort.INT32: {"type": "integer", "format": "int32"},
    Sort.INT64: {"type": "integer", "format": "int64"},
    Sort.NUMBER: {"type": "number", "format": "double"},
    Sort.QUANTITY: {"type": "string", "x-kubernetes-quantity": True},
    Sort.INT_OR_TEXT: {"type": "string", "format": "int-or-string"},
    Sort.TIME: {"type": "string", "format": "date-time"},
    Sort.MICROTIME: {"type": "string", "format": "date-time"},
    Sort.ANY: {"type": "object"},
}
RETAIN_KEYS = {("DeploymentSpec", "strategy"): "retainKeys", ("PodSpec", "volumes"): "merge,retainKeys"}
"""Where a strategic merge patch has to say which keys stay (documented as `patchStrategy` of the fields)."""
SELF = "io.k8s.api"


def name_of(kind: Type) -> str:
    """The name of a type's schema."""
    title, _, group = kind.name.partition("@")
    return f"{SELF}.{group or 'core'}.{title}"


def types_of(row: Kind) -> dict[str, Schema]:
    """The schemas of a built-in kind and of all types in it, by name."""
    return _closure(row.type, row.facts.root) if row.type is not None else {}


@cache
def types_of_metadata() -> dict[str, Schema]:
    """The schemas of what every object has; nobody may change what this returns."""
    return _closure(named_type("ObjectMeta"), Shape())


def _closure(root: Type, of: Shape) -> dict[str, Schema]:
    found: dict[str, Schema] = {}
    waiting: list[tuple[Type, Shape]] = [(root, of)]
    while waiting:
        kind, shape = waiting.pop()
        if name_of(kind) in found:
            continue
        found[name_of(kind)] = _struct(kind, shape)
        for name, inner in kind.fields.items():
            waiting.extend(_structs(inner, shape.child(name)))
    return found


def _structs(kind: Type, shape: Shape) -> Iterator[tuple[Type, Shape]]:
    match kind.sort:
        case Sort.STRUCT:
            yield kind, shape
        case Sort.LIST:
            yield from _structs(kind.of, shape.item)
        case Sort.MAP:
            yield from _structs(kind.of, shape.child(""))
        case _:
            pass


def _struct(kind: Type, shape: Shape) -> Schema:
    fields = {name: _field(kind, name, shape.child(name)) for name in sorted(kind.fields)}
    schema: Schema = {"type": "object", "properties": fields}
    return {**schema, "required": list(kind.required)} if kind.required else schema


def _field(kind: Type, name: str, shape: Shape) -> Schema:
    schema = _schema(kind.fields[name])
    strategy = RETAIN_KEYS.get((kind.title, name))
    if shape.keys:
        schema |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(shape.keys)}
        schema |= {"x-kubernetes-patch-merge-key": shape.keys[0], "x-kubernetes-patch-strategy": "merge"}
    elif shape.unique:
        schema |= {"x-kubernetes-list-type": "set", "x-kubernetes-patch-strategy": "merge"}
    elif kind.fields[name].sort is Sort.LIST:
        schema["x-kubernetes-list-type"] = "atomic"
    if shape.atomic and kind.fields[name].sort is Sort.STRUCT:
        schema["x-kubernetes-map-type"] = "atomic"
    return {**schema, "x-kubernetes-patch-strategy": strategy} if strategy else schema


def _schema(kind: Type) -> Schema:
    match kind.sort:
        case Sort.STRUCT:
            return {"allOf": [{"$ref": f"#/components/schemas/{name_of(kind)}"}], "default": {}}
        case Sort.LIST:
            return {"type": "array", "items": _schema(kind.of)}
        case Sort.MAP:
            return {"type": "object", "additionalProperties": _schema(kind.of)}
        case _:
            return dict(SCALARS[kind.sort])
