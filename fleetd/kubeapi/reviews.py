"""Reviews: who somebody is, and what somebody may do; answered, and not kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fleetd.kubeapi.exchange import User, authenticated
from fleetd.kubeapi.metadata import stamp
from fleetd.kubeapi.refusals import Cause, invalid, no_such_resource
from fleetd.kubeapi.rights import Rights, Wish

Body = dict[str, Any]
Knows = Callable[[str], Awaitable[User | None]]
"""Who a bearer token stands for."""

GROUP = "authorization.k8s.io"
OPEN_TO_ALL = ("selfsubjectreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews")
"""What every authenticated user may ask about itself."""


async def nobody(_token: str) -> User | None:
    """For a server that knows no tokens."""
    return None


@dataclass(frozen=True, slots=True)
class Reviews:
    """Answers by the same rights by which requests are let in."""

    rights: Rights
    clock: Callable[[], datetime]
    knows: Knows = nobody
    audience: Callable[[], str] = str

    async def answer(self, plural: str, body: Body, user: User) -> Body:
        """The review with its status. Raises ApiRefusal (404, 422)."""
        spec: Body = body.get("spec") or {}
        metadata: Body = {}
        match plural:
            case "selfsubjectreviews":
                metadata = {"creationTimestamp": stamp(self.clock())}
                status: Body = {"userInfo": who(user)}
            case "tokenreviews":
                status = await self._token(spec)
            case "selfsubjectaccessreviews":
                status = self._access(spec, user)
            case "subjectaccessreviews" | "localsubjectaccessreviews":
                status = self._access(spec, User(str(spec.get("user", "")), tuple(spec.get("groups") or ())))
            case "selfsubjectrulesreviews":
                status = self._rules(user, str(spec.get("namespace") or ""))
                body = {**body, "spec": {}}
            case _:
                raise no_such_resource()
        return {"kind": body["kind"], "apiVersion": body["apiVersion"], **body, "metadata": metadata, "status": status}

    async def _token(self, spec: Mapping[str, Any]) -> Body:
        found = await self.knows(str(spec.get("token", "")))
        if found is None:
            return {"user": {}, "error": "invalid bearer token"}
        return {"authenticated": True, "user": who(authenticated(found)), "audiences": [self.audience()]}

    def _access(self, spec: Mapping[str, Any], user: User) -> Body:
        asked, page = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
        if bool(asked) is bool(page):
            why = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
            cause = Cause("FieldValueInvalid", f"Invalid value: null: {why}", "spec.resourceAttributes")
            raise invalid(GROUP, "", "", [cause], of=f".{GROUP}")
        reason = self.rights.why(_path_wish(user, page) if page else _resource_wish(user, asked or {}))
        if reason is None:
            return {"allowed": False}
        return {"allowed": True, "reason": reason} if reason else {"allowed": True}

    def _rules(self, user: User, namespace: str) -> Body:
        rules = self.rights.rules(user, namespace)
        return {
            "resourceRules": [dict(rule) for rule in rules if not rule.get("nonResourceURLs")],
            "nonResourceRules": [dict(rule) for rule in rules if rule.get("nonResourceURLs")],
            "incomplete": False,
        }


def _resource_wish(user: User, asked: Mapping[str, Any]) -> Wish:
    def said(key: str) -> str:
        return str(asked.get(key) or "")

    resource = "/".join(filter(None, (said("resource"), said("subresource"))))
    return Wish(user, said("verb"), said("group"), resource, said("namespace"), said("name"))


def _path_wish(user: User, page: Mapping[str, Any]) -> Wish:
    return Wish(user, str(page.get("verb") or ""), path=str(page.get("path") or "/"))


def who(user: User) -> Body:
    """A user as reviews show it."""
    said: Body = {"username": user.name, "uid": user.uid, "groups": list(user.groups), "extra": {key: [*each] for key, each in user.extra}}
    return {key: value for key, value in said.items() if value or key == "username"}
