"""Sprig's emptiness: defaults, choices, and refusals."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fleetd.decide.gotemplate.functions.signature import Function, declare
from fleetd.decide.gotemplate.values import CallFailed, Struct


def is_empty(value: Any) -> bool:
    """Zero, false, nil, or without elements; a struct never is."""
    return not isinstance(value, (Struct, datetime)) and not value


def default(fallback: Any, *given: Any) -> Any:
    if len(given) == 1 and type(given[0]) is str:
        return given[0] or fallback
    return fallback if not given or is_empty(given[0]) else given[0]


def coalesce(*values: Any) -> Any:
    return next((value for value in values if not is_empty(value)), None)


def fail(message: str) -> str:
    raise CallFailed(message)


def required(message: str, value: Any) -> Any:
    if value is None or value == "":
        raise CallFailed(message)
    return value


FUNCTIONS: dict[str, Function] = declare(
    {
        "default": ("any any...", default),
        "empty": ("any", is_empty),
        "coalesce": ("any...", coalesce),
        "all": ("any...", lambda *values: not any(map(is_empty, values))),
        "any": ("any...", lambda *values: not all(map(is_empty, values))),
        "ternary": ("any any bool", lambda yes, no, condition: yes if condition else no),
        "fail": ("string", fail),
        "required": ("string any", required),
    }
)
