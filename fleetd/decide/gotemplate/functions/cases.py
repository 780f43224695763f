"""Words in snake, kebab and camel case, as the library behind Sprig cuts texts into words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from fleetd.decide.gotemplate.functions.signature import Function, declare
from fleetd.decide.gotemplate.run import Run

_WORDS = re.compile(r"(?P<connector>[cd]+)|(?P<punctuation>p[pd]*)|(?P<upper>U+(?=Ua)|Ua+|U+)|(?P<letters>a+)|(?P<number>n+)|(?P<other>o+)")
_SPACES = frozenset("\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000")
_APART = frozenset({"end", "connector", "punctuation"})
"""What no mark is put before."""


class _Word(NamedTuple):
    """A piece of the text of one kind, in lower case."""

    kind: str
    text: str


_END = _Word("end", "")


def _class(letter: str) -> str:
    if letter in "-_":
        return "d"
    if letter in _SPACES or unicodedata.category(letter) == "Zs":
        return "c"
    if letter.isupper():
        return "U"
    match unicodedata.category(letter)[0]:
        case "P":
            return "p"
        case "L":
            return "a"
        case "N":
            return "n"
    return "o"


def _connects(letter: str) -> bool:
    return _class(letter) in "cd"


def _words(text: str, mark: str) -> Iterator[_Word]:
    for found in _WORDS.finditer("".join(map(_class, text))):
        piece = text[found.start() : found.end()]
        kind = found.lastgroup or ""
        yield _Word(kind, mark * len(piece) if kind == "connector" else piece.lower() if kind == "upper" else piece)


def _separated(run: Run, text: str, mark: str) -> str:
    """Words in lower case with the mark between them; digits belong to the word before, unless letters follow them."""
    run.spend(len(text) >> 1)
    words = [*_words(text, mark), _END]
    parts: list[str] = []
    at = 0
    while words[at].kind != "end":
        kind = words[at].kind
        parts.append(words[at].text)
        at += 1
        if kind in {"connector", "punctuation"}:
            continue
        if kind != "number" and words[at].kind == "number" and words[at + 1].kind != "end":
            if words[at + 1].kind != "letters":
                parts.append(words[at].text)
                at += 1
                parts.append("" if words[at].kind in _APART else mark)
                continue
            parts.append(mark)
            parts.append(words[at].text)
            at += 1
            kind = "number"
        if kind == "number":
            while words[at].kind in {"letters", "number"}:
                parts.append(words[at].text)
                at += 1
        if words[at].kind not in _APART and words[at].kind != "number":
            parts.append(mark)
    return "".join(parts)


def camel(run: Run, text: str) -> str:
    """Words joined, each with a capital; connectors at the edges stay, and all but one between words."""
    run.spend(len(text) >> 1)
    start = next((at for at, letter in enumerate(text) if not _connects(letter)), None)
    if start is None:
        return text + text[-1:]
    parts = [text[:start]]
    shouting = text[start].isupper()
    before = _alone(text[start], text[start].upper())
    for letter in text[start + 1 :]:
        now = letter
        if not _connects(before):
            parts.append(before)
            shouting = shouting and letter.isupper()
            now = _alone(letter, letter.lower()) if shouting else letter
        elif _connects(letter):
            parts.append(before)
        else:
            shouting = letter.isupper()
            now = _alone(letter, letter.upper())
        before = now
    return "".join(parts) + before


def _alone(letter: str, changed: str) -> str:
    return changed if len(changed) == 1 else letter


FUNCTIONS: dict[str, Function] = declare(
    {
        "camelcase": ("meter string", camel),
        "kebabcase": ("meter string", lambda run, text: _separated(run, text, "-")),
        "snakecase": ("meter string", lambda run, text: _separated(run, text, "_")),
    }
)
