"""What can go wrong between a cluster and its clients, on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase

from fleetd.kubeapi.exchange import Request, Response, Stream
from fleetd.sim.answers import refusal
from fleetd.sim.asked import Asked
from fleetd.sim.transport import Truncated

WRONG_TYPE = "text/html; charset=utf-8"
INVALID_JSON = b'{"kind": "Status", "apiVersion": \n'


class FaultKind(StrEnum):
    """What goes wrong.

    Of `refuse`, `cut`, `drop-history`, `expire`, `replace` and `clock` the whole cluster is struck; of the others, the requests and watches
    that the fault's verbs and path name. `cut`, `drop-history`, `expire` and `replace` happen once, when they are injected.
    """

    REFUSE = "refuse"  # the port is closed; open connections are cut
    CUT = "cut"  # all open connections are cut
    DROP_HISTORY = "drop-history"  # old resourceVersions are forgotten: 410 for whoever comes with one
    HANG = "hang"  # taken, never answered
    DELAY = "delay"  # so many seconds before each answer and each frame of a watch
    STATUS = "status"  # another status instead of an answer
    LOSE_ANSWER = "lose-answer"  # carried out, but the connection is cut before the answer
    SILENT = "silent"  # watches stay open and say nothing
    TRUNCATE = "truncate"  # the answer, or the next frame of a watch, breaks off in its middle
    CONTENT_TYPE = "content-type"  # the right body, called text/html
    DENY = "deny"  # no token is known: 401
    EXPIRE = "expire"  # all tokens are over; the kubeconfig has a new one
    STALE = "stale"  # reads tell the state of when this began
    BANDWIDTH = "bandwidth"  # answers and frames arrive at so many bytes a second
    CLOCK = "clock"  # the cluster's clock is so many seconds ahead, or behind
    FREEZE = "freeze"  # nothing moves; all goes on where it was once it is healed
    REPLACE = "replace"  # the cluster is another one, empty and with other uids, at the same address
    INVALID_JSON = "invalid-json"  # a body, or frames of a watch, that cannot be parsed


ONCE = frozenset({FaultKind.CUT, FaultKind.DROP_HISTORY, FaultKind.EXPIRE, FaultKind.REPLACE})


@dataclass(frozen=True)
class Fault:
    """One fault.

    Args:
        kind: what goes wrong.
        seconds: how long a `delay` is, and how far a `clock` is ahead.
        status: what a `status` answers; with `retry_after` seconds as Retry-After.
        verbs: the Kubernetes verbs it strikes (get, list, watch, create, …); empty: all.
        path: a glob over the request's path.
        times: how many requests it strikes before it is over; 0: until it is healed. Frames of a watch that is already open do not count.
        rate: bytes a second of a `bandwidth`.
    """

    kind: FaultKind
    seconds: float = 0.0
    status: int = 503
    retry_after: int | None = None
    verbs: frozenset[str] = frozenset()
    path: str = "*"
    times: int = 0
    rate: int = 0

    def strikes(self, asked: Asked) -> bool:
        """Whether the fault is meant for this request."""
        return (not self.verbs or asked.verb in self.verbs) and (self.path == "*" or fnmatchcase(asked.path, self.path))


@dataclass
class _Active:
    fault: Fault
    left: int
    since: int = 0


Answer = Response | Stream | Truncated


class Faults:
    """The faults of one cluster that act on requests and watches now."""

    def __init__(self) -> None:
        self._active: list[_Active] = []
        self._healed: asyncio.Future[None] | None = None

    def __iter__(self) -> Iterator[Fault]:
        return iter([active.fault for active in self._active])

    def add(self, fault: Fault, since: int = 0) -> None:
        """`since` is the version of the storage."""
        self._active.append(_Active(fault, fault.times, since))

    def of(self, kind: FaultKind) -> Fault | None:
        """A fault of a kind that is active."""
        return next((active.fault for active in self._active if active.fault.kind is kind), None)

    def stale_since(self, asked: Asked) -> int | None:
        """The version of which reads are to tell."""
        for active in self._active:
            if active.fault.kind is FaultKind.STALE and active.fault.strikes(asked):
                return active.since
        return None

    def remove(self, fault: Fault | None) -> None:
        """Ends one fault, or all; connections that hung are cut."""
        self._active = [active for active in self._active if fault is not None and active.fault != fault]
        if self._healed is not None:
            self._healed.set_result(None)
            self._healed = None

    def striking(self, asked: Asked) -> list[Fault]:
        """The faults meant for this request, each counted as having struck once more."""
        struck = [active for active in self._active if active.fault.strikes(asked)]
        for active in struck:
            if active.fault.times:
                active.left -= 1
                if active.left == 0:
                    self._active.remove(active)
        return [active.fault for active in struck]

    def on_frame(self, asked: Asked) -> Fault | None:
        """The fault meant for the frames of this watch now."""
        for active in self._active:
            if active.fault.kind in ON_FRAMES and active.fault.strikes(asked):
                return active.fault
        return None

    async def around(self, asked: Asked, request: Request, answer: Callable[[Request], Awaitable[Response | Stream]]) -> Answer:
        """Has the request answered, with what goes wrong before and after.

        Raises:
            ConnectionAbortedError: the connection is to be cut.
        """
        if not self._active:
            return await answer(request)
        struck = self.striking(asked)
        for fault in struck:
            match fault.kind:
                case FaultKind.HANG:
                    await self._until_healed()
                    raise ConnectionAbortedError("hung")
                case FaultKind.FREEZE:
                    await self._until_healed()
                case FaultKind.DELAY:
                    await asyncio.sleep(fault.seconds)
                case FaultKind.STATUS:
                    return _status(fault)
                case _:
                    pass
        answered: Answer = await answer(request)
        for fault in struck:
            if fault.kind is FaultKind.BANDWIDTH and isinstance(answered, Response):
                await asyncio.sleep(len(answered.body) / max(fault.rate, 1))
            answered = _spoiled(answered, fault.kind)
        return answered

    async def _until_healed(self) -> None:
        if self._healed is None:
            self._healed = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._healed)


ON_FRAMES = frozenset(
    {
        FaultKind.BANDWIDTH,
        FaultKind.DELAY,
        FaultKind.FREEZE,
        FaultKind.SILENT,
        FaultKind.TRUNCATE,
        FaultKind.INVALID_JSON,
    }
)


def _status(fault: Fault) -> Response:
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if fault.status == 429:
        return Response(429, b"Too many requests, please try again later.\n", "text/plain; charset=utf-8", {"Retry-After": "1"} | headers)
    reason = {401: "Unauthorized", 403: "Forbidden", 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout"}.get(fault.status, "")
    return replace(refusal(fault.status, reason, f"a fault was injected: status {fault.status}"), headers=headers)


def _spoiled(answer: Answer, kind: FaultKind) -> Answer:
    if kind is FaultKind.LOSE_ANSWER:
        raise ConnectionAbortedError("the answer is lost")
    if not isinstance(answer, Response):
        # What else strikes a watch strikes its frames.
        if kind is FaultKind.CONTENT_TYPE and not isinstance(answer, Truncated):
            answer.content_type = WRONG_TYPE
        return answer
    match kind:
        case FaultKind.TRUNCATE:
            return Truncated(answer)
        case FaultKind.CONTENT_TYPE:
            return replace(answer, content_type=WRONG_TYPE)
        case FaultKind.INVALID_JSON:
            return replace(answer, body=INVALID_JSON)
        case _:
            return answer
