"""The part of JSONPath that printer columns use: names, positions, `*`, and filters for equality."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

STEP = re.compile(
    r"""\.?(?:(?P<name>[\w-]+(?:\\\.[\w./-]+)*)|\[(?P<index>-?\d+|\*)\]|\['(?P<quoted>[^']+)'\]|\[\?\(@\.(?P<key>[\w.-]+)\s*==\s*["'](?P<value>[^"']*)["']\)\])"""
)


@lru_cache(1024)
def _steps(path: str) -> tuple[re.Match[str], ...]:
    """The steps of a path; none where a part of it is not understood."""
    steps, place = [], 0
    text = path.strip().removeprefix("{").removesuffix("}")
    while place < len(text):
        found = STEP.match(text, place)
        if found is None or not found[0]:
            return ()
        steps.append(found)
        place = found.end()
    return tuple(steps)


def first(path: str, value: Any) -> Any:
    """The first thing that a path finds, None where there is nothing."""
    steps = _steps(path)
    if not steps:
        return None
    found = [value]
    for step in steps:
        found = [inner for one in found for inner in _below(step, one)]
    return next(iter(found), None)


def _below(step: re.Match[str], value: Any) -> list[Any]:
    name = step["quoted"] or (step["name"] or "").replace("\\.", ".")
    if name:
        return [value[name]] if isinstance(value, Mapping) and name in value else []
    if not isinstance(value, list):
        return []
    if step["key"]:
        return [one for one in value if isinstance(one, Mapping) and str(one.get(step["key"])) == step["value"]]
    if step["index"] == "*":
        return value
    place = int(step["index"])
    return [value[place]] if -len(value) <= place < len(value) else []
