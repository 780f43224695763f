"""What tells simulated clusters apart, the same for the same seed."""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID


def uid_of(seed: str) -> str:
    """A uid that is the seed's own."""
    return str(UUID(bytes=blake2b(seed.encode(), digest_size=16).digest(), version=4))


class Uids:
    """The uids of one cluster, one after the other."""

    __slots__ = ("_count", "_seed")

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._count = 0

    def __call__(self) -> str:
        self._count += 1
        return uid_of(f"{self._seed}/{self._count}")
