"""Sprig's regular expressions on RE2: linear in the text, whatever the pattern. Each has two results, the second an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import re2

from fleetd.scripts.library.calls import Failed, Room, Table

_TEMPLATE = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})")
_MEMORY = 4 << 20


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise Failed(f"the pattern `{pattern}` cannot be read") from error


def _matches(pattern: str, text: str) -> Iterator[Any]:
    """As Go counts them: an empty match right behind another is none."""
    end = -1
    for match in _compiled(pattern).finditer(text):
        if not match.start() == match.end() == end:
            end = match.end()
            yield match


def _first(pattern: str, text: str) -> str:
    found = _compiled(pattern).search(text)
    return "" if found is None else found.group()


def _all(pattern: str, text: str, count: int) -> Table:
    found: list[str] = []
    for match in _matches(pattern, text):
        if 0 <= count <= len(found):
            break
        found.append(match.group())
    return Table(found)


def _replaced(room: Room, pattern: str, text: str, replacement: str, *, literal: bool = False) -> str:
    parts, at, size = [], 0, 0
    for match in _matches(pattern, text):
        parts += [text[at : match.start()], replacement if literal else _expanded(replacement, match)]
        size += len(parts[-1]) + len(parts[-2])
        room.take(size)
        at = match.end()
    return "".join([*parts, text[at:]])


def _expanded(template: str, match: Any) -> str:
    """Go's `$1`, `${1}` and `$name`; a group that is not there is empty."""

    def group(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name is None:
            return "$"
        if name.isdigit():
            return (match.group(int(name)) or "") if int(name) <= match.re.groups else ""
        return (match.group(name) or "") if name in match.re.groupindex else ""

    return _TEMPLATE.sub(group, template)


def _split(pattern: str, text: str, count: int) -> Table:
    parts: list[str] = []
    start = 0
    if count == 0:
        return Table([])
    for match in _matches(pattern, text):
        if count > 0 and len(parts) == count - 1:
            break
        if match.end() == 0 or match.start() == match.end() == len(text):
            continue
        parts.append(text[start : match.start()])
        start = match.end()
    return Table([*parts, text[start:]])


def two(work: Callable[..., Any]) -> Callable[..., tuple[Any, ...]]:
    """The result and nil; or nil and why there is none."""

    def call(*arguments: Any) -> tuple[Any, ...]:
        try:
            return work(*arguments), None
        except Failed as error:
            return None, str(error)

    return call


TABLE: dict[str, tuple[str, Callable[..., Any]]] = {
    "regexMatch": ("ss", two(lambda pattern, text: _compiled(pattern).search(text) is not None)),
    "regexFind": ("ss", two(_first)),
    "regexFindAll": ("ssi", two(_all)),
    "regexReplaceAll": ("+sss", two(_replaced)),
    "regexReplaceAllLiteral": ("+sss", two(lambda *given: _replaced(*given, literal=True))),
    "regexSplit": ("ssi", two(_split)),
}
