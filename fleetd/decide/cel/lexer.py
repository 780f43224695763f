"""Source text to tokens, by the lexical grammar of the CEL specification."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from fleetd.decide.cel.position import Text
from fleetd.decide.cel.values import UINT_MAX, UInt


class Kind(Enum):
    """What a token is."""

    NAME = auto()
    QUOTED = auto()
    VALUE = auto()
    SIGN = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """``value`` is the text of a name or sign, and the value of a literal; ``text`` is as written."""

    kind: Kind
    value: Any
    text: str
    start: int
    end: int


_BLANK = re.compile(r"(?:[ \t\r\n\f]|//[^\n]*)*")
_NUMBER = re.compile(
    r"(?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)|(?P<int>0[xX][0-9a-fA-F]+|\d+)(?P<unsigned>[uU]?)"
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUOTED = re.compile(r"`([A-Za-z0-9_.\-/ ]+)`")
_SIGN = re.compile(r"\|\||&&|[=!<>]=|[-+*/%!<>?:.,()\[\]{}]")
_OPENING = re.compile(r"([rRbB]{0,2})(\"\"\"|'''|\"|')")
_ESCAPE = re.compile(
    r"\\(?:(?P<plain>[abfnrtv\\?\"'`])|[xX](?P<hex>[0-9a-fA-F]{2})|u(?P<u4>[0-9a-fA-F]{4})|U(?P<u8>[0-9a-fA-F]{8})|(?P<octal>[0-3][0-7]{2}))"
)
_PLAIN = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def tokens(text: Text) -> list[Token]:
    """All tokens, the last of kind END.

    Raises:
        EvaluationFailed: a character, number or string that the grammar does not have.
    """
    source, found, position = text.source, [], 0
    while True:
        blank = _BLANK.match(source, position)
        position = blank.end() if blank else position
        if position >= len(source):
            found.append(Token(Kind.END, None, "", position, position))
            return found
        token = _next(text, position)
        found.append(token)
        position = token.end


def _next(text: Text, start: int) -> Token:
    source = text.source
    if opening := _OPENING.match(source, start):
        return _string(text, start, opening)
    if match := _NAME.match(source, start):
        return Token(Kind.NAME, match[0], match[0], start, match.end())
    if match := _NUMBER.match(source, start):
        return _number(text, start, match)
    if match := _SIGN.match(source, start):
        return Token(Kind.SIGN, match[0], match[0], start, match.end())
    if match := _QUOTED.match(source, start):
        return Token(Kind.QUOTED, match[1], match[0], start, match.end())
    raise text.failure(f"the character {source[start]!r} has no meaning here{_meant(source[start : start + 1])}", start)


def _meant(letter: str) -> str:
    doubled = {"=": "equality is written ==", "&": "'and' is written &&", "|": "'or' is written ||"}
    return f"; {doubled[letter]}" if letter in doubled else ""


def _number(text: Text, start: int, match: re.Match[str]) -> Token:
    end = match.end()
    if text.source[end : end + 1].isalnum() or text.source[end : end + 1] == "_":
        raise text.failure(f"{match[0]}{text.source[end]} is no number", start)
    if match["float"]:
        if math.isinf(float(match[0])):
            raise text.failure(f"{match[0]} is too large for a double", start)
        return Token(Kind.VALUE, float(match[0]), match[0], start, end)
    number = int(match["int"], 16) if match["int"][:2] in ("0x", "0X") else _decimal(text, start, match["int"])
    if match["unsigned"]:
        if number > UINT_MAX:
            raise text.failure(f"{match[0]} is too large for an unsigned integer of 64 bits", start)
        return Token(Kind.VALUE, UInt(number), match[0], start, end)
    # 2**63 itself is left to the parser: it is a good number behind a minus.
    if number > 2**63:
        raise text.failure(f"{match[0]} is too large for an integer of 64 bits", start)
    return Token(Kind.VALUE, number, match[0], start, end)


def _decimal(text: Text, start: int, digits: str) -> int:
    if len(digits) > 40:
        raise text.failure("this number has too many digits", start)
    return int(digits)


def _string(text: Text, start: int, opening: re.Match[str]) -> Token:
    prefix, quote = opening[1].lower(), opening[2]
    if prefix not in ("", "r", "b", "rb", "br"):
        raise text.failure(f"{opening[1]!r} is no prefix of a string; there are r and b", start)
    raw, triple, source = "r" in prefix, len(quote) == 3, text.source
    begin = position = opening.end()
    while not source.startswith(quote, position):
        if position >= len(source) or (source[position] in "\r\n" and not triple):
            raise text.failure(f"the string is not closed with {quote}", start)
        position += 2 if source[position] == "\\" and not raw else 1
    content, end = source[begin:position], position + len(quote)
    is_bytes = "b" in prefix
    value = (content.encode() if is_bytes else content) if raw else _unescaped(text, begin, content, is_bytes)
    return Token(Kind.VALUE, value, source[start:end], start, end)


def _unescaped(text: Text, begin: int, content: str, is_bytes: bool) -> str | bytes:
    parts: list[bytes] = []
    position = 0
    while (slash := content.find("\\", position)) >= 0:
        parts.append(content[position:slash].encode())
        escape = _ESCAPE.match(content, slash)
        if escape is None or (is_bytes and (escape["u4"] or escape["u8"])):
            raise text.failure(f"the escape {content[slash : slash + 2]!r} is not known here", begin + slash)
        parts.append(_letter(text, begin + slash, escape, is_bytes))
        position = escape.end()
    parts.append(content[position:].encode())
    whole = b"".join(parts)
    return whole if is_bytes else whole.decode()


def _letter(text: Text, offset: int, escape: re.Match[str], is_bytes: bool) -> bytes:
    if escape["plain"]:
        return _PLAIN.get(escape["plain"], escape["plain"]).encode()
    code = int(escape["octal"], 8) if escape["octal"] else int(escape["hex"] or escape["u4"] or escape["u8"], 16)
    if is_bytes:
        return bytes([code])
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise text.failure(f"{escape[0]} is no character", offset)
    return chr(code).encode()
