"""Reads of an object's JSON only what somebody asked for; the rest is skipped, not built.

From the paths of a `Reads` a tree of typed maps is made, once, and msgspec decodes into it: keys outside the tree cost a scan,
not an allocation, and managedFields (a third of many objects) are never built. What has another shape than the
paths suppose (a list where a map was expected) is decoded whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypedDict

import msgspec
import orjson

from fleetd.cluster.port import Changed, ChangeType
from fleetd.domain.errors import Unreachable
from fleetd.domain.objects import Observed, Reads
from fleetd.domain.refs import GroupVersionKind, ObjectRef

NAMING = ("name", "namespace", "uid", "resourceVersion")
METADATA = (
    "generateName",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
)
CHANGE_TYPES = {str(change): change for change in ChangeType}
# How Kubernetes begins the line of each event; what follows is the object and one closing brace.
BEGINNINGS = {str(change): b'{"type":"' + change.encode() + b'","object":' for change in ChangeType}
CLOSING_BRACE = ord("}")
KNOWN_REFS = 16384
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Unreadable(Unreachable):
    """What came is no JSON of the expected kind."""


class Envelope(msgspec.Struct):
    """A line of a watch, its object untouched."""

    type: str
    object: msgspec.Raw


class ListMeta(msgspec.Struct):
    """The parts of a list's metadata that paging needs."""

    resourceVersion: str = ""  # noqa: N815  # Kubernetes' own name
    continue_: str = msgspec.field(default="", name="continue")


class Page(msgspec.Struct):
    """A page of a list, its objects untouched."""

    metadata: ListMeta = msgspec.field(default_factory=ListMeta)
    items: list[msgspec.Raw] | None = None


@dataclass(frozen=True, slots=True)
class Bookmark:
    """The watch is complete up to this resourceVersion."""

    resource_version: str


@dataclass(frozen=True, slots=True)
class Fault:
    """The watch's own bad news: a Status as the server sent it."""

    code: int
    status: bytes


PAGE: msgspec.json.Decoder[Page] = msgspec.json.Decoder(Page)
ENVELOPE: msgspec.json.Decoder[Envelope] = msgspec.json.Decoder(Envelope)


def typed_map(paths: frozenset[tuple[str, ...]]) -> Any:
    """The type that decodes apiVersion, kind, metadata and these paths."""
    trie: dict[str, Any] = {"apiVersion": None, "kind": None, "metadata": dict.fromkeys(NAMING, str) | dict.fromkeys(METADATA)}
    for path in sorted(paths):
        if path and path[0] != "metadata":
            _plant(trie, path)
    return _typed(trie)


def _plant(trie: dict[str, Any], path: tuple[str, ...]) -> None:
    node = trie
    for key in path[:-1]:
        below = node.setdefault(key, {})
        if below is None:  # A shorter path already takes all that is below.
            return
        node = below
    node[path[-1]] = None


def _typed(trie: dict[str, Any]) -> Any:
    fields = {key: _field(below) for key, below in trie.items()}
    return TypedDict("Part", fields, total=False)  # type: ignore[operator]  # made from data, which mypy cannot follow


def _field(below: Any) -> Any:
    if below is None:
        return Any
    return below if isinstance(below, type) else _typed(below) | None


