"""Watches: what changes is told in the same moment, in bytes that all watches of one form share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import orjson

from fleetd.kubeapi.forms import META, Form, table, text_of
from fleetd.kubeapi.kinds import Kind
from fleetd.kubeapi.refusals import ApiRefusal
from fleetd.kubeapi.selectors import Matches, everything
from fleetd.kubeapi.storage import Change, Record

BOOKMARK_EVERY = 60.0
"""Seconds between two bookmarks."""
SHORTEST, SPREAD = 1800, 1800
"""Seconds that a watch lasts which asks for no end; the spread keeps them from ending all at once."""
INITIAL_END = {"annotations": {"k8s.io/initial-events-end": "true"}}


class Timer(Protocol):
    def cancel(self) -> None: ...


Later = Callable[[float, Callable[[], None]], Timer]
"""Calls something once, so many seconds later."""


def by_the_loop(seconds: float, call: Callable[[], None]) -> Timer:
    """Time as the running event loop has it."""
    return asyncio.get_running_loop().call_later(seconds, call)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one watch wants to see.

    `since`: changes after this version. `initial`: the objects that are told first as ADDED. `ends_initial`: a bookmark then says that
    these were all. `seconds`: after which the server ends the watch.
    """

    kind: Kind
    namespace: str
    matches: Matches
    form: Form
    since: int
    seconds: float
    bookmarks: bool = False
    initial: tuple[Record, ...] = ()
    ends_initial: bool = False
    include: str = "Metadata"


class Refused:
    """A watch that ends at once with one ERROR event."""

    content_type = "application/json"

    def __init__(self, refusal: ApiRefusal) -> None:
        self._frame = b'{"type":"ERROR","object":%b}\n' % orjson.dumps(refusal.body())

    def start(self, write: Callable[[bytes], None], close: Callable[[], None]) -> None:
        write(self._frame)
        close()

    def stop(self) -> None:
        """Nothing is under way."""


@dataclass
class Watches:
    """All watches of one server, by resource and namespace (empty: all)."""

    version: Callable[[], int]
    clock: Callable[[], datetime]
    later: Later
    _by_place: dict[tuple[str, str], dict[int, Watch]] = field(default_factory=dict)
    _serial: int = 0

    def open(self, wanted: Wanted) -> Watch:
        """A watch that takes part from now on; what comes before it is started waits in it."""
        self._serial += 1
        watch = Watch(self, self._serial, wanted)
        self._by_place.setdefault(watch.place, {})[self._serial] = watch
        return watch

    def lasts(self) -> float:
        """How many seconds the next watch lasts that asks for no end."""
        return SHORTEST + self._serial * 97 % SPREAD

    def leave(self, watch: Watch) -> None:
        place = self._by_place.get(watch.place)
        if place is not None:
            place.pop(watch.serial, None)
            if not place:
                del self._by_place[watch.place]

    def tell(self, change: Change) -> None:
        """Follows the changes of a storage."""
        for namespace in ("", change.namespace) if change.namespace else ("",):
            watches = self._by_place.get((change.resource, namespace))
            if watches:
                for watch in tuple(watches.values()):
                    watch.tell(change)
        change.texts.clear()

    def end(self, resource: str) -> None:
        """Ends every watch of a resource that is served no more."""
        for (served, _), watches in list(self._by_place.items()):
            if served == resource:
                for watch in tuple(watches.values()):
                    watch.end()

    @property
    def count(self) -> int:
        return sum(map(len, self._by_place.values()))


