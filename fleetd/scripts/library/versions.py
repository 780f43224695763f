"""Semantic versions against constraints, as Sprig's `semverCompare` takes them: `>= 1.2, < 2 || ~3.1`."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from fleetd.scripts.library.calls import Failed

_VERSION = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?", re.ASCII)
_TERM = re.compile(
    r"\s*(=>|=<|>=|<=|!=|~>|[=<>~^]|)\s*v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?(?:\s*,|\s+|$)",
    re.ASCII,
)
_RANGE = re.compile(r"(\S+)\s+-\s+(\S+)")
_LONGEST = 256

Rank = tuple[object, ...]


def _rank(numbers: list[int], pre: str) -> Rank:
    """A release stands behind its pre-releases; in those, numbers stand before words."""
    words = [(0, int(word), "") if word.isdigit() else (1, 0, word) for word in pre.split(".")] if pre else []
    return (*[*numbers, 0, 0, 0][:3], not pre, words)


def _parsed(text: str) -> tuple[list[int], str]:
    found = _VERSION.fullmatch(text)
    if found is None or len(text) > _LONGEST:
        raise Failed("invalid semantic version")
    return [int(number) for number in found.group(1, 2, 3) if number is not None], found[4] or ""


@dataclass(frozen=True, slots=True)
class _Term:
    """One comparison; `numbers` are those that are written out, without wildcards."""

    operator: str
    numbers: list[int]
    pre: str

    def holds(self, rank: Rank, *, released: bool) -> bool:
        """Whether a version of this rank meets it; a pre-release only where the term names one."""
        if not released and not self.pre:
            return False
        low, exact = _rank(self.numbers, self.pre), len(self.numbers) == 3
        high = self._behind()
        match self.operator:
            case "=" | "":
                return rank == low if exact else low <= rank < high
            case "!=":
                return rank != low if exact else not low <= rank < high
            case ">":
                return rank > low if exact else rank >= high
            case "<":
                return rank < low
            case ">=" | "=>":
                return rank >= low
            case "<=" | "=<":
                return rank <= low if exact else rank < high
        return low <= rank < high

    def _behind(self) -> Rank:
        """The first version behind those that the term means."""
        numbers = self.numbers
        if not numbers:
            return (1 << 62,)
        kept = len(numbers) - 1 if len(numbers) < 3 else 1
        if self.operator == "^":
            kept = next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)
        return _rank([*numbers[:kept], numbers[kept] + 1], "")


def _terms(text: str) -> list[_Term]:
    text, at = _RANGE.sub(r">=\1 <=\2", text.strip()), 0
    terms = []
    while at < len(text):
        found = _TERM.match(text, at)
        if found is None:
            raise Failed(f"improper constraint: {text}")
        written = [number or "x" for number in found.group(2, 3, 4)]
        numbers = [int(number) for number in itertools.takewhile(str.isdigit, written)]
        terms.append(_Term(found[1], numbers, found[5] or ""))
        at = found.end()
    if not terms:
        raise Failed("improper constraint: it is empty")
    return terms


def compare(constraint: str, version: str) -> bool:
    """Whether the version meets the constraint.

    Raises:
        Failed: one of them cannot be read.
    """
    alternatives = [_terms(part) for part in constraint.split("||")]
    numbers, pre = _parsed(version)
    rank = _rank(numbers, pre)
    return any(all(term.holds(rank, released=not pre) for term in terms) for terms in alternatives)
