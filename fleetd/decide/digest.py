"""Digests of JSON values: equal values, equal digests, whatever the order of their keys."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b, sha256
from typing import Any

import orjson

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


Digest = Callable[[Any], str]
"""Of a JSON value, as text."""


def digest(value: Any) -> str:
    """32 hexadecimal digits (BLAKE2b, 128 bits) over the canonical form."""
    return blake2b(canonical(value), digest_size=16).hexdigest()


def keyed(key: bytes) -> Digest:
    """The same under a key: what is stored of contents lets nobody without it confirm a guessed secret."""

    def keyed_digest(value: Any) -> str:
        return blake2b(canonical(value), digest_size=16, key=key[:64]).hexdigest()

    return keyed_digest


def sveltos_hash(manifest: Any) -> str:
    """The value of `projectsveltos.io/hash`: `sha256:` and the hexadecimal SHA-256 of the object's JSON."""
    return f"sha256:{sha256(canonical(manifest)).hexdigest()}"


def letters(*parts: str, length: int = 20) -> str:
    """A name's tail made from what it stands for: the same parts, the same lower-case letters.

    Sveltos draws them by chance; derived ones let a lost database find its objects again.
    """
    number = int.from_bytes(blake2b("\0".join(parts).encode(), digest_size=20).digest(), "big")
    text = []
    for _ in range(length):
        number, rest = divmod(number, 26)
        text.append(LETTERS[rest])
    return "".join(text)
