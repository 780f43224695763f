"""Semantic versions and the constraints that Sprig's `semverCompare` takes."""

from __future__ import annotations

import re
from typing import NamedTuple

from fleetd.decide.gotemplate.functions.signature import Function, declare
from fleetd.decide.gotemplate.values import CallFailed, Struct, Unsigned

_VERSION = re.compile(
    r"v?(?P<major>\d+)(?:\.(?P<minor>\d+))?(?:\.(?P<patch>\d+))?(?:-(?P<pre>[0-9A-Za-z\-.]+))?(?:\+(?P<meta>[0-9A-Za-z\-.]+))?\Z", re.ASCII
)
_TERM = re.compile(
    r"(?P<operator>=>|=<|>=|<=|!=|~>|[=<>~^]|)\s*v?(?P<major>\d+|[xX*])(?:\.(?P<minor>\d+|[xX*]))?(?:\.(?P<patch>\d+|[xX*]))?"
    r"(?:-(?P<pre>[0-9A-Za-z\-.]+))?(?:\+[0-9A-Za-z\-.]+)?",
    re.ASCII,
)
_RANGE = re.compile(r"(\S+)\s+-\s+(\S+)")


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


def version_of(text: str) -> tuple[Version, str]:
    """The version and its build metadata.

    Raises:
        CallFailed: it is none.
    """
    found = _VERSION.match(text)
    if found is None or len(text) > 256:
        raise CallFailed("invalid semantic version")
    numbers = [int(found[name] or 0) for name in ("major", "minor", "patch")]
    return Version(numbers[0], numbers[1], numbers[2], found["pre"] or ""), found["meta"] or ""


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
    return Struct(fields, type_name="*semver.Version", text=written)


class _Term(NamedTuple):
    """One comparison; `exact` counts the numbers that are written out."""

    operator: str
    version: Version
    exact: int

    def holds(self, other: Version) -> bool:
        if other.pre and not self.version.pre:
            return False
        low, high = self.version.rank, self.upper().rank
        match self.operator:
            case "=" | "":
                return low <= other.rank < high if self.exact < 3 else low == other.rank
            case "!=":
                return not low <= other.rank < high if self.exact < 3 else low != other.rank
            case ">":
                return other.rank >= high if self.exact < 3 else other.rank > low
            case "<":
                return other.rank < low
            case ">=" | "=>":
                return other.rank >= low
            case "<=" | "=<":
                return other.rank < high if self.exact < 3 else other.rank <= low
        return low <= other.rank < high

    def upper(self) -> Version:
        """The first version behind those that the operator means."""
        version = self.version
        if self.operator == "^" and self.exact:
            if version.major or self.exact == 1:
                return Version(version.major + 1, 0, 0, "")
            if version.minor or self.exact == 2:
                return Version(0, version.minor + 1, 0, "")
            return Version(0, 0, version.patch + 1, "")
        match self.exact:
            case 0:
                return Version(1 << 62, 0, 0, "")
            case 1:
                return Version(version.major + 1, 0, 0, "")
        return Version(version.major, version.minor + 1, 0, "")


def _term(found: re.Match[str]) -> _Term:
    numbers: list[int] = []
    for name in ("major", "minor", "patch"):
        if found[name] is None or not found[name].isdigit():
            break
        numbers.append(int(found[name]))
    major, minor, patch = [*numbers, 0, 0, 0][:3]
    return _Term(found["operator"], Version(major, minor, patch, found["pre"] or ""), len(numbers))


def _terms(text: str, constraint: str) -> list[_Term]:
    text = _RANGE.sub(r">=\1 <=\2", text)
    terms: list[_Term] = []
    at = 0
    for found in _TERM.finditer(text):
        if text[at : found.start()].strip(" ,"):
            break
        terms.append(_term(found))
        at = found.end()
    if text[at:].strip(" ,") or not terms:
        raise CallFailed(f"improper constraint: {constraint}")
    return terms


def compare(constraint: str, text: str) -> bool:
    """Whether the version meets the constraint: `>= 1.2, < 2 || ~3.1`."""
    alternatives = [_terms(part, constraint) for part in constraint.split("||")]
    version, _ = version_of(text)
    return any(all(term.holds(version) for term in terms) for terms in alternatives)


FUNCTIONS: dict[str, Function] = declare({"semver": ("string", semver), "semverCompare": ("string string", compare)})
