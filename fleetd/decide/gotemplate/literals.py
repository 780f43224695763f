"""Go's string, character and number literals."""

from __future__ import annotations

import re

from fleetd.decide.gotemplate.nodes import Number
from fleetd.decide.gotemplate.values import from_utf8

_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL)
_DIGITS = re.compile(r"[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:0|[1-9])(?:_?[0-9])*)\Z", re.ASCII)
_REAL = re.compile(r"[+-]?(?:[0-9](?:_?[0-9])*\.?(?:[0-9](?:_?[0-9])*)?|\.[0-9](?:_?[0-9])*)(?:[eE][+-]?[0-9]+)?\Z", re.ASCII)
_HEX_REAL = re.compile(r"[+-]?0[xX][0-9a-fA-F_]*\.?[0-9a-fA-F_]*[pP][+-]?[0-9]+\Z", re.ASCII)
_INT64 = range(-(1 << 63), 1 << 63)


def unquote(text: str) -> str | None:
    """The value of a quoted, backquoted or character literal; None when an escape is none of Go's."""
    quote, inner = text[0], text[1:-1]
    if quote == "`":
        return inner.replace("\r", "")
    if "\\" not in inner:
        return inner
    parts: list[bytes] = []
    at = 0
    for found in _ESCAPE.finditer(inner):
        parts.append(inner[at : found.start()].encode("utf-8", "surrogateescape"))
        value = _escaped(found, quote)
        if value is None:
            return None
        parts.append(value)
        at = found.end()
    parts.append(inner[at:].encode("utf-8", "surrogateescape"))
    return from_utf8(b"".join(parts))


def _escaped(found: re.Match[str], quote: str) -> bytes | None:
    byte, short, long, octal, single = found.groups()
    if byte is not None:
        return bytes([int(byte, 16)])
    if octal is not None:
        return bytes([int(octal, 8)]) if int(octal, 8) < 256 else None
    if single is not None:
        plain = quote if single == quote else _ESCAPES.get(single)
        return None if plain is None else plain.encode()
    code = int(short or long, 16)
    return None if code > 0x10FFFF or 0xD800 <= code < 0xE000 else chr(code).encode()


def number(text: str, pos: int) -> Number | None:
    """The number that Go reads; None when it reads none (complex numbers are not taken)."""
    if text[0] == "'":
        value = unquote(text)
        return Number(pos, text, ord(value), float(ord(value)), False) if value is not None and len(value) == 1 else None
    whole: int | None = None
    real: float | None = None
    if _DIGITS.match(text):
        whole = _whole(text)
        if whole is None:
            return None
        real = float(whole)
    if real is None:
        real = _real(text)
        if real is not None and whole is None and real == int(real) and int(real) in _INT64 and not _DIGITS.match(text):
            whole = int(real)
    if whole is None and real is None:
        return None
    hexadecimal = len(text.lstrip("+-")) > 2 and text.lstrip("+-")[:2].lower() == "0x" and "p" not in text.lower()
    prefers_real = not hexadecimal and any(letter in text for letter in ".eEpP")
    return Number(pos, text, whole, real, prefers_real)


def _whole(text: str) -> int | None:
    digits = text.lstrip("+-").replace("_", "")
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        if not set(digits) <= set("01234567"):
            return None
        value = int(digits, 8)
    else:
        value = int(digits, 0)
    return -value if text[0] == "-" else value


def _real(text: str) -> float | None:
    if _REAL.match(text):
        value = float(text)
        return None if value in {float("inf"), float("-inf")} else value
    return float.fromhex(text.replace("_", "")) if _HEX_REAL.match(text) else None
