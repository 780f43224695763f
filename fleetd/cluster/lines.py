"""Lines out of chunks."""

from __future__ import annotations

from fleetd.cluster.decoding import Unreadable


class Lines:
    """Splits a stream at line feeds; what is behind the last one waits for the next chunk."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._pieces: list[bytes] = []
        self._held = 0

    @property
    def pending(self) -> bool:
        """Whether a line has begun and not ended."""
        return bool(self._held)

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that this chunk completes, without empty ones.

        Raises:
            Unreadable: a line is longer than allowed.
        """
        first, *rest = chunk.split(b"\n")
        if not rest:
            self._hold(first)
            return []
        if self._pieces:
            self._hold(first)
            first = b"".join(self._pieces)
            self._pieces.clear()
            self._held = 0
        last = rest.pop()
        if last:
            self._hold(last)
        return [line for line in (first, *rest) if line]

    def _hold(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._held += len(piece)
        if self._held > self._longest:
            raise Unreadable(f"a line of the watch is longer than {self._longest} bytes")
