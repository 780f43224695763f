"""Sprig's functions that cut, wrap and rename texts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from fleetd.scripts.library.calls import Room
from fleetd.scripts.library.strings import from_bytes, in_bytes, letter_by_letter

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W_A-Z\d]+|\d+|[^\W_]", re.UNICODE)
_BLANK = re.compile(r"(\s)")
_MARK = "..."


def abbreviated(width: int, text: str) -> str:
    """Cut to a width, with dots at its end; less than four leave no room for them."""
    return text if width < 4 else _cut(text, 0, width)


def abbreviated_both(left: int, width: int, text: str) -> str:
    """Cut from a place on, with dots on both sides."""
    return text if width < 4 or (left > 0 and width < 7) else _cut(text, left, width)


def _cut(text: str, offset: int, width: int) -> str:
    if len(text) <= width:
        return text
    offset = max(0, min(offset, len(text) - (width - 3)))
    if offset <= 4:
        return text[: width - 3] + _MARK
    if offset + width - 3 < len(text):
        return _MARK + abbreviated(width - 3, text[offset:])
    return _MARK + text[len(text) - (width - 3) :]


def _words(text: str) -> list[str]:
    return [word for part in re.split(r"[\s_.-]+", text) for word in _WORD.findall(part)]


def _camel(text: str) -> str:
    parts = [part for part in re.split(r"[\s_.-]+", text) if part]
    return "".join(part.capitalize() if part.isupper() else part[0].upper() + part[1:] for part in parts)


def _capitals_first(text: str, change: Callable[[str], str]) -> str:
    parts = _BLANK.split(text)
    return "".join(letter_by_letter(part[:1], change) + part[1:] for part in parts)


def _truncated(count: int, text: str) -> str:
    data = in_bytes(text)
    if count < 0 and len(data) + count > 0:
        return from_bytes(data[count:])
    return from_bytes(data[:count]) if 0 <= count < len(data) else text


def _part(start: int, end: int, text: str) -> str:
    data = in_bytes(text)
    start = max(start, 0)
    end = len(data) if end < 0 or end > len(data) else end
    return from_bytes(data[start:end])


def _wrapped(room: Room, width: int, text: str, line_break: str = "\n") -> str:
    """Broken at blanks; a word that is longer than a line stays whole."""
    width, lines, at = max(width, 1), [], 0
    line_break = line_break or "\n"
    room.take(len(text) + (len(text) // width + 1) * len(line_break))
    while len(text) - at > width:
        if text[at] == " ":
            at += 1
            continue
        blank = text.rfind(" ", at, at + width + 1)
        if blank < at:
            blank = text.find(" ", at + width)
        if blank < 0:
            break
        lines.append(text[at:blank])
        at = blank + 1
    return line_break.join([*lines, text[at:]])


TABLE: dict[str, tuple[str, Callable[..., Any]]] = {
    "abbrev": ("is", abbreviated),
    "abbrevboth": ("iis", abbreviated_both),
    "camelcase": ("s", _camel),
    "initials": ("s", lambda text: "".join(word[0] for word in text.split())),
    "kebabcase": ("s", lambda text: "-".join(_words(text)).lower()),
    "nospace": ("s", lambda text: "".join(text.split())),
    "plural": ("ssn", lambda one, many, count: one if int(count) == 1 else many),
    "snakecase": ("s", lambda text: "_".join(_words(text)).lower()),
    "substr": ("iis", _part),
    "swapcase": ("s", lambda text: "".join(letter_by_letter(letter, str.swapcase) for letter in text)),
    "trunc": ("is", _truncated),
    "untitle": ("s", lambda text: _capitals_first(text, str.lower)),
    "wrap": ("+is", _wrapped),
    "wrapWith": ("+iss", _wrapped),
}
