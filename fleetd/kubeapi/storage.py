"""The storage port: objects by resource and name, one rising version for all, and every change told in its order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

Form = tuple[str, str]
"""A representation and an apiVersion: what bytes made for one reader can serve another for."""


WARM = 4096
"""So many states of a process are kept as objects; the others as their text, which takes a fifth of the room, until somebody looks."""


class Record:
    """One state of one object. `body` is never changed once it is stored; bytes made of it are kept for the next reader."""

    __slots__ = ("_body", "_texts", "version")

    def __init__(self, version: int, body: dict[str, Any]) -> None:
        self.version = version
        self._body: dict[str, Any] | bytes = body
        self._texts: dict[Form, bytes] | None = None
        _warmed.append(self)
        if len(_warmed) > WARM:
            _warmed.popleft().cool()

    @property
    def body(self) -> dict[str, Any]:
        """The object."""
        body = self._body
        if isinstance(body, dict):
            return body
        found: dict[str, Any] = orjson.loads(body)
        self._body = found
        _warmed.append(self)
        if len(_warmed) > WARM:
            _warmed.popleft().cool()
        return found

    @property
    def metadata(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body["metadata"]
        return found

    def text(self, form: Form, made: Callable[[dict[str, Any]], bytes]) -> bytes:
        """The bytes of this state in a form, made once."""
        texts = self._texts
        if texts is None:
            texts = self._texts = {}
        found = texts.get(form)
        if found is None:
            found = texts[form] = made(self.body)
        return found

    def slim(self) -> None:
        """Forgets the bytes, of a state that is past."""
        self._texts = None

    def cool(self) -> None:
        """Keeps the text only."""
        if isinstance(self._body, dict):
            # What orjson makes keeps the room that it was written in; a copy is as large as it has to be.
            self._body = bytes(memoryview(orjson.dumps(self._body)))
        self._texts = None

    def copy(self) -> dict[str, Any]:
        """The body, to be changed freely."""
        body = self._body
        found: dict[str, Any] = orjson.loads(orjson.dumps(body) if isinstance(body, dict) else body)
        return found


_warmed: deque[Record] = deque()


class Change:
    """One committed write. `before` is None for a creation, `after` None for a deletion.

    `last` is the state before, under the version of this change: what a reader gets whose view the object leaves.
    """

    __slots__ = ("_last", "after", "before", "key", "namespace", "resource", "texts", "version")

    def __init__(self, version: int, write: Write, before: Record | None, after: Record | None) -> None:
        self.version = version
        self.resource = write.resource
        self.namespace = write.namespace
        self.key = write.key
        self.before = before
        self.after = after
        self.texts: dict[tuple[str, Form], bytes] = {}
        self._last: Record | None = None

    @property
    def last(self) -> Record:
        """Only where there was a state before."""
        if self._last is None:
            if self.before is None:
                raise ValueError("a creation has no state before it")
            self._last = at_version(self.before, self.version)
        return self._last


def at_version(record: Record, version: int) -> Record:
    """The same state under another version."""
    body = {**record.body, "metadata": {**record.metadata, "resourceVersion": str(version)}}
    return Record(version, body)


def key_of(namespace: str, name: str) -> str:
    """What objects of a resource are ordered by."""
    return f"{namespace}/{name}"


@dataclass(frozen=True, slots=True)
class Write:
    """One write: `body` None deletes. It counts only if the object's version is still `expected` (0: there is none).

    The storage takes the body over and puts metadata.resourceVersion into it.
    """

    resource: str
    namespace: str
    name: str
    body: dict[str, Any] | None
    expected: int

    @property
    def key(self) -> str:
        return key_of(self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class Listing:
    """The objects of a resource as they were at `version`, in the order of their keys."""

    version: int
    records: Sequence[Record]


class Stale(Exception):
    """Somebody else wrote first; read again and decide anew."""


class Forgotten(Exception):
    """The history does not reach back that far."""

    def __init__(self, oldest: int) -> None:
        super().__init__(f"the history begins after version {oldest}")
        self.oldest = oldest


class Storage(Protocol):
    """What the server needs to keep objects."""

    def version(self) -> int:
        """The newest version of all whose change the listeners have been told."""

    async def get(self, resource: str, namespace: str, name: str) -> Record | None: ...

    async def listing(self, resource: str, namespace: str = "", *, at: int | None = None, after: str = "") -> Listing:
        """All objects (of one namespace, with a key beyond `after`), now or as they were at a version. Raises Forgotten."""

    async def commit(self, write: Write) -> Record:
        """Makes one write; answers with the new state (of a deletion: the last one, under the deletion's version). Raises Stale."""

    async def since(self, resource: str, version: int) -> Sequence[Change]:
        """The changes after a version, in their order. Raises Forgotten."""

    def listen(self, tell: Callable[[Change], None]) -> None:
        """`tell` hears every change from now on, in order, before the writer has its answer."""
