"""Strings as Go's strconv.Quote and its JSON encoder write them."""

from __future__ import annotations

import re

from fleetd.decide.gotemplate.values import utf8

_NAMED = {'"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
_JSON_NAMED = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_JSON_PLAIN = re.compile(r'[^"\\\x00-\x1f<>&\u2028\u2029\ud800-\udfff]*\Z')


def quoted(text: str, *, ascii_only: bool = False) -> str:
    """The text in double quotes with Go's escapes."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(_escaped(letter, ascii_only=ascii_only) for letter in text) + '"'


def _escaped(letter: str, *, ascii_only: bool) -> str:
    named = _NAMED.get(letter)
    if named is not None:
        return named
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if letter.isprintable() and not (ascii_only and code > 126):
        return letter
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def json_string(text: str, *, html: bool) -> str:
    """The text as Go's JSON encoder writes it; `html` also escapes what means something in HTML."""
    if _JSON_PLAIN.match(text):
        return f'"{text}"'
    return '"' + "".join(_json_escaped(letter, html=html) for letter in text) + '"'


def _json_escaped(letter: str, *, html: bool) -> str:
    named = _JSON_NAMED.get(letter)
    if named is not None:
        return named
    code = ord(letter)
    if 0xD800 <= code < 0xE000:
        return "\\ufffd"
    if code < 0x20 or code in {0x2028, 0x2029} or (html and letter in "<>&"):
        return f"\\u{code:04x}"
    return letter


def hex_of(text: str, precision: int | None, *, spaced: bool, prefixed: bool) -> str:
    """The bytes in hexadecimal, as `%x` writes them with its flags."""
    data = utf8(text)
    if precision is not None:
        data = data[:precision]
    if not data:
        return ""
    if spaced:
        return " ".join(f"{'0x' if prefixed else ''}{byte:02x}" for byte in data)
    return ("0x" if prefixed else "") + data.hex()
