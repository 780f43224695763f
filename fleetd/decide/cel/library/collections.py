"""The extensions for lists, sets, and the list functions of Kubernetes."""

from __future__ import annotations

from functools import cmp_to_key
from itertools import pairwise
from typing import Any

from fleetd.decide.cel.library.function import Function, Functions, fixed, refuse, want
from fleetd.decide.cel.operators import calculate
from fleetd.decide.cel.values import ABSENT, Duration, Maybe, NoOverload, compare, freeze
from fleetd.domain.errors import OverBudget

_LONGEST_RANGE = 10_000


def _contains(values: Any, part: Any) -> bool:
    want(list, values, part)
    return set(map(freeze, part)) <= set(map(freeze, values))


def _equivalent(left: Any, right: Any) -> bool:
    want(list, left, right)
    return set(map(freeze, left)) == set(map(freeze, right))


def _intersects(left: Any, right: Any) -> bool:
    want(list, left, right)
    return not set(map(freeze, left)).isdisjoint(map(freeze, right))


def _distinct(values: Any) -> list[Any]:
    want(list, values)
    found: dict[Any, Any] = {}
    for value in values:
        found.setdefault(freeze(value), value)
    return list(found.values())


def _flatten(values: Any, depth: Any = 1) -> list[Any]:
    want(list, values)
    want(int, depth)
    if depth < 0:
        raise refuse("flatten takes a level that is not negative")
    while depth > 0 and any(type(value) is list for value in values):
        values = [item for value in values for item in (value if type(value) is list else (value,))]
        depth -= 1
    return list(values)


def _range(count: Any) -> list[int]:
    want(int, count)
    if count > _LONGEST_RANGE:
        raise OverBudget(f"a range has at most {_LONGEST_RANGE} numbers")
    return list(range(count))


def _slice(values: Any, start: Any, end: Any) -> list[Any]:
    want(list, values)
    want(int, start, end)
    if 0 <= start <= end <= len(values):
        return list(values[start:end])
    raise refuse(f"the range {start} to {end} does not lie in a list of {len(values)} items")


def _order(left: Any, right: Any) -> int:
    if type(left) is not type(right):
        raise refuse("only values of one type can be sorted")
    return compare(left, right) or 0


def _sort(values: Any) -> list[Any]:
    want(list, values)
    if len(values) == 1:
        _order(values[0], values[0])
    return sorted(values, key=cmp_to_key(_order))


def sort_by(values: list[Any], keys: list[Any]) -> list[Any]:
    """The values in the order of their keys.

    Raises:
        EvaluationFailed: keys of different types, or without an order.
    """
    if len(keys) == 1:
        _order(keys[0], keys[0])
    positions = sorted(range(len(values)), key=lambda position: cmp_to_key(_order)(keys[position]))
    return [values[position] for position in positions]


def _is_sorted(values: Any) -> bool:
    want(list, values)
    return all((compare(left, right) or 0) <= 0 for left, right in pairwise(values))


def _sum(values: Any) -> Any:
    want(list, values)
    if not values:
        return 0
    total, *others = values
    if type(total) is str or type(total) is list or type(total) is bytes:
        raise NoOverload("")
    for value in others:
        total = calculate("+", total, value)
    return total if type(total) is Duration else calculate("+", total, type(total)(0))


def _extreme(values: Any, wanted: int) -> Any:
    want(list, values)
    if not values:
        raise refuse("an empty list has no greatest and no least item")
    best, *others = values
    for value in others:
        if compare(value, best) == wanted:
            best = value
    return best


def _first(values: Any) -> Maybe:
    want(list, values)
    return Maybe(values[0] if values else ABSENT)


def _last(values: Any) -> Maybe:
    want(list, values)
    return Maybe(values[-1] if values else ABSENT)


GLOBAL: Functions = {
    "lists.range": fixed(_range, 1, reads_all=True),
    "sets.contains": fixed(_contains, 2, reads_all=True),
    "sets.equivalent": fixed(_equivalent, 2, reads_all=True),
    "sets.intersects": fixed(_intersects, 2, reads_all=True),
}
MEMBER: Functions = {
    "distinct": fixed(_distinct, 1, reads_all=True),
    "flatten": Function(_flatten, 1, 2, reads_all=True),
    "slice": fixed(_slice, 3, reads_all=True),
    "sort": fixed(_sort, 1, reads_all=True),
    "first": fixed(_first, 1),
    "last": fixed(_last, 1),
    "isSorted": fixed(_is_sorted, 1, reads_all=True),
    "sum": fixed(_sum, 1, reads_all=True),
    "min": fixed(lambda values: _extreme(values, -1), 1, reads_all=True),
    "max": fixed(lambda values: _extreme(values, 1), 1, reads_all=True),
}
