"""Reviews: who somebody is, and what somebody may do; answered, and not kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fleetd.kubeapi.exchange import User, authenticated
from fleetd.kubeapi.metadata import stamp
from fleetd.kubeapi.refusals import Cause, bad_request, invalid, no_such_resource
from fleetd.kubeapi.rights import Rights, Wish
from fleetd.kubeapi.rules import in_json, wrong, wrong_value

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

    async def answer(self, plural: str, body: Body, user: User, namespace: str = "") -> Body:
        """The review with its status. Raises ApiRefusal (400, 404, 422)."""
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
                _check_other(body, spec, namespace)
                metadata = {"namespace": namespace} if namespace else {}
                status = self._access(spec, User(str(spec.get("user", "")), tuple(spec.get("groups") or ())))
            case "selfsubjectrulesreviews":
                if not spec.get("namespace"):
                    raise bad_request("no namespace on request")
                status = self._rules(user, str(spec.get("namespace") or ""))
                body = {**body, "spec": {}}
            case _:
                raise no_such_resource()
        return {"kind": body["kind"], "apiVersion": body["apiVersion"], **body, "metadata": metadata, "status": status}

    async def _token(self, spec: Mapping[str, Any]) -> Body:
        if not spec.get("token"):
            raise bad_request("token is required for TokenReview in authentication")
        found = await self.knows(str(spec.get("token", "")))
        if found is None:
            return {"user": {}, "error": "invalid bearer token"}
        return {"authenticated": True, "user": who(authenticated(found)), "audiences": [self.audience()]}

    def _access(self, spec: Mapping[str, Any], user: User) -> Body:
        asked, page = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
        _refuse(_asked_once(spec))
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


def _refuse(causes: Iterable[Cause]) -> None:
    listed = list(causes)
    if listed:
        raise invalid(GROUP, "", "", listed, of=f".{GROUP}")


def _asked_once(spec: Mapping[str, Any]) -> Iterator[Cause]:
    """Whether either a resource or a path is asked for."""
    asked, page = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if asked is not None and page is not None:
        yield _of_path(page, "cannot be specified in combination with resourceAttributes")
    elif asked is None and page is None:
        yield wrong("spec.resourceAttributes", "null", "exactly one of nonResourceAttributes or resourceAttributes must be specified")


def _of_path(page: Mapping[str, Any], why: str) -> Cause:
    shown = in_json({"Path": page.get("path", ""), "Verb": page.get("verb", "")}, keeps_order=True)
    return wrong("spec.nonResourceAttributes", shown, why)


def _check_other(body: Body, spec: Mapping[str, Any], namespace: str) -> None:
    """Whether it is said of whom somebody asks and, in a namespace, of which. Raises ApiRefusal (400, 422)."""
    causes = list(_asked_once(spec))
    if not spec.get("user") and not spec.get("groups"):
        causes.append(wrong_value("spec.user", "", "at least one of user or group must be specified"))
    said = {key: value for key, value in body["metadata"].items() if key not in ("managedFields", "namespace") and value}
    if said:
        where = " except for namespace" if namespace else ""
        causes.append(wrong("metadata", in_json(said), f"must be empty{where}"))
    if namespace:
        if body["metadata"].get("namespace") not in (None, "", namespace):
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
        wanted = spec.get("resourceAttributes")
        if wanted is not None and wanted.get("namespace") != namespace:
            here = "spec.resourceAttributes.namespace"
            causes.append(wrong_value(here, wanted.get("namespace") or "", "must match metadata.namespace"))
        if spec.get("nonResourceAttributes") is not None:
            causes.append(_of_path(spec["nonResourceAttributes"], "disallowed on this kind of request"))
    _refuse(causes)


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
