"""Time, chance and ids for the loops; the stages below get them as arguments."""

from __future__ import annotations

import os
import random
import time
from datetime import UTC, datetime


class Clock:
    """The real world's."""

    def __init__(self) -> None:
        # Ids are no secrets; a system call for each would hand the interpreter to the writer thread.
        self._chance = random.Random(os.urandom(32))

    def now(self) -> datetime:
        """Aware, in UTC."""
        return datetime.now(UTC)

    def chance(self) -> float:
        """In [0, 1)."""
        return random.random()

    def new_id(self) -> str:
        """Ids that sort by the time they were made (UUIDv7, RFC 9562, as 32 hexadecimal digits)."""
        stamp = time.time_ns() // 1_000_000
        tail = self._chance.getrandbits(80)
        number = (stamp & (2**48 - 1)) << 80 | 0x7 << 76 | (tail >> 68 & 0xFFF) << 64 | 0x2 << 62 | (tail & (2**62 - 1))
        return f"{number:032x}"
