"""Sets of an object's fields, in the form of `metadata.managedFields[].fieldsV1`.

A set is a tree of path elements as Kubernetes writes them: `f:name` a field, `k:{"port":80}` a list item by its keys, `v:"x"` a set's
item by its value, `i:3` an item by its place. A branch without children is in the set; one with children is in it when it holds
`.`. The root is never in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from fleetd.domain.errors import InvalidInput
from fleetd.domain.mergefacts import Facts, Shape
from fleetd.domain.objects import Manifest

Node = dict[str, Any]
"""One branch: path element to branch. Never changed once it is in a set."""

Path = tuple[str, ...]
"""Path elements from the top, each as in fieldsV1."""

SELF = "."

UNOWNED_METADATA = frozenset(
    ("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink", "clusterName")
)
"""Fields of metadata that the server keeps and nobody owns."""

_UNOWNED: Node = {"f:apiVersion": {}, "f:kind": {}, "f:metadata": {SELF: {}, **{f"f:{name}": {} for name in UNOWNED_METADATA}}}


class NotMergeable(InvalidInput):
    """A list of the object does not fit its keys: one is missing, or there twice."""


@dataclass(frozen=True, slots=True)
class FieldSet:
    """A set of fields. Operators: `|` union, `&` intersection, `-` difference (what is below a removed field stays)."""

    root: Node = field(default_factory=dict)

    @classmethod
    def from_fields_v1(cls, fields: Mapping[str, Any]) -> FieldSet:
        """Reads `fieldsV1`; a branch's own `.` is dropped where it says nothing."""
        return cls({name: _tidy(child) for name, child in fields.items() if name != SELF})

    def to_fields_v1(self) -> dict[str, Any]:
        """Writes `fieldsV1`, its keys in order."""
        return _ordered(self.root)

    def __bool__(self) -> bool:
        return bool(self.root)

    def __or__(self, other: FieldSet) -> FieldSet:
        if not self.root or not other.root:
            return self if self.root else other
        return FieldSet(_union(self.root, other.root))

    def __and__(self, other: FieldSet) -> FieldSet:
        return FieldSet(_intersection(self.root, other.root))

    def __sub__(self, other: FieldSet) -> FieldSet:
        return FieldSet(_difference(self.root, other.root)) if self.root and other.root else self

    union = __or__
    intersection = __and__
    difference = __sub__

    def owned(self) -> FieldSet:
        """Without the fields that nobody owns: apiVersion, kind, and what the server keeps in metadata."""
        return self - _UNOWNED_SET

    def only(self, *names: str) -> FieldSet:
        """What lies under these fields of the top."""
        return FieldSet({key: self.root[key] for name in names if (key := "f:" + name) in self.root})

    def without(self, *names: str) -> FieldSet:
        """What lies under other fields of the top."""
        gone = {"f:" + name for name in names}
        return FieldSet({key: child for key, child in self.root.items() if key not in gone}) if gone & self.root.keys() else self

    def contains(self, path: Path) -> bool:
        """Whether the path itself is in the set; the empty path is not."""
        node: Node | None = self.root
        for element in path:
            node = node.get(element) if node else None
            if node is None:
                return False
        return bool(path) and node is not None and is_member(node)

    def paths(self) -> Iterator[Path]:
        """Every path in the set, those of one branch before those below, as Kubernetes orders its conflicts."""
        yield from _paths(self.root, (), leaves=False)

    def leaves(self) -> Iterator[Path]:
        """The paths in the set that have nothing below them, in the same order."""
        yield from _paths(self.root, (), leaves=True)


_UNOWNED_SET = FieldSet(_UNOWNED)


def is_member(node: Node) -> bool:
    """Whether a branch is in the set itself."""
    return not node or SELF in node


def as_member(node: Node) -> Node:
    """The same branch, in the set itself."""
    return {SELF: {}, **node} if node and SELF not in node else node


def path_text(path: Path) -> str:
    """The path as Kubernetes writes it in messages: `.spec.ports[port=80,protocol="TCP"].targetPort`."""
    return "".join(map(_element_text, path))


