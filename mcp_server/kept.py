"""What of a call is kept in the audit: who, what, and how it ended; of its arguments a digest."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from fleetd.domain.audit import AuditEntry
from fleetd.domain.errors import FleetdError
from fleetd.service.foreign import plain_text
from fleetd.service.teaching import lesson_of
from fleetd.service.trail import Trail
from mcp_server.principals import Principal

_SUBJECTS = ("prompt", "ref", "refs", "trigger", "profile", "cluster", "scope", "event_id", "request_id", "view", "clusters", "uri", "name")
_log = logging.getLogger("mcp_server")


@dataclass(slots=True)
class Kept:
    """What becomes of a call; who answers it fills this in."""

    outcome: str = "defect"
    size: int = 0
    reference: str = ""


@contextlib.contextmanager
def kept(trail: Trail | None, caller: Caller, action: str, arguments: Mapping[str, Any]) -> Iterator[Kept]:
    """A call, from its beginning to its end: however it ends, it leaves a row."""
    found, started = Kept(), time.monotonic()
    try:
        yield found
    except FleetdError as error:
        found.outcome = lesson_of(error).code
        raise
    except asyncio.CancelledError:
        found.outcome = "cancelled"
        raise
    finally:
        ms = (time.monotonic() - started) * 1000
        _log.info("%s %s %s %.0f ms", caller.principal.name, plain_text(action, most=60), found.outcome, ms)
        if trail is not None:
            trail.note(caller.entry(action, arguments, found, ms))


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, by which program."""

    principal: Principal
    client: str = ""

    def entry(self, action: str, arguments: Mapping[str, Any], found: Kept, ms: float) -> AuditEntry:
        """What is kept of a call: of its arguments the main reference, and a digest."""
        return AuditEntry(
            principal=self.principal.name,
            via="mcp",
            client=self.client,
            action=plain_text(action, most=60),
            subject=_subject(arguments),
            outcome=found.outcome,
            arguments_digest=_digest(arguments),
            reference=found.reference,
            result_size=found.size,
            ms=round(ms),
        )


def _subject(arguments: Mapping[str, Any]) -> str:
    for name in _SUBJECTS:
        value = arguments.get(name)
        if value and isinstance(value, str):
            return plain_text(value, most=200)
        if value and isinstance(value, list | tuple):
            return plain_text(", ".join(map(str, value)), most=200)
    return ""


def _digest(arguments: Mapping[str, Any]) -> str:
    if not arguments:
        return ""
    try:
        text = orjson.dumps(arguments, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        text = repr(sorted(arguments.items(), key=lambda item: str(item[0]))).encode("utf-8", "replace")
    return hashlib.sha256(text).hexdigest()
