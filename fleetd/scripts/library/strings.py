"""Go's package strings, as its module `strings` has it in Sveltos. Positions count bytes from 0; -1 means that it is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from fleetd.scripts.library.calls import Call, Room, Table, declared

_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"


def in_bytes(text: str) -> bytes:
    """The bytes that a text has in Lua."""
    return text.encode("utf-8", "surrogateescape")


def from_bytes(data: bytes) -> str:
    """The text of bytes of Lua; what is no UTF-8 survives."""
    return data.decode("utf-8", "surrogateescape")


def _place(text: str, index: int) -> int:
    return len(in_bytes(text[:index])) if index >= 0 else -1


def _index_any(text: str, characters: str) -> int:
    return _place(text, next((at for at, letter in enumerate(text) if letter in characters), -1))


def _last_index_any(text: str, characters: str) -> int:
    return _place(text, next((at for at in range(len(text) - 1, -1, -1) if text[at] in characters), -1))


def _rune(code: int) -> str:
    return chr(code) if 0 <= code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


def _split(text: str, separator: str, limit: int, *, after: bool = False) -> Any:
    """Go's SplitN: an empty separator parts the characters; a limit of 0 is nil, a negative one is none."""
    if limit == 0:
        return None
    if separator:
        parts = text.split(separator) if limit < 0 else text.split(separator, limit - 1)
        return Table([part + separator for part in parts[:-1]] + parts[-1:] if after else parts)
    return Table(list(text) if limit < 0 or limit > len(text) else [*text[: limit - 1], text[limit - 1 :]])


def _fields(text: str) -> Table:
    for space in _SPACE:
        text = text.replace(space, " ")
    return Table([part for part in text.split(" ") if part])


def letter_by_letter(text: str, change: Callable[[str], str]) -> str:
    """As Go changes case: a letter that would become several stays."""
    if text.isascii():
        return change(text)
    changed = ((letter, change(letter)) for letter in text)
    return "".join(new if len(new) == 1 else letter for letter, new in changed)


def titled(text: str) -> str:
    """The first letter of each word as a capital, and the others as they are; Go takes an apostrophe for the end of a word."""
    out, start = [], True
    for letter in text:
        out.append(letter_by_letter(letter, str.title) if start else letter)
        start = letter in _SPACE if not letter.isascii() else not (letter.isalnum() or letter == "_")
    return "".join(out)


def repeated(room: Room, text: str, count: int) -> str:
    """A text several times."""
    room.take(len(text) * max(count, 0))
    return text * count


def replaced(room: Room, text: str, old: str, new: str, count: int) -> str:
    """The first `count` occurrences replaced; all for a negative count."""
    found = text.count(old) if old else len(text) + 1
    room.take(len(text) + max(0, len(new) - len(old)) * (min(found, count) if count >= 0 else found))
    return text.replace(old, new, count)


def _joined(room: Room, parts: Any, separator: str) -> str:
    """Only texts count, as in Sveltos."""
    texts = [part for part in (parts if isinstance(parts, list) else parts.values()) if isinstance(part, str)]
    room.take(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def _occurrences(text: str, part: str) -> int:
    return text.count(part) if part else len(text) + 1


def _any(characters: Iterable[str], text: str) -> bool:
    return any(letter in text for letter in characters)


_TABLE: dict[str, tuple[str, Callable[..., Any]]] = {
    "Compare": ("ss", lambda one, other: (in_bytes(one) > in_bytes(other)) - (in_bytes(one) < in_bytes(other))),
    "Contains": ("ss", lambda text, part: part in text),
    "ContainsAny": ("ss", lambda text, characters: _any(characters, text)),
    "ContainsRune": ("si", lambda text, code: _rune(code) in text),
    "Count": ("ss", _occurrences),
    "EqualFold": ("ss", lambda one, other: one.casefold() == other.casefold()),
    "Fields": ("s", _fields),
    "HasPrefix": ("ss", lambda text, part: text.startswith(part)),
    "HasSuffix": ("ss", lambda text, part: text.endswith(part)),
    "Index": ("ss", lambda text, part: _place(text, text.find(part))),
    "IndexAny": ("ss", _index_any),
    "IndexByte": ("si", lambda text, byte: in_bytes(text).find(byte % 256)),
    "IndexRune": ("si", lambda text, code: _place(text, text.find(_rune(code)))),
    "Join": ("+ts", _joined),
    "LastIndex": ("ss", lambda text, part: _place(text, text.rfind(part))),
    "LastIndexAny": ("ss", _last_index_any),
    "LastIndexByte": ("si", lambda text, byte: in_bytes(text).rfind(byte % 256)),
    "Repeat": ("+si", repeated),
    "Replace": ("+sssi", replaced),
    "ReplaceAll": ("+sss", lambda room, text, old, new: replaced(room, text, old, new, -1)),
    "Split": ("ss", lambda text, separator: _split(text, separator, -1)),
    "SplitAfter": ("ss", lambda text, separator: _split(text, separator, -1, after=True)),
    "SplitAfterN": ("ssi", lambda text, separator, limit: _split(text, separator, limit, after=True)),
    "SplitN": ("ssi", _split),
    "Title": ("s", titled),
    "ToLower": ("s", lambda text: letter_by_letter(text, str.lower)),
    "ToTitle": ("s", lambda text: letter_by_letter(text, str.upper)),
    "ToUpper": ("s", lambda text: letter_by_letter(text, str.upper)),
    "Trim": ("ss", lambda text, cutset: text.strip(cutset) if cutset else text),
    "TrimLeft": ("ss", lambda text, cutset: text.lstrip(cutset) if cutset else text),
    "TrimPrefix": ("ss", lambda text, part: text.removeprefix(part)),
    "TrimRight": ("ss", lambda text, cutset: text.rstrip(cutset) if cutset else text),
    "TrimSpace": ("s", lambda text: text.strip(_SPACE)),
    "TrimSuffix": ("ss", lambda text, part: text.removesuffix(part)),
}

FUNCTIONS: dict[str, Call] = declared("strings", _TABLE)
