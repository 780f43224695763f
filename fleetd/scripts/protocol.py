"""What the daemon and a child say to each other: frames of msgpack, each after its length as four bytes, big-endian.

The child says `Hello`, then for each `Batch` as many `Answers` as it likes, until every piece of work is answered, in order.
Beside the frames stand eight bytes that both see, in a memory file: the number of the work that is under way, times two, plus
one once the script itself runs. They tell the daemon whose fault it is when a child stops speaking.
"""

from __future__ import annotations

import struct
from mmap import mmap
from typing import Any

import msgspec

HEADER = struct.Struct(">I")
MARK = struct.Struct("<Q")
LARGEST_FRAME = 256 * 1024 * 1024


class Hello(msgspec.Struct, frozen=True, array_like=True):
    """A child is ready; or why it is not. `unfiltered` says why its system calls are not filtered; empty where they are."""

    error: str = ""
    unfiltered: str = ""


class Work(msgspec.Struct, frozen=True, array_like=True):
    """One evaluation: `argument` is JSON, `key` names a script of this or an earlier batch, numbers count up from 1."""

    number: int
    key: str
    place: str
    argument: bytes


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """Evaluations in order; scripts that the child does not know yet; whether it should first forget those it knows."""

    work: list[Work]
    scripts: dict[str, str]
    forget: bool


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """The result of one evaluation, as `places.Result`, and how many seconds it took."""

    number: int
    value: Any
    error: str
    line: int
    missing: tuple[str, ...]
    hint: str
    seconds: float


def framed(message: msgspec.Struct | list[Answer]) -> bytes:
    """A message with its length before it."""
    body = msgspec.msgpack.encode(message)
    return HEADER.pack(len(body)) + body


class Mark:
    """Which work is under way, in memory that both sides see."""

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap(descriptor, MARK.size)

    def set(self, number: int, *, running: bool) -> None:
        MARK.pack_into(self._memory, 0, number * 2 + running)

    def get(self) -> tuple[int, bool]:
        """The work's number, and whether the script itself runs."""
        value = MARK.unpack_from(self._memory, 0)[0]
        return value // 2, bool(value % 2)

    def close(self) -> None:
        self._memory.close()
