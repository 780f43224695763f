"""Which fields differ between two states of an object."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fleetd.domain.fieldset import MISSING, FieldSet, Node, as_member
from fleetd.domain.mergefacts import Shape
from fleetd.kubeapi.apply_merge import element_of


@dataclass(frozen=True, slots=True)
class Comparison:
    """The fields that one state has and the other has not, or has otherwise."""

    added: FieldSet
    modified: FieldSet
    removed: FieldSet

    @property
    def written(self) -> FieldSet:
        """What the later state's writer set."""
        return self.added | self.modified

    def without(self, *names: str) -> Comparison:
        """Leaves out what lies under these fields of the top."""
        return Comparison(self.added.without(*names), self.modified.without(*names), self.removed.without(*names))

    def only(self, *names: str) -> Comparison:
        """Keeps what lies under these fields of the top."""
        return Comparison(self.added.only(*names), self.modified.only(*names), self.removed.only(*names))


@dataclass(slots=True)
class _Found:
    """What a branch holds of each sort; None where it holds nothing."""

    added: Node | None = None
    modified: Node | None = None
    removed: Node | None = None

    def take(self, element: str, below: _Found) -> None:
        if below.added is not None:
            self.added = self.added or {}
            self.added[element] = below.added
        if below.modified is not None:
            self.modified = self.modified or {}
            self.modified[element] = below.modified
        if below.removed is not None:
            self.removed = self.removed or {}
            self.removed[element] = below.removed


_SAME = _Found()


def compare(before: dict[str, Any], after: dict[str, Any], shape: Shape) -> Comparison:
    """Compares two states as the server does: with what it always writes there in both, even when it is empty."""
    found = _compare_children(_fields(before, after, shape)) if before != after else _SAME
    return Comparison(*(FieldSet(node or {}) for node in (found.added, found.modified, found.removed)))


def _compare(before: Any, after: Any, shape: Shape) -> _Found:
    if before is not MISSING and after is not MISSING and before == after:
        return _SAME
    children = _children(before, after, shape)
    if children is None:
        return _leaf(before, after)
    found = _compare_children(children)
    if before is MISSING:
        found.added = as_member(found.added or {})
    elif after is MISSING:
        found.removed = as_member(found.removed or {})
    return found


def _leaf(before: Any, after: Any) -> _Found:
    if before is MISSING:
        return _Found(added={})
    return _Found(removed={}) if after is MISSING else _Found(modified={})


_Children = Iterator[tuple[str, Any, Any, Shape]]


def _children(before: Any, after: Any, shape: Shape) -> _Children | None:
    """The pairs to compare below; None for what is one piece: a value, two empty ones, or two of different sorts."""
    if shape.atomic or not (_filled(before) or _filled(after)):
        return None
    if _is_or_none(before, dict) and _is_or_none(after, dict):
        return _fields(before, after, shape)
    if (shape.keys or shape.unique) and _is_or_none(before, list) and _is_or_none(after, list):
        return _items(before, after, shape)
    return None


def _filled(value: Any) -> bool:
    return isinstance(value, (dict, list)) and bool(value)


def _is_or_none(value: Any, sort: type) -> bool:
    return value is None or value is MISSING or isinstance(value, sort)


def _fields(before: Any, after: Any, shape: Shape) -> _Children:
    old = before if isinstance(before, dict) else {}
    new = after if isinstance(after, dict) else {}
    for name in [*old, *(name for name in new if name not in old)]:
        below = shape.child(name)
        one, other = old.get(name, MISSING), new.get(name, MISSING)
        if below.always:
            empty: dict[str, Any] | None = None if below.keys or below.unique else {}
            one = empty if one is MISSING and before is not MISSING else one
            other = empty if other is MISSING and after is not MISSING else other
        yield "f:" + name, one, other, below


def _items(before: Any, after: Any, shape: Shape) -> _Children:
    old, new = _by_element(before, shape), _by_element(after, shape)
    for element in [*old, *(element for element in new if element not in old)]:
        yield element, old.get(element, MISSING), new.get(element, MISSING), shape.item


def _by_element(value: Any, shape: Shape) -> dict[str, Any]:
    """Items by path element; where one is there more than once, a list of all of them, which is compared as one piece."""
    found: dict[str, Any] = {}
    for item in value or () if isinstance(value, list) else ():
        element = element_of(item, shape)
        found[element] = [found[element], item] if element in found else item
    return found


def _compare_children(children: _Children) -> _Found:
    found = _Found()
    for element, before, after, shape in children:
        if before is not after:
            found.take(element, _compare(before, after, shape))
    return found
