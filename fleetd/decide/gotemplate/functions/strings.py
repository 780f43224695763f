"""Sprig's text functions. Positions count bytes where Go counts bytes."""

from __future__ import annotations

import re
from dataclasses import replace as replaced
from typing import Any

from fleetd.decide.gotemplate.formatting import plain
from fleetd.decide.gotemplate.functions.signature import Function, declare
from fleetd.decide.gotemplate.printf import sprintf
from fleetd.decide.gotemplate.quoting import quoted
from fleetd.decide.gotemplate.run import Run
from fleetd.decide.gotemplate.values import CallFailed, StringMap, Strings, from_utf8, utf8

_TEXT_ONLY = {str}
_BYTE_SPACES = re.compile(r"[\t\n\v\f\r \x85\xa0]+")


def as_text(value: Any, run: Run) -> str:
    """Sprig's conversion to a string."""
    return value if isinstance(value, str) else plain(value, run)


def as_texts(value: Any, run: Run) -> Strings:
    """Sprig's conversion to a list of strings: nil elements vanish, anything but a list becomes the only element."""
    if isinstance(value, Strings):
        return value
    if isinstance(value, list):
        run.spend(len(value))
        if set(map(type, value)) == _TEXT_ONLY:
            return Strings(value)
        return Strings(as_text(part, run) for part in value if part is not None)
    return Strings() if value is None else Strings([as_text(value, run)])


def truncate(count: int, text: str) -> str:
    data = utf8(text)
    if count < 0 and len(data) + count > 0:
        return from_utf8(data[count:])
    return from_utf8(data[:count]) if 0 <= count < len(data) else text


def substring(start: int, end: int, text: str) -> str:
    data = utf8(text)
    if start < 0:
        return from_utf8(data[: _bounded(end, len(data))])
    if end < 0 or end > len(data):
        return from_utf8(data[_bounded(start, len(data)) :])
    if start > end:
        raise CallFailed(f"runtime error: slice bounds out of range [{start}:{end}]")
    return from_utf8(data[start:end])


def _bounded(position: int, length: int) -> int:
    if not 0 <= position <= length:
        raise CallFailed(f"runtime error: slice bounds out of range [{position}] with length {length}")
    return position


def repeat(run: Run, count: int, text: str) -> str:
    if count < 0:
        raise CallFailed("strings: negative Repeat count")
    run.text(count * len(text))
    return text * count


def indent(run: Run, spaces: int, text: str) -> str:
    if spaces < 0:
        raise CallFailed("strings: negative Repeat count")
    run.text(len(text) + spaces * (text.count("\n") + 1))
    pad = " " * spaces
    return pad + text.replace("\n", "\n" + pad)


def replace(run: Run, old: str, new: str, text: str) -> str:
    if len(new) > len(old):
        found = text.count(old) if old else len(text) + 1
        run.text(len(text) + found * (len(new) - len(old)))
    return text.replace(old, new)


def quote(run: Run, *values: Any) -> str:
    texts = [as_text(value, run) for value in values if value is not None]
    run.text(2 * sum(map(len, texts)))
    return " ".join(map(quoted, texts))


def single_quote(run: Run, *values: Any) -> str:
    return " ".join(f"'{plain(value, run)}'" for value in values if value is not None)


def cat(run: Run, *values: Any) -> str:
    texts = [plain(value, run) for value in values if value is not None]
    run.text(sum(map(len, texts)) + len(texts))
    return " ".join(texts)


