"""Template text to tokens: the lexical rules of Go's text/template."""

from __future__ import annotations

import re
from typing import NamedTuple

from fleetd.decide.gotemplate.source import Source


class Token(NamedTuple):
    """`kind` is `text`, `open`, `close`, `space`, `end` or the name of a group below."""

    kind: str
    text: str
    pos: int


_SPACES = " \t\r\n"
_ENDS = r"(?=[\s.,|:)(]|\}\}|\Z)"
_TOKEN = re.compile(
    rf"""
      (?P<trim>[ \t\r\n]+-\}}\}})
    | (?P<close>\}}\}})
    | (?P<space>[ \t\r\n]+)
    | (?P<string>"(?:[^"\\\n]|\\[^\n])*"|`[^`]*`)
    | (?P<char>'(?:[^'\\\n]|\\[^\n])+')
    | (?P<number>[+-]?\.?[0-9](?:[eE][+-](?=[0-9])|[pP][+-](?=[0-9])|[\w.])*)
    | (?P<field>\.\w+){_ENDS}
    | (?P<dot>\.)(?=[\s,|:)(]|\}}\}}|\Z)
    | (?P<variable>\$\w*){_ENDS}
    | (?P<word>[^\W\d]\w*){_ENDS}
    | (?P<declare>:=)
    | (?P<assign>=)
    | (?P<pipe>\|)
    | (?P<lparen>\()
    | (?P<rparen>\))
    | (?P<comma>,)
    """,
    re.VERBOSE,
)


def tokens(source: Source) -> list[Token]:
    """All tokens; comments are dropped, and trim markers have eaten their white space.

    Raises:
        EvaluationFailed: an action, a comment, a quote or a parenthesis is not closed, or a character has no meaning.
    """
    text = source.text
    found: list[Token] = []
    pos = 0
    while True:
        start = text.find("{{", pos)
        piece = text[pos:] if start < 0 else text[pos:start]
        trimmed = start >= 0 and text.startswith("-", start + 2) and text[start + 3 : start + 4] in _SPACES and start + 3 < len(text)
        if trimmed:
            piece = piece.rstrip(_SPACES)
        if piece:
            found.append(Token("text", piece, pos))
        if start < 0:
            found.append(Token("end", "", len(text)))
            return found
        inside = start + (4 if trimmed else 2)
        if text.startswith("/*", inside):
            pos = _after_comment(source, inside)
        else:
            found.append(Token("open", "{{", start))
            pos = _action(source, inside, start, found)


def _after_comment(source: Source, inside: int) -> int:
    text = source.text
    end = text.find("*/", inside + 2)
    if end < 0:
        raise source.malformed(inside, "unclosed comment")
    end += 2
    if text.startswith("}}", end):
        return end + 2
    if text[end : end + 1] in _SPACES and text.startswith("-}}", end + 1):
        return _skip_spaces(text, end + 4)
    raise source.malformed(inside, "comment ends before closing delimiter")


def _skip_spaces(text: str, pos: int) -> int:
    while pos < len(text) and text[pos] in _SPACES:
        pos += 1
    return pos


def _action(source: Source, pos: int, start: int, found: list[Token]) -> int:
    text = source.text
    match = _TOKEN.match
    depth = 0
    while True:
        token = match(text, pos)
        if token is None:
            raise _nonsense(source, pos, start)
        kind = token.lastgroup or ""
        after = token.end()
        if kind in {"trim", "close"}:
            if depth:
                raise source.malformed(pos, "unclosed left paren")
            found.append(Token("close", "}}", pos))
            return _skip_spaces(text, after) if kind == "trim" else after
        if kind == "lparen":
            depth += 1
        elif kind == "rparen":
            depth -= 1
            if depth < 0:
                raise source.malformed(pos, "unexpected right paren")
        found.append(Token(kind, token.group(), pos))
        pos = after


def _nonsense(source: Source, pos: int, start: int) -> Exception:
    text = source.text
    if pos >= len(text):
        return source.malformed(start, "unclosed action")
    quotes = {'"': "unterminated quoted string", "`": "unterminated raw quoted string", "'": "unterminated character constant"}
    character = text[pos]
    if character in quotes:
        hint = "; Go templates quote strings with double quotes or backquotes" if character == "'" else ""
        return source.malformed(pos, quotes[character] + hint)
    if character.isalnum() or character in "._$":
        while pos + 1 < len(text) and (text[pos + 1].isalnum() or text[pos + 1] == "_"):
            pos += 1
        return source.malformed(pos + 1, f"bad character {_shown(text[pos + 1 : pos + 2])}")
    return source.malformed(pos, f"unrecognized character in action: {_shown(character)}")


def _shown(character: str) -> str:
    return f"U+{ord(character):04X} '{character}'" if character else "end of text"
