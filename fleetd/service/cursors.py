"""Where a page ended: the key of its last row, bound to the question that it belongs to."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

import orjson

from fleetd.service.teaching import Code, Lesson, Taught

_HOW_MUCH = ("limit", "cursor", "detail")
_LONGEST = 4_000
_LATEST = datetime(9000, 1, 1, tzinfo=UTC).timestamp()


@dataclass(frozen=True, slots=True)
class Place:
    """After which key to go on; `revision` and `asked_at` are those of the first page."""

    key: tuple[Any, ...]
    revision: int
    asked_at: datetime


def question_digest(asked: Any) -> str:
    """What the pages of one question have in common: its arguments as they were written, but for those that only say how much."""
    arguments = [(one.name, getattr(asked, one.name)) for one in fields(asked) if one.name not in _HOW_MUCH]
    return hashlib.sha256(orjson.dumps([type(asked).__name__, arguments])).hexdigest()[:12]


def write_cursor(place: Place, question: str) -> str:
    """Opaque text; it is no secret and gives no right."""
    return base64.urlsafe_b64encode(orjson.dumps([question, place.revision, place.asked_at.timestamp(), *place.key])).decode().rstrip("=")


def read_cursor(text: str, question: str, width: int) -> Place | None:
    """The place, None where no cursor was given.

    Raises:
        Taught: it is no cursor, or one of another question.
    """
    if not text:
        return None
    held = _held(text)
    if len(held) != width + 3 or held[0] != question or not all(isinstance(part, str | int) for part in held[3:]):
        sentence = "this cursor belongs to another question: repeat the call with the same arguments, or leave the cursor out to start anew"
        raise Taught(Lesson(code=Code.STALE_CURSOR, sentence=sentence, field="cursor"))
    return Place(tuple(held[3:]), held[1], datetime.fromtimestamp(held[2], UTC))


def pinned(text: str) -> datetime | None:
    """When the first page was asked for; None where this is no cursor."""
    held = _held(text)
    return datetime.fromtimestamp(held[2], UTC) if held else None


def _held(text: str) -> list[Any]:
    """What stands in a cursor; nothing where it is none."""
    if len(text) > _LONGEST:
        return []
    try:
        held = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        return []
    known = isinstance(held, list) and len(held) > 3 and isinstance(held[0], str) and type(held[1]) is int
    return held if known and isinstance(held[2], float) and 0 < held[2] < _LATEST else []
