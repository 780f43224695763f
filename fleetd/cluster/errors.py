"""What a cluster's refusals mean for us: Kubernetes Status answers become errors named by what happens next."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from fleetd.cluster.port import FieldClaim, FieldConflict, NoSuchKind
from fleetd.domain.errors import Conflict, FleetdError, GiveUp, NotPermitted, Overloaded, TryLater, Unreachable

LONGEST_SENTENCE = 600
MANAGER = re.compile(r'conflict with "((?:[^"\\]|\\.)*)"')
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+")


class ClusterDown(Unreachable):
    """Nothing that speaks for the API server answered: no request to this cluster has a better chance now."""


class Gone(TryLater):
    """The server no longer knows the resourceVersion or the continue token (410): list anew."""


class NotThere(GiveUp):
    """The object does not exist; the kind does."""


class Unauthenticated(NotPermitted):
    """The server does not know who asks (401)."""


class TooLarge(GiveUp):
    """The answer is larger than we read."""


def plain(text: str, limit: int = LONGEST_SENTENCE) -> str:
    """A foreign sentence on one line, without control characters, cut to size."""
    line = UNPRINTABLE.sub(" ", text).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def status_of(body: bytes) -> Mapping[str, Any]:
    """The Status that an answer's body holds, or an empty one."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) and document.get("kind") == "Status" else {}


def refusal(asked: str, code: int, body: bytes, *, after: float | None = None, hide: bool = False) -> FleetdError:
    """The error for an answer that is no success.

    Args:
        asked: what was asked of whom, as the sentence's beginning (`dev/eu-1: apply Service shop/web`).
        after: seconds from a Retry-After header.
        hide: leave the server's own sentence out, for it may repeat values of a Secret.
    """
    status = status_of(body)
    sentence = f"{asked}: {_says(code, status, body, hide=hide)}"
    if after is None:
        after = _retry_after(status)
    if code >= 429:
        return _not_now(code, sentence, status, after)
    match code:
        case 401:
            return Unauthenticated(sentence)
        case 403:
            return TryLater(sentence) if _caused(status, "NamespaceTerminating") else NotPermitted(sentence)
        case 404:
            return NotThere(sentence) if _details(status).get("name") else NoSuchKind(sentence)
        case 409:
            claims = tuple(claim for cause in _causes(status) if (claim := _claim(cause)) is not None)
            return FieldConflict(sentence, claims) if claims else Conflict(sentence)
        case 410:
            return Gone(sentence, after=after)
        case _:
            return GiveUp(sentence)


def _not_now(code: int, sentence: str, status: Mapping[str, Any], after: float | None) -> FleetdError:
    match code:
        case 429:
            return Overloaded(sentence, after=after)
        case 502 | 503 | 504 if not status:
            # Not Kubernetes' words: something before the API server says that nothing is behind it.
            return ClusterDown(sentence, after=after)
        case _ if _caused(status, "ResourceVersionTooLarge"):
            return Gone(sentence, after=after)
        case _ if code >= 500:
            return Unreachable(sentence, after=after)
        case _:
            return GiveUp(sentence)


def _details(status: Mapping[str, Any]) -> Mapping[str, Any]:
    details = status.get("details")
    return details if isinstance(details, dict) else {}


def _causes(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    causes = _details(status).get("causes")
    return [cause for cause in causes if isinstance(cause, dict)] if isinstance(causes, list) else []


def _caused(status: Mapping[str, Any], reason: str) -> bool:
    return any(cause.get("reason") == reason for cause in _causes(status))


def _claim(cause: Mapping[str, Any]) -> FieldClaim | None:
    if cause.get("reason") != "FieldManagerConflict":
        return None
    found = MANAGER.search(str(cause.get("message") or ""))
    return FieldClaim(plain(found.group(1), 128) if found else "an unnamed manager", plain(str(cause.get("field") or ""), 256))


def _retry_after(status: Mapping[str, Any]) -> float | None:
    seconds = _details(status).get("retryAfterSeconds")
    return float(seconds) if isinstance(seconds, int) and seconds > 0 else None


def _says(code: int, status: Mapping[str, Any], body: bytes, *, hide: bool) -> str:
    reason = plain(str(status.get("reason") or ""), 64)
    if hide and code in {400, 409, 422}:
        fields = ", ".join(plain(str(cause.get("field") or ""), 128) for cause in _causes(status))
        return f"the server refused it ({reason or code}" + (f": {fields})" if fields else ")")
    message = plain(str(status.get("message") or ""))
    if message:
        return message
    if code in {400, 422}:
        return f"the server answered {code}: {plain(body[:200].decode(errors='replace'), 200)}"
    return f"the server answered {code}" + (f" ({reason})" if reason else "")
