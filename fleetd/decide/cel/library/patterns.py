"""The extension for regular expressions: parts of a text by a pattern, in linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from fleetd.decide.cel.library.function import Function, Functions, fixed, refuse, room, want
from fleetd.decide.cel.library.standard import pattern
from fleetd.decide.cel.values import ABSENT, Maybe

_REFERENCE: Final = re.compile(rb"\\(.?)", re.DOTALL)


def _found(text: Any, source: Any) -> Iterator[bytes | None]:
    """Of every match its only group, or all of it; None where the group had no part in the match."""
    want(str, text, source)
    compiled = pattern(source)
    if compiled.groups > 1:
        raise refuse(f"{source!r} has {compiled.groups} groups; one is what is taken out of a text")
    for match in compiled.finditer(text.encode(errors="replace")):
        yield match.group(compiled.groups)


def _extract(text: Any, source: Any) -> Maybe:
    found = next(_found(text, source), None)
    return Maybe(ABSENT if found is None else found.decode(errors="replace"))


def _extract_all(text: Any, source: Any) -> list[str]:
    return [found.decode(errors="replace") for found in _found(text, source) if found is not None]


def _replace(text: Any, source: Any, new: Any, most: Any = -1) -> str:
    """``\\1`` to ``\\9`` in what is put in stand for the groups, ``\\0`` for the whole match, two backslashes for one."""
    want(str, text, source, new)
    want(int, most)
    compiled = pattern(source)
    parts = _parts(new.encode(errors="replace"), compiled.groups, source)
    whole, position, made, length = text.encode(errors="replace"), 0, [], 0
    for count, match in enumerate(compiled.finditer(whole)):
        if count == most:
            break
        put = b"".join(part if isinstance(part, bytes) else match.group(part) or b"" for part in parts)
        made += [whole[position : match.start()], put]
        length += len(made[-1]) + len(made[-2])
        room(length)
        position = match.end()
    return b"".join([*made, whole[position:]]).decode(errors="replace")


def _parts(new: bytes, groups: int, source: str) -> list[bytes | int]:
    parts: list[bytes | int] = []
    position = 0
    for reference in _REFERENCE.finditer(new):
        parts.append(new[position : reference.start()])
        position = reference.end()
        letter = reference[1]
        if letter == b"\\":
            parts.append(letter)
        elif not letter.isdigit():
            raise refuse("behind a backslash in what is put in stands a digit or another backslash")
        elif int(letter) > groups:
            raise refuse(f"{source!r} has no group {int(letter)}")
        else:
            parts.append(int(letter))
    return [*parts, new[position:]]


GLOBAL: Functions = {
    "regex.extract": fixed(_extract, 2, reads_all=True),
    "regex.extractAll": fixed(_extract_all, 2, reads_all=True),
    "regex.replace": Function(_replace, 3, 4, reads_all=True),
}
