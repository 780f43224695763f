"""JSON manifests: what kubectl takes before it tries YAML."""

from __future__ import annotations

import json
import re
from typing import Any

from fleetd.domain import yaml_scalars
from fleetd.domain.yaml_reader import MAX_DEPTH, MAX_TEXT, RawDocument

_SPACE = re.compile(r"[ \t\r\n]*")
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|u\w{4}|.)", re.DOTALL)


def read_json(text: str) -> list[RawDocument] | None:
    """The JSON objects of a text, one after the other; None when the YAML reader has to look.

    It looks at what is no JSON, and at JSON with a key that stands twice, for it knows the place of the mistake.
    """
    text = text.removeprefix("\ufeff")
    position = _skip(text, 0)
    if not text.startswith("{", position) or len(text) > MAX_TEXT or _deep(text) or not _whole(text):
        return None
    if _HALF.search(text):
        text = _ESCAPE.sub(_both_halves, text)
    decoder = json.JSONDecoder(object_pairs_hook=_once, parse_int=_integer, parse_float=_number, parse_constant=_constant)
    documents = []
    while position < len(text):
        try:
            value, end = decoder.raw_decode(text, position)
        except ValueError:
            return None
        documents.append(RawDocument(value, text.count("\n", 0, position) + 1))
        position = _skip(text, end)
    return documents


def _whole(text: str) -> bool:
    """Whether it is Unicode, without halves of characters; the YAML reader tells where one stands."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _both_halves(escape: re.Match[str]) -> str:
    """As in Go, half of a character is written as the character that stands for none; the length stays."""
    return r"\ufffd" if len(escape[0]) == 6 and _HALF.match(escape[0]) else escape[0]


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _deep(text: str) -> bool:
    # The decoder recurses; what may be deeper goes to the YAML reader, which counts exactly and does not.
    return text.count("{") + text.count("[") > MAX_DEPTH and _depth(text) > MAX_DEPTH


def _depth(text: str) -> int:
    depth = deepest = 0
    for mark in re.findall(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', text):
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "]}":
            depth -= 1
    return deepest


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice")
    return value


def _integer(digits: str) -> Any:
    return yaml_scalars.for_json(int(digits) if len(digits) < 400 else float(digits))


def _number(digits: str) -> Any:
    return yaml_scalars.for_json(float(digits))


def _constant(word: str) -> Any:
    raise ValueError(f"{word} has no place in a manifest")
