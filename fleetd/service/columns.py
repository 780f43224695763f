"""What a filter looks at in a long list, held in columns: each text once, and for each row its number; so that a filter is a matter of
milliseconds, whatever the length.

The words of a filter mean here what they mean in SQL (`questions/windows.py`); a test holds one to the other.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress


@dataclass(slots=True)
class Column:
    """The texts of one column; those of one row stand on lines of their own."""

    texts: list[str] = field(default_factory=list)
    numbers: array[int] = field(default_factory=lambda: array("I"))
    _known: dict[str, int] = field(default_factory=dict)

    def add(self, texts: Iterable[str]) -> None:
        """Those of the next rows."""
        known = self._known
        self.numbers.extend([known.setdefault(text, len(known)) for text in texts])

    def ended(self, order: Sequence[int], beside: Mapping[str, Sequence[str]] | None) -> Column:
        """The column in the order that its rows have; with the texts that belong to its values, instead of these."""
        lines = ((text,) for text in self._known) if beside is None else (beside.get(text, ()) for text in self._known)
        numbers = self.numbers if not order else array("I", map(self.numbers.__getitem__, order))
        return Column(["\n".join(_folded(line).replace("\n", " ") for line in each) for each in lines], numbers)

    def rows(self, fits: Callable[[str], bool]) -> int:
        """A number with a byte for each row: 1 where its text fits."""
        hits = bytes(map(fits, self.texts))
        if not any(hits):
            return 0
        return int.from_bytes(bytes(map(hits.__getitem__, self.numbers)), "little")


@dataclass(frozen=True, slots=True)
class Texts:
    """The keys of a list in its order, and what a filter looks at."""

    keys: Sequence[str]
    columns: tuple[Column, ...]

    def narrowed(self, needle: str) -> tuple[str, ...] | None:
        """The keys of the rows that fit, in their order; None where this does not know: labels of clusters, letters beyond ASCII."""
        needle = needle.strip()
        if needle.startswith("-l") or not needle.isascii():
            return None
        fuzzy = needle.startswith("-f")
        words = (needle[2:] if fuzzy else needle.removeprefix("!")).strip()
        if not words:
            return tuple(self.keys)
        everywhere = int.from_bytes(b"\x01" * len(self.keys), "little")
        found = everywhere
        for word in [words] if fuzzy else words.split():
            fits, here = (_letters(word) if fuzzy else _word(word)), 0
            for column in self.columns:
                here |= column.rows(fits)
            found &= here
        if needle.startswith("!"):
            found ^= everywhere
        return tuple(compress(self.keys, found.to_bytes(len(self.keys), "little")))


def _word(word: str) -> Callable[[str], bool]:
    wanted = _folded(word)
    return lambda text: wanted in text


def _letters(word: str) -> Callable[[str], bool]:
    """Letters in this order within one line, others between them."""
    # Atomic: the first place of each letter is as good as any later one.
    found = re.compile("".join(f"(?>[^\n]*?{re.escape(sign)})" for sign in _folded(word))).search
    return lambda text: found(text) is not None


def _folded(text: str) -> str:
    """As LIKE sees it: only the letters of ASCII have two cases."""
    return text.lower() if text.isascii() else text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")
