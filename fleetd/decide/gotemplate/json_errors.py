"""What Go's JSON decoder says about a text that is no JSON."""

from __future__ import annotations

import re

from fleetd.decide.gotemplate.values import utf8

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+')
_NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)?(?:(\.)([0-9]*))?(?:([eE])([+-]?)([0-9]*))?")
_HEX = "0123456789abcdefABCDEF"
_END = "unexpected end of JSON input"
_DEPTH = 10_000
"""Beyond this Go refuses the text for its depth."""


class _Wrong(Exception):
    """The first thing that is wrong."""


def complaint(text: str) -> str:
    """Go's sentence for the first thing that is wrong."""
    try:
        _Scan(text).document()
    except _Wrong as wrong:
        return str(wrong)
    return _END


class _Scan:
    """One walk over a text; open collections lie on a stack."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def peek(self) -> str:
        """The next letter that is no blank."""
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.letter()

    def letter(self) -> str:
        if self.at >= len(self.text):
            raise _Wrong(_END)
        return self.text[self.at]

    def near(self) -> str:
        """The next letter within a word, number or escape, where the end of the text counts as a blank."""
        return self.text[self.at] if self.at < len(self.text) else " "

    def wrong(self, where: str) -> _Wrong:
        letter = chr(utf8(self.near())[0])  # the byte is shown, as if it were a letter
        named = {"'": r"\'", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\"}.get(letter)
        shown = named or (letter if letter.isprintable() else f"\\x{ord(letter):02x}" if letter < "\x80" else f"\\u{ord(letter):04x}")
        return _Wrong(f"invalid character '{shown}' {where}")

    def document(self) -> None:
        open_ones: list[str] = []
        while True:
            if self.opens(open_ones):
                continue
            while open_ones:
                if self.goes_on(open_ones):
                    break
                open_ones.pop()
            if not open_ones:
                self.peek()
                raise self.wrong("after top-level value")

    def opens(self, open_ones: list[str]) -> bool:
        """Reads a value; True when it is a collection with something in it."""
        letter = self.peek()
        if letter not in "{[":
            self.scalar(letter)
            return False
        self.at += 1
        if len(open_ones) >= _DEPTH:
            raise _Wrong("exceeded max depth")
        if self.peek() == {"{": "}", "[": "]"}[letter]:
            self.at += 1
            return False
        open_ones.append(letter)
        if letter == "{":
            self.key()
        return True

    def goes_on(self, open_ones: list[str]) -> bool:
        """Behind an element: whether another one follows."""
        letter = self.peek()
        within = open_ones[-1] == "{"
        if letter == ",":
            self.at += 1
            if within:
                self.peek()
                self.key()
            return True
        if letter != ("}" if within else "]"):
            raise self.wrong("after object key:value pair" if within else "after array element")
        self.at += 1
        return False

    def key(self) -> None:
        if self.letter() != '"':
            raise self.wrong("looking for beginning of object key string")
        self.string()
        if self.peek() != ":":
            raise self.wrong("after object key")
        self.at += 1

    def scalar(self, letter: str) -> None:
        if letter == '"':
            self.string()
        elif letter == "-" or "0" <= letter <= "9":
            self.number()
        else:
            self.word(letter)

    def string(self) -> None:
        found = _STRING.match(self.text, self.at)
        self.at = found.end() if found else self.at
        letter = self.letter()
        if letter == '"':
            self.at += 1
        elif letter != "\\":
            raise self.wrong("in string literal")
        else:
            self.at += 1
            if self.near() != "u":
                raise self.wrong("in string escape code")
            self.at += 1
            while self.near() in _HEX:
                self.at += 1
            raise self.wrong("in \\u hexadecimal character escape")

    def number(self) -> None:
        found = _NUMBER.match(self.text, self.at)
        if found is None:
            return
        for group, where in (
            (2, "in numeric literal"),
            (4, "after decimal point in numeric literal"),
            (7, "in exponent of numeric literal"),
        ):
            needed = group == 2 or found[group - 1 if group == 4 else 5] is not None
            if needed and not found[group]:
                self.at = max(found.end(part) for part in range(1, group))
                raise self.wrong(where)
        self.at = found.end()

    def word(self, letter: str) -> None:
        wanted = {"t": "true", "f": "false", "n": "null"}.get(letter)
        if wanted is None:
            raise self.wrong("looking for beginning of value")
        for expected in wanted:
            if self.near() != expected:
                raise self.wrong(f"in literal {wanted} (expecting '{expected}')")
            self.at += 1
