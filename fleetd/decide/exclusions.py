"""Paths of deployed objects that are left to others (`driftExclusions`), where drift is corrected.

What stands at such a path is given when the object is made, and is whoever's it becomes afterwards: a change of it is no drift, and
a later apply says what is there already, or nothing once somebody else holds it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fleetd.decide.definitions import Profile
from fleetd.decide.patching.operations import NOTHING, steps_of, value_at
from fleetd.decide.patching.targets import compile_target
from fleetd.domain.errors import EvaluationFailed
from fleetd.domain.fieldset import MISSING, FieldSet, Path, item_element
from fleetd.domain.fieldset import NotMergeable as Unkeyed
from fleetd.domain.fieldset import value_at as field_at
from fleetd.domain.mergefacts import Shape, facts_of
from fleetd.domain.objects import Manifest, gvk_of

Fields = Mapping[str, Any]
"""fieldsV1"""


def excluded(profile: Profile, manifest: Manifest) -> tuple[str, ...]:
    """The JSON pointers that the profile leaves to others in this object; a target that cannot be read is for nothing."""
    if not profile.excludes:
        return ()
    return tuple(path for item in profile.exclusions if _meant(item.target, manifest) for path in item.paths)


def _meant(target: Any, manifest: Manifest) -> bool:
    try:
        return compile_target(target)(manifest)
    except EvaluationFailed:
        return False


def without(fields: Fields, obj: Manifest, pointers: Sequence[str]) -> Fields:
    """The fields of `obj` that are not at or below one of the paths."""
    for pointer in pointers:
        path, _ = _located(obj, pointer)
        if path:
            fields = _cut(fields, path)
    return fields


def pruned(obj: Manifest, pointers: Sequence[str]) -> Manifest:
    """The object without what stands at the paths."""
    if not any(value_at(obj, pointer) is not NOTHING for pointer in pointers):
        return obj
    left = copy.deepcopy(obj)
    for pointer in pointers:
        _remove(left, pointer)
    return left


def spared(manifest: Manifest, live: Manifest, ours: FieldSet, pointers: Sequence[str]) -> Manifest:
    """The manifest for an object that is there: at each path what is there, if the field is ours, and else nothing."""
    made = copy.deepcopy(manifest)
    for pointer in pointers:
        if value_at(manifest, pointer) is NOTHING:
            continue
        path, whole = _located(manifest, pointer)
        there = field_at(live, path) if path else MISSING
        if there is not MISSING and _holds(ours, path):
            _put(made, whole, copy.deepcopy(there))
        else:
            _remove(made, whole)
    return made


def _holds(ours: FieldSet, path: Path) -> bool:
    return any(known[: len(path)] == path for known in ours.paths())


def _located(obj: Manifest, pointer: str) -> tuple[Path, str]:
    """The path as managedFields write it, and the pointer, down to the first list or map that is one piece; empty for the object."""
    path = tuple(_steps(obj, pointer))
    return path, "/".join(pointer.split("/")[: len(path) + 1])


def _steps(obj: Manifest, pointer: str) -> Iterator[str]:
    value: Any = obj
    shape: Shape = facts_of(gvk_of(obj)).root
    for step in steps_of(pointer):
        if shape.atomic:
            return
        if isinstance(value, dict):
            yield f"f:{step}"
            value, shape = value.get(step), shape.child(step)
        elif isinstance(value, list) and (shape.keys or shape.unique) and step.isdecimal() and int(step) < len(value):
            try:
                element = item_element(value[int(step)], shape)
            except Unkeyed:
                return
            yield element
            value, shape = value[int(step)], shape.item
        else:
            return


def _cut(fields: Fields, path: Path) -> Fields:
    if path[0] not in fields:
        return fields
    left = _cut(fields[path[0]], path[1:]) if len(path) > 1 else {}
    # A branch that nothing is left of would stand for the field itself.
    if left or (len(path) > 1 and not fields[path[0]]):
        return {**fields, path[0]: left}
    return {key: value for key, value in fields.items() if key != path[0]}


def _parent(obj: Any, pointer: str) -> tuple[Any, str]:
    steps = steps_of(pointer)
    return value_at(obj, pointer.rpartition("/")[0]), steps[-1] if steps else ""


def _remove(obj: Manifest, pointer: str) -> None:
    parent, last = _parent(obj, pointer)
    if isinstance(parent, dict):
        parent.pop(last, None)
    elif isinstance(parent, list) and last.isdecimal() and int(last) < len(parent):
        del parent[int(last)]


def _put(obj: Manifest, pointer: str, value: Any) -> None:
    parent, last = _parent(obj, pointer)
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list) and last.isdecimal() and int(last) < len(parent):
        parent[int(last)] = value
