"""The module `runes`: characters as numbers. Positions count from 1, as they do in Lua."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

from fleetd.scripts.library.calls import Call, Failed, Table, declared
from fleetd.scripts.library.strings import from_bytes, in_bytes

_ERROR = 0xFFFD
_SPACES = frozenset(b"\t\n\v\f\r \x85\xa0")


def _valid(code: int) -> bool:
    return 0 <= code < 0x110000 and not 0xD800 <= code < 0xE000


def _letter(code: int) -> str:
    return chr(code) if _valid(code) else chr(_ERROR)


def _points(text: str) -> list[int]:
    """Bytes that are no UTF-8 count as U+FFFD, each."""
    return [_ERROR if 0xD800 <= ord(letter) < 0xE000 else ord(letter) for letter in text]


def _text(points: list[int]) -> str:
    return "".join(map(_letter, points))


def _numbers(values: Any) -> list[int]:
    return (
        [int(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
        if isinstance(values, list)
        else []
    )


def _category(*starts: str) -> tuple[str, Callable[[int], bool]]:
    return "i", lambda code: _valid(code) and unicodedata.category(chr(code)).startswith(starts)


def _space(code: int) -> bool:
    return code in _SPACES if code < 256 else _valid(code) and unicodedata.category(chr(code)).startswith("Z")


def _first(data: bytes) -> int | None:
    """The first character; nil for what is none."""
    for size in range(1, 5):
        try:
            return ord(data[:size].decode("utf-8"))
        except (UnicodeDecodeError, TypeError):
            continue
    return None


def _at(text: str, position: int) -> int | None:
    data = in_bytes(text)
    return _first(data[position - 1 :]) if 1 <= position <= len(data) else None


def _index(text: str, code: int, start: int = 1) -> int | None:
    points = _points(text)
    return next((at + 1 for at in range(max(start - 1, 0), len(points)) if points[at] == code), None)


def _range(text: str, start: int = 1, end: int = -1) -> str:
    """Sveltos' end is excluded, unless it is negative, which means to the end."""
    points = _points(text)
    first = min(max(start - 1, 0), len(points))
    last = len(points) if end < 0 else min(max(end - 1, 0), len(points))
    if first > last:
        raise Failed(f"the range begins at {start} and ends before it, at {end}")
    return _text(points[first:last])


def _split(text: str, code: int) -> Table:
    return Table(_text(_points(text)).split(_letter(code)))


def _changed(change: Callable[[str], str]) -> tuple[str, Callable[[int], int]]:
    def one(code: int) -> int:
        new = change(_letter(code))
        return ord(new) if _valid(code) and len(new) == 1 else code

    return "i", one


def _from_numbers(values: Any) -> bytes:
    return bytes(number % 256 for number in _numbers(values))


_TABLE: dict[str, tuple[str, Callable[..., Any]]] = {
    "bytestorune": ("t", lambda values: _first(_from_numbers(values))),
    "bytetostring": ("t", lambda values: from_bytes(_from_numbers(values))),
    "containsrune": ("si", lambda text, code: code in _points(text)),
    "iscontrol": _category("Cc"),
    "isdigit": _category("Nd"),
    "isgraphic": _category("L", "M", "N", "P", "S", "Zs"),
    "isinrange": ("iii", lambda code, low, high: low <= code <= high),
    "isletter": _category("L"),
    "islower": ("i", lambda code: _letter(code).islower()),
    "ismark": _category("M"),
    "isnumber": _category("N"),
    "isprint": ("i", lambda code: code == 32 or _category("L", "M", "N", "P", "S")[1](code)),
    "ispunct": _category("P"),
    "isspace": ("i", _space),
    "issymbol": _category("S"),
    "istitle": _category("Lt"),
    "isupper": ("i", lambda code: _letter(code).isupper()),
    "isvalidutf8": ("s", lambda text: text.isascii() or not any(0xD800 <= ord(letter) < 0xE000 for letter in text)),
    "reverserunes": ("s", lambda text: _text(_points(text)[::-1])),
    "runeat": ("si", _at),
    "runecount": ("s", len),
    "runeindex": ("sii?", _index),
    "runerange": ("*", lambda *given: _range_of(given)),
    "runeslice": ("s", lambda text: Table(_points(text))),
    "runesplit": ("si", _split),
    "runestring": ("*", lambda *codes: _text(_numbers(list(codes)))),
    "runetobytes": ("t", lambda values: Table(list(in_bytes(_text(_numbers(values)))))),
    "runewidth": ("i", lambda code: len(chr(code).encode()) if _valid(code) else None),
    "stringtobytes": ("s", lambda text: Table(list(in_bytes(text)))),
    "tolower": _changed(str.lower),
    "totitle": _changed(str.title),
    "toupper": _changed(str.upper),
    "validrune": ("i", _valid),
}


def _range_of(given: tuple[Any, ...]) -> str:
    text, start, end = [*given, None, None, None][:3]
    if not isinstance(text, str):
        raise Failed("bad argument #1 (string expected)")
    return _range(text, int(start or 1), int(-1 if end is None else end))


FUNCTIONS: dict[str, Call] = declared("runes", _TABLE)