def join(run: Run, separator: str, values: Any) -> str:
    texts = as_texts(values, run)
    run.text(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def split_map(run: Run, separator: str, text: str, limit: int = -1) -> StringMap:
    parts = split(run, separator, text, limit)
    return StringMap((f"_{at}", part) for at, part in enumerate(parts))


def split(run: Run, separator: str, text: str, limit: int = -1) -> Strings:
    """Go's strings.SplitN: an empty separator parts the characters."""
    if limit == 0:
        return Strings()
    run.elements(len(text) if not separator else text.count(separator) + 1)
    if separator:
        return Strings(text.split(separator) if limit < 0 else text.split(separator, limit - 1))
    if limit < 0 or limit > len(text):
        return Strings(text)
    return Strings([*text[: limit - 1], text[limit - 1 :]])


def upper(text: str) -> str:
    """Letter by letter, as Go does: `ß` stays."""
    return text.upper() if text.isascii() else "".join(_alone(letter, letter.upper()) for letter in text)


def lower(text: str) -> str:
    return text.lower() if text.isascii() else "".join(_alone(letter, letter.lower()) for letter in text)


def _alone(letter: str, changed: str) -> str:
    return changed if len(changed) == 1 else letter


def title(text: str) -> str:
    """Go's strings.Title: the first letter after anything but a letter, digit, underscore or apostrophe-free mark."""
    parts: list[str] = []
    before = " "
    for letter in text:
        parts.append(_alone(letter, letter.title()) if _separates(before) else letter)
        before = letter
    return "".join(parts)


def _separates(letter: str) -> bool:
    if letter.isascii():
        return not (letter.isalnum() or letter == "_")
    return not letter.isalnum() and letter.isspace()


def untitle(text: str) -> str:
    parts: list[str] = []
    before = " "
    for letter in text:
        parts.append(letter.lower() if before.isspace() else letter)
        before = letter
    return "".join(parts)


def swap_case(text: str) -> str:
    """Upper for lower and the other way round; the first letter of a word becomes a title letter."""
    parts: list[str] = []
    at_word = True
    for letter in text:
        if letter.isupper() or letter.istitle():
            parts.append(letter.lower())
        elif letter.islower():
            parts.append(_alone(letter, letter.title() if at_word else letter.upper()))
        else:
            parts.append(letter)
        at_word = letter.isspace()
    return "".join(parts)


def _bytewise(text: str) -> str:
    """A letter for each byte: how goutils, which Sprig calls, looks at a text."""
    return utf8(text).decode("latin-1")


def without_spaces(text: str) -> str:
    """Byte by byte, and what is left is read as Latin-1, unless nothing went away."""
    letters = _bytewise(text)
    kept = _BYTE_SPACES.sub("", letters)
    return text if len(kept) == len(letters) else kept


def initials(text: str) -> str:
    return "".join(word[0] for word in _BYTE_SPACES.sub(" ", _bytewise(text)).split(" ") if word)


def abbreviate(width: int, text: str) -> str:
    return _abbreviated(text, 0, width) if width >= 4 else text


def abbreviate_both(left: int, right: int, text: str) -> str:
    return text if right < 4 or (left > 0 and right < 7) else _abbreviated(text, left, right)


def _abbreviated(text: str, offset: int, width: int) -> str:
    data = utf8(text)
    size = len(data)
    if size <= width:
        return text
    offset = min(offset, size)
    if size - offset < width - 3:
        offset = size - (width - 3)
    if offset <= 4:
        return from_utf8(data[: width - 3]) + "..."
    if offset + width - 3 < size:
        return "..." + _abbreviated(from_utf8(data[offset:]), 0, width - 3)
    return "..." + from_utf8(data[size - (width - 3) :])


def wrap(run: Run, width: int, text: str, *, newline: str = "\n", split_long: bool = False) -> str:
    """Lines of at most the width in bytes, broken at blanks; a long word stays whole unless asked for."""
    run.spend(len(text) >> 2)
    if text.isascii():
        return _wrapped(run, max(width, 1), text, newline, split_long=split_long)
    wrapped = _wrapped(run, max(width, 1), _bytewise(text), _bytewise(newline), split_long=split_long)
    return from_utf8(wrapped.encode("latin-1"))


def _wrapped(run: Run, width: int, text: str, newline: str, *, split_long: bool) -> str:
    lines: list[str] = []
    at = 0
    while len(text) - at > width:
        if text[at] == " ":
            at += 1
            continue
        space = text.rfind(" ", at, at + width + 1)
        if space >= at:
            lines.append(text[at:space])
            at = space + 1
        elif split_long:
            lines.append(text[at : at + width])
            at += width
        else:
            space = text.find(" ", at + width)
            if space < 0:
                break
            lines.append(text[at:space])
            at = space + 1
    lines.append(text[at:])
    run.text(len(text) + len(lines) * len(newline))
    return newline.join(lines)


def wrap_with(run: Run, width: int, newline: str, text: str) -> str:
    return wrap(run, width, text, newline=newline or "\n", split_long=True)


FUNCTIONS: dict[str, Function] = declare(
    {
        "printf": ("meter string any...", sprintf),
        "abbrev": ("int string", abbreviate),
        "abbrevboth": ("int int string", abbreviate_both),
        "cat": ("meter any...", cat),
        "contains": ("string string", lambda part, text: part in text),
        "hasPrefix": ("string string", lambda part, text: text.startswith(part)),
        "hasSuffix": ("string string", lambda part, text: text.endswith(part)),
        "indent": ("meter int string", indent),
        "initials": ("string", initials),
        "join": ("meter string any", join),
        "lower": ("string", lower),
        "nindent": ("meter int string", lambda run, spaces, text: "\n" + indent(run, spaces, text)),
        "nospace": ("string", without_spaces),
        "plural": ("string string int", lambda one, many, count: one if count == 1 else many),
        "quote": ("meter any...", quote),
        "repeat": ("meter int string", repeat),
        "replace": ("meter string string string", replace),
        "split": ("meter string string", split_map),
        "splitList": ("meter string string", split),
        "splitn": ("meter string int string", lambda run, separator, limit, text: split_map(run, separator, text, limit)),
        "squote": ("meter any...", single_quote),
        "substr": ("int int string", substring),
        "swapcase": ("string", swap_case),
        "title": ("string", title),
        "toString": ("meter any", lambda run, value: as_text(value, run)),
        "toStrings": ("meter any", lambda run, value: as_texts(value, run)),
        "trim": ("string", lambda text: text.strip(" \t\n\v\f\r\x85\xa0\u2028\u2029\u3000")),
        "trimAll": ("string string", lambda marks, text: text.strip(marks) if marks else text),
        "trimall": ("string string", lambda marks, text: text.strip(marks) if marks else text),
        "trimPrefix": ("string string", lambda prefix, text: text.removeprefix(prefix)),
        "trimSuffix": ("string string", lambda suffix, text: text.removesuffix(suffix)),
        "trunc": ("int string", truncate),
        "untitle": ("string", untitle),
        "upper": ("string", upper),
        "wrap": ("meter int string", wrap),
        "wrapWith": ("meter int string string", wrap_with),
        "hello": ("", lambda: "Hello!"),
    }
)
FUNCTIONS |= {
    "quote": replaced(FUNCTIONS["quote"], quick=quoted),
    "squote": replaced(FUNCTIONS["squote"], quick=lambda text: f"'{text}'"),
    "toString": replaced(FUNCTIONS["toString"], quick=lambda text: text),
}
