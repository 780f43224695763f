"""Sprig's look at types."""

from __future__ import annotations

from typing import Any

from fleetd.decide.gotemplate.functions.signature import Function, declare
from fleetd.decide.gotemplate.run import Run
from fleetd.decide.gotemplate.values import Struct, kind_name, type_name


def deep_equal(run: Run, left: Any, right: Any) -> bool:
    """Go's reflect.DeepEqual: types must be the same, at every level."""
    run.spend(1)
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(deep_equal(run, left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(deep_equal(run, one, other) for one, other in zip(left, right, strict=True))
    if isinstance(left, Struct):
        return left.type_name == right.type_name and deep_equal(run, left.fields, right.fields)
    return bool(left == right)


def type_is_like(wanted: str, value: Any) -> bool:
    found = type_name(value)
    return wanted == found or "*" + wanted == found


FUNCTIONS: dict[str, Function] = declare(
    {
        "typeOf": ("any", type_name),
        "typeIs": ("string any", lambda wanted, value: type_name(value) == wanted),
        "typeIsLike": ("string any", type_is_like),
        "kindOf": ("any", kind_name),
        "kindIs": ("string any", lambda wanted, value: kind_name(value) == wanted),
        "deepEqual": ("meter any any", deep_equal),
    }
)
