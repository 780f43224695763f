"""The shape of a kind, read from its model: which fields a part has, which defaults, where a name would belong."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class FieldShape:
    """A field: `part` is the model of the value, or of its entries when `many`."""

    name: str
    required: bool
    part: type[BaseModel] | None
    many: bool
    default: Any
    """The schema's default as a JSON value; None where it has none."""


@cache
def fields_of(model: type[BaseModel]) -> dict[str, FieldShape]:
    """The fields of a part by their Kubernetes names."""
    shapes = {}
    for python_name, field in model.model_fields.items():
        name = field.alias or python_name
        part, many = _part(field.annotation)
        extra = field.json_schema_extra
        written = isinstance(extra, dict) and bool(extra.get("in_schema"))
        default = field.default if written else None
        shapes[name] = FieldShape(name, field.is_required(), part, many, str(default) if isinstance(default, str) else default)
    return shapes


def open_ended(model: type[BaseModel]) -> bool:
    """Whether further fields belong to others."""
    return model.model_config.get("extra") == "allow"


def _part(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _part(get_args(annotation)[0])
    if origin is tuple:
        return _part(get_args(annotation)[0])[0], True
    if origin in (Union, types.UnionType):
        for choice in get_args(annotation):
            part, many = _part(choice)
            if part is not None:
                return part, many
        return None, False
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    return None, False


def places_of(model: type[BaseModel], name: str, *, below: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where in a kind a field of that name stands, nearest first; entries of lists are written `name[]`. Status is left out."""
    level: list[tuple[tuple[str, ...], type[BaseModel]]] = [(below, model)]
    while level:
        deeper: list[tuple[tuple[str, ...], type[BaseModel]]] = []
        for path, part in level:
            for shape in fields_of(part).values():
                if shape.name == name:
                    yield (*path, name)
                if shape.part is not None and shape.name != "status" and len(path) < 8:
                    deeper.append(((*path, shape.name + ("[]" if shape.many else "")), shape.part))
        level = deeper
