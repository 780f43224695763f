"""Storage in memory: it never suspends, and a change is heard in the same moment."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fleetd.kubeapi.storage import Change, Forgotten, Listing, Record, Stale, Write, key_of

HISTORY = 10_000
"""Changes that watches and old lists can go back."""


@dataclass(slots=True)
class _Shelf:
    """The objects of one resource; `order` holds the keys sorted."""

    records: dict[str, Record] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    def put(self, key: str, record: Record) -> None:
        if key not in self.records:
            insort(self.order, key)
        self.records[key] = record

    def take(self, key: str) -> None:
        del self.records[key]
        del self.order[bisect_left(self.order, key)]

    def keys(self, namespace: str, after: str) -> list[str]:
        """Keys beyond `after`; of a namespace they stand between `ns/` and the character that follows the slash."""
        low = bisect_left(self.order, f"{namespace}/") if namespace else 0
        high = bisect_left(self.order, f"{namespace}0") if namespace else len(self.order)
        return self.order[max(low, bisect_right(self.order, after)) if after else low : high]


Given = Mapping[str, Callable[[], list[dict[str, Any]]]]
"""By resource, what makes the objects that are there from the start."""


class MemoryStorage:
    """One store, for one server. What is `given` is made when its resource is first touched; all of it is as old as the store."""

    def __init__(self, history: int = HISTORY, given: Given | None = None) -> None:
        self._version = 1 if given else 0
        self._given = dict(given or {})
        self._shelves: dict[str, _Shelf] = {}
        self._limit = history
        self._history: deque[Change] = deque()
        self._forgotten = 0
        self._listeners: list[Callable[[Change], None]] = []

    def version(self) -> int:
        return self._version

    async def get(self, resource: str, namespace: str, name: str) -> Record | None:
        shelf = self._shelf(resource)
        return shelf.records.get(key_of(namespace, name)) if shelf else None

    async def listing(self, resource: str, namespace: str = "", *, at: int | None = None, after: str = "") -> Listing:
        shelf = self._shelf(resource) or _Shelf()
        if at is not None and at < self._version:
            shelf = self._as_it_was(resource, shelf, at)
        records = shelf.records
        return Listing(self._version if at is None else at, [records[key] for key in shelf.keys(namespace, after)])

    async def commit(self, write: Write) -> Record:
        shelf = self._shelf(write.resource) or self._shelves.setdefault(write.resource, _Shelf())
        before = shelf.records.get(write.key)
        if (before.version if before else 0) != write.expected:
            raise Stale
        self._version += 1
        after: Record | None = None
        if write.body is not None:
            write.body["metadata"]["resourceVersion"] = str(self._version)
            after = Record(self._version, write.body)
            shelf.put(write.key, after)
        elif before is None:
            raise Stale
        else:
            shelf.take(write.key)
        change = Change(self._version, write, before, after)
        self._remember(change)
        for tell in self._listeners:
            tell(change)
        if before is not None:
            before.slim()
        return after or change.last

    async def since(self, resource: str, version: int) -> Sequence[Change]:
        return self._changes(resource, version)[::-1]

    def listen(self, tell: Callable[[Change], None]) -> None:
        self._listeners.append(tell)

    def drop_history(self) -> None:
        """Forgets every change and every older state, as after a compaction."""
        self._history.clear()
        self._forgotten = self._version

    def _shelf(self, resource: str) -> _Shelf | None:
        if resource in self._given:
            shelf = self._shelves[resource] = _Shelf()
            for body in self._given.pop(resource)():
                body["metadata"]["resourceVersion"] = "1"
                metadata = body["metadata"]
                shelf.put(key_of(metadata.get("namespace", ""), metadata["name"]), Record(1, body))
        return self._shelves.get(resource)

    def _remember(self, change: Change) -> None:
        if len(self._history) >= self._limit:
            self._forgotten = self._history.popleft().version
        self._history.append(change)

    def _changes(self, resource: str, version: int) -> list[Change]:
        """The changes after a version, the newest first."""
        if version < self._forgotten:
            raise Forgotten(self._forgotten)
        found = []
        for change in reversed(self._history):
            if change.version <= version:
                break
            if change.resource == resource:
                found.append(change)
        return found

    def _as_it_was(self, resource: str, now: _Shelf, version: int) -> _Shelf:
        records = dict(now.records)
        for change in self._changes(resource, version):
            if change.before is None:
                records.pop(change.key, None)
            else:
                records[change.key] = change.before
        return _Shelf(records, sorted(records))
