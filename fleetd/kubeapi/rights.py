"""Who may do what: the question, and who answers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from fleetd.kubeapi.admission import May
from fleetd.kubeapi.exchange import MASTERS, UNAUTHENTICATED, User

Rule = Mapping[str, Any]


class Wish(NamedTuple):
    """What somebody wants to do: a verb on a resource (with `/subresource`), or on a path that is none. What does not apply is empty."""

    user: User
    verb: str
    group: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    def with_verb(self, verb: str) -> Wish:
        return self._replace(verb=verb)


class Rights(Protocol):
    """Decides."""

    def why(self, wish: Wish) -> str | None:
        """The reason why it is allowed, which may be empty; None where it is not."""

    def rules(self, user: User, namespace: str) -> Sequence[Rule]:
        """All rules that count for a user in a namespace, as far as they can be listed."""


@dataclass(frozen=True, slots=True)
class Simple:
    """Rights by a function that knows resources only; paths are open to everybody who is known."""

    may: May

    def why(self, wish: Wish) -> str | None:
        if wish.path:
            known = UNAUTHENTICATED not in wish.user.groups
            return "" if known and (wish.path != "/" or self.may(wish.user, "get", "", "", "", "")) else None
        return "" if self.may(wish.user, wish.verb, wish.group, wish.resource, wish.namespace, wish.name) else None

    def rules(self, user: User, namespace: str) -> Sequence[Rule]:
        if not self.may(user, "*", "*", "*", namespace, ""):
            return ()
        return ({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}, {"verbs": ["*"], "nonResourceURLs": ["*"]})


def is_master(user: User) -> bool:
    """Whether no rule binds the user."""
    return MASTERS in user.groups
