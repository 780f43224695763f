"""What Go's reader of JSON says of a text that is none: the first character that does not belong, and what it stood in."""

from __future__ import annotations

import json
import re

SPACE = re.compile(r"[ \t\r\n]*")
NUMBER_STEPS = (
    (re.compile(r"-?"), ""),
    (re.compile(r"0|[1-9][0-9]*"), "in numeric literal"),
    (re.compile(r"\.(?=([0-9]+))\1|(?!\.)"), "after decimal point in numeric literal"),
    (re.compile(r"[eE][+-]?(?=([0-9]+))\1|(?![eE])"), "in exponent of numeric literal"),
)
ESCAPES = '"\\/bfnrt'
WORDS = {"t": "true", "f": "false", "n": "null"}
END = "unexpected end of JSON input"


class _Wrong(Exception):
    pass


def first_wrong(text: str) -> str:
    """The message for a text that cannot be read; one that can be gets the message for a text that ends too early."""
    try:
        at = _value(text, 0)
        at = _space(text, at)
        if at < len(text):
            _fail(text, at, "after top-level value")
    except (_Wrong, RecursionError) as error:
        return str(error) or END
    return END


def _fail(text: str, at: int, why: str) -> None:
    if at >= len(text):
        raise _Wrong(END)
    character = text[at]
    shown = {"'": "'\\''", '"': "'\"'"}.get(character) or f"'{json.dumps(character)[1:-1]}'"
    raise _Wrong(f"invalid character {shown} {why}")


def _space(text: str, at: int) -> int:
    found = SPACE.match(text, at)
    return found.end() if found else at


def _value(text: str, at: int) -> int:
    at = _space(text, at)
    first = text[at : at + 1]
    if first == "{":
        return _members(text, at + 1)
    if first == "[":
        return _elements(text, at + 1)
    if first == '"':
        return _string(text, at + 1)
    if first in WORDS:
        return _word(text, at, WORDS[first])
    if first == "-" or first.isdecimal():
        return _number(text, at)
    _fail(text, at, "looking for beginning of value")
    return at


def _members(text: str, at: int) -> int:
    at = _space(text, at)
    if text.startswith("}", at):
        return at + 1
    while True:
        at = _space(text, at)
        if not text.startswith('"', at):
            _fail(text, at, "looking for beginning of object key string")
        at = _space(text, _string(text, at + 1))
        if not text.startswith(":", at):
            _fail(text, at, "after object key")
        at = _space(text, _value(text, at + 1))
        if text.startswith("}", at):
            return at + 1
        if not text.startswith(",", at):
            _fail(text, at, "after object key:value pair")
        at += 1


def _elements(text: str, at: int) -> int:
    at = _space(text, at)
    if text.startswith("]", at):
        return at + 1
    while True:
        at = _space(text, _value(text, at))
        if text.startswith("]", at):
            return at + 1
        if not text.startswith(",", at):
            _fail(text, at, "after array element")
        at += 1


def _string(text: str, at: int) -> int:
    while not text.startswith('"', at):
        if at >= len(text) or text[at] < " ":
            _fail(text, at, "in string literal")
        if text[at] != "\\":
            at += 1
            continue
        at += 1
        if text.startswith("u", at):
            for digit in range(at + 1, at + 5):
                if not re.match("[0-9a-fA-F]", text[digit : digit + 1]):
                    _fail(text, digit, "in \\u hexadecimal character escape")
            at += 5
        elif at < len(text) and text[at] in ESCAPES:
            at += 1
        else:
            _fail(text, at, "in string escape code")
    return at + 1


def _word(text: str, at: int, word: str) -> int:
    for place, letter in enumerate(word):
        if not text.startswith(letter, at + place):
            _fail(text, at + place, f"in literal {word} (expecting '{letter}')")
    return at + len(word)


def _number(text: str, at: int) -> int:
    for step, why in NUMBER_STEPS:
        found = step.match(text, at)
        if found is None:
            # The sign of a fraction or an exponent is read before what is missing.
            lead = re.compile(r"\.|[eE][+-]?").match(text, at)
            _fail(text, lead.end() if lead else at, why)
        else:
            at = found.end()
    return at
