"""Requests and answers, free of any transport: what a server of the API is asked and what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Protocol

MASTERS = "system:masters"
AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"


@dataclass(frozen=True, slots=True)
class User:
    """Who asks; groups decide the rights (`system:masters` may do everything). `extra` is what an authenticator adds."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


ANONYMOUS = User("system:anonymous", (UNAUTHENTICATED,))


@lru_cache(1024)
def authenticated(user: User) -> User:
    """The user as a member of the group of all who are known, which everybody else is."""
    if AUTHENTICATED in user.groups or UNAUTHENTICATED in user.groups:
        return user
    return replace(user, groups=(*user.groups, AUTHENTICATED))


def service_account(namespace: str, name: str, uid: str = "") -> User:
    """The user that a service account is."""
    return User(f"system:serviceaccount:{namespace}:{name}", ("system:serviceaccounts", f"system:serviceaccounts:{namespace}"), uid)


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are in lower case; `path` is decoded and without the query; a query key may come more than once."""

    method: str
    path: str
    query: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    user: User | None = None

    def first(self, key: str) -> str:
        """The first value of a query key, or the empty string."""
        values = self.query.get(key)
        return values[0] if values else ""


@dataclass(frozen=True, slots=True)
class Response:
    """One whole answer."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class Stream(Protocol):
    """An answer that goes on: a watch. The transport sends the head (200, chunked) and then what `write` is called with."""

    content_type: str

    def start(self, write: Callable[[bytes], None], close: Callable[[], None]) -> None:
        """Begins to call `write` with whole frames; calls `close` once when the server ends the stream."""

    def stop(self) -> None:
        """The other side has gone: no call follows."""
