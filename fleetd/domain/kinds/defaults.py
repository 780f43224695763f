"""The schema's defaults, written into an object as the API server does when it takes it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from fleetd.domain.kinds.registry import KINDS
from fleetd.domain.kinds.schema import fields_of
from fleetd.domain.objects import Manifest, gvk_of


def with_defaults(manifest: Manifest) -> Manifest:
    """A manifest with the schema's defaults; those of a kind without a model are returned as they are.

    A part that is absent stays absent: defaults are written into parts that exist. A null gives way to the default.
    """
    spec = KINDS.get(gvk_of(manifest))
    if spec is None:
        return manifest
    filled = _filled(manifest, spec.model)
    return filled if isinstance(filled, dict) else manifest


def _filled(value: Any, model: type[BaseModel]) -> Any:
    if not isinstance(value, dict):
        return value
    shapes = fields_of(model)
    filled = {}
    for key, held in value.items():
        shape = shapes.get(key)
        if shape is None or (shape.part is None and held is not None):
            filled[key] = held
        elif held is None:
            # The loop below writes the default; without one the API server drops a null, too.
            continue
        elif shape.part is not None and shape.many and isinstance(held, list):
            filled[key] = [_filled(entry, shape.part) for entry in held]
        elif shape.part is not None:
            filled[key] = _filled(held, shape.part)
    for shape in shapes.values():
        if shape.default is not None and shape.name not in filled:
            filled[shape.name] = shape.default
    return filled
