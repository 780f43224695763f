"""Semantic versions, by the rules of Semantic Versioning 2.0.0."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from fleetd.decide.cel.library.function import Function, Functions, fixed, refuse, want

_VERSION: Final = re.compile(
    r"(0|[1-9]\d{0,18})\.(0|[1-9]\d{0,18})\.(0|[1-9]\d{0,18})"
    r"(?:-((?:0|[1-9]\d{0,18}|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d{0,18}|\d*[A-Za-z-][0-9A-Za-z-]*))*))?"
    r"(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?",
    re.ASCII,
)
_LENIENT: Final = re.compile(r"v?(\d{1,19})(?:\.(\d{1,19}))?(?:\.(\d{1,19}))?([-+].*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Version:
    """Major, minor, patch, and what stands behind the hyphen; build metadata has no part in order or equality."""

    numbers: tuple[int, int, int]
    before_release: tuple[str, ...]
    cel_type: ClassVar[str] = "kubernetes.Semver"

    @property
    def rank(self) -> tuple[Any, ...]:
        """What versions are ordered by: a release comes behind what precedes it."""
        parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.before_release)
        return (self.numbers, not parts, parts)


def parse(text: str, *, lenient: bool = False) -> Version | None:
    """The version that a text says, or None; leniently with a ``v``, leading zeros, or parts left out."""
    if lenient and (loose := _LENIENT.fullmatch(text)):
        text = ".".join(str(int(loose[index] or 0)) for index in (1, 2, 3)) + (loose[4] or "")
    match = _VERSION.fullmatch(text)
    if match is None:
        return None
    return Version((int(match[1]), int(match[2]), int(match[3])), tuple(match[4].split(".")) if match[4] else ())


def _semver(text: Any, lenient: Any = False) -> Version:
    want(str, text)
    want(bool, lenient)
    found = parse(text, lenient=lenient)
    if found is None:
        raise refuse(f"{text!r} is no semantic version: write for example 1.30.2")
    return found


def _is_semver(text: Any, lenient: Any = False) -> bool:
    want(str, text)
    want(bool, lenient)
    return parse(text, lenient=lenient) is not None


def order(left: Any, right: Any) -> int:
    """-1, 0 or 1."""
    want(Version, left, right)
    return int(left.rank > right.rank) - int(left.rank < right.rank)


def _number(index: int) -> Function:
    def run(value: Any) -> int:
        want(Version, value)
        return int(value.numbers[index])

    return fixed(run, 1)


GLOBAL: Functions = {"semver": Function(_semver, 1, 2), "isSemver": Function(_is_semver, 1, 2)}
MEMBER: Functions = {"major": _number(0), "minor": _number(1), "patch": _number(2)}
