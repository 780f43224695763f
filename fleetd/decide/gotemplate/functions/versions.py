"""Semantic versions and the constraints that Sprig's `semverCompare` takes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import re2

from fleetd.decide.gotemplate.functions.signature import Function, declare
from fleetd.decide.gotemplate.values import CallFailed, Int, Struct, Unsigned

_TAIL = r"(?:-([0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*))?(?:\+([0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*))?"
_VERSION = re.compile(rf"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?{_TAIL}\Z", re.ASCII)
_OPERATOR = r"(?:=||!=|>|<|>=|=>|<=|=<|~|~>|\^)"
_PATTERN = rf"v?([0-9|xX*]+)(?:\.([0-9|xX*]+))?(?:\.([0-9|xX*]+))?{_TAIL}"
_PLAIN = _PATTERN.replace("((", "(?:(").replace("([", "(?:[")
_TERM = re2.compile(rf"({_OPERATOR})\s*{_PATTERN}")
_SEGMENT = re2.compile(rf"\s*{_OPERATOR}\s*{_PLAIN}\s*(?:(?:\s+|,\s*){_OPERATOR}\s*{_PLAIN}\s*)*")
"""On RE2: the grammar is ambiguous about blanks, and would take another engine forever."""
_RANGE = re2.compile(rf"\s*({_PLAIN})\s+-\s+({_PLAIN})\s*")
_LARGEST = (1 << 64) - 1
_LONGEST = 256


class Version(NamedTuple):
    """Three numbers and the pre-release text."""

    major: int
    minor: int
    patch: int
    pre: str

    @property
    def rank(self) -> tuple[object, ...]:
        """What versions are ordered by: a release stands after its pre-releases, numbers before words."""
        parts = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.pre.split(".")] if self.pre else []
        return (self.major, self.minor, self.patch, not self.pre, parts)


def _misnumbered(pre: str) -> bool:
    """Whether a number in the pre-release has zeros ahead."""
    return any(part.isdigit() and part[0] == "0" != part for part in pre.split("."))


def version_of(text: str) -> tuple[Version, str]:
    """The version and its build metadata.

    Raises:
        CallFailed: it is none.
    """
    found = _VERSION.match(text) if len(text) <= _LONGEST else None
    if found is None:
        raise CallFailed("invalid semantic version")
    numbers = [int(part or 0) for part in found.group(1, 2, 3)]
    pre, meta = found.group(4) or "", found.group(5) or ""
    if max(numbers) > _LARGEST or _misnumbered(pre):
        raise CallFailed("invalid semantic version")
    return Version(numbers[0], numbers[1], numbers[2], pre), meta


def semver(text: str) -> Struct:
    version, meta = version_of(text)
    written = f"{version.major}.{version.minor}.{version.patch}{'-' + version.pre if version.pre else ''}{'+' + meta if meta else ''}"
    fields = {
        "Major": Unsigned(version.major),
        "Minor": Unsigned(version.minor),
        "Patch": Unsigned(version.patch),
        "Prerelease": version.pre,
        "Metadata": meta,
        "Original": text,
    }
    return Struct(fields, type_name="*semver.Version", text=written, methods=_methods(version))


def _methods(version: Version) -> dict[str, Callable[[Struct], Any]]:
    def rank(other: Struct) -> tuple[object, ...]:
        return version_of(other.fields["Original"])[0].rank

    return {
        "Compare": lambda other: Int((version.rank > rank(other)) - (version.rank < rank(other))),
        "Equal": lambda other: version.rank == rank(other),
        "LessThan": lambda other: version.rank < rank(other),
        "GreaterThan": lambda other: version.rank > rank(other),
    }


class _Term(NamedTuple):
    """One comparison; `exact` counts the numbers that are written out, and a wildcard first counts none."""

    operator: str
    version: Version
    exact: int

    def holds(self, other: Version) -> bool:
        """A pre-release meets only a term that names one, but for `!=` a whole version."""
        if other.pre and not self.version.pre and (self.operator != "!=" or self.exact < 3):
            return False
        low = self.version.rank
        match self.operator:
            case "!=":
                return not self._covers(other)
            case ">":
                return other[: self.exact] > self.version[: self.exact] if self.exact in {1, 2} else other.rank > low
            case "<" | ">=" | "=>":
                return (other.rank < low) == (self.operator == "<")
            case "<=" | "=<":
                return other.rank <= low if self.exact == 3 else other[: self.exact or 2] <= self.version[: self.exact or 2]
            case "^":
                return other.rank >= low and other[: self._caret()] == self.version[: self._caret()]
            case "~" | "~>":
                return self._tilde(other)
        return low == other.rank if self.exact == 3 else self._tilde(other)

    def _covers(self, other: Version) -> bool:
        if self.exact == 2:
            return other[:2] == self.version[:2] and other.rank[3:] == Version(0, 0, 0, self.version.pre).rank[3:]
        return other[:1] == self.version[:1] if self.exact == 1 else other.rank == self.version.rank

    def _tilde(self, other: Version) -> bool:
        if other.rank < self.version.rank:
            return False
        if self.exact in {0, 3} and self.version[:3] == (0, 0, 0):
            return True
        return other[: min(self.exact, 2)] == self.version[: min(self.exact, 2)]

    def _caret(self) -> int:
        """How many numbers must be the same."""
        if self.version.major or self.exact == 1:
            return 1
        return 2 if self.version.minor or self.exact == 2 else 3


def _term(found: Any) -> _Term:
    operator, *parts = found.group(1, 2, 3, 4)
    if _misnumbered(found.group(5) or ""):
        raise CallFailed("constraint Parser Error")
    numbers: list[int] = []
    for part in parts:
        if part in {None, "x", "X", "*"}:
            break
        if not part.isdigit() or int(part) > _LARGEST:
            raise CallFailed("constraint Parser Error")
        numbers.append(int(part))
    major, minor, patch = [*numbers, 0, 0, 0][:3]
    return _Term(operator, Version(major, minor, patch, found.group(5) or ""), len(numbers))


def _terms(text: str) -> list[_Term]:
    if _SEGMENT.fullmatch(text) is None:
        raise CallFailed(f"improper constraint: {text}")
    return [_term(found) for found in _TERM.finditer(text)]


def compare(constraint: str, text: str) -> bool:
    """Whether the version meets the constraint: `>= 1.2, < 2 || ~3.1`."""
    if len(constraint) > 16 * _LONGEST:
        raise CallFailed("improper constraint: it is too long")
    alternatives = [_terms(part) for part in _RANGE.sub(r">= \1, <= \2 ", constraint).split("||")]
    version, _ = version_of(text)
    return any(all(term.holds(version) for term in terms) for terms in alternatives)


FUNCTIONS: dict[str, Function] = declare({"semver": ("string", semver), "semverCompare": ("string string", compare)})
