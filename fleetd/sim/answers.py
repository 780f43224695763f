"""Answers as bytes on the wire, and the Status bodies that say what went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import orjson

from fleetd.kubeapi.exchange import Response

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


def head(response: Response, *, keep_alive: bool) -> bytes:
    """The status line and headers of a whole answer."""
    begin = _begin(response.status, response.content_type, keep_alive)
    extra = "".join(f"{name}: {value}\r\n" for name, value in response.headers.items()).encode("latin-1") if response.headers else b""
    return b"%bContent-Length: %d\r\n%b\r\n" % (begin, len(response.body), extra)


def stream_head(content_type: str, *, chunked: bool, keep_alive: bool) -> bytes:
    """The status line and headers of an answer that goes on."""
    begin = _begin(200, content_type, chunked and keep_alive)
    return begin + (b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"\r\n")


def chunk(frame: bytes) -> bytes:
    """One chunk (RFC 9112, 7.1)."""
    return b"%x\r\n%b\r\n" % (len(frame), frame)


@lru_cache(256)
def _begin(status: int, content_type: str, keep_alive: bool) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    connection = "" if keep_alive else "Connection: close\r\n"
    return f"HTTP/1.1 {status} {phrase}\r\nCache-Control: no-cache, private\r\nContent-Type: {content_type}\r\n{connection}".encode(
        "latin-1"
    )


def answer(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """A JSON body as an answer."""
    return Response(status, orjson.dumps(body), headers=headers or {})


def refusal(status: int, reason: str, message: str, details: Mapping[str, Any] | None = None) -> Response:
    """A Status that says no, with the fields in the order of the Kubernetes API server."""
    body: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason}
    if details is not None:
        body["details"] = details
    return answer(status, {**body, "code": status})


UNAUTHORIZED = refusal(401, "Unauthorized", "Unauthorized")
