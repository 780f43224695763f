"""Sprig's regular expressions, on RE2: linear in the text, whatever the pattern."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import re2

from fleetd.decide.gotemplate.functions.signature import Function, declare
from fleetd.decide.gotemplate.run import Run
from fleetd.decide.gotemplate.values import CallFailed, NilStrings, Strings
from fleetd.decide.linear_patterns import compile_linear, effort, why_not

_EXPANSION = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})")
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    try:
        return compile_linear(pattern)
    except re2.error as broken:
        raise CallFailed(f"error parsing regexp: {why_not(broken)}: `{pattern}`") from broken


def compiled(pattern: str, text: str, run: Run) -> Any:
    """The pattern, ready to search; the search is paid for in advance."""
    found = _compiled(pattern)
    run.spend((len(text) * effort(found) + len(pattern)) >> 4)
    return found


def matches(run: Run, pattern: str, text: str) -> bool:
    return compiled(pattern, text, run).search(text) is not None


def matches_leniently(run: Run, pattern: str, text: str) -> bool:
    """Sprig takes a pattern that is none for one that never matches."""
    try:
        return matches(run, pattern, text)
    except CallFailed:
        return False


def find(run: Run, pattern: str, text: str) -> str:
    found = compiled(pattern, text, run).search(text)
    return "" if found is None else str(found.group())


def find_all(run: Run, pattern: str, text: str, count: int) -> Strings:
    found = Strings()
    for match in _each(run, pattern, text):
        if 0 <= count <= len(found):
            break
        found.append(match.group())
    return found or NilStrings()


def _each(run: Run, pattern: str, text: str) -> Iterator[Any]:
    """Matches as Go counts them: an empty one right after another match is none."""
    end = -1
    for match in compiled(pattern, text, run).finditer(text):
        run.spend(4)
        if match.start() == match.end() == end:
            continue
        end = match.end()
        yield match


def replace_all(run: Run, pattern: str, text: str, replacement: str) -> str:
    return _replaced(run, pattern, text, replacement, literal="$" not in replacement)


def replace_literally(run: Run, pattern: str, text: str, replacement: str) -> str:
    return _replaced(run, pattern, text, replacement, literal=True)


def _replaced(run: Run, pattern: str, text: str, replacement: str, *, literal: bool) -> str:
    parts: list[str] = []
    at = size = 0
    for match in _each(run, pattern, text):
        parts.append(text[at : match.start()])
        parts.append(replacement if literal else _expanded(replacement, match))
        size += len(parts[-1])
        run.text(size)
        at = match.end()
    parts.append(text[at:])
    return "".join(parts)


def _expanded(replacement: str, match: Any) -> str:
    """Go's template: `$1`, `${1}` and `$name`; a group that is not there is empty."""

    def group(found: re.Match[str]) -> str:
        name = found.group(1) or found.group(2)
        if name is None:
            return "$"
        if name.isdigit():
            return (match.group(int(name)) or "") if int(name) <= match.re.groups else ""
        return (match.group(name) or "") if name in match.re.groupindex else ""

    return _EXPANSION.sub(group, replacement)


def split(run: Run, pattern: str, text: str, count: int) -> Strings:
    if count == 0:
        return NilStrings()
    if pattern and not text:
        return Strings([""])
    parts = Strings()
    start = 0
    for match in _each(run, pattern, text):
        if count > 0 and len(parts) == count - 1:
            break
        if match.end() == 0:
            continue
        if match.start() == match.end() == len(text):
            continue
        parts.append(text[start : match.start()])
        start = match.end()
    parts.append(text[start:])
    return parts


_TABLE: dict[str, tuple[str, Any]] = {
    "regexMatch": ("meter string string", matches_leniently),
    "mustRegexMatch": ("meter string string", matches),
    "regexFind": ("meter string string", find),
    "regexFindAll": ("meter string string int", find_all),
    "regexReplaceAll": ("meter string string string", replace_all),
    "regexReplaceAllLiteral": ("meter string string string", replace_literally),
    "regexSplit": ("meter string string int", split),
}

FUNCTIONS: dict[str, Function] = declare(
    {**_TABLE, "regexQuoteMeta": ("string", lambda text: _SPECIAL.sub(lambda found: "\\" + found.group(), text))}
)
