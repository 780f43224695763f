"""Published sources and checks, in small: objects in, verdicts out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_a_case_comes_out_as_it_is_written(case: dict[str, Any], evaluated: Callable[..., Any]) -> None:
    ran = evaluated(case["source"], case["objects"], *case.get("arguments", ()))
    said = [" ".join([one["verdict"], one["ref"]["name"], *filter(None, [one.get("status")])]) for one in ran.results]
    assert said == case["expect"], ran.out
    assert ran.code == case.get("code", 0)
    for part in ("message", "rule", "deciding"):
        for name, wanted in case.get(part, {}).items():
            found = [one[part] for one in ran.results if one["ref"]["name"] == name]
            assert any(wanted in text for text in found), f"{part} of {name}: {found}"
