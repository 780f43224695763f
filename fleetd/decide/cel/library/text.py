"""The extension for text: positions, cutting, joining, replacing, letters; positions count characters."""

from __future__ import annotations

from typing import Any, Final

from fleetd.decide.cel.library.formatting import formatted
from fleetd.decide.cel.library.function import Function, Functions, fixed, refuse, room, want
from fleetd.decide.cel.values import NoOverload

_LOWER: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER: Final = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
_QUOTED: Final = {
    ord(letter): escape
    for letter, escape in (
        ("\\", r"\\"),
        ('"', r"\""),
        ("\a", r"\a"),
        ("\b", r"\b"),
        ("\f", r"\f"),
        ("\n", r"\n"),
        ("\r", r"\r"),
        ("\t", r"\t"),
        ("\v", r"\v"),
    )
}
_BLANKS: Final = (
    "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)


def _char_at(text: Any, position: Any) -> str:
    want(str, text)
    want(int, position)
    if 0 <= position <= len(text):
        return str(text[position : position + 1])
    raise refuse(f"the position {position} is out of range: the text has {len(text)} characters")


def _index_of(text: Any, part: Any, start: Any = 0) -> int:
    want(str, text, part)
    want(int, start)
    if not part:
        return int(start) if 0 <= start <= len(text) else _out_of_range(start, text)
    if not 0 <= start <= len(text):
        return _out_of_range(start, text)
    return int(text.find(part, start))


def _out_of_range(position: int, text: str) -> int:
    raise refuse(f"the position {position} is out of range: the text has {len(text)} characters")


def _last_index_of(text: Any, part: Any, last: Any = None) -> int:
    want(str, text, part)
    if last is None:
        return int(text.rfind(part))
    want(int, last)
    if not 0 <= last <= len(text):
        return _out_of_range(last, text)
    return int(text.rfind(part, 0, last + len(part)))


def _join(parts: Any, between: Any = "") -> str:
    want(list, parts)
    want(str, between, *parts)
    room(sum(map(len, parts)) + len(between) * len(parts))
    return str(between.join(parts))


def _replace(text: Any, old: Any, new: Any, most: Any = -1) -> str:
    want(str, text, old, new)
    want(int, most)
    if most == 0:
        return str(text)
    count = text.count(old)
    room(len(text) + (count if most < 0 else min(count, most)) * len(new))
    return str(text.replace(old, new, most))


def _split(text: Any, separator: Any, most: Any = -1) -> list[str]:
    want(str, text, separator)
    want(int, most)
    if most == 0:
        return []
    if most == 1:
        return [text]
    if separator:
        return list(text.split(separator, most - 1 if most > 0 else -1))
    letters = list(text)
    return letters if most < 0 or most >= len(letters) else [*letters[: most - 1], text[most - 1 :]]


def _substring(text: Any, start: Any, end: Any = None) -> str:
    want(str, text)
    end = len(text) if end is None else end
    want(int, start, end)
    if 0 <= start <= end <= len(text):
        return str(text[start:end])
    raise refuse(f"the range {start} to {end} does not lie in a text of {len(text)} characters")


def _lower(text: Any) -> str:
    want(str, text)
    return str(text.translate(_LOWER))


def _upper(text: Any) -> str:
    want(str, text)
    return str(text.translate(_UPPER))


def _trim(text: Any) -> str:
    want(str, text)
    return str(text.strip(_BLANKS))


def _quote(text: Any) -> str:
    want(str, text)
    return f'"{text.translate(_QUOTED)}"'


def reverse(value: Any) -> Any:
    """A text or list from its end to its start."""
    if type(value) is str or type(value) is list:
        return value[::-1]
    raise NoOverload("")


GLOBAL: Functions = {"strings.quote": fixed(_quote, 1, reads_all=True)}
MEMBER: Functions = {
    "charAt": fixed(_char_at, 2),
    "format": fixed(formatted, 2, reads_all=True),
    "indexOf": Function(_index_of, 2, 3, reads_all=True),
    "lastIndexOf": Function(_last_index_of, 2, 3, reads_all=True),
    "join": Function(_join, 1, 2, reads_all=True),
    "lowerAscii": fixed(_lower, 1, reads_all=True),
    "upperAscii": fixed(_upper, 1, reads_all=True),
    "replace": Function(_replace, 3, 4, reads_all=True),
    "split": Function(_split, 2, 3, reads_all=True),
    "substring": Function(_substring, 2, 3, reads_all=True),
    "trim": fixed(_trim, 1, reads_all=True),
    "reverse": fixed(reverse, 1, reads_all=True),
}
