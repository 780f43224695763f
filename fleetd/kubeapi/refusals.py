"""What the server says no with: a Status body, as an exception until it is an answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from fleetd.kubeapi.exchange import Response
from fleetd.kubeapi.kinds import Kind


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that is wrong with one field."""

    reason: str
    message: str
    field: str

    def body(self) -> dict[str, str]:
        return {"reason": self.reason, "message": self.message, "field": self.field}


class ApiRefusal(Exception):
    """A request that is not carried out; `reason` is the machine's word for why (may be empty), `status` the HTTP status code."""

    def __init__(
        self, status: int, reason: str, message: str, details: Mapping[str, Any] | None = None, metadata: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.details = details
        self.metadata = metadata or {}

    def body(self) -> dict[str, Any]:
        """The Status object."""
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": dict(self.metadata),
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = dict(self.details)
        body["code"] = self.status
        return body

    def response(self) -> Response:
        seconds = (self.details or {}).get("retryAfterSeconds")
        return Response(self.status, orjson.dumps(self.body()), headers={"Retry-After": str(seconds)} if seconds else {})


def _named(name: str, group: str, kind: str) -> dict[str, Any]:
    details = {"name": name, "group": group, "kind": kind}
    return {key: value for key, value in details.items() if value}


def not_found(kind: Kind, name: str) -> ApiRefusal:
    return ApiRefusal(404, "NotFound", f'{kind.resource} "{name}" not found', _named(name, kind.group, kind.plural))


def no_such_resource() -> ApiRefusal:
    return ApiRefusal(404, "NotFound", "the server could not find the requested resource", {})


def no_such_method() -> ApiRefusal:
    return ApiRefusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def already_exists(kind: Kind, name: str, *, ending: bool) -> ApiRefusal:
    before = "object is being deleted: " if ending else ""
    return ApiRefusal(409, "AlreadyExists", f'{before}{kind.resource} "{name}" already exists', _named(name, kind.group, kind.plural))


def conflict(kind: Kind, name: str, why: str = "") -> ApiRefusal:
    """`why` defaults to that the object has been modified meanwhile."""
    said = why or "the object has been modified; please apply your changes to the latest version and try again"
    return ApiRefusal(
        409, "Conflict", f'Operation cannot be fulfilled on {kind.resource} "{name}": {said}', _named(name, kind.group, kind.plural)
    )


def unmet_precondition(kind: Kind, name: str, why: str) -> ApiRefusal:
    return ApiRefusal(
        409, "Conflict", f'Operation cannot be fulfilled on {kind.group_kind} "{name}": {why}', _named(name, kind.group, kind.kind)
    )


def bad_request(message: str) -> ApiRefusal:
    return ApiRefusal(400, "BadRequest", message)


def failed(message: str) -> ApiRefusal:
    """500 without a reason: what the API server says where it converts no error of its libraries."""
    return ApiRefusal(500, "", message)


def unsupported_media_type(accepted: str = "") -> ApiRefusal:
    if not accepted:
        return ApiRefusal(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
    return ApiRefusal(
        415, "UnsupportedMediaType", f"the body of the request was in an unknown format - accepted media types include: {accepted}"
    )


def rejected_patch() -> ApiRefusal:
    return ApiRefusal(422, "Invalid", "the server rejected our request due to an error in our request", {})


def invalid(group: str, kind: str, name: str, causes: Iterable[Cause], *, of: str = "") -> ApiRefusal:
    """422 with its causes; a single one stands bare in the message, several in brackets. `of` is what the message calls the kind."""
    listed = list(causes)
    said = list(dict.fromkeys(f"{cause.field}: {cause.message}" for cause in listed))
    whole = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
    full = of or (f"{kind}.{group}" if group else kind)
    details = {**_named(name, group, kind), "causes": [cause.body() for cause in listed]}
    return ApiRefusal(422, "Invalid", f'{full} "{name}" is invalid: {whole}', details)


def forbidden(kind: Kind, name: str, why: str, causes: Iterable[Cause] = ()) -> ApiRefusal:
    subject = f'{kind.resource} "{name}"' if name else kind.resource
    details = _named(name, kind.group, kind.plural)
    listed = [cause.body() for cause in causes]
    if listed:
        details["causes"] = listed
    return ApiRefusal(403, "Forbidden", f"{subject} is forbidden: {why}", details)


def unauthorized() -> ApiRefusal:
    return ApiRefusal(401, "Unauthorized", "Unauthorized")


def expired(message: str, *, goes_on: str = "") -> ApiRefusal:
    """410; `goes_on` is a continue token with which the client may read the rest, at the newest state."""
    return ApiRefusal(410, "Expired", message, metadata={"continue": goes_on} if goes_on else None)


def too_large_version(asked: int, newest: int) -> ApiRefusal:
    """A list at a version that is not there yet; the client comes again."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    message = f"Timeout: Too large resource version: {asked}, current: {newest}"
    return ApiRefusal(504, "Timeout", message, {"causes": [cause], "retryAfterSeconds": 1})


def not_acceptable(available: str) -> ApiRefusal:
    return ApiRefusal(406, "NotAcceptable", f"406: Not Acceptable\n\nAvailable representations: {available}", {})