class Watch:
    """One watch. It never tells a change twice, nor one that is not newer than what it began with."""

    content_type = "application/json"

    def __init__(self, watches: Watches, serial: int, wanted: Wanted) -> None:
        self.serial = serial
        self.wanted = wanted
        self.place = (wanted.kind.shelf, wanted.namespace)
        self._all = watches
        self._told = wanted.since
        self._waiting: list[Change] | None = []
        self._write: Callable[[bytes], None] = _nowhere
        self._close: Callable[[], None] = _nothing
        self._timers: list[Timer] = []

    def catch_up(self, changes: Iterable[Change]) -> None:
        """Takes in what happened before the watch took part, in front of what has come since."""
        if self._waiting is not None:
            self._waiting[:0] = changes

    def start(self, write: Callable[[bytes], None], close: Callable[[], None]) -> None:
        self._write, self._close = write, close
        wanted = self.wanted
        for record in wanted.initial:
            write(self._frame("ADDED", record))
        if wanted.ends_initial:
            write(self._bookmark(wanted.since, ends_initial=True))
        waiting, self._waiting = self._waiting or [], None
        for change in waiting:
            self.tell(change)
        later = self._all.later
        self._timers.append(later(wanted.seconds, self._time_is_up))
        if wanted.bookmarks:
            self._timers.append(later(BOOKMARK_EVERY, self._mark))

    def stop(self) -> None:
        self._all.leave(self)
        self._write, self._close = _nowhere, _nothing
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def end(self) -> None:
        """The server ends the watch."""
        close = self._close
        self.stop()
        close()

    def tell(self, change: Change) -> None:
        if self._waiting is not None:
            self._waiting.append(change)
            return
        if change.version <= self._told:
            return
        self._told = change.version
        seen = self._seen(change)
        if seen is None:
            return
        kind, record = seen
        wanted = self.wanted
        if wanted.form is Form.TABLE:
            self._write(self._frame(kind, record))
            return
        key = (kind, (wanted.form.value, wanted.kind.api_version))
        frame = change.texts.get(key)
        if frame is None:
            frame = change.texts[key] = self._frame(kind, record)
        self._write(frame)

    def _seen(self, change: Change) -> tuple[str, Record] | None:
        """What the change is to somebody who sees only what the selectors match."""
        matches = self.wanted.matches
        before, after = change.before, change.after
        if matches is not everything:
            before = before if before and matches(before.body) else None
            after = after if after and matches(after.body) else None
        if after is not None:
            return ("MODIFIED" if before is not None else "ADDED"), after
        return None if before is None else ("DELETED", change.last)

    def _frame(self, kind: str, record: Record) -> bytes:
        wanted = self.wanted
        if wanted.form is Form.TABLE:
            rows = table(wanted.kind, [record], {"resourceVersion": str(record.version)}, self._all.clock(), wanted.include)
            return b'{"type":"%b","object":%b}\n' % (kind.encode(), orjson.dumps(rows))
        return b'{"type":"%b","object":%b}\n' % (kind.encode(), text_of(record, wanted.kind, wanted.form))

    def _bookmark(self, version: int, *, ends_initial: bool = False) -> bytes:
        kind = self.wanted.kind
        metadata = {"resourceVersion": str(version), **(INITIAL_END if ends_initial else {})}
        match self.wanted.form:
            case Form.WHOLE:
                mark: dict[str, object] = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata}
            case Form.METADATA:
                mark = {"kind": "PartialObjectMetadata", "apiVersion": META, "metadata": metadata}
            case Form.TABLE:
                mark = {**table(kind, (), metadata, self._all.clock()), "metadata": metadata}
        return b'{"type":"BOOKMARK","object":%b}\n' % orjson.dumps(mark)

    def _mark(self) -> None:
        self._write(self._bookmark(self._newest()))
        self._timers = [*self._timers[:1], self._all.later(BOOKMARK_EVERY, self._mark)]

    def _newest(self) -> int:
        """The version up to which everything has been told; a watch that began ahead of the store keeps to where it began."""
        return max(self._told, self._all.version())

    def _time_is_up(self) -> None:
        if self.wanted.bookmarks:
            self._write(self._bookmark(self._newest()))
        self.end()


def _nowhere(_frame: bytes) -> None:
    """Where a watch writes to that nobody reads."""


def _nothing() -> None:
    """How a watch closes that nobody reads."""
