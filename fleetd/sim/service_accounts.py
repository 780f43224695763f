"""Tokens of service accounts: TokenRequest gives them, and here is known whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from fleetd.kubeapi.bodies import JSON, media_type
from fleetd.kubeapi.exchange import AUTHENTICATED, Request, Response, User, service_account
from fleetd.kubeapi.protobuf import MEDIA_TYPE, from_protobuf
from fleetd.kubeapi.refusals import ApiRefusal, unsupported_media_type
from fleetd.sim.answers import answer, refusal
from fleetd.sim.asked import Asked
from fleetd.sim.authentication import Tokens
from fleetd.sim.inprocess import InProcess

GROUP = "authentication.k8s.io"
DEFAULT_SECONDS = 3600
SHORTEST_SECONDS = 600
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class TokenDesk:
    """Answers the token requests of one cluster."""

    tokens: Tokens
    admin: InProcess
    audience: str

    def answers(self, asked: Asked) -> bool:
        """Whether the request is for this desk."""
        if asked.verb != "create":
            return False
        return asked.resource == "serviceaccounts" and asked.subresource == "token"

    async def answer(self, asked: Asked, request: Request, user: User, now: datetime) -> Response:
        """A token; the right to it is asked of the server's own authorizer."""
        refused = await self._not_allowed(asked, user)
        if refused is not None:
            return refused
        if media_type(request) not in {JSON, MEDIA_TYPE, ""}:
            return unsupported_media_type(JSON).response()
        try:
            body = from_protobuf(request.body) if media_type(request) == MEDIA_TYPE else orjson.loads(request.body)
        except ApiRefusal as unreadable:
            return unreadable.response()
        except orjson.JSONDecodeError as error:
            return refusal(400, "BadRequest", f"the object provided is unrecognized: {error}")
        return await self._issue(asked, body, now)

    async def _not_allowed(self, asked: Asked, user: User) -> Response | None:
        if "system:masters" in user.groups:
            return None
        attributes = {
            "verb": asked.verb,
            "group": asked.group,
            "resource": asked.resource,
            "subresource": asked.subresource,
            "namespace": asked.namespace,
            "name": asked.name,
        }
        review = await self.admin.review_access(user.name, (*user.groups, AUTHENTICATED), attributes)
        if review:
            return None
        resource = f"{asked.resource}/{asked.subresource}" if asked.subresource else asked.resource
        subject = f"{asked.resource} {orjson.dumps(asked.name).decode()}" if asked.name else f"{asked.resource}.{asked.group}"
        place = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
        message = f'{subject} is forbidden: User "{user.name}" cannot create resource "{resource}" in API group "{asked.group}" {place}'
        named = {"name": asked.name} if asked.name else {}
        grouped = {"group": asked.group} if asked.group else {}
        return refusal(403, "Forbidden", message, named | grouped | {"kind": asked.resource})

    async def _issue(self, asked: Asked, body: dict[str, Any], now: datetime) -> Response:
        spec = body.get("spec") or {}
        seconds = spec.get("expirationSeconds") or DEFAULT_SECONDS
        if not isinstance(seconds, int) or seconds < SHORTEST_SECONDS:
            return _too_short(seconds)
        account = await self.admin.get("v1", "ServiceAccount", asked.namespace, asked.name)
        if account is None:
            return refusal(404, "NotFound", f'serviceaccounts "{asked.name}" not found', {"name": asked.name, "kind": "serviceaccounts"})
        uid = account["metadata"]["uid"]
        token = self.tokens.issue(service_account(asked.namespace, asked.name, uid), seconds, bound_uid=uid)
        metadata = {
            "name": asked.name,
            "namespace": asked.namespace,
            "uid": uid,
            "creationTimestamp": now.strftime(TIME_FORMAT),
        }
        audiences = spec.get("audiences") or [self.audience]
        return answer(
            201,
            {
                "kind": "TokenRequest",
                "apiVersion": f"{GROUP}/v1",
                "metadata": metadata,
                "spec": {"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": spec.get("boundObjectRef")},
                "status": {"token": token, "expirationTimestamp": (now + timedelta(seconds=seconds)).strftime(TIME_FORMAT)},
            },
        )

    async def whose(self, token: str) -> User | None:
        """Whom a token stands for; None for one that is not known, or whose service account is gone."""
        found = self.tokens.credential(token)
        return found.user if found is not None and await self.alive(found.user, found.bound_uid) else None

    async def alive(self, user: User, bound_uid: str) -> bool:
        """Whether the service account that the token is bound to still is; true for tokens that are bound to none."""
        if not bound_uid:
            return True
        _, _, namespace, name = user.name.split(":")
        account = await self.admin.get("v1", "ServiceAccount", namespace, name)
        return account is not None and account["metadata"]["uid"] == bound_uid


def _too_short(seconds: object) -> Response:
    said = f"Invalid value: {seconds}: may not specify a duration less than 10 minutes"
    field = "spec.expirationSeconds"
    causes = [{"reason": "FieldValueInvalid", "message": said, "field": field}]
    details = {"group": GROUP, "kind": "TokenRequest", "causes": causes}
    return refusal(422, "Invalid", f'TokenRequest.{GROUP} "" is invalid: {field}: {said}', details)
