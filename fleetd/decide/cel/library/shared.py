"""Functions whose name two libraries of Kubernetes share: the type of the first argument decides."""

from __future__ import annotations

from typing import Any

from fleetd.decide.cel.library import quantities, versions
from fleetd.decide.cel.library.function import Function, Functions, fixed, want
from fleetd.decide.cel.library.standard import pattern


def order(left: Any, right: Any) -> int:
    """-1, 0 or 1, for two quantities or two versions."""
    return versions.order(left, right) if type(left) is versions.Version else quantities.order(left, right)


def _find(text: Any, source: Any) -> str:
    want(str, text, source)
    found = pattern(source).search(text.encode(errors="replace"))
    return "" if found is None else str(found.group(0).decode(errors="replace"))


def _find_all(text: Any, source: Any, most: Any = -1) -> list[str]:
    want(str, text, source)
    want(int, most)
    found: list[str] = []
    for match in pattern(source).finditer(text.encode(errors="replace")):
        if 0 <= most <= len(found):
            break
        found.append(match.group(0).decode(errors="replace"))
    return found


MEMBER: Functions = {
    "compareTo": fixed(order, 2),
    "isLessThan": fixed(lambda left, right: order(left, right) < 0, 2),
    "isGreaterThan": fixed(lambda left, right: order(left, right) > 0, 2),
    "find": fixed(_find, 2, reads_all=True),
    "findAll": Function(_find_all, 2, 3, reads_all=True),
}
