"""Who we are to a cluster: the Authorization header, renewed before it ends and when the server no longer takes it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import orjson

from fleetd.cluster.kubeconfig import Access
from fleetd.cluster.plugin import run_plugin
from fleetd.cluster.settings import ClusterSettings
from fleetd.domain.errors import InvalidInput, TryLater, Unreachable


@dataclass(frozen=True, slots=True)
class Credential:
    """What a plugin, a file or a provider gave. `expires` is seconds since 1970, 0 when it does not say."""

    token: str = field(repr=False, default="")
    expires: float = 0.0
    certificate: bytes = field(repr=False, default=b"")
    key: bytes = field(repr=False, default=b"")


class CredentialSource(Protocol):
    """Where credentials come from."""

    async def fetch(self) -> Credential:
        """A fresh one. Raises `InvalidInput` or `Unreachable`."""


class Credentials:
    """Keeps one credential and knows when to ask for the next."""

    def __init__(self, source: CredentialSource, settings: ClusterSettings, *, every: float | None = None) -> None:
        self._source = source
        self._margin = settings.token_margin_seconds
        self._every = every
        self._held = Credential()
        self._fetched_at = 0.0
        self._fresh = False
        self._lock = asyncio.Lock()

    async def current(self) -> Credential:
        """The one to show now; its token is the Authorization header's whole value, or empty."""
        if self._due():
            async with self._lock:
                if self._due():
                    await self._refresh()
        return self._held

    async def renew(self, refused: Credential) -> bool:
        """After the server refused that one: whether there is another one now."""
        async with self._lock:
            if self._held == refused:
                await self._fetch()
        return self._held != refused

    async def _refresh(self) -> None:
        try:
            await self._fetch()
        except TryLater:
            if not self._fresh or 0 < self._held.expires <= time.time():
                raise
            self._fetched_at = time.monotonic()  # What we hold still counts; the source is asked again a little later.

    def _due(self) -> bool:
        if not self._fresh:
            return True
        if self._every is not None and time.monotonic() - self._fetched_at >= self._every:
            return True
        # Wall time, for that is what a token's end is written in. Asked for once a margin at most, should it not move.
        ending = bool(self._held.expires) and time.time() >= self._held.expires - self._margin
        return ending and time.monotonic() - self._fetched_at >= min(self._margin, 1.0)

    async def _fetch(self) -> None:
        self._held = await self._source.fetch()
        self._fetched_at = time.monotonic()
        self._fresh = True


class StaticSource:
    """A header that never changes."""

    def __init__(self, header: str) -> None:
        self._credential = Credential(header)

    async def fetch(self) -> Credential:
        return self._credential


class FileSource:
    """A token in a file that somebody else keeps fresh (a projected ServiceAccount token)."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    async def fetch(self) -> Credential:
        try:
            token = await asyncio.to_thread(self._path.read_text, "ascii")
        except (OSError, UnicodeDecodeError) as problem:
            raise Unreachable(f"the token file {self._path} cannot be read ({type(problem).__name__})") from None
        token = token.strip()
        if not token or any(character.isspace() for character in token):
            raise Unreachable(f"the token file {self._path} holds no token")
        return Credential(f"Bearer {token}", token_end(token))


class PluginSource:
    """An exec plugin that the operator allowed."""

    def __init__(self, access: Access, settings: ClusterSettings) -> None:
        plugin = access.plugin
        if plugin is None or plugin.command not in settings.allowed_exec:
            named = plugin.command if plugin else ""
            raise InvalidInput(f"the kubeconfig wants to run the program {named!r}, which is not allowed: see --allow-exec")
        self._plugin = plugin
        self._seconds = settings.exec_seconds

    async def fetch(self) -> Credential:
        status = await run_plugin(self._plugin, self._seconds)
        token = str(status.get("token") or "")
        certificate, key = (str(status.get(part) or "").encode() for part in ("clientCertificateData", "clientKeyData"))
        if not token and not (certificate and key):
            raise Unreachable(f"the program {self._plugin.command!r} gave neither a token nor a certificate with its key")
        header = f"Bearer {token}" if token else ""
        return Credential(header, _moment(status.get("expirationTimestamp")) or token_end(token), certificate, key)


def token_end(token: str) -> float:
    """When a JWT says that it ends, in seconds since 1970; 0 when it says nothing or is none. Its signature is the server's matter."""
    parts = token.split(".")
    if len(parts) != 3:
        return 0.0
    try:
        claims: Any = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return 0.0
    end = claims.get("exp") if isinstance(claims, Mapping) else None
    return float(end) if isinstance(end, int | float) and not isinstance(end, bool) else 0.0


def _moment(text: Any) -> float:
    if not isinstance(text, str) or not text:
        return 0.0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0.0
    return moment.timestamp() if moment.tzinfo else 0.0