def _element_text(element: str) -> str:
    sort, text = element[:2], element[2:]
    match sort:
        case "f:":
            return "." + text
        case "k:":
            return "[" + ",".join(f"{key}={_json(value)}" for key, value in orjson.loads(text).items()) + "]"
        case "v:":
            return f"[={text}]"
        case _:
            return f"[{text}]"


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def item_element(item: Any, shape: Shape) -> str:
    """The path element of a list item: its keys, or in a set its value.

    Raises:
        NotMergeable: a key is missing; the text has no path yet.
    """
    if shape.unique:
        return "v:" + _json(item)
    if not isinstance(item, dict):
        kind = "a null element" if item is None else "non-map elements"
        raise NotMergeable(f"associative list with keys may not have {kind}")
    found = {}
    for key in shape.keys:
        if (value := item.get(key, shape.defaults.get(key))) is None:
            raise NotMergeable(f'associative list with keys has an element that omits key field "{key}" (and doesn\'t have default value)')
        found[key] = value
    return "k:" + _json(found)


def fields_of(manifest: Manifest, facts: Facts) -> FieldSet:
    """What an applied manifest covers: its leaves and its list items, without what nobody owns.

    Raises:
        NotMergeable: a list has a key twice, or not at all.
    """
    node = _cover(manifest, facts.root, ())
    return FieldSet(node).owned() if node else FieldSet()


def _cover(value: Any, shape: Shape, path: Path) -> Node | None:
    """The branch that a value covers; None for one that covers nothing: an empty list of items."""
    if shape.atomic:
        return {}
    if isinstance(value, dict):
        return _cover_map(value, shape, path) if value else {}
    if isinstance(value, list) and (shape.keys or shape.unique):
        return _cover_items(value, shape, path)
    return {}


def _cover_map(value: dict[str, Any], shape: Shape, path: Path) -> Node | None:
    node: Node = {}
    for name, each in value.items():
        element = "f:" + name
        if isinstance(each, (dict, list)):
            below = _cover(each, shape.child(name), (*path, element))
            if below is None:
                continue
            node[element] = as_member(below) if shape.free and name not in shape.fields else below
        else:
            node[element] = {}
    return node or None


def _cover_items(value: list[Any], shape: Shape, path: Path) -> Node | None:
    node: Node = {}
    for place, item in enumerate(value):
        try:
            element = item_element(item, shape)
        except NotMergeable as error:
            raise NotMergeable(f"{path_text(path)}: element {place}: {error}") from None
        if element in node:
            raise NotMergeable(f"{path_text(path)}: duplicate entries for key {_element_text(element)}")
        node[element] = as_member(_cover(item, shape.item, (*path, element)) or {})
    return node or None


class _Missing:
    """Stands for what is not there."""


MISSING = _Missing()


def value_at(obj: Any, path: Path) -> Any:
    """The value at a path, or MISSING; a list item is found by its keys or value."""
    for element in path:
        obj = _step(obj, element)
        if obj is MISSING:
            return MISSING
    return obj


def _step(value: Any, element: str) -> Any:
    sort, text = element[:2], element[2:]
    if sort == "f:":
        return value.get(text, MISSING) if isinstance(value, dict) else MISSING
    if not isinstance(value, list):
        return MISSING
    if sort == "i:":
        place = int(text)
        return value[place] if place < len(value) else MISSING
    wanted = orjson.loads(text)
    for item in value:
        if has_keys(item, wanted) if sort == "k:" else item == wanted:
            return item
    return MISSING


def has_keys(item: Any, wanted: Mapping[str, Any]) -> bool:
    """Whether a list item has these keys. A protocol that it leaves out is TCP, the one default that keys of built-in kinds have."""
    return isinstance(item, dict) and all(item.get(key, "TCP" if key == "protocol" else None) == value for key, value in wanted.items())


def project(obj: Any, fields: FieldSet) -> Any:
    """The part of an object that a set covers; list items stay in the object's order. What is not there is left out."""
    return _project(obj, fields.root) if fields.root else {}


def _project(value: Any, node: Node) -> Any:
    if not node or node.keys() == {SELF}:
        return value
    if isinstance(value, dict):
        return {
            element[2:]: _project(value[element[2:]], below)
            for element, below in sorted(node.items())
            if element[:2] == "f:" and element[2:] in value
        }
    if isinstance(value, list):
        return _project_items(value, node)
    return value


