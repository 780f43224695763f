"""Rights by the roles and bindings that the server holds (rbac.authorization.k8s.io/v1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fleetd.kubeapi.bootstrap import GROUP, bootstrap_objects
from fleetd.kubeapi.exchange import User, authenticated
from fleetd.kubeapi.rights import Rule, Wish, is_master
from fleetd.kubeapi.selectors import selects
from fleetd.kubeapi.storage import Change

ROLES = f"roles.{GROUP}"
CLUSTER_ROLES = f"clusterroles.{GROUP}"
ROLE_BINDINGS = f"rolebindings.{GROUP}"
CLUSTER_ROLE_BINDINGS = f"clusterrolebindings.{GROUP}"
KEPT = frozenset({ROLES, CLUSTER_ROLES, ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS})
Body = Mapping[str, Any]


class _Granted(NamedTuple):
    """A rule, and where it comes from."""

    rule: Rule
    reason: str


class RoleBasedAccess:
    """The rule of RBAC: what no binding allows is forbidden; `system:masters` may do everything.

    `told` is to hear every change of the storage; what is there from the start are the bootstrap roles.
    """

    def __init__(self) -> None:
        self._objects: dict[str, dict[tuple[str, str], Body]] = {}

    def told(self, change: Change) -> None:
        if change.resource not in KEPT:
            return
        record = change.after or change.before
        key = change.namespace, str(record.metadata["name"]) if record else ""
        shelf = self._objects.setdefault(change.resource, dict(_given(change.resource)))
        if change.after is None:
            shelf.pop(key, None)
        else:
            shelf[key] = change.after.body

    def __call__(self, user: User, verb: str, group: str, resource: str, namespace: str, name: str) -> bool:
        return self.why(Wish(user, verb, group, resource, namespace, name)) is not None

    def why(self, wish: Wish) -> str | None:
        """The binding that allows it; empty for a master."""
        if is_master(wish.user):
            return ""
        for granted in self._granted(authenticated(wish.user), wish.namespace):
            if allows(granted.rule, wish):
                return granted.reason
        return None

    def rules(self, user: User, namespace: str) -> Sequence[Rule]:
        return [granted.rule for granted in self._granted(authenticated(user), namespace)]

    def role_rules(self, reference: Body, namespace: str) -> Sequence[Rule]:
        """The rules behind a roleRef, gathered from other roles where the role says so."""
        wide = reference.get("kind") == "ClusterRole"
        roles = self._of(CLUSTER_ROLES if wide else ROLES)
        role = roles.get(("" if wide else namespace, str(reference.get("name"))))
        if role is None:
            return ()
        return gathered(role, roles.values()) if role.get("aggregationRule") else role.get("rules") or ()

    def _of(self, resource: str) -> Mapping[tuple[str, str], Body]:
        found = self._objects.get(resource)
        return _given(resource) if found is None else found

    def _granted(self, user: User, namespace: str) -> Iterator[_Granted]:
        for (_, name), binding in self._of(CLUSTER_ROLE_BINDINGS).items():
            yield from self._bound(f'ClusterRoleBinding "{name}"', binding, user, "")
        if namespace:
            for (place, name), binding in self._of(ROLE_BINDINGS).items():
                if place == namespace:
                    yield from self._bound(f'RoleBinding "{name}/{namespace}"', binding, user, namespace)

    def _bound(self, which: str, binding: Body, user: User, namespace: str) -> Iterator[_Granted]:
        subject = _subject(binding, user, namespace)
        if subject:
            reference = binding["roleRef"]
            reason = f'RBAC: allowed by {which} of {reference["kind"]} "{reference["name"]}" to {subject}'
            for rule in self.role_rules(reference, namespace):
                yield _Granted(rule, reason)


def _given(resource: str) -> Mapping[tuple[str, str], Body]:
    return _BOOTSTRAPPED.get(resource, {})


_BOOTSTRAPPED: Mapping[str, Mapping[tuple[str, str], Body]] = {
    resource: {("", body["metadata"]["name"]): body for body in bootstrap_objects() if body["kind"] == kind}
    for resource, kind in ((CLUSTER_ROLES, "ClusterRole"), (CLUSTER_ROLE_BINDINGS, "ClusterRoleBinding"))
}


def gathered(role: Body, roles: Iterator[Body] | Any) -> list[Rule]:
    """The rules of an aggregated role: those of all roles that one of its selectors chooses, each once, by the roles' names."""
    selectors = role["aggregationRule"].get("clusterRoleSelectors") or ()
    found: list[Rule] = []
    for other in sorted(roles, key=lambda each: str(each["metadata"]["name"])):
        labels = other["metadata"].get("labels") or {}
        if other["metadata"]["name"] != role["metadata"]["name"] and any(selects(selector, labels) for selector in selectors):
            found.extend(rule for rule in other.get("rules") or () if rule not in found)
    return found


def _subject(binding: Body, user: User, namespace: str) -> str:
    """The subject of a binding that the user is, as messages name it; empty where it is none."""
    for subject in binding.get("subjects") or ():
        kind, name = subject.get("kind"), subject.get("name")
        place = subject.get("namespace") or namespace
        if kind == "User" and name == user.name:
            return f'User "{name}"'
        if kind == "Group" and name in user.groups:
            return f'Group "{name}"'
        if kind == "ServiceAccount" and f"system:serviceaccount:{place}:{name}" == user.name:
            return f'ServiceAccount "{name}/{place}"'
    return ""


def allows(rule: Rule, wish: Wish) -> bool:
    """Whether one rule allows it."""
    if {"*", wish.verb}.isdisjoint(rule.get("verbs") or ()):
        return False
    if wish.path:
        return any(_covers_path(page, wish.path) for page in rule.get("nonResourceURLs") or ())
    _, _, below = wish.resource.partition("/")
    resources = {"*", wish.resource, f"*/{below}"} if below else {"*", wish.resource}
    names = rule.get("resourceNames") or ()
    return (
        not {"*", wish.group}.isdisjoint(rule.get("apiGroups") or ())
        and not resources.isdisjoint(rule.get("resources") or ())
        and (not names or wish.name in names)
    )


def _covers_path(page: str, path: str) -> bool:
    return page in ("*", path) or (page.endswith("*") and path.startswith(page[:-1]))
