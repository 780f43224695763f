"""What of its data a rendering depends on: data that agree in it give the same text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleetd.decide.gotemplate.reads import ELEMENT, Path
from fleetd.decide.gotemplate.template import Template
from fleetd.decide.gotemplate.values import truth

BY_IDENTIFIER = frozenset({"getResource", "copy", "getField", "setField", "removeField"})
"""At the deployment these read resources beside the data."""


def projection(template: Template, data: Mapping[str, Any]) -> list[Any] | None:
    """Plain values in the order of the template's paths; None where it depends on more than its data's paths."""
    if () in template.reads or not BY_IDENTIFIER.isdisjoint(template.calls):
        return None
    whole = [_value(data, path) for path in template.reads]
    return [whole, [_tried(data, path) for path in template.tried]]


def _value(data: Any, path: Path) -> Any:
    """The value in a list, or how many names were there; elements are part of what they are elements of."""
    for depth, name in enumerate(path):
        if name == ELEMENT:
            break
        if not isinstance(data, dict) or name not in data:
            return depth
        data = data[name]
    return [data]


def _tried(data: Any, path: Path) -> Any:
    value = _value(data, path)
    return [truth(value[0])] if isinstance(value, list) else value