class ObjectDecoder:
    """Decodes objects of one kind as one `Reads` wants them."""

    def __init__(self, gvk: GroupVersionKind, reads: Reads) -> None:
        self._gvk = gvk
        self._whole = reads.whole
        self._raw = reads.raw
        self._partial = reads.metadata_only
        self._stamp = {"apiVersion": gvk.api_version, "kind": gvk.kind}
        self._head = b'{"apiVersion":' + orjson.dumps(gvk.api_version) + b',"kind":' + orjson.dumps(gvk.kind) + b","
        shape = typed_map(reads.paths)
        self._object: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(shape)
        line = msgspec.defstruct("Line", [("type", str), ("object", shape)])
        self._line: msgspec.json.Decoder[Any] = msgspec.json.Decoder(line)

    def page(self, body: bytes) -> tuple[list[Observed], ListMeta]:
        """One page of a list.

        Raises:
            Unreadable: it is none.
        """
        try:
            page = PAGE.decode(body)
            return [self.observed(bytes(item)) for item in page.items or ()], page.metadata
        except UNREADABLE as problem:
            raise Unreadable(f"the list cannot be read ({_why(problem)})") from problem

    def line(self, line: bytes) -> Changed | Bookmark | Fault:
        """One event of a watch.

        Raises:
            Unreadable: it is none.
        """
        try:
            if not self._whole:
                try:
                    event = self._line.decode(line)
                except msgspec.ValidationError:
                    pass  # Another shape: taken apart below.
                else:
                    kind = event.type
                    beginning = BEGINNINGS.get(kind)
                    if beginning is not None and line.startswith(beginning) and line[-1] == CLOSING_BRACE:
                        return Changed(CHANGE_TYPES[kind], self._finish(event.object, line[len(beginning) : -1] if self._raw else b""))
            envelope = ENVELOPE.decode(line)
            return self._opened(envelope.type, bytes(envelope.object))
        except UNREADABLE as problem:
            raise Unreadable(f"a line of the watch cannot be read ({_why(problem)})") from problem

    def observed(self, raw: bytes) -> Observed:
        """One object from its JSON. Raises msgspec's errors."""
        return self._finish(self._body(raw), raw)

    def _opened(self, kind: str, raw: bytes) -> Changed | Bookmark | Fault:
        change = CHANGE_TYPES.get(kind)
        if change is not None:
            return Changed(change, self.observed(raw))
        if kind == "BOOKMARK":
            return Bookmark(self._version(raw))
        if kind == "ERROR":
            code = _everything(raw).get("code")
            return Fault(code if isinstance(code, int) else 500, raw)
        raise Unreadable(f"the watch spoke of {kind[:32]!r}, which is no event")

    def _version(self, raw: bytes) -> str:
        return str((self._body(raw).get("metadata") or {}).get("resourceVersion") or "")

    def _body(self, raw: bytes) -> dict[str, Any]:
        if not self._whole:
            try:
                return self._object.decode(raw)
            except msgspec.ValidationError:
                pass  # Another shape: decoded whole.
        return _everything(raw)

    def _finish(self, body: dict[str, Any], raw: bytes) -> Observed:
        metadata = body.get("metadata")
        if not metadata or not isinstance(metadata, dict):
            raise msgspec.ValidationError("the object has no metadata")
        if "kind" not in body:
            raw = self._head + raw[1:] if self._raw else b""  # The objects of a typed list leave out what they are.
            body.update(self._stamp)
        elif self._partial:
            body.update(self._stamp)  # They call themselves PartialObjectMetadata.
        get = metadata.get
        ref = _ref(self._gvk.kind, self._gvk.group, get("namespace") or "", get("name") or "")
        return Observed(ref, get("uid") or "", get("resourceVersion") or "", body, raw if self._raw else b"")


@lru_cache(maxsize=KNOWN_REFS)
def _ref(kind: str, group: str, namespace: str, name: str) -> ObjectRef:
    # Most events are about objects seen before, and a look-up costs a third of making a reference.
    if not name:
        raise msgspec.ValidationError("the object has no name")
    return ObjectRef(kind, group, namespace, name)


def whole_object(body: bytes) -> dict[str, Any]:
    """An answer's object, all of it.

    Raises:
        Unreadable: it is no JSON object.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        raise Unreadable(f"the answer cannot be read ({_why(problem)})") from problem
    if not isinstance(document, dict):
        raise Unreadable("the answer is no JSON object")
    return document


def _everything(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as problem:
        raise msgspec.DecodeError(str(problem)) from problem
    if not isinstance(body, dict):
        raise msgspec.ValidationError("the object is none")
    metadata = body.get("metadata")
    if isinstance(metadata, dict):
        metadata.pop("managedFields", None)
        if not all(isinstance(metadata.get(key, ""), str) for key in NAMING):
            raise msgspec.ValidationError("the object's name, namespace, uid or resourceVersion is no text")
    return body


def part(document: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """The map at these keys; an empty one where there is none, whatever is there instead."""
    found: Any = document
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _why(problem: BaseException) -> str:
    # The text of a decoder's complaint names places, never values.
    return "nested too deeply" if isinstance(problem, RecursionError) else str(problem)[:160]
