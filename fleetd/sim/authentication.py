"""Who asks: bearer tokens that are issued, run out and are revoked, and client certificates."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from fleetd.kubeapi.exchange import Request, User

ADMIN = User("admin", ("system:masters",))
LIMITED = User("limited", ("limited",))


@dataclass(frozen=True, slots=True)
class Credential:
    """Whom a token stands for, and until when; `bound_uid` is the uid of the service account that it lives and dies with."""

    user: User
    expires: datetime | None = None
    bound_uid: str = ""


class Tokens:
    """The tokens that a cluster knows. It keeps digests only, so that a look at its memory or a log gives no token away."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._credentials: dict[bytes, Credential] = {}

    def issue(self, user: User, seconds: float | None = None, *, bound_uid: str = "") -> str:
        """A new token, for so many seconds or until it is revoked."""
        token = secrets.token_urlsafe(32)
        expires = None if seconds is None else self._clock() + timedelta(seconds=seconds)
        self._credentials[_digest(token)] = Credential(user, expires, bound_uid)
        return token

    def expire(self) -> None:
        """All that were issued so far are over."""
        self._credentials.clear()

    def revoke(self, token: str) -> None:
        """The token is unknown from now on."""
        self._credentials.pop(_digest(token), None)

    def credential(self, token: str) -> Credential | None:
        """What the token stands for; None for one that is unknown, revoked or has run out."""
        digest = _digest(token)
        found = self._credentials.get(digest)
        if found is not None and found.expires is not None and found.expires <= self._clock():
            del self._credentials[digest]
            return None
        return found


def bearer_token(request: Request) -> str:
    """The token that the request shows, or the empty string."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
