"""Reviews: who somebody is, and what somebody may do; answered, and not kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fleetd.kubeapi.admission import May
from fleetd.kubeapi.exchange import User
from fleetd.kubeapi.refusals import no_such_resource

Body = dict[str, Any]
Knows = Callable[[str], User | None]
"""Who a bearer token stands for."""

OPEN_TO_ALL = ("selfsubjectreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews")
"""What every authenticated user may ask about itself."""


def nobody(_token: str) -> User | None:
    return None


class Reviews:
    """Answers by the same rule by which requests are let in."""

    def __init__(self, may: May, knows: Knows = nobody) -> None:
        self._may = may
        self._knows = knows

    def answer(self, plural: str, body: Body, user: User) -> Body:
        """The review with its status. Raises ApiRefusal (404)."""
        spec: Mapping[str, Any] = body.get("spec") or {}
        match plural:
            case "selfsubjectreviews":
                status: Body = {"userInfo": _who(user)}
            case "tokenreviews":
                status = self._token(spec)
            case "selfsubjectaccessreviews":
                status = self._access(spec, user)
            case "subjectaccessreviews" | "localsubjectaccessreviews":
                status = self._access(spec, User(str(spec.get("user", "")), tuple(spec.get("groups") or ())))
            case "selfsubjectrulesreviews":
                status = self._rules(user)
            case _:
                raise no_such_resource()
        return {"kind": body["kind"], "apiVersion": body["apiVersion"], "metadata": {}, **body, "status": status}

    def _token(self, spec: Mapping[str, Any]) -> Body:
        found = self._knows(str(spec.get("token", "")))
        if found is None:
            return {"user": {}, "error": "the token is not known"}
        return {"authenticated": True, "user": _who(found)}

    def _access(self, spec: Mapping[str, Any], user: User) -> Body:
        asked = spec.get("resourceAttributes") or {}
        resource = "/".join(filter(None, (str(asked.get("resource", "")), str(asked.get("subresource", "")))))
        verb, group = str(asked.get("verb", "")), str(asked.get("group", ""))
        allowed = self._may(user, verb, group, resource, str(asked.get("namespace", "")), str(asked.get("name", "")))
        return {"allowed": allowed}

    def _rules(self, user: User) -> Body:
        """What is known without a list of rules: everything, or what everybody may ask."""
        if self._may(user, "*", "*", "*", "", ""):
            everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
            return {"resourceRules": [everything], "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}], "incomplete": False}
        asking = {"verbs": ["create"], "apiGroups": ["authorization.k8s.io", "authentication.k8s.io"], "resources": list(OPEN_TO_ALL)}
        return {"resourceRules": [asking], "nonResourceRules": [], "incomplete": True}


def _who(user: User) -> Body:
    return {"username": user.name, "groups": list(user.groups)}
