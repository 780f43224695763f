"""Where to listen."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from fleetd.domain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def names(self) -> list[str]:
        """What a Host header may say: an address of this machine's loopback, or the name that was given; any port."""
        own = [] if self.loopback or self.host in ("0.0.0.0", "::") else [self.host]  # noqa: S104  # compared with, not bound to
        return ["127.0.0.1", "localhost", "[::1]", *own]


def read_place(text: str) -> Place:
    """Reads `HOST:PORT`.

    Raises:
        InvalidInput: it is none.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65_535:
        raise InvalidInput(f"{text!r} is no place to listen: write HOST:PORT, for example 127.0.0.1:8787")
    return Place(host.strip("[]"), int(port))
