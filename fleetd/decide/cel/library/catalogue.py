"""All functions by name, those of namespaces with their dots."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches
from typing import Final

from fleetd.decide.cel.library import (
    collections,
    formats,
    maths,
    moments,
    network,
    optionals,
    patterns,
    quantities,
    shared,
    standard,
    text,
    versions,
)
from fleetd.decide.cel.library.function import Function, Functions
from fleetd.decide.cel.macros import LOOPS
from fleetd.decide.cel.port import NotUnderstood
from fleetd.domain.errors import EvaluationFailed


def _weighed(functions: Functions, steps: int) -> Functions:
    return {name: replace(function, steps=steps) for name, function in functions.items()}


def _searching(functions: Functions) -> Functions:
    return {name: replace(function, steps=_PATTERN, searches=True) for name, function in functions.items()}


_KUBERNETES: Final = 15
"""Steps of a function that reads or compares quantities, versions, addresses."""
_PATTERN: Final = 200
"""Steps of a match with a pattern that is not known beforehand and may have to be compiled."""

GLOBAL: Final[Functions] = {
    **standard.GLOBAL,
    **text.GLOBAL,
    **maths.GLOBAL,
    **collections.GLOBAL,
    **optionals.GLOBAL,
    **formats.GLOBAL,
    **_weighed(quantities.GLOBAL, _KUBERNETES),
    **_weighed(versions.GLOBAL, _KUBERNETES),
    **_weighed(network.GLOBAL, _KUBERNETES),
    **_searching(patterns.GLOBAL),
    **_searching({"matches": standard.GLOBAL["matches"]}),
}
MEMBER: Final[Functions] = {
    **standard.MEMBER,
    **moments.MEMBER,
    **text.MEMBER,
    **collections.MEMBER,
    **optionals.MEMBER,
    **formats.MEMBER,
    **_weighed(quantities.MEMBER, _KUBERNETES),
    **_weighed(versions.MEMBER, _KUBERNETES),
    **_weighed(network.MEMBER, _KUBERNETES),
    **_weighed(shared.MEMBER, _KUBERNETES),
    **_searching({name: {**standard.MEMBER, **shared.MEMBER}[name] for name in ("matches", "find", "findAll")}),
}
TYPES: Final = {
    name: name for name in ("bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint", "optional_type")
} | {
    name: name
    for name in (
        *("google.protobuf.Duration", "google.protobuf.Timestamp", "net.IP", "net.CIDR"),
        *("kubernetes.Quantity", "kubernetes.Semver", "kubernetes.URL", "kubernetes.NamedFormat"),
    )
}
ELSEWHERE: Final = frozenset(("cel", "proto"))
"""Namespaces that other engines have."""
NAMESPACES: Final = frozenset(name.partition(".")[0] for name in GLOBAL if "." in name)


def closest(name: str, among: Iterable[str]) -> str:
    """The name that was probably meant, or an empty text."""
    return next(iter(get_close_matches(name, list(among), 1, 0.6)), "")


def unknown(name: str, *, member: bool, line: int, column: int) -> EvaluationFailed:
    """The error of a function that does not exist, with what was probably meant."""
    here, there = (MEMBER, GLOBAL) if member else (GLOBAL, MEMBER)
    message = f"there is no function {name}"
    if name in there:
        message += f" in this place; it is written {f'{name}(x)' if member else f'x.{name}()'}"
    elif name.partition(".")[0] in ELSEWHERE:
        return NotUnderstood(f"the function {name} is not among those of this engine", line, column)
    elif close := closest(name, (*here, *LOOPS) if member else here):
        message += f"; did you mean {close}?"
    return EvaluationFailed(message, line=line, column=column)


def function(name: str, *, member: bool) -> Function | None:
    """The function of this name."""
    return (MEMBER if member else GLOBAL).get(name)
