"""What may be done: small, reversible things, each with a reason, each as a request whose outcome can be read later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Protocol

from fleetd.service.answers import Answer
from fleetd.service.arguments import About, IdempotencyKey, Reason
from fleetd.service.asking import Question
from fleetd.service.questions.held import RequestsMade


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and through which face."""

    name: str
    via: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Requeue(Question[Answer[RequestsMade]]):
    """Makes what is stuck try again now: profiles, what an event or a trigger waits for, or what failed on a cluster.

    It changes nothing that is declared. The daemon picks the requests up; repeat the call with the same idempotency_key to see their state.
    """

    refs: Annotated[tuple[str, ...], About("ClusterProfile/x, EventTrigger/x, event:ID, or a cluster; 20 at most")]
    reason: Reason
    idempotency_key: IdempotencyKey = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPause(Question[Answer[RequestsMade]]):
    """Pauses a cluster or a declared profile, so that fleetd writes nothing there, or resumes it. What is deployed stays."""

    scope: Annotated[str, About("a cluster (namespace/name), or ClusterProfile/name or Profile/namespace/name")]
    paused: Annotated[bool, About("true: pause; false: resume")]
    reason: Reason
    idempotency_key: IdempotencyKey = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resync(Question[Answer[RequestsMade]]):
    """Makes the daemon read everything on a cluster anew, and look at all that it put there. Nothing declared changes."""

    clusters: Annotated[tuple[str, ...], About("namespace/name or the name alone; 20 at most")]
    reason: Reason
    idempotency_key: IdempotencyKey = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge(Question[Answer[RequestsMade]]):
    """Says that somebody knows of a pending event and looks after it; it stays pending."""

    events: Annotated[tuple[str, ...], About("ids of events; 20 at most")]
    reason: Reason
    idempotency_key: IdempotencyKey = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve(Question[Answer[RequestsMade]]):
    """Lets a held loss follow. For people at a terminal only: no face that serves a program offers it."""

    proposal: Annotated[str, About("its id")]
    reason: Reason
    seen: Annotated[str, About("the mark of what was shown: what it has become since is not approved")] = ""
    idempotency_key: IdempotencyKey = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject(Question[Answer[RequestsMade]]):
    """Says no to a held loss: nothing follows, and it is not asked again while it lasts. For people at a terminal only."""

    proposal: Annotated[str, About("its id")]
    reason: Reason
    idempotency_key: IdempotencyKey = ""


Action = Requeue | SetPause | Resync | Acknowledge | Approve | Reject


class Actions(Protocol):
    """Whom a face asks to do something."""

    async def act(self, action: Action, actor: Actor) -> Answer[RequestsMade]:
        """Makes the requests of an action; the same idempotency key makes none anew.

        Raises:
            Taught: it cannot be done as it stands.
            FleetdError: the state cannot be written now.
        """
        ...

    async def close(self) -> None: ...
