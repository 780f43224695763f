"""Where a page ended: the key of its last row, bound to the question that it belongs to."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import orjson

from fleetd.service.teaching import Code, Lesson, Taught

_HOW_MUCH = ("limit", "cursor", "detail")


@dataclass(frozen=True, slots=True)
class Place:
    """After which key to go on; `revision` is that of the first page."""

    key: tuple[Any, ...]
    revision: int


def question_digest(asked: Any) -> str:
    """What the pages of one question have in common: its arguments as they were written, but for those that only say how much."""
    arguments = [(one.name, getattr(asked, one.name)) for one in fields(asked) if one.name not in _HOW_MUCH]
    return hashlib.sha256(orjson.dumps([type(asked).__name__, arguments])).hexdigest()[:12]


def write_cursor(place: Place, question: str) -> str:
    """Opaque text; it is no secret and gives no right."""
    return base64.urlsafe_b64encode(orjson.dumps([question, place.revision, *place.key])).decode().rstrip("=")


def read_cursor(text: str, question: str, width: int) -> Place | None:
    """The place, None where no cursor was given.

    Raises:
        Taught: it is no cursor, or one of another question.
    """
    if not text:
        return None
    try:
        held: Sequence[Any] = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        held = ()
    known = isinstance(held, list) and len(held) == width + 2 and isinstance(held[1], int)
    if not known or held[0] != question or not all(isinstance(part, str | int) for part in held[2:]):
        sentence = "this cursor belongs to another question: repeat the call with the same arguments, or leave the cursor out to start anew"
        raise Taught(Lesson(code=Code.STALE_CURSOR, sentence=sentence, field="cursor"))
    return Place(tuple(held[2:]), held[1])
