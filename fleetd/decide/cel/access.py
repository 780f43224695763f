"""Fields, keys and positions: ``a.b``, ``a["b"]``, ``a[0]``, ``has(a.b)``, and their optional forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fleetd.decide.cel.frame import Frame, Place, Run, placed
from fleetd.decide.cel.values import ABSENT, Maybe, NoOverload, Table, UInt, find_key, type_name
from fleetd.domain.errors import EvaluationFailed


def select(value: Any, key: str, at: Place) -> Any:
    """The field of a map; of an optional, an optional."""
    kind = type(value)
    if kind is dict or kind is Table:
        found = find_key(value, key)
        if found is ABSENT:
            raise EvaluationFailed(f"no such key: {key!r}", line=at[0], column=at[1])
        return found
    if kind is Maybe:
        return select_optionally(value, key, at)
    raise EvaluationFailed(f"{key!r} cannot be selected from a value of type {type_name(value)}", line=at[0], column=at[1])


def select_optionally(value: Any, key: Any, at: Place) -> Maybe:
    """The optional at a key of a map or list, or of an optional one."""
    if type(value) is Maybe:
        if not value.present:
            return value
        value = value.value
    kind = type(value)
    if kind is dict or kind is Table:
        return Maybe(find_key(value, key))
    if kind is list:
        position = _position(key)
        return Maybe(value[position]) if position is not None and 0 <= position < len(value) else Maybe()
    raise EvaluationFailed(f"{key!r} cannot be looked up in a value of type {type_name(value)}", line=at[0], column=at[1])


def _position(key: Any) -> int | None:
    kind = type(key)
    if kind is int:
        return int(key)
    if kind is UInt:
        return int(key.value)
    return int(key) if kind is float and key.is_integer() else None


def look_up(value: Any, key: Any) -> Any:
    """``value[key]``."""
    kind = type(value)
    if kind is dict or kind is Table:
        found = find_key(value, key)
        if found is ABSENT:
            raise EvaluationFailed(f"no such key: {key!r}" if type(key) is str else "no such key")
        return found
    if kind is list:
        position = _position(key)
        if position is None:
            raise EvaluationFailed(f"a list has no position of type {type_name(key)}")
        if 0 <= position < len(value):
            return value[position]
        raise EvaluationFailed(f"the index {position} is out of range: the list has {len(value)} items")
    raise NoOverload(f"a value of type {type_name(value)} has no [ ]")


def walk(value: Any, keys: tuple[str, ...], places: tuple[Place, ...]) -> Any:
    """The value at the end of a path; the way for everything that the quick way trips over."""
    for key, at in zip(keys, places, strict=True):
        value = select(value, key, at)
    return value


def path(slot: int, keys: tuple[str, ...], places: tuple[Place, ...]) -> Run:
    """A closure for ``variable.a.b.c``; the lengths that conditions have are written out."""
    if len(keys) not in _WRITTEN_OUT:
        return lambda frame: walk(frame[slot], keys, places)
    return _WRITTEN_OUT[len(keys)](slot, keys, places)


def _path1(slot: int, keys: tuple[str, ...], places: tuple[Place, ...]) -> Run:
    (a,) = keys

    def run(frame: Frame) -> Any:
        try:
            return frame[slot][a]
        except (KeyError, TypeError):
            return walk(frame[slot], keys, places)

    return run


def _path2(slot: int, keys: tuple[str, ...], places: tuple[Place, ...]) -> Run:
    a, b = keys

    def run(frame: Frame) -> Any:
        try:
            return frame[slot][a][b]
        except (KeyError, TypeError):
            return walk(frame[slot], keys, places)

    return run


def _path3(slot: int, keys: tuple[str, ...], places: tuple[Place, ...]) -> Run:
    a, b, c = keys

    def run(frame: Frame) -> Any:
        try:
            return frame[slot][a][b][c]
        except (KeyError, TypeError):
            return walk(frame[slot], keys, places)

    return run


def _path4(slot: int, keys: tuple[str, ...], places: tuple[Place, ...]) -> Run:
    a, b, c, d = keys

    def run(frame: Frame) -> Any:
        try:
            return frame[slot][a][b][c][d]
        except (KeyError, TypeError):
            return walk(frame[slot], keys, places)

    return run


_WRITTEN_OUT: dict[int, Callable[[int, tuple[str, ...], tuple[Place, ...]], Run]] = {1: _path1, 2: _path2, 3: _path3, 4: _path4}


def has_key(operand: Run, key: str, at: Place) -> Run:
    """A closure for ``has(operand.key)``; the operand itself must be there."""

    def run(frame: Frame) -> bool:
        value = operand(frame)
        kind = type(value)
        if kind is dict:
            return key in value
        if kind is Table:
            return find_key(value, key) is not ABSENT
        if kind is Maybe:
            return select_optionally(value, key, at).present
        raise EvaluationFailed(f"has() asks for {key!r} in a value of type {type_name(value)}", line=at[0], column=at[1])

    return run


def field(operand: Run, key: str, at: Place) -> Run:
    """A closure for ``operand.key``."""

    def run(frame: Frame) -> Any:
        value = operand(frame)
        if type(value) is dict and key in value:
            return value[key]
        return select(value, key, at)

    return run


def optional_field(operand: Run, key: str, at: Place) -> Run:
    """A closure for ``operand.?key``."""
    return lambda frame: select_optionally(operand(frame), key, at)


def alternative(operand: Run, other: Run, at: Place, *, unwrapped: bool) -> Run:
    """A closure for ``operand.or(other)`` and, ``unwrapped``, for ``operand.orValue(other)``."""
    name = "orValue" if unwrapped else "or"

    def run(frame: Frame) -> Any:
        value = operand(frame)
        if type(value) is not Maybe:
            raise EvaluationFailed(f"{name} takes an optional, not {type_name(value)}", line=at[0], column=at[1])
        if value.present:
            return value.value if unwrapped else value
        found = other(frame)
        if not unwrapped and type(found) is not Maybe:
            raise EvaluationFailed(f"or takes another optional, not {type_name(found)}", line=at[0], column=at[1])
        return found

    return run


def item(operand: Run, key: Run, at: Place, *, optional: bool) -> Run:
    """A closure for ``operand[key]`` and ``operand[?key]``."""

    def run(frame: Frame) -> Any:
        value, wanted = operand(frame), key(frame)
        if optional or type(value) is Maybe:
            return select_optionally(value, wanted, at)
        try:
            return look_up(value, wanted)
        except EvaluationFailed as error:
            raise placed(error, at) from None

    return run