def _project_items(value: list[Any], node: Node) -> list[Any]:
    keyed = [(orjson.loads(element[2:]), below) for element, below in node.items() if element[:2] == "k:"]
    values = [orjson.loads(element[2:]) for element in node if element[:2] == "v:"]
    places = {int(element[2:]): below for element, below in node.items() if element[:2] == "i:"}
    found = []
    for place, item in enumerate(value):
        if place in places:
            found.append(_project(item, places[place]))
            continue
        below = next((below for keys, below in keyed if has_keys(item, keys)), None)
        if below is not None:
            found.append(_project(item, below))
        elif item in values:
            found.append(item)
    return found


class Difference(NamedTuple):
    """A field that is not as wanted; `found` is None when it is missing."""

    path: str
    wanted: Any
    found: Any


def missing_or_different(wanted: Manifest, live: Manifest, facts: Facts) -> list[Difference]:
    """Where a live object does not have what a manifest says, leaf by leaf.

    A part that is one piece may hold more than was said, as the server fills in defaults; a map with free keys may not.
    """
    differences = []
    for path in fields_of(wanted, facts).leaves():
        said, found = value_at(wanted, path), value_at(live, path)
        if not _holds(said, found, _shape_at(facts.root, path)):
            differences.append(Difference(path_text(path), said, None if found is MISSING else found))
    return differences


def _shape_at(shape: Shape, path: Path) -> Shape:
    for element in path:
        shape = shape.child(element[2:]) if element[:2] == "f:" else shape.item
    return shape


def _holds(said: Any, found: Any, shape: Shape) -> bool:
    if said is None or said in ({}, []):
        return found is MISSING or found is None or found == said or (said == {} and not shape.atomic and isinstance(found, dict))
    if isinstance(said, dict) and isinstance(found, dict):
        if shape.free and shape.element is not None and found.keys() - said.keys():
            return False
        return all(_holds(value, found.get(name, MISSING), shape.child(name)) for name, value in said.items())
    if isinstance(said, list) and isinstance(found, list):
        return len(said) == len(found) and all(_holds(one, other, shape.item) for one, other in zip(said, found, strict=True))
    return bool(said == found) and isinstance(said, bool) == isinstance(found, bool)


def _tidy(node: Mapping[str, Any]) -> Node:
    if not node or node.keys() == {SELF}:
        return {}
    return {name: _tidy(child) for name, child in node.items()}


def _rank(entry: tuple[str, Node]) -> tuple[int, str]:
    element = entry[0]
    return (".fkvi".index(element[0]), element)


def _ordered(node: Node) -> Node:
    if len(node) < 2:
        return {name: _ordered(child) for name, child in node.items()}
    return {name: _ordered(child) for name, child in sorted(node.items(), key=_rank)}


def _paths(node: Node, path: Path, *, leaves: bool) -> Iterator[Path]:
    branches = sorted(((name, child) for name, child in node.items() if name != SELF), key=_rank)
    for name, child in branches:
        if not child or (not leaves and SELF in child) or child.keys() == {SELF}:
            yield (*path, name)
    for name, child in branches:
        if child:
            yield from _paths(child, (*path, name), leaves=leaves)


def _union(one: Node, other: Node) -> Node:
    out = dict(one)
    for name, child in other.items():
        mine = out.get(name)
        if mine is None or (not mine and not child):
            out[name] = child
        elif not mine:
            out[name] = as_member(child)
        else:
            out[name] = _union(mine, child) if child else as_member(mine)
    return out


def _intersection(one: Node, other: Node) -> Node:
    out: Node = {}
    for name, child in one.items():
        theirs = other.get(name)
        if theirs is None or name == SELF:
            continue
        below = _intersection(child, theirs) if child and theirs else {}
        if is_member(child) and is_member(theirs):
            out[name] = as_member(below)
        elif below:
            out[name] = below
    return out


def _difference(one: Node, other: Node) -> Node:
    out: Node = {}
    for name, child in one.items():
        theirs = other.get(name)
        if theirs is None or name == SELF:
            out[name] = child
            continue
        below = _difference({key: each for key, each in child.items() if key != SELF}, theirs) if child else {}
        if is_member(child) and not is_member(theirs):
            out[name] = as_member(below)
        elif below:
            out[name] = below
    return out
