"""Group commit: what many callers ask at one time becomes one transaction, and each is told of its own part."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from fleetd.domain.audit import AuditEntry
from fleetd.domain.errors import FleetdError
from fleetd.domain.records import Record
from fleetd.store.crypto import MasterKey
from fleetd.store.deciding import audited
from fleetd.store.gather import ChangedKind, Changes
from fleetd.store.steps import Ask, Command, Row, Steps
from fleetd.store.writing import Writing

MOST = 10_000
"""Records that one transaction takes at most, beyond which the next callers wait for the next one."""


@dataclass(slots=True)
class Asked:
    """One caller's part: records, or a piece of work that reads and writes. The future is resolved after the commit."""

    future: asyncio.Future[Any]
    records: Sequence[Record] = ()
    work: Callable[[Changes], Steps[Any]] | None = None
    decided: Sequence[AuditEntry] = ()

    @property
    def weight(self) -> int:
        return 1 + len(self.records)

    def settle(self, outcome: Any) -> None:
        """Tells the caller, unless it went away."""
        if self.future.done():
            return
        if isinstance(outcome, BaseException):
            self.future.set_exception(outcome)
        else:
            self.future.set_result(outcome)


@dataclass(slots=True)
class Committed:
    """What each caller is told, in the order of asking: a value or the error that refused it; and whom it concerns."""

    outcomes: list[Any] = field(default_factory=list)
    changed: bool = False
    asks: bool = False


class Stamps:
    """The time of each transaction: the clock's, but always later than the one before it, whatever the clock does."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.last = datetime.min.replace(tzinfo=UTC)

    def take(self) -> datetime:
        self.last = max(self.last + timedelta(microseconds=1), self._now())
        return self.last


def transaction(asked: Iterable[Asked], at: datetime, key: MasterKey) -> Steps[Committed]:
    """Everything between BEGIN and COMMIT. A piece of work that is refused leaves nothing behind; the others stay."""
    done = Committed()
    writing = Writing(at, key)
    works: list[tuple[int, Callable[[Changes], Steps[Any]]]] = []
    for part in asked:
        writing.take(part.records)
        writing.changes.decided += part.decided
        if part.work is not None:
            works.append((len(done.outcomes), part.work))
        done.outcomes.append(None)
    yield from writing.steps()
    for index, work in works:
        done.outcomes[index] = yield from _alone(work, writing.changes)
    done.changed = bool(writing.changes.seen)
    done.asks = writing.asks or any(kind == ChangedKind.DECLARED for kind, _ in writing.changes.seen)
    yield from writing.changes.steps()
    yield from audited(writing.changes.decided, at)
    return done


def _alone(work: Callable[[Changes], Steps[Any]], changes: Changes) -> Generator[Ask, Sequence[Row], Any]:
    own = Changes(changes.at)
    yield Command("SAVEPOINT part")
    try:
        result = yield from work(own)
    except FleetdError as refusal:
        yield Command("ROLLBACK TO SAVEPOINT part")
        result = refusal
    else:
        for (kind, ref), operation in own.seen.items():
            changes.seen[kind, ref] = operation
        changes.decided += own.decided
    yield Command("RELEASE SAVEPOINT part")
    return result
