"""What may look at a write, change it or refuse it before it is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Protocol

from fleetd.kubeapi.exchange import User
from fleetd.kubeapi.kinds import Kind


class Operation(Enum):
    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class Asked:
    """A write that is about to happen. `before` is None for a creation, `after` None for a deletion; both have their defaults."""

    operation: Operation
    kind: Kind
    namespace: str
    name: str
    subresource: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    user: User
    dry_run: bool


class Admission(Protocol):
    """One step of admission; the steps are asked in order, each with what the one before left."""

    async def admit(self, asked: Asked) -> dict[str, Any] | None:
        """The object to store (`asked.after`, or another one; None for a deletion). Raises ApiRefusal."""


async def admitted(steps: Sequence[Admission], asked: Asked) -> Any:
    """What is left of a write after all steps. Raises ApiRefusal."""
    for step in steps:
        made = await step.admit(asked)
        asked = asked if made is asked.after else replace(asked, after=made)
    return asked.after


May = Callable[[User, str, str, str, str, str], bool]
"""Says whether a user may do something: of user, verb, group, resource, namespace and name. The resource is a plural, with `/subresource`
where there is one; what does not apply is empty."""


def only_masters(user: User, _verb: str, _group: str, _resource: str, _namespace: str, _name: str) -> bool:
    """Members of `system:masters` may do everything, others nothing."""
    return "system:masters" in user.groups
