"""The macros over lists and maps. A loop is charged for all its items before it begins."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from fleetd.decide.cel.frame import Frame, Place, Run, charge, placed
from fleetd.decide.cel.library.collections import sort_by
from fleetd.decide.cel.logic import no_boolean
from fleetd.decide.cel.values import Maybe, NoOverload, Table, make_map, type_name
from fleetd.domain.errors import EvaluationFailed

UNSET: Final = object()
"""What stands in the slot of a bound name before its first use."""


@dataclass(frozen=True, slots=True)
class LoopParts:
    """A macro's compiled parts; ``steps`` is what one item costs, ``slots`` one or two."""

    macro: str
    over: Run
    slots: tuple[int, ...]
    body: Run
    condition: Run | None
    steps: int
    at: Place


def loop(parts: LoopParts) -> Run:
    """A closure for a macro."""
    return _BUILDERS[parts.macro](parts)


def _items(parts: LoopParts, frame: Frame) -> Any:
    """The items of a list or the keys of a map, charged for; for two variables, pairs."""
    over = parts.over(frame)
    kind = type(over)
    if kind is not list and kind is not dict and kind is not Table:
        raise EvaluationFailed(f"{parts.macro} goes over a list or a map, not {type_name(over)}", line=parts.at[0], column=parts.at[1])
    charge(frame, len(over) * parts.steps)
    if len(parts.slots) == 1:
        return iter(over)
    if kind is list:
        return enumerate(over)
    return iter(over.entries.values() if kind is Table else over.items())


def _bind(parts: LoopParts) -> Callable[[Frame, Any], None]:
    if len(parts.slots) == 1:
        return lambda frame, item: frame.__setitem__(parts.slots[0], item)
    first, second = parts.slots

    def both(frame: Frame, item: Any) -> None:
        frame[first], frame[second] = item

    return both


def _quantifier(parts: LoopParts) -> Run:
    """``exists`` is decided by one true, ``all`` by one false; an error is forgiven when something decides."""
    decisive = parts.macro == "exists"
    body, bind, single = parts.body, _bind(parts), parts.slots[0] if len(parts.slots) == 1 else 0

    def run(frame: Frame) -> Any:
        failure: EvaluationFailed | None = None
        for item in _items(parts, frame):
            if single:
                frame[single] = item
            else:
                bind(frame, item)
            try:
                value = body(frame)
            except EvaluationFailed as error:
                failure = failure or error
                continue
            if value is decisive:
                return decisive
            if type(value) is not bool:
                failure = failure or no_boolean(value, parts.macro, parts.at)
        if failure is not None:
            raise failure
        return not decisive

    return run


def _asked(value: Any, parts: LoopParts) -> bool:
    if type(value) is bool:
        return value
    raise no_boolean(value, parts.macro, parts.at)


def _exactly_one(parts: LoopParts) -> Run:
    bind = _bind(parts)

    def run(frame: Frame) -> bool:
        count = 0
        for item in _items(parts, frame):
            bind(frame, item)
            count += _asked(parts.body(frame), parts)
        return count == 1

    return run


def _filter(parts: LoopParts) -> Run:
    slot = parts.slots[0]

    def run(frame: Frame) -> list[Any]:
        kept = []
        for item in _items(parts, frame):
            frame[slot] = item
            if _asked(parts.body(frame), parts):
                kept.append(item)
        return kept

    return run


def _chosen(parts: LoopParts, frame: Frame) -> Iterable[None]:
    """Binds one item after another and stops at those that the condition lets through."""
    bind, condition = _bind(parts), parts.condition
    for item in _items(parts, frame):
        bind(frame, item)
        if condition is None or _asked(condition(frame), parts):
            yield


def _map(parts: LoopParts) -> Run:
    return lambda frame: [parts.body(frame) for _ in _chosen(parts, frame)]


def _sorted(parts: LoopParts) -> Run:
    slot = parts.slots[0]

    def run(frame: Frame) -> list[Any]:
        keys, values = [], []
        for item in _items(parts, frame):
            frame[slot] = item
            values.append(item)
            keys.append(parts.body(frame))
        try:
            return sort_by(values, keys)
        except NoOverload:
            raise EvaluationFailed("sortBy takes keys that have an order", line=parts.at[0], column=parts.at[1]) from None
        except EvaluationFailed as error:
            raise placed(error, parts.at) from None

    return run


def _transform_map(parts: LoopParts) -> Run:
    key = parts.slots[0]
    return lambda frame: _made([(frame[key], parts.body(frame)) for _ in _chosen(parts, frame)], parts)


def _transform_entries(parts: LoopParts) -> Run:
    def run(frame: Frame) -> Any:
        pairs: list[tuple[Any, Any]] = []
        for _ in _chosen(parts, frame):
            entry = parts.body(frame)
            if isinstance(entry, dict):
                pairs += entry.items()
            elif isinstance(entry, Table):
                pairs += entry.entries.values()
            else:
                raise EvaluationFailed("transformMapEntry takes maps of entries", line=parts.at[0], column=parts.at[1])
        return _made(pairs, parts)

    return run


def _made(pairs: list[tuple[Any, Any]], parts: LoopParts) -> Any:
    try:
        return make_map(pairs)
    except EvaluationFailed as error:
        raise placed(error, parts.at) from None


def _optional_map(parts: LoopParts) -> Run:
    flat, slot = parts.macro == "optFlatMap", parts.slots[0]

    def run(frame: Frame) -> Maybe:
        over = parts.over(frame)
        if type(over) is not Maybe:
            raise EvaluationFailed(f"{parts.macro} takes an optional, not {type_name(over)}", line=parts.at[0], column=parts.at[1])
        if not over.present:
            return over
        frame[slot] = over.value
        value = parts.body(frame)
        if not flat:
            return Maybe(value)
        if type(value) is Maybe:
            return value
        raise EvaluationFailed("optFlatMap takes an expression that yields an optional", line=parts.at[0], column=parts.at[1])

    return run


_BUILDERS: Final[dict[str, Callable[[LoopParts], Run]]] = {
    "all": _quantifier,
    "exists": _quantifier,
    "exists_one": _exactly_one,
    "filter": _filter,
    "map": _map,
    "sortBy": _sorted,
    "transformList": _map,
    "transformMap": _transform_map,
    "transformMapEntry": _transform_entries,
    "optMap": _optional_map,
    "optFlatMap": _optional_map,
}


def bound(slot: int, body: Run) -> Run:
    """A closure for ``cel.bind``: the value is evaluated at its first use, and once."""

    def run(frame: Frame) -> Any:
        frame[slot] = UNSET
        return body(frame)

    return run


def bound_name(slot: int, value: Run) -> Run:
    """A closure for the use of a name that ``cel.bind`` introduces."""

    def run(frame: Frame) -> Any:
        found = frame[slot]
        if found is UNSET:
            found = frame[slot] = value(frame)
        return found

    return run
